"""What a community desk does for a resident whose identity card it has seen: it opens the
qualification, gives a first password, keeps the signed letter, and helps to file."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.accounts import lockout, notices, sliding
from portal.accounts.models import Kind, User
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.people import adulthood
from portal.qualifications import rights
from portal.qualifications.models import (
    Desk,
    Letter,
    Qualification,
    Right,
    SignedHow,
    Slip,
    Visit,
)
from portal.shared import numbers
from portal.shared.ages import has_reached
from portal.shared.months import today_in_china

# Without characters that are mistaken for another on paper; 12 of these 28 make 57 bits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXY"
LENGTH = 12


class Refused(Exception):
    """The desk may not do that; ``field`` is what it is about, the message says why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


@dataclass(frozen=True)
class Opened:
    """What was opened; ``password`` and ``slip`` where a first password was given, to be shown
    once."""

    qualification: Qualification
    slip: Slip | None = None
    password: str = ""


def desk_of(clerk: User) -> Desk:
    """The desk that the clerk works at. Refused where there is none, or it is closed."""
    desk = Desk.objects.filter(clerks__user=clerk, open=True).first()
    if desk is None:
        raise Refused("", _("您的账号没有所属网点，或者网点已停用，请联系经办机构。"))
    return desk


def city_of_clerk(clerk: User) -> str:
    """The city of the clerk's desk; "" where they have none."""
    return Desk.objects.filter(clerks__user=clerk).values_list("city", flat=True).first() or ""


def open_qualification(
    person: Person, *, right: Right, phone: str, seen: str, by: User, now: datetime
) -> Opened:
    """Opens a qualification in the city of the clerk's desk, and an account with a first password
    where the person has none. Refused for who is not insured there, not of age, has one already,
    or is insured by an employer and asks to file."""
    desk = desk_of(by)
    terms = rights.terms_of(desk.city, now)
    if terms is None:
        raise Refused("", _("本市的网上办事资格不由社区开通。"))
    _ensure_another(person, by)
    _ensure_of_age(person, now)
    relation = rights.relation(person, desk.city, now)
    if not relation:
        raise Refused("identity_number", _("没有在本市参保，不能开通网上办事资格，请先办理参保登记。"))
    if right == Right.FILE and relation == "employee":
        raise Refused("right", _("单位职工的业务由单位办理，本人可查询。"))
    try:
        with transaction.atomic():
            qualification = Qualification.objects.create(
                person=person,
                city=desk.city,
                right=right,
                desk=desk,
                seen=seen,
                opened_by=by,
                opened_at=now,
            )
            account = User.objects.filter(kind=Kind.PERSON, person=person).first()
            slip, password = None, ""
            if account is None:
                try:
                    with transaction.atomic():
                        account = User.objects.create_person(
                            person, password=None, phone=phone, date_joined=now
                        )
                except IntegrityError as taken:
                    why = _("这个手机号码已是另一账号的登录号码，请换一个手机号码。")
                    raise Refused("phone", why) from taken
                slip, password = _first_password(account, desk, terms.slip_days, by=by, now=now)
            if not person.phone:
                Person.objects.filter(pk=person.pk).update(phone=phone)
            _tell(
                person,
                "opened",
                str(qualification.pk),
                _("已开通网上办事资格"),
                _("%(desk)s于%(day)s为您开通了网上办事资格。"),
                desk,
                now,
            )
    except IntegrityError as there:
        why = _("已经开通网上办事资格。忘记密码的，请办理密码重置。")
        raise Refused("identity_number", why) from there
    return Opened(qualification, slip, password)


