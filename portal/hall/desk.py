"""Every case is submitted, decided and withdrawn here. Each step is one transaction, and doing it
twice changes nothing."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.lookups import TooManyLookups
from portal.accounts.models import User
from portal.columns import broken_constraint
from portal.hall import community, keeping, lifecycle, permissions, telling, told
from portal.hall.catalogue import service as service_of
from portal.hall.models import (
    AmendmentStatus,
    Attachment,
    Case,
    Conclusion,
    Overruling,
    OverrulingStatus,
    WindowCheck,
)
from portal.hall.numbers import case_number
from portal.hall.routing import OPEN, ROUTES, Status, Verdict
from portal.hall.service import Applicant, Ask, Audience, Bar, Finding, Mismatch, Service, ServiceForm
from portal.hall.ways import Way
from portal.hall.working_days import overrides_of
from portal.people import papers as identity_papers
from portal.people.locks import lock_subject
from portal.people.models import Person
from portal.policy.book import Offer, Paper, book
from portal.policy.workdays import add_workdays
from portal.shared.keys import KeyReused
from portal.shared.months import today_in_china


class NotAccepted(Exception):
    """The application cannot be taken as it is; ``findings`` say why, beside which field."""

    def __init__(self, findings: Sequence[Finding], form: ServiceForm | None = None) -> None:
        super().__init__("; ".join(finding.why for finding in findings))
        self.findings, self.form = list(findings), form


class NotAllowed(Exception):
    """This account may not do that with this case; the message says why."""


def form_for(
    *,
    offer: Offer,
    applicant: Applicant,
    typed: Any = None,
    files: Any = None,
    known: Mapping[str, Any] | None = None,
    gated: bool = True,
    now: datetime,
    initial: Mapping[str, Any] | None = None,
) -> ServiceForm:
    """The offer's form for this applicant: unbound, or bound to what was typed."""
    kind = service_of(offer.code).form
    return kind(
        typed,
        files,
        offer=offer,
        applicant=applicant,
        known=known,
        gated=gated,
        now=now,
        initial=dict(initial or {}),
    )


def ask_for(*, offer: Offer, applicant: Applicant, typed: Any, now: datetime) -> Ask:
    """The application that was typed; its gate has been passed already. NotAccepted where the form
    or the city refuses it."""
    service = service_of(offer.code)
    if elsewhere := permissions.why_not_in(applicant, offer.city, service):
        raise NotAccepted([Bar("", elsewhere)])
    form = form_for(
        offer=offer,
        applicant=applicant,
        typed=typed,
        known=known_of(service, offer, applicant, typed, now),
        gated=False,
        now=now,
    )
    if not form.is_valid():
        findings = [
            Bar("" if name == "__all__" else name, str(error))
            for name, errors in form.errors.items()
            for error in errors
        ]
        raise NotAccepted(findings, form)
    return Ask(offer=offer, applicant=applicant, answers=form.answers(), filed_at=now)


def known_of(
    service: Service, offer: Offer, applicant: Applicant, typed: Any, now: datetime
) -> dict[str, Any]:
    """What the register knows for the number that was typed into the form's search field.

    NotAccepted where this login has looked up as many people as an hour allows.
    """
    sought = service.sought(typed or {}, now=now) if service.searches else ""
    if not sought:
        return {}
    try:
        return service.known(offer=offer, applicant=applicant, sought=sought, now=now)
    except TooManyLookups as error:
        why = _("您在一小时内查询的人员过多，为保护个人信息已暂停查询，请稍后再试或拨打 12333。")
        raise NotAccepted([Bar(service.searches, why)]) from error


def beforehand(*, offer: Offer, applicant: Applicant, now: datetime) -> list[Bar]:
    """The bars that hold whatever this applicant would answer; empty where the form can be filled
    in. Writes nothing.

    Where the form has no field for this applicant, the rule judges empty answers.
    """
    ask = Ask(offer=offer, applicant=applicant, answers={}, filed_at=now)
    service = service_of(offer.code)
    if unqualified := community.bar(applicant, offer, service, now):
        return [unqualified]
    undecided = _standing(ask) if service.door == Audience.PERSON else None
    if undecided is not None:
        way = Way(undecided.number, undecided.number, reverse("case", args=[undecided.number]))
        return [
            Bar(
                "",
                _(
                    "您已有一份同样的办件正在办理（{number}），请等它办结；需要更正的，可以撤回后重新申报。"
                ).format(number=undecided.number),
                (way,),
            )
        ]
    bars = list(service.beforehand(ask))
    if bars or form_for(offer=offer, applicant=applicant, now=now).fields:
        return bars
    return [finding for finding in look(ask).findings if isinstance(finding, Bar)]


