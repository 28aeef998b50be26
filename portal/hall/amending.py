"""退回补正: a case goes back to its applicant for some answers or papers, keeps its number and day
of filing, and comes back to staff.

The promise stands still meanwhile. Each step is one transaction, and doing it twice changes
nothing.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.hall import attachments, desk, lifecycle, permissions, told
from portal.hall.catalogue import service as service_of
from portal.hall.models import Amendment, AmendmentStatus, Case
from portal.hall.routing import Status
from portal.hall.service import Ask, Bar, ServiceForm, typed_again, typed_into
from portal.hall.working_days import overrides_of
from portal.people.locks import lock_subject
from portal.policy.book import Paper, PolicyMissing, book
from portal.policy.terms.offers import AmendmentTerms, amendment_terms
from portal.policy.workdays import add_workdays, count_workdays
from portal.shared.months import today_in_china
from portal.watch.failures import Watch

# How many cases end in one transaction.
AT_ONCE = 500


@dataclass(frozen=True)
class Amendable:
    """What of a case can go back: labels of answers by the form's names, papers by their codes."""

    fields: Mapping[str, str]
    papers: Mapping[str, Paper]

    def __bool__(self) -> bool:
        return bool(self.fields or self.papers)


def amendable(case: Case) -> Amendable:
    """What can be sent back of this case; nothing where its city says no term for it, or where it
    does not wait for a review."""
    if case.status != Status.IN_REVIEW or _terms(case, case.submitted_at) is None:
        return Amendable({}, {})
    service, form = service_of(case.service), _form(case)
    fields = {
        name: str(field.label)
        for name, field in form.fields.items()
        # Another number would be a case about somebody else.
        if name != service.searches and name not in service.not_amended and not field.disabled
    }
    wanted = case.facts.get("papers", [])
    papers = {paper.code: paper for paper in case.offer.papers if paper.upload and paper.code in wanted}
    return Amendable(fields, papers)


def standing(case: Case) -> Amendment | None:
    """What the applicant has yet to answer."""
    return case.amendments.filter(status=AmendmentStatus.ASKED).select_related("asked_by").first()


def send_back(
    case: Case, *, fields: Mapping[str, str], papers: Mapping[str, str], by: User, now: dt.datetime
) -> Amendment:
    """Sends a case under review back to its applicant; ``fields`` and ``papers`` say why, by name
    and code. The applicant is told, with the last day.

    NotAllowed; NotAccepted where nothing is marked, something cannot be amended, or a second
    reviewer's confirmation is awaited; AlreadyMoved.
    """
    today = today_in_china(now)
    fields = {name: why.strip() for name, why in fields.items() if why.strip()}
    papers = {code: why.strip() for code, why in papers.items() if why.strip()}
    with transaction.atomic():
        lock_subject(case.subject_identity_number)
        case = desk.to_decide(case, by)
        may = amendable(case)
        terms = _terms(case, now)
        if not may or terms is None:
            raise desk.NotAccepted([Bar("", _("这类办件不能退回补正，可以写明理由不予通过。"))])
        if not fields and not papers:
            raise desk.NotAccepted([Bar("", _("请在需要补正的内容或材料旁写明原因，申请人会看到。"))])
        if set(fields) - set(may.fields) or set(papers) - set(may.papers):
            raise desk.NotAccepted([Bar("", _("其中有不能补正的内容，请刷新页面后重新选择。"))])
        if desk.standing_overruling(case) is not None:
            raise desk.NotAccepted([Bar("", _("这份办件正在等待另一名审核人员确认，请先撤回或不同意。"))])
        amendment = Amendment.objects.create(
            case=case,
            fields=fields,
            papers=papers,
            until=today + dt.timedelta(days=terms.days),
            days_left=_days_left(case, today),
            before=_kept(case),
            asked_at=now,
            asked_by=by,
        )
        lifecycle.move(case, Status.RETURNED, by=by, now=now, note=in_words(amendment), due_on=None)
        told.sent_back(case, amendment)
        return amendment


def form_of(amendment: Amendment, posted: MultiValueDict[str, str] | None = None) -> ServiceForm:
    """The service's form as it was filled in; with ``posted``, bound to it, the marked answers as
    they are sent now."""
    case = amendment.case
    typed = _typed(case)
    if posted is None:
        form = _form(case)
        form.initial.update(
            {
                name: field.widget.value_from_datadict(typed, MultiValueDict(), form.add_prefix(name))
                for name, field in form.fields.items()
            }
        )
        return form
    filed = typed_into(amendment.fields, typed)
    kept = {key: values for key, values in typed.lists() if key not in filed}
    return _form(case, MultiValueDict({**kept, **typed_into(amendment.fields, posted)}))


