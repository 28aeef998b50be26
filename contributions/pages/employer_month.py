"""Pages of an employer's month for its clerks: the assessment, what changed, confirming, paying.
Pages of another employer answer 404."""

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from contributions.assessments import arrears_bills, assessing, assessment_lines
from contributions.assessments.assessing import CHANGE_LABELS, Change
from contributions.assessments.transfer_notes import code_of
from contributions.debit import of_employers
from contributions.models import (
    ASSESSMENT_LIFE_CYCLE,
    BILL_LIFE_CYCLE,
    CHARGE_LIFE_CYCLE,
    ArrearsBill,
    Assessment,
    AssessmentStatus,
    BillStatus,
    Charge,
    ChargeStatus,
    DebitLine,
    LineStatus,
    Order,
    OrderStatus,
    Receipt,
)
from contributions.orders import placing
from contributions.prices.formula import explain
from contributions.ways import BILL
from enrollment.spreadsheets import XLSX, text_number, write_csv, write_xlsx
from enrollment.ways import ADD_STAFF, STOP_STAFF
from portal.accounts import searching
from portal.accounts.models import User
from portal.accounts.permissions import clerk_required
from portal.hall.ways import linked
from portal.people.models import Employer
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.payment import TransferAccount, payment_terms, transfer_account
from portal.shared import identity, money
from portal.shared.characters import narrow, whole_number
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.keys import KeyReused
from portal.shared.months import Month, periods_zh, runs, today_in_china

PER_PAGE = 50
MONTHS_PER_PAGE = 12
_CENT = Decimal("0.01")


def _clerk(request: HttpRequest) -> tuple[User, Employer]:
    user = request.user
    if not isinstance(user, User) or user.employer is None:
        raise Http404
    return user, user.employer


def _assessment(request: HttpRequest, pk: int) -> Assessment:
    return get_object_or_404(
        Assessment.objects.select_related("employer"), pk=pk, employer=_clerk(request)[1]
    )


@never_cache
@require_safe
@clerk_required
def assessments(request: HttpRequest) -> HttpResponse:
    """单位应缴核定: the months, what is to be confirmed and paid, and the bills for late months."""
    _user, employer = _clerk(request)
    page = Paginator(assessing.of_employer(employer), MONTHS_PER_PAGE).get_page(request.GET.get("page"))
    today = today_in_china(timezone.now())
    late = arrears_bills.late_months(employer, employer.city, today=today)
    return render(
        request,
        "contributions/employer/assessments.html",
        {
            "city": book().city(employer.city),
            "employer": employer,
            "page_obj": page,
            "rows": [(one, ASSESSMENT_LIFE_CYCLE.tone(one.status)) for one in page],
            "bills": [
                (one, BILL_LIFE_CYCLE.tone(one.status)) for one in arrears_bills.of_employer(employer)[:10]
            ],
            "late_fen": arrears_bills.total_fen(late),
            "late_months": [one for one in late if one.charges],
            "arrears_url": arrears_url(employer),
            "how_late": linked(_("请{bill}。").format(bill=BILL.at(employer.city)), [BILL.at(employer.city)]),
        },
    )


def arrears_url(employer: Employer) -> str:
    """The address where the employer pays late months; "" where its city does not offer that."""
    offered = "employer-arrears" in book().city(employer.city).offers
    return reverse("service", args=[employer.city, "employer-arrears"]) if offered else ""


def _mend(city: str) -> str:
    """What to do about a statement that is wrong."""
    add, stop = ADD_STAFF.at(city), STOP_STAFF.at(city)
    text = _("人员有误的，请先{add}或{stop}；其他有误的，请拨打 {phone}。").format(
        add=add, stop=stop, phone=book().city(city).hotline
    )
    return linked(text, [add, stop])