def _standing(ask: Ask) -> Case | None:
    """The undecided case about the same person that would keep this one from being taken."""
    return Case.objects.filter(
        city=ask.offer.city,
        service=ask.offer.code,
        applicant_employer=None,
        subject_identity_number=ask.person.identity_number,
        status__in=[str(status) for status in OPEN],
    ).first()


@dataclass(frozen=True)
class Look:
    """What an application comes to as things stand: what the registers outside answered, the facts
    and what the rule finds in them."""

    ask: Ask
    outside: Any
    facts: Any
    findings: list[Finding]

    @property
    def service(self) -> Service:
        return service_of(self.ask.offer.code)

    @property
    def verdict(self) -> Verdict:
        if any(isinstance(finding, Bar) for finding in self.findings):
            return Verdict.BARRED
        return Verdict.MISMATCH if self.findings else Verdict.CLEAR

    @property
    def mismatches(self) -> list[Mismatch]:
        return [finding for finding in self.findings if isinstance(finding, Mismatch)]

    @property
    def route(self) -> Status | None:
        """Where the application goes in the offer's mode; None where it is not taken."""
        return ROUTES.get((self.ask.offer.mode, self.verdict))

    @property
    def stopping(self) -> list[Finding]:
        """The findings that keep the application from being taken."""
        if self.route is not None:
            return []
        bars: list[Finding] = [finding for finding in self.findings if isinstance(finding, Bar)]
        return bars or self.findings

    @cached_property
    def papers(self) -> list[Paper]:
        """To upload, or to bring."""
        return self.service.papers(self.ask, self.facts)

    @cached_property
    def summary(self) -> list[tuple[str, str]]:
        """(label, value) of what is asked for, as it is checked before sending."""
        return self.service.summary(self.ask, self.facts)


_NOT_ASKED: Any = object()


def look(ask: Ask, outside: Any = _NOT_ASKED) -> Look:
    """Reads the facts of an application and applies the rule; writes nothing.

    ``outside`` is what the registers outside have answered already; they are asked where it is left
    out, which must not happen in a transaction.
    """
    service = service_of(ask.offer.code)
    if outside is _NOT_ASKED:
        outside = service.outside(ask)
    facts = service.facts(ask, outside)
    return Look(ask, outside, facts, _findings(service, ask, facts))


def _findings(service: Service, ask: Ask, facts: Any) -> list[Finding]:
    """What bars the application or does not match: first what holds of every service, then what its
    own rule says."""
    elsewhere = permissions.why_not_in(ask.applicant, ask.offer.city, service)
    return [Bar("", elsewhere)] if elsewhere else list(service.rule(ask, facts))


def submit(
    *,
    ask: Ask,
    key: UUID,
    outside: Any = _NOT_ASKED,
    attachments: Sequence[Attachment] = (),
    now: datetime,
) -> Case:
    """Takes an application: checks it, makes the case and, where its mode allows, the effect, in
    one transaction.

    The same ``key`` with the same answers gives the same case again, however often and however
    concurrently it is sent; KeyReused with other answers. ``outside`` is as of ``look``; facts and
    rule are always read again, under the subject's lock. NotAccepted where the rule or the database
    bars it; then nothing was written.
    """
    service = service_of(ask.offer.code)
    if not permissions.may_file_for(ask.applicant, service, now):
        if ask.applicant.ward and service.for_wards:
            raise NotAllowed(permissions.why_not_for(ask.applicant.ward, city=ask.offer.city, now=now))
        raise NotAllowed(_("这个事项请由{audience}登录后办理。").format(audience=service.door))
    digest = digest_of(ask)
    earlier = earlier_case(key, digest, ask)
    if earlier:
        return earlier
    if outside is _NOT_ASKED:
        outside = service.outside(ask)
    try:
        with transaction.atomic():
            return _take(service, ask, outside, key=key, digest=digest, attachments=attachments, now=now)
    except (IntegrityError, NotAccepted) as error:
        # The same application may have been taken meanwhile; then that case caused the conflict.
        earlier = earlier_case(key, digest, ask)
        if earlier:
            return earlier
        if isinstance(error, NotAccepted):
            raise
        raise NotAccepted([conflict(service, error)]) from error