def reset_password(person: Person, *, by: User, now: datetime) -> Opened:
    """A new first password for who has a qualification here; all their sessions end. Refused where
    they have none."""
    desk = desk_of(by)
    _ensure_another(person, by)
    terms = rights.terms_of(desk.city, now)
    with transaction.atomic():
        account = User.objects.select_for_update(of=("self",)).filter(kind=Kind.PERSON, person=person).first()
        qualification = Qualification.objects.filter(person=person, city=desk.city, ended_at=None).first()
        if terms is None or account is None or qualification is None:
            raise Refused("identity_number", _("没有在本市开通网上办事资格，请先开通。"))
        slip, password = _first_password(account, desk, terms.slip_days, by=by, now=now)
        _tell(
            person,
            "reset",
            str(slip.pk),
            _("密码已由社区重置"),
            _("%(desk)s于%(day)s为您重置了网上办事密码。"),
            desk,
            now,
        )
    lockout.forget_failures(account)
    sliding.end_all(account)
    return Opened(qualification, slip, password)


def raise_to_file(qualification: Qualification, *, by: User, now: datetime) -> None:
    """Lets somebody file who could only look up, once they have signed. Refused for employees; a
    second call changes nothing."""
    desk = _ensure_here(qualification, by)
    _ensure_another(qualification.person, by)
    if rights.relation(qualification.person, desk.city, now) == "employee":
        raise Refused("right", _("单位职工的业务由单位办理，本人可查询。"))
    Qualification.objects.filter(pk=qualification.pk, ended_at=None).update(right=Right.FILE)


def sign_on_paper(
    qualification: Qualification, *, content: bytes, content_type: str, by: User, now: datetime
) -> Letter:
    """Keeps the letter of today as the person signed it on paper. The same version sent again
    gives the letter that is there."""
    _ensure_here(qualification, by)
    _ensure_another(qualification.person, by)
    letter = _letter(qualification, SignedHow.PAPER, by=by, now=now)
    letter.scan_digest = hashlib.sha256(content).hexdigest()
    letter.content_type = content_type
    earlier = _signed(qualification, letter.version)
    if earlier:
        return earlier
    letter.scan.save("", ContentFile(content), save=False)
    return _keep(letter)


def sign_on_screen(qualification: Qualification, *, by: User, now: datetime) -> Letter:
    """The person agrees to the letter of today, logged in. Refused for anybody else."""
    if by.kind != Kind.PERSON or by.person_id != qualification.person_id:
        raise Refused("", _("承诺书须由本人签订。"))
    letter = _letter(qualification, SignedHow.SCREEN, by=by, now=now)
    return _signed(qualification, letter.version) or _keep(letter)


def end(qualification: Qualification, *, why: str, by: User, now: datetime) -> None:
    """Ends a qualification for a reason; the person's sessions end with it. A second call changes
    nothing."""
    ended = Qualification.objects.filter(pk=qualification.pk, ended_at=None).update(
        ended_at=now, ended_by=by, why=why.strip()[:200]
    )
    account = User.objects.filter(kind=Kind.PERSON, person=qualification.person_id).first()
    if not ended or account is None:
        return
    sliding.end_all(account)
    notices.tell(
        qualification.person,
        kind="qualification-ended",
        reference=str(qualification.pk),
        title=_("网上办事资格已终止"),
        text=_("您的网上办事资格已终止，原因：%(why)s。如有异议请拨打12333。") % {"why": why.strip()[:200]},
        now=now,
    )


def begin_visit(person: Person, *, seen: str, by: User, now: datetime) -> Visit:
    """The resident stands at the desk: the clerk may file for them, until the time is over or the
    next resident comes."""
    desk = desk_of(by)
    _ensure_another(person, by)
    _ensure_of_age(person, now)
    terms = rights.terms_of(desk.city, now)
    if terms is None:
        raise Refused("", _("本市的社区不帮办业务。"))
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=by.pk)
        end_visits(by, now=now)
        return Visit.objects.create(
            clerk=by,
            desk=desk,
            resident=person,
            seen=seen,
            began_at=now,
            until=now + timedelta(minutes=terms.visit_minutes),
        )


