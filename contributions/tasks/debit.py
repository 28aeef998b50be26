"""The tasks of the debit. A task only starts the work: what is left to do stands in the database,
so that a task that is lost, late, doubled or killed changes nothing."""

import datetime as dt
import logging
from collections.abc import Collection, Iterator

from celery import shared_task
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contributions.charges import charging, lapsing, suspending
from contributions.debit import of_employers, opening, payers, posting, reading, sending
from contributions.models import BatchStatus, ChargingRun, DebitBatch
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import charging_terms
from portal.policy.terms.debit import debit_terms
from portal.shared.insurance import Capacity
from portal.shared.months import Month, month_span, today_in_china
from portal.watch.failures import Watch
from portal.watch.task import watched

log = logging.getLogger(__name__)


@watched(
    title=_("计算应缴"),
    remedy=_("该市当月没有生成应缴，其他城市不受影响。请系统管理员查明原因；修复后系统自动补算，不会重复。"),
)
def charge_due() -> None:
    """Charge every city's months that are due and not charged completely; first resume who has
    settled what they owed, and let lapse what children and students did not pay in time."""
    now, by = timezone.now(), User.objects.system()
    suspending.resume_settled(now=now)
    watch = Watch("charge_due", now=now)
    for city, month, capacities in months_to_charge(today_in_china(now)):
        with watch.item(f"{book().city(city).title} {month}", city=city):
            if month == Month.of(today_in_china(now)):
                lapsing.lapse(city=city, month=month, by=by, now=now)
            done = charging.charge(city=city, month=month, capacities=capacities, by=by, now=now)
            log.info(
                "%s %s: %s charges made, %s groups left out", city, month, done.created, len(done.left_out)
            )
    watch.finished()


def months_to_charge(today: dt.date) -> Iterator[tuple[str, Month, tuple[Capacity, ...]]]:
    """The city-months to charge on a day, and whom.

    Always the current month, from its charging day on, and the one before: coverage may be
    registered late, or for last month. Earlier ones too as far as the latest run, so that a
    schedule that stood still for months is caught up.
    """
    current = Month.of(today)
    latest = dict(ChargingRun.objects.values_list("city").annotate(Max("month")))
    for city in book().cities:
        try:
            terms = charging_terms(book(), city=city.slug, on=today)
        except PolicyMissing:
            continue
        before = current - 1
        first = min(latest.get(city.slug, before), before)
        for month in month_span(first, current):
            yield city.slug, month, tuple(terms.days)
        if due := terms.due(today):
            yield city.slug, current, due


@watched(
    title=_("恢复缴费"),
    remedy=_("该市已结清欠费的人暂未恢复缴费。请系统管理员查明原因；修复后下一小时自动恢复。"),
)
def resume_settled() -> None:
    """Resume the coverages whose arrears are settled."""
    log.info("%s coverages resumed", suspending.resume_settled(now=timezone.now()))


@watched(
    title=_("托收开批"),
    remedy=_("该市本月托收没有开批。请系统管理员查明原因；征缴人员也可以在托收批次页用“开批…”补开。"),
)
def open_due_batches() -> None:
    """Open the first debit of each city's month whose day has come, this month's and, where it was
    missed, last month's; and the employers' of the day that has come."""
    now, by = timezone.now(), User.objects.system()
    today = today_in_china(now)
    watch = Watch("open_due_batches", now=now)
    for city in book().cities:
        for month in (Month.of(today) - 1, Month.of(today)):
            with watch.item(f"{city.title} {month}", city=city.slug):
                _open_due(city.slug, month, today=today, by=by, now=now)
        with watch.item(f"{city.title} 单位托收", city=city.slug):
            if of_employers.terms_of(city.slug, today.replace(day=1)):
                of_employers.open_batch(city=city.slug, by=by, now=now)
    watch.finished()


def _open_due(city: str, month: Month, *, today: dt.date, by: User, now: dt.datetime) -> None:
    try:
        terms = debit_terms(book(), city=city, on=month.first_day)
    except PolicyMissing:
        return
    if terms.debit_on(month) <= today:
        opening.open_batch(city=city, month=month, by=by, now=now)


@shared_task
def open_batch(city: str, month: str, payer: str, by_id: int) -> None:
    """Open a city's month for a member of staff who does not want to wait for the schedule."""
    by, now = User.objects.get(pk=by_id), timezone.now()
    payers.payers(payer).open_by_staff(city, Month.parse(month), by=by, now=now)


@watched(
    title=_("报送托收文件"),
    remedy=_(
        "这一批的文件没有送到银行，其他批次不受影响。请系统管理员检查交换目录的空间和权限；恢复后自动重发，不会重复。"
    ),
)
def send_batches() -> None:
    """Write the files of the batches that were released; one that fails does not keep the
    others."""
    now, by = timezone.now(), User.objects.system()
    watch = Watch("send_batches", now=now)
    for batch in DebitBatch.objects.filter(status=BatchStatus.RELEASED).order_by("opened_at", "pk"):
        with watch.item(batch.number, city=batch.city):
            sending.write_file(batch, by=by, now=now)
    watch.only(lambda names: _numbers(names, BatchStatus.RELEASED))


def _numbers(names: Collection[str], status: BatchStatus) -> list[str]:
    """Those of the batches' numbers that are still in a state."""
    return list(DebitBatch.objects.filter(number__in=names, status=status).values_list("number", flat=True))


@watched(
    title=_("读取银行结果"),
    remedy=_(
        "这个文件读不出来，仍在收件目录，其他文件不受影响。请系统管理员检查文件的权限和磁盘；读不出的请银行重发。"
    ),
)
def read_answers() -> None:
    """Read what the banks have answered."""
    now, by = timezone.now(), User.objects.system()
    for read in reading.read_answers(by=by, now=now):
        log.info("%s: %s %s", read.name, read.outcome, read.why)


@watched(
    title=_("托收结果记账"),
    remedy=_("这一批没有记完，已记的部分不受影响。请系统管理员查明原因；修复后从停下的地方继续，不会重复。"),
)
def post_answers() -> None:
    """Book the batches whose answer was read."""
    now, by = timezone.now(), User.objects.system()
    watch = Watch("post_answers", now=now)
    for batch in DebitBatch.objects.filter(status=BatchStatus.ANSWERED).order_by("opened_at", "pk"):
        with watch.item(batch.number, city=batch.city):
            posting.post(batch, by=by, now=now)
    watch.only(lambda names: _numbers(names, BatchStatus.ANSWERED))


@shared_task
def run_step(step: str, batch_id: int, by_id: int) -> None:
    """One step of one batch for a member of staff who does not want to wait for the schedule: send,
    read or post."""
    now, by = timezone.now(), User.objects.get(pk=by_id)
    batch = DebitBatch.objects.get(pk=batch_id)
    if step == "send":
        sending.write_file(batch, by=by, now=now)
    elif step == "read":
        reading.read_answers(by=by, now=now)
    elif step == "post":
        posting.post(batch, by=by, now=now)
    else:
        raise ValueError(step)