def answer(
    amendment: Amendment, *, answers: Mapping[str, Any], reply: str = "", by: User, now: dt.datetime
) -> Case:
    """The applicant's answer: ``answers`` by name, as the form gave them; only those that were
    marked count. Papers were uploaded to the amendment before. The rule is applied again, as of the
    day of filing; the promise goes on with the days that were left.

    NotAllowed for anyone but the applicant; NotAccepted where the rule bars it, a paper is missing,
    or nothing was changed and nothing said; AlreadyMoved where it was answered, taken back or ended
    meanwhile.
    """
    case, reply = amendment.case, reply.strip()[:200]
    merged = {**case.answers, **{name: answers[name] for name in amendment.fields if name in answers}}
    filed = desk.ask_of(case)
    ask = Ask(offer=filed.offer, applicant=filed.applicant, answers=merged, filed_at=filed.filed_at)
    service = service_of(case.service)
    outside = service.outside(ask)
    try:
        with transaction.atomic():
            lock_subject(case.subject_identity_number)
            case, amendment = _hold(amendment)
            if not permissions.is_applicant(by, case):
                raise desk.NotAllowed(_("只有提交这份办件的申请人可以补正。"))
            desk.ensure_unchanged(case, filed)
            if service.subject(ask) != case.subject_identity_number:
                raise desk.NotAccepted([Bar("", _("补正不能改为另一个人的办件，请撤回后重新申报。"))])
            brought = set(amendment.attachments.values_list("paper", flat=True))
            _ensure_answered(amendment, brought, changed=merged != case.answers, reply=reply)
            seen = desk.look(ask, outside)
            if seen.route != Status.IN_REVIEW:
                raise desk.NotAccepted(seen.stopping or seen.findings)
            case.attachments.filter(paper__in=brought, replaced_at=None).update(replaced_at=now)
            amendment.attachments.update(amendment=None, case=case)
            lifecycle.move(
                case,
                Status.IN_REVIEW,
                by=by,
                now=now,
                note=reply,
                answers=dict(merged),
                facts=desk.facts_of(seen),
                mismatches=desk.mismatches_of(seen),
                due_on=_promised(case, amendment, today_in_china(now)),
            )
            _end(amendment, AmendmentStatus.ANSWERED, by=by, now=now, after=_kept(case), reply=reply)
            return case
    except IntegrityError as error:
        raise desk.NotAccepted([desk.conflict(service, error)]) from error


def take_back(amendment: Amendment, *, by: User, now: dt.datetime) -> Case:
    """Staff review the case as it is after all; the applicant is told. What was uploaded meanwhile
    is dropped. NotAllowed; AlreadyMoved where it was answered or has ended."""
    with transaction.atomic():
        lock_subject(amendment.case.subject_identity_number)
        case, amendment = _hold(amendment)
        if why_not := permissions.why_not_decide(by, case):
            raise desk.NotAllowed(why_not)
        for paper in amendment.attachments.all():
            attachments.remove(paper)
        lifecycle.move(
            case,
            Status.IN_REVIEW,
            by=by,
            now=now,
            note=_("工作人员收回退回，继续审核"),
            due_on=_promised(case, amendment, today_in_china(now)),
        )
        _end(amendment, AmendmentStatus.TAKEN_BACK, by=by, now=now)
        told.taken_back(case, amendment, now=now)
        return case


def tell_ending(*, now: dt.datetime) -> None:
    """Tells applicants that have not answered that the last day is near: once for each of the
    city's warnings. Run twice, it says nothing new."""
    watch, today = Watch("tell_ending_amendments", now=now), today_in_china(now)
    for city in book().cities:
        with watch.item(city.title, city=city.slug):
            try:
                warnings = sorted(amendment_terms(book(), city=city.slug, on=today).warned_days)
            except PolicyMissing:
                continue
            waiting = _waiting(city.slug).filter(
                until__gte=today, until__lte=today + dt.timedelta(days=warnings[-1])
            )
            told.amendments_ending(
                {one: next(days for days in warnings if (one.until - today).days <= days) for one in waiting},
                now=now,
            )
    watch.finished()


def end_unanswered(*, by: User, now: dt.datetime) -> int:
    """Voids the cases whose applicants have not answered by the last day, and tells them; gives how
    many. Run twice, the second finds nothing."""
    watch, today, ended = Watch("end_unanswered_amendments", now=now), today_in_china(now), 0
    for city in book().cities:
        over = _waiting(city.slug).filter(until__lt=today)
        keys = list(over.values_list("pk", flat=True))
        for start in range(0, len(keys), AT_ONCE):
            with watch.item(f"{city.title} {keys[start]}", city=city.slug):
                ended += _void(over.filter(pk__in=keys[start : start + AT_ONCE]), by=by, now=now)
    watch.finished()
    return ended