def end_visits(clerk: User, *, now: datetime) -> None:
    """The resident has left."""
    Visit.objects.filter(clerk=clerk, until__gt=now, began_at__lte=now).update(until=now)


def visit_of(clerk: User, now: datetime) -> Visit | None:
    """Who stands before this clerk now."""
    if not clerk.is_desk:
        return None
    going_on = Visit.objects.filter(clerk=clerk, began_at__lte=now, until__gt=now, desk__open=True)
    return going_on.select_related("resident", "desk").first()


def slip_has_expired(user: User, now: datetime) -> bool:
    """Whether a first password from a desk was not changed in time."""
    if not user.must_change_password:
        return False
    last = Slip.objects.filter(user=user).first()
    return last is not None and last.good_until < today_in_china(now)


def today_of(clerk: User, now: datetime) -> tuple[QuerySet[Qualification], QuerySet[Slip], QuerySet[Visit]]:
    """What the clerk did today; older acts are for the agency's staff."""
    today = today_in_china(now)
    return (
        Qualification.objects.filter(opened_by=clerk, opened_at__date=today).select_related("person"),
        Slip.objects.filter(issued_by=clerk, issued_at__date=today).select_related("user__person"),
        Visit.objects.filter(clerk=clerk, began_at__date=today).select_related("resident"),
    )


def _first_password(account: User, desk: Desk, days: int, *, by: User, now: datetime) -> tuple[Slip, str]:
    password = numbers.random_text(LENGTH, ALPHABET)
    account.set_password(password)
    account.must_change_password = True
    account.save(update_fields=["password", "must_change_password"])
    slip = Slip.objects.create(
        user=account,
        desk=desk,
        issued_by=by,
        issued_at=now,
        good_until=today_in_china(now) + timedelta(days=days),
    )
    return slip, password


def _letter(qualification: Qualification, how: SignedHow, *, by: User, now: datetime) -> Letter:
    terms = rights.terms_of(qualification.city, now)
    if terms is None or qualification.ended_at is not None or qualification.right != Right.FILE:
        raise Refused("", _("没有需要签订的承诺书。"))
    text = terms.letter
    return Letter(
        qualification=qualification,
        version=text.version,
        title=text.title,
        text="\n".join(text.paragraphs),
        digest=text.digest,
        how=how,
        signed_at=now,
        taken_by=by,
    )


def _keep(letter: Letter) -> Letter:
    try:
        with transaction.atomic():
            letter.save()
    except IntegrityError:
        if letter.scan:
            letter.scan.delete(save=False)
        earlier = _signed(letter.qualification, letter.version)
        if earlier is None:
            raise
        return earlier
    return letter


def _signed(qualification: Qualification, version: str) -> Letter | None:
    return Letter.objects.filter(qualification=qualification, version=version).first()


def _ensure_here(qualification: Qualification, by: User) -> Desk:
    desk = desk_of(by)
    if qualification.city != desk.city or qualification.ended_at is not None:
        raise Refused("", _("这项资格不在本市，或者已经终止。"))
    return desk


def _ensure_another(person: Person, by: User) -> None:
    if by.person_id == person.pk:
        raise Refused("identity_number", _("不能为本人办理，请由其他经办人办理。"))


def _ensure_of_age(person: Person, now: datetime) -> None:
    today = today_in_china(now)
    age = adulthood(book(), on=today)
    if not has_reached(person.birth_date, age, on=today):
        why = _("未满%(age)s周岁，不能开通，请由监护人办理。") % {"age": age}
        raise Refused("identity_number", why)


def _tell(
    person: Person, kind: str, reference: str, title: str, text: str, desk: Desk, now: datetime
) -> None:
    day = today_in_china(now)
    told = text % {"desk": desk.title, "day": f"{day.year}年{day.month}月{day.day}日"}
    notices.tell(
        person,
        kind=f"qualification-{kind}",
        reference=reference,
        title=title,
        text=told + _("如有异议请拨打12333。"),
        now=now,
    )