def decide(
    case: Case,
    *,
    approve: bool,
    by: User,
    now: datetime,
    reason: str = "",
    overrule: bool = False,
    window: WindowCheck | None = None,
) -> Case:
    """Approves (or confirms at the counter) or refuses an open case, by staff who neither filed it
    nor are its subject.

    Approval reads the facts again and applies the rule again: a bar always stops it, a mismatch
    unless ``overrule`` is given and another reviewer has proposed just that
    (``propose_overruling``); then the grounds are that reviewer's. So does a service that asks for
    two stop it at the window. ``window`` is what was found there, written with the decision.
    NotAllowed, NotAccepted, or lifecycle.AlreadyMoved where it was decided or withdrawn meanwhile.
    """
    service = service_of(case.service)
    ask = ask_of(case)
    outside = service.outside(ask) if approve else None
    try:
        with transaction.atomic():
            # The subject before the case's row: a correction of the subject locks in this order.
            lock_subject(case.subject_identity_number)
            case = to_decide(case, by)
            if not approve:
                if not reason.strip():
                    raise NotAccepted([Bar("reason", _("请写明不予通过的理由，申请人会看到。"))])
                _keep(window, _also_told(case, ask, now))
                lifecycle.move(
                    case,
                    Status.REFUSED,
                    by=by,
                    now=now,
                    note=reason,
                    reason=reason,
                    decided_by=by,
                    decided_at=now,
                )
                return case
            ensure_unchanged(case, ask)
            seen = look(ask, outside)
            if seen.verdict == Verdict.BARRED or (seen.verdict == Verdict.MISMATCH and not overrule):
                raise NotAccepted(seen.findings)
            if seen.verdict == Verdict.MISMATCH or asks_two(case):
                reason = _confirmed(case, seen.findings, by=by, now=now)
            if service.answered and not reason.strip():
                raise NotAccepted([Bar("reason", _("请写明答复，申请人会看到。"))])
            _keep(window)
            at_window = case.status == Status.PRE_APPLIED
            _finish(service, case, ask, seen.facts, by=by, now=now, note=reason, decided_by=by)
            if at_window:
                told.accepted(case, now=now)
            return case
    except IntegrityError as error:
        raise NotAccepted([conflict(service, error)]) from error


def asks_two(case: Case) -> bool:
    """Whether a second reviewer has to confirm what the first accepts at the window, whatever the
    register says."""
    return case.status == Status.PRE_APPLIED and service_of(case.service).by_two


def propose_overruling(
    case: Case, *, reason: str, by: User, now: datetime, window: WindowCheck | None = None
) -> Overruling:
    """Proposes to do an open case although the register says otherwise, or where two are asked for,
    on these grounds; another reviewer confirms (``decide``) or declines. A second call by the same
    reviewer gives the proposal that waits. ``window`` as for ``decide``.

    NotAllowed; NotAccepted where a bar stops it, nothing is to be overruled, or another's proposal
    waits; AlreadyMoved.
    """
    ask = ask_of(case)
    outside = service_of(case.service).outside(ask)
    if not reason.strip():
        raise NotAccepted([Bar("reason", _("与登记不一致而仍予办理，请写明依据。"))])
    with transaction.atomic():
        lock_subject(case.subject_identity_number)
        case = to_decide(case, by)
        ensure_unchanged(case, ask)
        seen = look(ask, outside)
        if seen.verdict == Verdict.BARRED:
            raise NotAccepted(seen.findings)
        if seen.verdict == Verdict.CLEAR and not asks_two(case):
            raise NotAccepted([Bar("", _("现在与登记一致，可以直接通过。"))])
        proposal = standing_overruling(case)
        if proposal is not None:
            if proposal.proposed_by_id == by.pk:
                return proposal
            raise NotAccepted([Bar("", _("另一名审核人员已经提出，请刷新页面后确认。"))])
        _keep(window)
        if window is not None:
            told.received(case, window, _also_told(case, ask, now))
        return Overruling.objects.create(
            case=case, mismatches=whys(seen.findings), reason=reason.strip(), proposed_at=now, proposed_by=by
        )