@never_cache
@searching.by_post
@require_safe
@clerk_required
def assessment(request: HttpRequest, pk: int) -> HttpResponse:
    """One month's statement: the sums, what changed since the month before, every person's lines,
    how to pay."""
    assessment = _assessment(request, pk)
    today = today_in_china(timezone.now())
    words = searching.asked(request)
    listed = assessing.lines(assessment)
    if words:
        number = narrow(words).upper()[:18]
        listed = (
            listed.filter(person__name__contains=words)
            | listed.filter(person__identity_number=number)
            | listed.filter(person__paper_number=number).exclude(person__paper_kind="")
        )
    page = Paginator(listed, PER_PAGE).get_page(request.GET.get("page"))
    comparison = assessing.compare(assessment) if assessment.after == 0 else None
    kind = _kind(request, comparison)
    behind, people_page = _behind(request, assessment, comparison, kind)
    owed = assessing.owed_fen(assessment)
    return render(
        request,
        "contributions/employer/assessment.html",
        {
            "assessment": assessment,
            "city": book().city(assessment.city),
            "employer": assessment.employer,
            "tone": ASSESSMENT_LIFE_CYCLE.tone(assessment.status),
            "told": comparison,
            "changes": [(one, CHANGE_LABELS[one.kind]) for one in comparison.changes] if comparison else [],
            "kind": kind,
            "kind_label": CHANGE_LABELS[kind] if kind else "",
            "behind": behind,
            "people_page": people_page,
            "query": words,
            "page_obj": page,
            "rows": [(one, CHARGE_LIFE_CYCLE.tone(one.status)) for one in page],
            "owed_fen": owed,
            "overdue": assessment.status in assessing.UNPAID and assessment.due_on < today,
            "code": code_of(assessment),
            "arrears_url": arrears_url(assessment.employer),
            "mend": _mend(assessment.city),
            "to": _account(assessment.city, today),
            "order_key": uuid.uuid4(),
            "orders": _takes_orders(assessment.city, today),
            "order": _open_order(assessment),
            "debit": _debit(assessment, today),
            "events": assessment.events.select_related("by"),
            "corrected": assessing.of_employer(assessment.employer).filter(month=assessment.month).first()
            if assessment.status == AssessmentStatus.REPLACED
            else None,
        },
    )


def _kind(request: HttpRequest, comparison: assessing.Comparison | None) -> Change | None:
    chosen = request.GET.get("change", "")
    if not chosen or comparison is None:
        return None
    if chosen not in {str(one.kind) for one in comparison.changes}:
        raise Http404
    return Change(chosen)


def _behind(
    request: HttpRequest, assessment: Assessment, comparison: assessing.Comparison | None, kind: Change | None
) -> tuple[list[assessing.PersonChanged], dict[str, Any]]:
    """One page of the people behind a change, and the offsets of the pages beside it."""
    if kind is None or comparison is None:
        return [], {}
    count = next(one.people for one in comparison.changes if one.kind == kind)
    first = min(whole_number(request.GET.get("from", "")) or 0, count - 1)
    people = assessing.people_of(assessment, kind, offset=first, limit=PER_PAGE)
    return people, {
        "first": first + 1,
        "last": first + len(people),
        "count": count,
        "before": max(first - PER_PAGE, 0) if first else None,
        "next": first + PER_PAGE if first + PER_PAGE < count else None,
    }


def _open_order(assessment: Assessment) -> Order | None:
    """The order under which the assessment's charges wait to be paid."""
    if assessment.status not in assessing.UNPAID:
        return None
    orders = Order.objects.filter(
        status=OrderStatus.OPEN,
        employer=assessment.employer_id,
        lines__live=True,
        lines__charge__month=assessment.month,
        lines__charge__gt=assessment.after,
        lines__charge__lte=assessment.last,
    )
    return orders.first()


def _debit(assessment: Assessment, today: dt.date) -> dict[str, Any]:
    """What the page says about the debit: what is at the bank, the account and day of the next
    debit, where to agree to it. Empty where the city debits no employers, or where nothing is left
    to pay."""
    terms = of_employers.terms_of(assessment.city, today.replace(day=1))
    if terms is None or assessment.status not in assessing.UNPAID:
        return {}
    agreement = of_employers.agreement_of(assessment.employer, assessment.city)
    days = [day for day in terms.days(Month.of(today)) if day >= today and day <= assessment.due_on]
    failed = DebitLine.objects.filter(assessment=assessment, status=LineStatus.FAILED).order_by("-pk").first()
    return {
        "drawing": assessment_lines.drawing(assessment),
        "account": identity.mask_account(agreement.account_number) if agreement else "",
        "bank": terms.bank_title,
        "on": days[0] if days else None,
        "from_month": Month.of(today) + 1,
        "failed": failed.get_reason_code_display() if failed else "",
        "url": reverse("service", args=[assessment.city, "employer-debit"])
        if "employer-debit" in book().city(assessment.city).offers
        else "",
    }


