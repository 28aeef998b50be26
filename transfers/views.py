"""Pages of a person's transfers: the state of each, and what the person can do. Another person's
transfer is answered with 404."""

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts.models import User
from portal.accounts.permissions import person_required
from portal.hall.ways import linked
from portal.policy.book import book
from portal.policy.terms.transfer import transfer_days
from portal.shared.insurance import Insurance
from portal.shared.months import today_in_china
from transfers import queries, relation, steps
from transfers.applying import shown
from transfers.machine import TRANSFER_LIFE_CYCLE, Side, Status
from transfers.models import Transfer

PER_PAGE = 20


@never_cache
@require_safe
@person_required
def transfers(request: HttpRequest) -> HttpResponse:
    """关系转移: the person's transfers, newest first."""
    user = _login(request)
    page = Paginator(queries.transfers_of(user), PER_PAGE).get_page(request.GET.get("page"))
    rows = [
        {
            "transfer": one,
            "whose": "" if one.person_id == user.person_id else one.person.name,
            "state": TRANSFER_LIFE_CYCLE.label(one.status),
            "tone": TRANSFER_LIFE_CYCLE.tone(one.status),
        }
        for one in page.object_list
    ]
    return render(request, "transfers/list.html", {"page_obj": page, "rows": rows})


@never_cache
@require_safe
@person_required
def transfer(request: HttpRequest, number: str) -> HttpResponse:
    """One transfer: its line of stations, the agency whose turn it is, what to do, what moves, its
    documents and its history."""
    transfer = _own(request, number)
    return render(request, "transfers/transfer.html", _context(transfer))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Asks for confirmation, then cancels the transfer."""
    transfer = _own(request, number)
    back = redirect("transfer", number)
    if request.method == "POST":
        try:
            steps.cancel(transfer, by=_login(request), now=timezone.now())
        except steps.CannotStep as why:
            messages.warning(request, why.whys[0])
        else:
            messages.success(request, _("已撤销。关系仍在{place}。").format(place=transfer.from_place))
        return back
    if not _may_cancel(transfer):
        messages.info(
            request,
            _("这份转移{status}，不能撤销。").format(status=TRANSFER_LIFE_CYCLE.label(transfer.status)),
        )
        return back
    context = {"transfer": transfer, "insurance": transfer.get_insurance_display(), "back_url": back.url}
    return render(request, "transfers/cancel.html", context)


@never_cache
@require_POST
@person_required
def again(request: HttpRequest, number: str) -> HttpResponse:
    """Continues a returned transfer after the person's correction; shows what still bars it."""
    transfer = _own(request, number)
    try:
        steps.put_right(transfer, by=_login(request), now=timezone.now(), note=_("本人已处理，重新提交"))
    except steps.AlreadyMoved as why:
        messages.warning(request, why.whys[0])
    except steps.CannotStep as refusal:
        return render(
            request, "transfers/transfer.html", {**_context(transfer), "barriers": refusal.whys}, status=422
        )
    else:
        messages.success(request, _("已重新提交。"))
    return redirect("transfer", number)


def _context(transfer: Transfer) -> dict[str, Any]:
    now = timezone.now()
    today = today_in_china(now)
    status = Status(transfer.status)
    waits = transfer.is_open and status not in (Status.RELEASED, Status.RECEIVED)
    current = relation.of(transfer, now=now) if waits else None
    persons_turn = transfer.side == Side.PERSON
    return {
        "transfer": transfer,
        "insurance": transfer.get_insurance_display(),
        "state": TRANSFER_LIFE_CYCLE.label(status),
        "tone": TRANSFER_LIFE_CYCLE.tone(status),
        "steps": queries.stations(transfer),
        "turn": queries.turn_words(transfer),
        "usual": queries.usual_days(city=transfer.acting_city, status=status, today=today)
        if transfer.acting_city
        else None,
        "limit_days": transfer_days(book(), insurance=Insurance(transfer.insurance), on=today),
        "is_late": transfer.is_late(today),
        "may_cancel": _may_cancel(transfer),
        "mine": persons_turn,
        "barriers": [linked(bar.why, bar.ways) for bar in relation.barriers(current)]
        if persons_turn and current
        else [],
        "information": transfer.information,
        "sum_fen": transfer.information["account_fen"] + transfer.information["pooled_fen"]
        if transfer.information
        else 0,
        "documents": [
            {
                "title": document.certificate.title,
                "number": document.certificate.serial_number,
                "url": reverse("certificate", args=[document.certificate.serial_number]),
            }
            for document in transfer.documents.select_related("certificate").order_by("pk")
        ],
        "events": transfer.events.select_related("by"),
        **(shown(current, transfer.old, transfer.new) if current else {}),
    }


def _may_cancel(transfer: Transfer) -> bool:
    return Status.CANCELLED in TRANSFER_LIFE_CYCLE.moves_from(transfer.status)


def _own(request: HttpRequest, number: str) -> Transfer:
    transfer = (
        queries.transfers_of(_login(request)).filter(number=number).select_related("person", "case").first()
    )
    if transfer is None:
        raise Http404
    return transfer


def _login(request: HttpRequest) -> User:
    return cast(User, request.user)
