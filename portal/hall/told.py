"""What the hall tells whoever filed a case: what came of a visit to the window, that it went back
to be amended, and that a pre-application or the time to amend is about to end or has ended."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _

from portal.accounts import notices
from portal.accounts.models import Notice, User
from portal.hall.models import Amendment, Case, Conclusion, WindowCheck
from portal.hall.routing import Status
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.months import day_zh

MISSING, DECLINED, ENDING, ENDED = "case-missing", "case-declined", "case-ending", "case-ended"
RECEIVED, ACCEPTED = "case-received", "case-accepted"
SENT_BACK, TAKEN_BACK = "case-sent-back", "case-taken-back"
AMENDMENT_ENDING, AMENDMENT_ENDED = "amendment-ending", "amendment-ended"


def missing(case: Case, window: WindowCheck, also: Sequence[Person] = ()) -> None:
    """Tells what is still to be brought, and until when; ``also`` those who are told of what is
    filed for a ward."""
    lacking = "；".join(window.missing)
    text = _("您的办件 {number}（{title}）还缺：{missing}。").format(
        number=case.number, title=_title(case), missing=lacking.rstrip("。；")
    )
    if case.keep_until is not None:
        text += _("请在 {day}前带齐，到{agency}窗口办理。").format(
            day=day_zh(case.keep_until), agency=book().city(case.city).agency
        )
    _tell(case, MISSING, str(window.key), _("办件需要补充材料"), text, window.at, also)


def received(case: Case, window: WindowCheck, also: Sequence[Person] = ()) -> None:
    """Tells that the window accepted the application, and a second member of staff has still to
    confirm; ``also`` as of ``missing``."""
    text = _("您的办件 {number}（{title}）窗口已受理，正由另一名工作人员确认，不用再到窗口。").format(
        number=case.number, title=_title(case)
    )
    _tell(case, RECEIVED, str(window.key), _("办件已受理，等待确认"), text, window.at, also)


def accepted(case: Case, *, now: dt.datetime) -> None:
    """Tells that what was brought to the window was accepted, and what comes next. Of what it set
    going the service tells by itself."""
    match Status(case.status):
        case Status.DONE:
            what = _("已受理并办结。")
        case Status.TO_PAY:
            what = _("已受理，还要缴费才能办结，金额和期限在“办件进度”中查看。")
        case Status.TO_DEBIT:
            what = _("已受理，从缴费账户扣款后办结。")
        case _:
            return
    text = _("您的办件 {number}（{title}）{what}").format(number=case.number, title=_title(case), what=what)
    if case.window_checks.filter(conclusion=Conclusion.ACCEPTED).exists():
        text += _("受理告知书可在“办件进度”中打开。")
    _tell(case, ACCEPTED, case.number, _("办件已受理"), text, now)


def declined(window: WindowCheck, also: Sequence[Person] = ()) -> None:
    """Tells that the application was not accepted, and why; ``also`` as of ``missing``."""
    case = window.case
    text = _("您的办件 {number}（{title}）不予受理：{why}").format(
        number=case.number, title=_title(case), why=window.words
    )
    _tell(case, DECLINED, case.number, _("办件不予受理"), text, window.at, also)


def ending(cases: Iterable[Case], *, now: dt.datetime) -> int:
    """Tells that these pre-applications are about to end; gives how many notices there are. Told
    again, it says nothing new."""
    rows = [
        _notice(
            case,
            ENDING,
            _("预申请即将到期"),
            _(
                "您的预申请 {number}（{title}）保留到 {day}，请在此之前携带材料到{agency}窗口办理；"
                "过期作废，可以重新申报。"
            ).format(
                number=case.number,
                title=_title(case),
                day=day_zh(case.keep_until),
                agency=book().city(case.city).agency,
            ),
            now,
        )
        for case in cases
        if case.keep_until
    ]
    return len(Notice.objects.bulk_create(rows, ignore_conflicts=True))


def ended(cases: Iterable[Case], *, now: dt.datetime) -> None:
    """Tells that these pre-applications have ended."""
    Notice.objects.bulk_create(
        (
            _notice(
                case,
                ENDED,
                _("预申请已过期作废"),
                _(
                    "您的预申请 {number}（{title}）没有在 {day}前到窗口办理，已作废，没有产生任何变更。"
                    "需要办理的，可以重新申报，填写过的内容会为您带出。"
                ).format(number=case.number, title=_title(case), day=day_zh(case.keep_until)),
                now,
            )
            for case in cases
            if case.keep_until
        ),
        ignore_conflicts=True,
    )


def sent_back(case: Case, amendment: Amendment) -> None:
    """Tells that the case went back, what is to be amended, and until when."""
    marked = len(amendment.fields) + len(amendment.papers)
    text = _(
        "您的办件 {number}（{title}）需要补正 {marked} 处，请在 {day}前登录，在“办件进度”中打开这份办件补正。"
        "办件编号和申报日期不变，办理时限暂停计算；逾期不补正的，办件作废。"
    ).format(number=case.number, title=_title(case), marked=marked, day=day_zh(amendment.until))
    _tell(case, SENT_BACK, str(amendment.pk), _("办件需要补正"), text, amendment.asked_at)


def taken_back(case: Case, amendment: Amendment, *, now: dt.datetime) -> None:
    """Tells that nothing is to be amended after all."""
    text = _("您的办件 {number}（{title}）不用再补正，已继续审核。").format(
        number=case.number, title=_title(case)
    )
    _tell(case, TAKEN_BACK, str(amendment.pk), _("办件不用再补正"), text, now)


def amendments_ending(amendments: Mapping[Amendment, int], *, now: dt.datetime) -> None:
    """Tells that the last day to amend is near: once for each of the warnings, amendment → days
    before the end. Told again, it says nothing new."""
    rows = [
        _notice(
            one.case,
            AMENDMENT_ENDING,
            _("补正即将到期"),
            _(
                "您的办件 {number}（{title}）还没有补正，最后一天是 {day}。"
                "请登录后在“办件进度”中补正；逾期不补正的，办件作废。"
            ).format(number=one.case.number, title=_title(one.case), day=day_zh(one.until)),
            now,
            reference=f"{one.pk} {days}",
        )
        for one, days in amendments.items()
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


def amendments_ended(amendments: Iterable[Amendment], *, now: dt.datetime) -> None:
    """Tells that these cases were voided because nothing was amended in time."""
    rows = [
        _notice(
            one.case,
            AMENDMENT_ENDED,
            _("办件逾期未补正，已作废"),
            _(
                "您的办件 {number}（{title}）没有在 {day}前补正，已作废，没有产生任何变更。"
                "需要办理的，可以重新申报，填写过的内容会为您带出。"
            ).format(number=one.case.number, title=_title(one.case), day=day_zh(one.until)),
            now,
            reference=str(one.pk),
        )
        for one in amendments
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


def _title(case: Case) -> str:
    """What the case is about, also where its city no longer offers it."""
    offer = book().city(case.city).offers.get(case.service)
    return offer.title if offer else case.service


def _whom(case: Case) -> Person | User:
    """Whoever filed: a person, and the guardian who filed for a ward, by their person; a clerk by
    the login."""
    return case.filed_by.person if case.filed_by.is_person and case.filed_by.person else case.filed_by


def _tell(
    case: Case,
    kind: str,
    reference: str,
    title: str,
    text: str,
    now: dt.datetime,
    also: Sequence[Person] = (),
) -> None:
    notices.tell(_whom(case), kind=kind, reference=reference, title=title, text=text, now=now)
    for person in also:
        notices.tell(
            person,
            kind=kind,
            reference=f"{reference}/{person.pk}",
            title=title,
            # The same words, by which it is another's application.
            text=_("{name}申报的：").format(name=case.filed_by.name) + text.removeprefix(_("您的")),
            now=now,
        )


def _notice(case: Case, kind: str, title: str, text: str, now: dt.datetime, *, reference: str = "") -> Notice:
    """Told once for the kind and the reference, which is the case where none is given."""
    return notices.drafted(
        _whom(case), kind=kind, reference=reference or case.number, title=title, text=text, now=now
    )
