"""A person's transfers: where each stands, and what they can do. Whatever is not theirs answers
404."""

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
    """关系转移: one's own transfers, newest first."""
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
    """One transfer: its line of stations, whose turn it is, what to do, what moves, its documents
    and its history."""
    found = _own(request, number)
    return render(request, "transfers/transfer.html", _context(found))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Asks, then gives the transfer up."""
    found = _own(request, number)
    back = redirect("transfer", number)
    if request.method == "POST":
        try:
            steps.cancel(found, by=_login(request), now=timezone.now())
        except steps.CannotStep as why:
            messages.warning(request, why.whys[0])
        else:
            messages.success(request, _("已撤销。关系仍在{place}。").format(place=found.from_place))
        return back
    if not _may_cancel(found):
        messages.info(
            request,
            _("这份转移{status}，不能撤销。").format(status=TRANSFER_LIFE_CYCLE.label(found.status)),
        )
        return back
    context = {"transfer": found, "insurance": found.get_insurance_display(), "back_url": back.url}
    return render(request, "transfers/cancel.html", context)


@never_cache
@require_POST
@person_required
def again(request: HttpRequest, number: str) -> HttpResponse:
    """What was returned goes on, once the person has put it right; says what still stands against
    it."""
    found = _own(request, number)
    try:
        steps.put_right(found, by=_login(request), now=timezone.now(), note=_("本人已处理，重新提交"))
    except steps.AlreadyMoved as why:
        messages.warning(request, why.whys[0])
    except steps.CannotStep as refusal:
        return render(
            request, "transfers/transfer.html", {**_context(found), "barriers": refusal.whys}, status=422
        )
    else:
        messages.success(request, _("已重新提交。"))
    return redirect("transfer", number)


def _context(found: Transfer) -> dict[str, Any]:
    now = timezone.now()
    today = today_in_china(now)
    status = Status(found.status)
    waits = found.is_open and status not in (Status.RELEASED, Status.RECEIVED)
    current = relation.of(found, now=now) if waits else None
    mine = found.side == Side.PERSON
    return {
        "transfer": found,
        "insurance": found.get_insurance_display(),
        "state": TRANSFER_LIFE_CYCLE.label(status),
        "tone": TRANSFER_LIFE_CYCLE.tone(status),
        "steps": queries.stations(found),
        "turn": queries.turn_words(found),
        "usual": queries.usual_days(city=found.acting_city, status=status, today=today)
        if found.acting_city
        else None,
        "limit_days": transfer_days(book(), insurance=Insurance(found.insurance), on=today),
        "is_late": found.is_late(today),
        "may_cancel": _may_cancel(found),
        "mine": mine,
        "barriers": [linked(bar.why, bar.ways) for bar in relation.barriers(current)]
        if mine and current
        else [],
        "information": found.information,
        "sum_fen": found.information["account_fen"] + found.information["pooled_fen"]
        if found.information
        else 0,
        "documents": [
            {
                "title": document.certificate.title,
                "number": document.certificate.serial_number,
                "url": reverse("certificate", args=[document.certificate.serial_number]),
            }
            for document in found.documents.select_related("certificate").order_by("pk")
        ],
        "events": found.events.select_related("by"),
        **(shown(current, found.old, found.new) if current else {}),
    }


def _may_cancel(found: Transfer) -> bool:
    return Status.CANCELLED in TRANSFER_LIFE_CYCLE.moves_from(found.status)


def _own(request: HttpRequest, number: str) -> Transfer:
    found = (
        queries.transfers_of(_login(request)).filter(number=number).select_related("person", "case").first()
    )
    if found is None:
        raise Http404
    return found


def _login(request: HttpRequest) -> User:
    return cast(User, request.user)