def decline_overruling(overruling: Overruling, *, why: str, by: User, now: datetime) -> Overruling:
    """Ends a proposal without doing the case: another reviewer declines it, or its proposer takes
    it back. A second call changes nothing.

    NotAllowed; NotAccepted without a reason; AlreadyMoved where it was confirmed.
    """
    if not why.strip():
        raise NotAccepted([Bar("why", _("请写明不同意的原因。"))])
    with transaction.atomic():
        to_decide(overruling.case, by)
        current = Overruling.objects.select_for_update(no_key=True).get(pk=overruling.pk)
        if current.status == OverrulingStatus.DECLINED and current.ended_by_id == by.pk:
            return current
        if current.status != OverrulingStatus.PROPOSED:
            raise lifecycle.AlreadyMoved
        current.status, current.why = OverrulingStatus.DECLINED, why.strip()[:200]
        current.ended_at, current.ended_by = now, by
        current.save(update_fields=["status", "why", "ended_at", "ended_by"])
        return current


def standing_overruling(case: Case) -> Overruling | None:
    """The proposal that waits for a second reviewer."""
    proposals = case.overrulings.filter(status=OverrulingStatus.PROPOSED)
    return proposals.select_related("proposed_by").first()


def _confirmed(case: Case, findings: Sequence[Finding], *, by: User, now: datetime) -> str:
    """The grounds of the standing proposal, which ``by`` confirms."""
    proposal = standing_overruling(case)
    if proposal is None:
        why = (
            _("与登记不一致，须先由一名审核人员写明依据提出，再由另一名确认。")
            if findings
            else _("涉及费用或年限，须先由一名审核人员核对材料后提出，再由另一名确认。")
        )
        raise NotAccepted([Bar("", why)])
    if proposal.proposed_by_id == by.pk:
        raise NotAllowed(
            _("与登记不一致仍予办理，须由另一名审核人员确认。")
            if findings
            else _("涉及费用或年限，须由另一名审核人员确认。")
        )
    if proposal.mismatches != whys(findings):
        raise NotAccepted([Bar("", _("不一致之处与提出时不同，请不同意后重新提出。")), *findings])
    Overruling.objects.filter(pk=proposal.pk).update(
        status=OverrulingStatus.CONFIRMED, ended_at=now, ended_by=by
    )
    return proposal.reason


def whys(findings: Sequence[Finding]) -> list[str]:
    """The reasons of the findings, sorted: an overruling holds for exactly these."""
    return sorted(str(one.why) for one in findings)


def note_missing(window: WindowCheck) -> WindowCheck:
    """Writes down what was missing at the window, and tells the applicant; the case stays as it is.

    The same with the same key, sent again, gives what was written first. NotAllowed, NotAccepted
    where a proposal waits for a second reviewer, AlreadyMoved.
    """
    with transaction.atomic():
        lock_subject(window.case.subject_identity_number)
        case = to_decide(window.case, window.by)
        if case.status != Status.PRE_APPLIED:
            raise lifecycle.AlreadyMoved
        earlier = WindowCheck.objects.filter(key=window.key).first()
        if earlier is not None:
            if (earlier.case_id, earlier.by_id, earlier.words) == (case.pk, window.by.pk, window.words):
                return earlier
            # The page was sent before, with something else in it.
            window.key = uuid4()
        if standing_overruling(case) is not None:
            raise NotAccepted([Bar("", _("这份办件正在等待另一名审核人员确认，请先撤回或不同意。"))])
        window.save(force_insert=True)
        told.missing(case, window, _also_told(case, ask_of(case), window.at))
        return window


def _keep(window: WindowCheck | None, also: Sequence[Person] = ()) -> None:
    """Writes what was found at the window, where it was there, and tells the applicant, and
    ``also`` these, where it was declined."""
    if window is not None:
        window.save(force_insert=True)
        if window.conclusion == Conclusion.DECLINED:
            told.declined(window, also)


def _also_told(case: Case, ask: Ask, now: datetime) -> list[Person]:
    """Who besides whoever filed hears of a visit to the window: where it is about a ward, their
    other guardian, and the ward who is old enough."""
    ward = service_of(case.service).ward(ask)
    return telling.to_tell(ward, by=case.filed_by, now=now) if ward else []