def _takes_orders(city: str, on: Any) -> bool:
    try:
        return bool(payment_terms(book(), city=city, on=on).channels)
    except PolicyMissing:
        return False


@require_POST
@clerk_required
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that the clerk confirms the month."""
    assessment = _assessment(request, pk)
    user, _employer = _clerk(request)
    try:
        assessing.confirm(assessment, by=user, now=timezone.now())
    except assessing.AlreadyMoved:
        messages.warning(request, _("这份核定单的状态刚刚有变动，请看下面的最新情况。"))
    else:
        messages.success(request, _("已确认。请在缴费期限前缴款。"))
    return redirect("employer-assessment", pk)


@require_POST
@clerk_required
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """Place an order for what is still owed of a confirmed month, to be paid online."""
    assessment = _assessment(request, pk)
    user, employer = _clerk(request)
    now = timezone.now()
    try:
        key = uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        return redirect("employer-assessment", pk)
    if assessment.status != AssessmentStatus.CONFIRMED or assessment.due_on < today_in_china(now):
        messages.warning(request, _("这份核定单现在不能网上缴款，请看下面的说明。"))
        return redirect("employer-assessment", pk)
    try:
        order = placing.place_charges(
            city=assessment.city,
            charges=assessing.lines(assessment).order_by("pk").filter(status=ChargeStatus.OWED),
            employer=employer,
            key=key,
            by=user,
            now=now,
        )
    except placing.CannotOrder as refused:
        messages.error(request, "".join(one.why for one in refused.refusals))
        return redirect("employer-assessment", pk)
    except KeyReused:
        messages.error(request, _("这次下单与先前的内容不同，请刷新后重新操作。"))
        return redirect("employer-assessment", pk)
    except PolicyMissing:
        raise Http404 from None
    return redirect("order", order.number)


# The lines as files


def _heads() -> list[str]:
    return [
        _("姓名"),
        _("身份证号码"),
        _("险种"),
        _("所属月份"),
        _("申报工资或档次"),
        _("缴费基数（元）"),
        _("个人缴纳（元）"),
        _("单位缴纳（元）"),
        _("合计（元）"),
        _("状态"),
    ]


def _rows(assessment: Assessment) -> Iterator[list[Any]]:
    for charge in assessing.lines(assessment).iterator(chunk_size=2000):
        basis = charge.basis.removeprefix("wage:")
        yield [
            charge.person.name,
            charge.person.identity_number,
            str(_(INSURANCE_LABELS[Insurance(charge.insurance)])),
            str(charge.month),
            money.yuan(int(basis)) if basis != charge.basis else charge.basis,
            charge.base.quantize(_CENT)
            if charge.base == charge.base.quantize(_CENT)
            else charge.base.normalize(),
            money.yuan(charge.personal_fen),
            money.yuan(charge.employer_fen),
            money.yuan(charge.amount_fen),
            charge.get_status_display(),
        ]


@never_cache
@require_safe
@clerk_required
def as_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """All lines as CSV; identity numbers stand as text."""
    assessment = _assessment(request, pk)
    rows = ([one[0], text_number(one[1]), *one[2:]] for one in _rows(assessment))
    response = StreamingHttpResponse(write_csv(_heads(), rows), content_type="text/csv; charset=utf-8")
    return _saved_as(response, f"assessment-{assessment.month}-{assessment.round}.csv")


@never_cache
@require_safe
@clerk_required
def as_xlsx(request: HttpRequest, pk: int) -> HttpResponseBase:
    """All lines as a spreadsheet."""
    assessment = _assessment(request, pk)
    content = write_xlsx(
        _("核定明细"), _heads(), _rows(assessment), widths=(14, 24, 12, 12, 16, 16, 16, 16, 16, 10)
    )
    return _saved_as(
        HttpResponse(content, content_type=XLSX), f"assessment-{assessment.month}-{assessment.round}.xlsx"
    )


def _saved_as(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


# One line, and one bill


@never_cache
@require_safe
@clerk_required
def charge(request: HttpRequest, pk: int) -> HttpResponse:
    """为什么是这个数, for one person's month of one insurance."""
    _user, employer = _clerk(request)
    charge = get_object_or_404(
        Charge.objects.select_related("employer", "person", "cancellation"), pk=pk, employer=employer
    )
    try:
        derivation = explain(charge, on=today_in_china(timezone.now()))
    except PolicyMissing:
        derivation = None
    return render(
        request,
        "contributions/employer/charge.html",
        {
            "charge": charge,
            "city": book().city(charge.city),
            "insurance": _(INSURANCE_LABELS[Insurance(charge.insurance)]),
            "derivation": derivation,
            "tone": CHARGE_LIFE_CYCLE.tone(charge.status),
            "receipts": Receipt.objects.filter(charge=charge).order_by("received_at", "pk"),
        },
    )


