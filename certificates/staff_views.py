"""The pages of batches of proofs for an employer's clerks: progress, archive, and retry of failed
lines."""

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from certificates import presenting, queries, staff_batches
from certificates.models import LINE_LIFE_CYCLE, BatchStatus, LineStatus, StaffBatch
from portal.accounts.permissions import login_required_any

# The page lists so many failures at most; the archive's index lists all.
SHOWN_FAILURES = 50
# The HTTP status that tells the polling page to stop.
NOTHING_MORE = 286


@never_cache
@require_safe
@login_required_any
def staff_batch(request: HttpRequest, number: str) -> HttpResponse:
    """One batch: a progress bar, the failures with their reasons, and the archive."""
    return render(request, "certificates/staff_batch.html", _context(_batch(request, number)))


@never_cache
@require_safe
@login_required_any
def state(request: HttpRequest, number: str) -> HttpResponse:
    """The part of the page that changes."""
    batch = _batch(request, number)
    status = 200 if batch.status == BatchStatus.MAKING else NOTHING_MORE
    return render(request, "certificates/staff_batch_state.html", _context(batch), status=status)


@never_cache
@require_safe
@login_required_any
def archive(request: HttpRequest, number: str) -> HttpResponseBase:
    """The archive, streamed from disk."""
    batch = _batch(request, number)
    try:
        path = staff_batches.archive_of(batch)
    except staff_batches.NotReady:
        messages.info(request, _("压缩包还没有生成，或已过下载期。"))
        return redirect("staff-batch", number)
    name = _("职工参保证明-{number}.zip").format(number=number)
    response = FileResponse(
        path.open("rb"), as_attachment=True, filename=name, content_type="application/zip"
    )
    response.headers["Cache-Control"] = "no-store, private"
    return response


@require_POST
@login_required_any
def retry(request: HttpRequest, number: str) -> HttpResponse:
    """Retries the failed lines, and only these."""
    again = staff_batches.retry(_batch(request, number))
    if again:
        messages.success(request, _("已重新排队 {count} 份。").format(count=again))
    else:
        messages.info(request, _("没有需要重试的证明。"))
    return redirect("staff-batch", number)


def _batch(request: HttpRequest, number: str) -> StaffBatch:
    batch = queries.own_batches(request.user).filter(case__number=number).first()
    if batch is None:
        raise Http404
    return batch


def _context(batch: StaffBatch) -> dict[str, Any]:
    counts = staff_batches.progress(batch)
    failures = batch.lines.filter(status=LineStatus.FAILED).select_related("person")
    return {
        "batch": batch,
        "number": batch.case.number,
        "parts": _parts(counts, batch.total),
        "percent": 100 * (batch.total - counts[LineStatus.WAITING]) // batch.total,
        "total": batch.total,
        "waiting": counts[LineStatus.WAITING],
        "made": counts[LineStatus.MADE],
        "failed": counts[LineStatus.FAILED],
        "failures": failures[:SHOWN_FAILURES],
        "use": presenting.use_lines({"use": batch.asked}),
    }


def _parts(counts: dict[LineStatus, int], total: int) -> list[dict[str, Any]]:
    parts, at = [], 0.0
    for status in (LineStatus.MADE, LineStatus.FAILED, LineStatus.WAITING):
        width = 100 * counts[status] / total
        parts.append(
            {
                "label": LINE_LIFE_CYCLE.label(status),
                "count": counts[status],
                "fen": None,
                "tone": LINE_LIFE_CYCLE.tone(status),
                "x": f"{at:.3f}",
                "width": f"{width:.3f}",
            }
        )
        at += width
    return parts