def to_decide(case: Case, by: User) -> Case:
    """The case, held until the transaction ends. NotAllowed where this login may not decide it,
    AlreadyMoved where it is done or waits for its applicant."""
    locked = (
        Case.objects.select_for_update(of=("self",))
        .select_related("filed_by", "applicant_person", "applicant_employer")
        .get(pk=case.pk)
    )
    if why_not := permissions.why_not_decide(by, locked):
        raise NotAllowed(why_not)
    if not locked.is_open or locked.status == Status.RETURNED:
        raise lifecycle.AlreadyMoved
    return locked


def withdraw(case: Case, *, by: User, now: datetime) -> Case:
    """Voids an open case at the applicant's wish; a second call changes nothing.

    NotAllowed for anyone but the applicant, whatever its state; AlreadyMoved where it was decided
    meanwhile.
    """
    with transaction.atomic():
        case = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
        if not permissions.is_applicant(by, case):
            raise NotAllowed(_("只有提交这份办件的申请人可以撤回。"))
        if case.status == Status.VOIDED:
            return case
        if not case.is_open:
            raise lifecycle.AlreadyMoved
        case.amendments.filter(status=AmendmentStatus.ASKED).update(
            status=AmendmentStatus.ENDED, ended_at=now, ended_by=by
        )
        lifecycle.move(case, Status.VOIDED, by=by, now=now, note=_("申请人撤回，办件作废"), decided_at=now)
        return case


def ensure_unchanged(case: Case, ask: Ask) -> None:
    """Raises NotAccepted where the person or the answers were corrected since the case was read."""
    current, filed = case.applicant_person, ask.applicant.person
    corrected = (
        current is not None
        and filed is not None
        and identity_papers.of_person(current) != identity_papers.of_person(filed)
    )
    if corrected or case.answers != ask.answers:
        raise NotAccepted([Bar("", _("这份办件的内容刚刚更正，请刷新页面，核对后再办理。"))])


def ask_of(case: Case) -> Ask:
    """The application as it was filed."""
    applicant = Applicant(user=case.filed_by, person=case.applicant_person, employer=case.applicant_employer)
    return Ask(offer=case.offer, applicant=applicant, answers=case.answers, filed_at=case.submitted_at)


def promised_on(offer: Offer, start: date) -> date | None:
    """The day by which the offer promises to be done; counted in working days, staff's overrides
    included."""
    if not offer.days:
        return None
    return add_workdays(start, offer.days, overrides_of(offer.city, since=start))


def _take(
    service: Service,
    ask: Ask,
    outside: Any,
    *,
    key: UUID,
    digest: str,
    attachments: Sequence[Attachment],
    now: datetime,
) -> Case:
    number = service.subject(ask)
    lock_subject(number)
    if unqualified := community.bar(ask.applicant, ask.offer, service, now):
        raise NotAccepted([unqualified])
    seen = look(ask, outside)
    facts, route = seen.facts, seen.route
    if route is None:
        raise NotAccepted(seen.findings)
    brought = {attachment.paper for attachment in attachments}
    missing = [
        p for p in seen.papers if p.upload and (p.required or p.required_when) and p.code not in brought
    ]
    if missing:
        raise NotAccepted(
            [Bar(f"paper-{paper.code}", _("请上传{title}。").format(title=paper.title)) for paper in missing]
        )
    city = book().city(ask.offer.city)
    case = Case.objects.create(
        number=case_number(city, now),
        city=city.slug,
        service=service.code,
        mode=ask.offer.mode,
        filed_by=ask.applicant.user,
        applicant_person=ask.applicant.person,
        applicant_employer=ask.applicant.employer,
        subject=Person.objects.filter(identity_number=number).first() if number else None,
        subject_identity_number=number,
        answers=dict(ask.answers),
        facts=facts_of(seen),
        mismatches=mismatches_of(seen),
        key=key,
        digest=digest,
        submitted_at=now,
        due_on=None if route == Status.DONE else promised_on(ask.offer, today_in_china(now)),
        keep_until=keeping.until(ask.offer, today_in_china(now))
        if route == Status.PRE_APPLIED and service.lapses
        else None,
    )
    lifecycle.begin(case, by=ask.applicant.user, now=now)
    handed_in = Attachment.objects.filter(pk__in=[one.pk for one in attachments], draft__isnull=False)
    if handed_in.update(draft=None, case=case) != len(attachments):
        raise NotAccepted([Bar("", _("材料刚刚在另一个页面被更换，请核对后重新提交。"))])
    service.taken(case, ask, facts)
    community.tell(case, now=now)
    if route == Status.DONE:
        _finish(service, case, ask, facts, by=ask.applicant.user, now=now)
    else:
        lifecycle.move(case, route, by=ask.applicant.user, now=now)
        if ward := service.ward(ask):
            telling.tell(
                telling.to_tell(ward, by=case.filed_by, now=now), case, ward=ward, done=False, now=now
            )
    return case


