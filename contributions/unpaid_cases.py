"""Cases that are done when the money has arrived: how they end when their order, bill or debit
ends.

An order that a case placed has the case's key; a bill and a request for a debit refer to their
case.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from django.utils.translation import gettext as _

from contributions.bank_files.results import REASON_LABELS, Reason
from contributions.models import (
    ArrearsBill,
    BillStatus,
    ChargeStatus,
    DebitLine,
    LineStatus,
    LumpSum,
    Order,
    OrderStatus,
    RecollectRequest,
)
from portal.accounts.models import User
from portal.hall import lifecycle
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import day_zh, moment_zh


def end_with_order(order: Order, *, note: str = "", by: User, now: dt.datetime) -> None:
    """End the case that placed an order which has just ended. Does nothing where no case placed it.
    Must run in the order's transaction."""
    case = Case.objects.filter(key=order.key, status=Status.TO_PAY).values_list("pk", flat=True).first()
    if case is not None:
        lifecycle.move_unpaid({case: _end_of_order(order, note)}, by=by, now=now)


def _end_of_order(order: Order, note: str) -> tuple[Status, str]:
    match OrderStatus(order.status):
        case OrderStatus.PAID:
            return Status.DONE, ""
        case OrderStatus.EXPIRED:
            until = moment_zh(order.expires_at)
            return Status.LAPSED, _("订单没有在 {until} 前支付，已自动取消。").format(until=until)
        case _:
            return Status.LAPSED, note or _("订单已取消，没有支付。")


def end_with_bill(bill: ArrearsBill, *, by: User, now: dt.datetime) -> None:
    """End the case of an employer's bill that has just ended. Must run in its transaction."""
    if bill.status == BillStatus.PAID:
        end = Status.DONE, ""
    else:
        why = _("没有在 {day} 前汇足，补缴单已失效；滞纳金须按新的日期计算，请重新申报。")
        end = Status.LAPSED, why.format(day=bill.pay_on)
    lifecycle.move_unpaid({bill.case_id: end}, by=by, now=now)


def end_with_lump_sum(bill: LumpSum, *, by: User, now: dt.datetime) -> None:
    """End the case of a lump sum that has just ended. Must run in its transaction."""
    if bill.status == BillStatus.PAID:
        end = Status.DONE, ""
    else:
        why = _("没有在 {day}前缴清，缴费单已失效，所购年限不计入；可以重新申请，金额按新的日期计算。")
        end = Status.LAPSED, why.format(day=day_zh(bill.pay_by))
    lifecycle.move_unpaid({bill.case_id: end}, by=by, now=now)


def of_lines(batch: int, first: int, last: int) -> list[int]:
    """The cases that asked for the debits of these lines of a batch."""
    requests = RecollectRequest.objects.filter(
        line__batch=batch, line__sequence__range=(first, last), case__isnull=False
    )
    return list(requests.values_list("case", flat=True).distinct().order_by("case"))


def end_debited(cases: Iterable[int], *, by: User, now: dt.datetime) -> None:
    """End the cases that have no debit requested, at the bank or still to be booked: done where all
    months are paid, else lapsed, with the outcome of each month. Must run in a transaction. A
    second call changes nothing. The number of queries does not grow with the cases."""
    by_case: dict[int, list[RecollectRequest]] = defaultdict(list)
    requests = RecollectRequest.objects.filter(case__in=list(cases), case__status=Status.TO_DEBIT)
    for request in requests.select_related("charge", "line").order_by("charge__month", "charge__insurance"):
        by_case[request.case_id or 0].append(request)
    ends = {
        case: _end_of_debits(some)
        for case, some in by_case.items()
        if not any(_is_under_way(one) for one in some)
    }
    if ends:
        lifecycle.move_unpaid(ends, by=by, now=now)


def _is_under_way(request: RecollectRequest) -> bool:
    if request.live or request.line is None:
        return request.live
    # A charge that the bank has paid stays owed until its chunk is booked.
    booking = request.line.status == LineStatus.PAID and request.charge.status == ChargeStatus.OWED
    return booking or request.line.status in (LineStatus.PENDING, LineStatus.MISSING)


def _end_of_debits(requests: Iterable[RecollectRequest]) -> tuple[Status, str]:
    listed = list(requests)
    if all(one.charge.status == ChargeStatus.PAID for one in listed):
        return Status.DONE, ""
    return Status.LAPSED, _("{told}。").format(told="；".join(_told(one) for one in listed))


def _told(request: RecollectRequest) -> str:
    words = {
        "month": request.charge.month.zh,
        "insurance": INSURANCE_LABELS[Insurance(request.charge.insurance)],
        "why": request.why or _("该月已不再欠缴"),
    }
    if request.charge.status == ChargeStatus.PAID:
        return _("{month}{insurance}已扣款").format(**words)
    if request.line is not None and request.line.status == LineStatus.FAILED:
        words["why"] = str(REASON_LABELS[Reason(request.line.reason_code)])
        return _("{month}{insurance}扣款失败：{why}").format(**words)
    return _("{month}{insurance}没有扣款：{why}").format(**words)


def debit_lines_of(lines: Iterable[DebitLine]) -> list[int]:
    """The cases that asked for the debits of these lines."""
    requests = RecollectRequest.objects.filter(line__in=list(lines), case__isnull=False)
    return list(requests.values_list("case", flat=True).distinct().order_by("case"))
