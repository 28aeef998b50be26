"""Where providers call back."""

import datetime as dt
import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import Error, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from contributions import channels
from contributions.channels.protocol import Forged
from contributions.models import PaymentNotice, Verdict
from contributions.orders import answers
from portal.accounts.models import User
from portal.shared.months import today_in_china
from portal.watch import failures

log = logging.getLogger(__name__)

LARGEST_NOTICE = 64 * 1024
# So many callbacks that nobody signed are kept of a channel and day; the others are counted.
FORGED_KEPT_A_DAY = 200


class TooManyForged(Exception):
    """More callbacks without a good signature came than are kept; somebody tries, or a key is
    wrong."""


@csrf_exempt
@require_POST
def callback(request: HttpRequest, channel: str) -> HttpResponse:
    """Takes what a provider says on its own. Only what carries its signature counts.

    Whatever goes wrong here is answered as not received, so that the provider says it again.
    """
    if channel not in channels.TITLES:
        raise Http404
    try:
        speaker = channels.channel(channel)
    except channels.ChannelUnavailable as problem:
        log.warning("A callback for %s, which cannot be used here: %s", channel, problem)
        return HttpResponse(status=503)
    try:
        body = request.body
    except RequestDataTooBig:
        return HttpResponse(status=413)
    if len(body) > LARGEST_NOTICE:
        return HttpResponse(status=413)
    try:
        ok = _take_notice(speaker, request.headers, body)
    except Exception as problem:
        # Whatever it is: the provider says it again, and staff are told.
        log.exception("A callback of %s was not taken", channel)
        name = _("%(channel)s 的支付通知") % {"channel": speaker.title}
        with suppress(Error):
            failures.report("ask_payments", name, problem, now=timezone.now())
        ok = False
    status, kind, content = speaker.callback_reply(ok)
    return HttpResponse(content, status=status, content_type=kind)


def _take_notice(speaker: Any, headers: Mapping[str, str], body: bytes) -> bool:
    now = timezone.now()
    notice = PaymentNotice(
        channel=speaker.code,
        received_at=now,
        digest=hashlib.sha256(body).hexdigest(),
        size=len(body),
        verdict=Verdict.FORGED,
    )
    try:
        answer = speaker.read_callback(headers, body)
    except Forged as why:
        number = _count_forged(speaker.code, now)
        if number == FORGED_KEPT_A_DAY + 1:
            name = _("%(channel)s %(day)s 验签不通过的通知") % {
                "channel": speaker.title,
                "day": today_in_china(now),
            }
            many = TooManyForged(_("一天内超过 %(most)s 次，其余只计数。") % {"most": FORGED_KEPT_A_DAY})
            failures.report("ask_payments", name, many, now=now)
        if number <= FORGED_KEPT_A_DAY:
            log.warning("A callback of %s is not believed: %s", speaker.code, why)
            notice.said = str(why).replace("\0", "")[:200]
            notice.save(force_insert=True)
        return False
    payment = answers.take_answer(
        answer, channel=speaker.code, by=User.objects.system(), now=now, how=_("渠道通知")
    )
    notice.verdict = Verdict.APPLIED if payment else Verdict.STRANGE
    notice.payment = payment
    said = f"{answer.number} {answer.outcome} {answer.amount_fen or ''} {answer.provider_number}"
    notice.said = said.replace("\0", "").strip()[:200]
    notice.save(force_insert=True)
    # What is not ours is received all the same: said again it would be no more ours.
    return True


def _count_forged(channel: str, now: dt.datetime) -> int:
    """Counts a callback that nobody signed, and gives how many there were that day.

    Anybody can send as many as they like.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO contributions_forgednotices AS counted (channel, day, count) VALUES (%s, %s, 1)
            ON CONFLICT (channel, day) DO UPDATE SET count = counted.count + 1 RETURNING count
            """,
            [channel, today_in_china(now)],
        )
        return int(cursor.fetchone()[0])
