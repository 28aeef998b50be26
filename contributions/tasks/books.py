"""The tasks of the books. What is left to do stands in the database."""

import logging
from contextlib import suppress

from celery import shared_task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contributions.audit import runs
from contributions.books import account_interest, day_sheets
from contributions.models import AuditRun
from portal.accounts.models import User
from portal.policy.book import book
from portal.shared.insurance import INSURANCE_LABELS
from portal.shared.months import today_in_china
from portal.watch.failures import Watch
from portal.watch.task import watched

log = logging.getLogger(__name__)


@watched(
    title=_("个人账户结息"),
    remedy=_(
        "该市该险种该年度没有结完，其他的不受影响。请系统管理员查明原因；修复后从停下的地方继续，不会重复计息。"
    ),
)
def credit_account_interest() -> None:
    """Credit the interest of the years that are over and whose rate is published, oldest first."""
    now, by = timezone.now(), User.objects.system()
    watch = Watch("credit_account_interest", now=now)
    for city, insurance, year in account_interest.due(on=today_in_china(now)):
        name = f"{book().city(city).title} {INSURANCE_LABELS[insurance]} {year}"
        with watch.item(name, city=city):
            done = account_interest.credit(city=city, insurance=insurance, year=year, by=by, now=now)
            log.info("%s %s %s: %s accounts credited", city, insurance, year, done.people)
    watch.finished()


@watched(
    title=_("日终试算平衡"),
    remedy=_(
        "该市的试算平衡表停在前一天，其他城市不受影响。请系统管理员查明原因；修复后自动补齐，也可以在“月结”中补做。"
    ),
)
def make_day_sheets() -> None:
    """Write the trial balances of the days that are over, of all cities."""
    made = day_sheets.make_due(by=User.objects.system(), now=timezone.now())
    log.info("%s day sheets made", made)


@watched(
    title=_("账目核对"),
    remedy=_("核对没有完成。请系统管理员查明原因，修复后在“账目核对”中重新核对。"),
)
def audit_books() -> None:
    """Prove the invariants: everything on Sundays, on the other days what has changed. Nothing
    beside another that is running."""
    with suppress(runs.UnderWay):
        _say(runs.run_of_the_day())


@shared_task
def audit_now() -> None:
    """Audit for a member of staff who does not want to wait for the night; nothing beside another
    that is running."""
    with suppress(runs.UnderWay):
        _say(runs.run(everything=False))


def _say(done: AuditRun) -> None:
    log.log(
        logging.INFO if done.sound else logging.ERROR,
        "audit of %s: %s of %s invariants broken",
        done,
        done.broken,
        len(done.findings),
    )