def _finish(
    service: Service,
    case: Case,
    ask: Ask,
    facts: Any,
    *,
    by: User,
    now: datetime,
    note: str = "",
    decided_by: User | None = None,
) -> None:
    # Whose guardianship the effect ends is told, too.
    ward = service.ward(ask)
    people = telling.to_tell(ward, by=case.filed_by, now=now) if ward else []
    outcome = service.effect(case, ask, facts, by=by, now=now)
    if ward is None and (ward := service.ward(ask)):
        # The effect has opened the ward's file.
        people = telling.to_tell(ward, by=case.filed_by, now=now)
    if ward:
        telling.tell(people, case, ward=ward, done=True, now=now)
    status = service.stands(outcome)
    changes: dict[str, Any] = {
        "outcome": outcome,
        "decided_at": now if status == Status.DONE else None,
        "decided_by": decided_by,
        "reason": note,
    }
    if case.subject is None and case.subject_identity_number:
        changes["subject"] = Person.objects.filter(identity_number=case.subject_identity_number).first()
    lifecycle.move(case, status, by=by, now=now, note=note, **changes)


def earlier_case(key: UUID, digest: str, ask: Ask) -> Case | None:
    case = Case.objects.filter(key=key).first()
    if case and (case.digest != digest or case.filed_by_id != ask.applicant.user.pk):
        raise KeyReused
    return case


def digest_of(ask: Ask) -> str:
    """SHA-256 (hex) of the offer, the answers and the ward: it tells one application from
    another."""
    content: dict[str, Any] = {
        "city": ask.offer.city,
        "service": ask.offer.code,
        "answers": dict(ask.answers),
    }
    if ask.applicant.ward:
        content["ward"] = ask.applicant.ward.pk
    return hashlib.sha256(
        json.dumps(content, sort_keys=True, ensure_ascii=False, cls=DjangoJSONEncoder).encode()
    ).hexdigest()


def facts_of(seen: Look) -> dict[str, Any]:
    """What a case keeps of what was seen: the summary, the facts, the papers that it needs."""
    return {
        "summary": [[str(label), str(value)] for label, value in seen.summary],
        **_jsonable(seen.facts),
        "papers": [paper.code for paper in seen.papers],
    }


def mismatches_of(seen: Look) -> list[dict[str, str]]:
    """What did not match, as a case keeps it."""
    return [{"field": one.field, "why": str(one.why)} for one in seen.mismatches]


def _jsonable(facts: Any) -> dict[str, Any]:
    """The facts as data, where the service keeps them as a dataclass of plain values."""
    dump: Callable[[], dict[str, Any]] | None = getattr(facts, "frozen", None)
    return dump() if dump else asdict(facts) if is_dataclass(facts) and not isinstance(facts, type) else {}


def conflict(service: Service, error: IntegrityError) -> Bar:
    """The database's refusal in the applicant's words; an unknown constraint is a defect and is
    raised."""
    name = broken_constraint(error)
    refusals: dict[str, tuple[str, Any]] = {
        "one_open_case_per_applicant_and_subject": (
            "",
            _("已有一份同样的办件正在办理，请先在办件进度中查看；需要更正的，可撤回后重新申报。"),
        ),
        "an_employer_insures_where_it_is_registered": (
            "",
            _("单位只能在其参保登记的城市为职工参保。"),
        ),
        **service.conflicts,
    }
    if name not in refusals:
        raise error
    field, why = refusals[name]
    return Bar(field, str(why))