@never_cache
@require_safe
@clerk_required
def bill(request: HttpRequest, pk: int) -> HttpResponse:
    """补缴单: the sum of late months with their fees, and how to pay it."""
    _user, employer = _clerk(request)
    bill = get_object_or_404(ArrearsBill.objects.select_related("case"), pk=pk, employer=employer)
    page = Paginator(arrears_bills.lines(bill), PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "contributions/employer/bill.html",
        {
            "bill": bill,
            "city": book().city(bill.city),
            "employer": employer,
            "tone": BILL_LIFE_CYCLE.tone(bill.status),
            "code": code_of(bill),
            "page_obj": page,
            "rows": [
                (
                    one,
                    (one.surcharge.paid_on - one.surcharge.since).days if one.surcharge else 0,
                )
                for one in page
            ],
            "arrears_url": arrears_url(employer),
            "to": _account(bill.city, today_in_china(timezone.now())),
        },
    )


# What is taken to the bank


@never_cache
@require_safe
@clerk_required
def assessment_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """缴款通知单 of a confirmed month, to print: who pays what for which month, where to, with
    which remark, until when."""
    assessment = _assessment(request, pk)
    today = today_in_china(timezone.now())
    if (
        assessment.status != AssessmentStatus.CONFIRMED
        or assessment.due_on < today
        or assessment_lines.drawing(assessment)
    ):
        messages.warning(request, _("这份核定单现在不能汇款，请看下面的说明。"))
        return redirect("employer-assessment", pk)
    return _notice(
        request,
        city=assessment.city,
        employer=assessment.employer,
        title=_("{month}应缴").format(month=assessment.month.zh),
        sum_fen=assessing.owed_fen(assessment),
        until=assessment.due_on,
        code=code_of(assessment),
        back=reverse("employer-assessment", args=[pk]),
    )


@never_cache
@require_safe
@clerk_required
def bill_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """缴款通知单 of a bill for late months."""
    _user, employer = _clerk(request)
    bill = get_object_or_404(ArrearsBill, pk=pk, employer=employer)
    if bill.status != BillStatus.OPEN or bill.pay_on < today_in_china(timezone.now()):
        messages.warning(request, _("这份补缴单现在不能汇款，请看下面的说明。"))
        return redirect("employer-bill", pk)
    months = arrears_bills.lines(bill).order_by("charge__month").values_list("charge__month", flat=True)
    return _notice(
        request,
        city=bill.city,
        employer=employer,
        title=_("补缴{months}").format(months=periods_zh(runs(months))),
        sum_fen=bill.sum_fen,
        until=bill.pay_on,
        code=code_of(bill),
        back=reverse("employer-bill", args=[pk]),
    )


def _notice(request: HttpRequest, *, city: str, **about: Any) -> HttpResponse:
    now = timezone.now()
    context = {
        "city": book().city(city),
        "to": _account(city, today_in_china(now)),
        "sum_words": money.in_words(about["sum_fen"]),
        "issued_at": now,
        **about,
    }
    return render(request, "contributions/employer/notice.html", context)


def _account(city: str, on: dt.date) -> TransferAccount | None:
    try:
        return transfer_account(book(), city=city, on=on)
    except PolicyMissing:
        return None