@transaction.atomic
def _void(over: QuerySet[Amendment], *, by: User, now: dt.datetime) -> int:
    # The cases before their amendments, as whoever answers takes them.
    cases = Case.objects.filter(pk__in=over.values("case"), status=Status.RETURNED).order_by("pk")
    held = list(cases.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    # Those that still wait, whoever answers at the same moment.
    amendments = list(over.filter(case__in=held))
    lifecycle.void(
        [one.case for one in amendments],
        start=Status.RETURNED,
        why=_("没有在规定期限内补正，系统自动作废。"),
        by=by,
        now=now,
    )
    Amendment.objects.filter(pk__in=[one.pk for one in amendments]).update(
        status=AmendmentStatus.ENDED, ended_at=now, ended_by=by
    )
    told.amendments_ended(amendments, now=now)
    return len(amendments)


def in_words(amendment: Amendment) -> str:
    """What is to be amended and why, a line each."""
    case = amendment.case
    labels = {name: str(field.label) for name, field in _form(case).fields.items()}
    titles = {paper.code: paper.title for paper in case.offer.papers}
    return "\n".join(
        [
            *(
                _("{what}：{why}").format(what=labels.get(name, name), why=why)
                for name, why in amendment.fields.items()
            ),
            *(
                _("材料“{what}”：{why}").format(what=titles.get(code, code), why=why)
                for code, why in amendment.papers.items()
            ),
        ]
    )


def _form(case: Case, typed: MultiValueDict[str, str] | None = None) -> ServiceForm:
    """The form as of the day of filing, so that it allows the months that it allowed then."""
    filed = desk.ask_of(case)
    return desk.form_for(
        offer=filed.offer, applicant=filed.applicant, typed=typed, gated=False, now=filed.filed_at
    )


def _typed(case: Case) -> MultiValueDict[str, str]:
    """The answers as a browser would send them."""
    return MultiValueDict({name: typed_again(value) for name, value in case.answers.items()})


def _terms(case: Case, at: dt.datetime) -> AmendmentTerms | None:
    try:
        return amendment_terms(book(), city=case.city, on=today_in_china(at))
    except PolicyMissing:
        return None


def _days_left(case: Case, today: dt.date) -> int | None:
    """The working days that are left of the promise; 0 where it is past."""
    if case.due_on is None:
        return None
    return count_workdays(today, case.due_on, overrides_of(case.city, since=today))


def _promised(case: Case, amendment: Amendment, today: dt.date) -> dt.date | None:
    """The day that is promised from now on: the working days that were left, counted from today."""
    if amendment.days_left is None:
        return None
    return add_workdays(today, amendment.days_left, overrides_of(case.city, since=today))


def _kept(case: Case) -> dict[str, Any]:
    return {"answers": dict(case.answers), "summary": case.facts.get("summary", [])}


def _hold(amendment: Amendment) -> tuple[Case, Amendment]:
    """Both, held until the transaction ends. AlreadyMoved where nothing is to be answered any
    more."""
    case = (
        Case.objects.select_for_update(of=("self",))
        .select_related("filed_by", "applicant_person", "applicant_employer")
        .get(pk=amendment.case_id)
    )
    current = Amendment.objects.select_for_update(of=("self",)).get(pk=amendment.pk)
    if case.status != Status.RETURNED or current.status != AmendmentStatus.ASKED:
        raise lifecycle.AlreadyMoved
    current.case = case
    return case, current


def _ensure_answered(amendment: Amendment, brought: set[str], *, changed: bool, reply: str) -> None:
    titles = {paper.code: paper.title for paper in amendment.case.offer.papers}
    missing = [
        Bar(f"paper-{code}", _("请重新上传{title}。").format(title=titles.get(code, code)))
        for code in amendment.papers
        if code not in brought
    ]
    if missing:
        raise desk.NotAccepted(missing)
    if not changed and not brought and not reply:
        raise desk.NotAccepted([Bar("reply", _("标出的内容没有改动。确认原来填写无误的，请在这里写明。"))])


def _end(amendment: Amendment, status: AmendmentStatus, *, by: User, now: dt.datetime, **more: Any) -> None:
    Amendment.objects.filter(pk=amendment.pk).update(status=status, ended_at=now, ended_by=by, **more)


def _waiting(city: str) -> QuerySet[Amendment]:
    waiting = Amendment.objects.filter(status=AmendmentStatus.ASKED, case__city=city)
    return waiting.select_related("case__filed_by__person").order_by("until", "pk")
