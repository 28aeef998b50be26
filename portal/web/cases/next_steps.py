"""Where a case stands, and what the applicant does now or waits for."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.hall import amending, desk
from portal.hall.catalogue import services
from portal.hall.models import Case, CaseEvent, Conclusion, WindowCheck
from portal.hall.routing import FINAL, PENDING, Status
from portal.policy.book import City, Offer, Paper
from portal.shared.months import day_zh, next_on, today_in_china
from portal.web.cases.titles import still_offered


def stations(case: Case, events: Iterable[CaseEvent]) -> list[dict[str, Any]]:
    """The line of a case: filed, judged where its route goes that way, and how it ended."""
    reached = {event.to_status: event.at for event in events}
    line = [{"title": _("提交申报"), "when": case.submitted_at, "state": "done"}]
    for status, title in ((Status.IN_REVIEW, _("经办机构审核")), (Status.PRE_APPLIED, _("到窗口核对材料"))):
        if status in reached and case.status != Status.VOIDED:
            line.append({"title": title, "when": None, "state": "now" if case.status == status else "done"})
            if status == Status.IN_REVIEW and case.status == Status.RETURNED:
                line[-1]["state"] = "next"
                line.insert(-1, {"title": _("申请人补正"), "when": None, "state": "now"})
            if case.status == status and case.due_on:
                line[-1]["note"] = _("{day}前").format(day=day_zh(case.due_on))
    for status, title in (
        (Status.TO_PAY, _("支付")),
        (Status.TO_DEBIT, _("银行扣款")),
        (Status.UNDER_WAY, _("办理中")),
    ):
        if status in reached:
            line.append({"title": title, "when": None, "state": _at(case, status)})
    ended = {
        Status.DONE: (_("已办结"), "done"),
        Status.REFUSED: (_("不予通过"), "stopped"),
        Status.VOIDED: (_("已过期作废") if case.reason else _("已撤回作废"), "stopped"),
        Status.LAPSED: (_("已失效，没有缴费"), "stopped"),
    }
    title, state = ended.get(Status(case.status), (_("办结"), "next"))
    line.append({"title": title, "when": case.decided_at if case.status in FINAL else None, "state": state})
    return line


def _at(case: Case, status: Status) -> str:
    """The state of a station after the decision: done, now, or stopped."""
    if case.status == status:
        return "now"
    return "stopped" if case.status == Status.LAPSED else "done"


def to_amend(case: Case, *, by_applicant: bool) -> dict[str, Any]:
    """What the applicant is to amend, until when, and where; empty where nothing is."""
    amendment = amending.standing(case) if case.status == Status.RETURNED else None
    if amendment is None:
        return {}
    amendment.case = case
    return {
        "lines": amending.in_words(amendment).splitlines(),
        "until": amendment.until,
        "url": reverse("case-amend", args=[case.number]) if by_applicant else "",
    }


def papers_to_bring(case: Case) -> list[Paper]:
    """The papers that still have to be brought to the window, as they were named when it was
    filed."""
    if not case.is_open or not still_offered(case):
        return []
    wanted = case.facts.get("papers", [])
    return [paper for paper in case.offer.papers if not paper.upload and paper.code in wanted]


def bring_by(offer: Offer, filed_at: datetime) -> date | None:
    """The day of the month by which the papers are to be brought: this month's, or next month's
    where it is past."""
    return next_on(offer.papers_by_day, today_in_china(filed_at)) if offer.papers_by_day else None


def next_steps(
    case: Case, city: City, offer: Any, to_bring: Iterable[Paper], visits: Sequence[WindowCheck] = ()
) -> list[str]:
    """What the applicant does now, or waits for, and by when; ``visits`` to the window, oldest
    first."""
    papers = "、".join(paper.title for paper in to_bring)
    due = day_zh(case.due_on) if case.due_on else ""
    if case.status == Status.IN_REVIEW:
        lines = [
            _("{agency}将在 {day}前审核，结果可在“办件进度”中查看。").format(agency=city.agency, day=due)
            if due
            else _("{agency}将尽快审核，结果可在“办件进度”中查看。").format(agency=city.agency)
        ]
        if papers:
            by = bring_by(offer, case.submitted_at) if isinstance(offer, Offer) else None
            lines.insert(
                0,
                _("请在 {day}前，把下列材料一次报送到{agency}：{papers}。").format(
                    day=day_zh(by), agency=city.agency, papers=papers
                )
                if by
                else _("请把下列材料报送到{agency}：{papers}。").format(agency=city.agency, papers=papers),
            )
        return [*lines, _("审核前需要更正的，可以撤回后重新申报。")]
    if case.status == Status.RETURNED:
        return [
            _("打开“补正办件”，更正标出的内容；没有标出的不用再填。"),
            _("补正后继续审核，办理时限接着计算；编号和申报日期不变。"),
        ]
    accepted = bool(visits) and visits[-1].conclusion == Conclusion.ACCEPTED
    if case.status == Status.PRE_APPLIED and accepted and desk.standing_overruling(case) is not None:
        return [_("窗口已核对材料，正由另一名工作人员确认，结果可在“办件进度”中查看，不用再到窗口。")]
    if case.status == Status.PRE_APPLIED:
        lacking = visits[-1].missing if visits else []
        by = bring_by(offer, case.submitted_at) if isinstance(offer, Offer) else None
        return [
            *([_("上次到窗口还缺：{missing}。").format(missing="；".join(lacking))] if lacking else []),
            _("打印申请表，由申请人签名。"),
            _("携带申请表和{papers}，到{agency}窗口办理。").format(
                papers=papers or _("有效身份证件"), agency=city.agency
            ),
            _("工作人员核对后办理，疑问可拨打 {hotline} 咨询。").format(hotline=city.hotline),
            *(
                [_("请在 {day}前办理；过期作废，可以重新申报。").format(day=day_zh(case.keep_until))]
                if case.keep_until
                else [_("请在 {day}前办理；过期仍可办理。").format(day=day_zh(by))]
                if by
                else []
            ),
        ]
    if case.status == Status.REFUSED:
        return [
            _("请按理由更正后重新申报；对结果有疑问的，可拨打 {hotline} 咨询。").format(hotline=city.hotline)
        ]
    if case.status in PENDING and case.service in services():
        waits = services()[case.service].waits_until(case, now=timezone.now())
        return [waits] if waits else []
    if case.status == Status.LAPSED:
        return [_("这份办件没有缴成费用。仍需缴费的，可以重新申报，填写过的内容会为您带出。")]
    if case.status == Status.VOIDED:
        return [_("这份办件已作废，不再审核。需要办理的，可以重新申报。")]
    return []
