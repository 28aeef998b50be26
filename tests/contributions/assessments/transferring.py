"""Money that employers transfer, as two collectors of Wuhan enter and approve it."""

import datetime as dt
from typing import Any
from uuid import uuid4

from contributions.assessments import bank_transfers
from contributions.assessments.transfer_notes import Payable, candidates, code_of
from contributions.models import Arrival
from portal.accounts.models import User
from portal.shared.months import today_in_china
from tests.cast import Cast, moment

AT = moment("2026-11-18 16:00")


def entered(cast: Cast, payable: Payable | None, fen: int, **other: Any) -> Arrival:
    """Entered by one collector: for ``payable`` as its remark tells, or for nothing that anybody
    knows."""
    told: dict[str, Any] = {
        "city": "wuhan",
        "note": f"付社保费 {code_of(payable)}" if payable else "",
        "payer": "",
        "amount_fen": fen,
        "bank_number": "20261118000001",
        "arrived_on": dt.date(2026, 11, 18),
        "payable": payable,
        "key": uuid4(),
        "by": cast.wuhan_collector,
        "now": AT,
        **other,
    }
    return bank_transfers.enter(**told)


def approved(cast: Cast, arrival: Arrival, *, by: User | None = None, now: dt.datetime = AT) -> Arrival:
    """What is proposed takes effect, by another collector."""
    step = arrival.steps.order_by("-pk")[0]
    return bank_transfers.approve(step, by=by or cast.wuhan_second_collector, now=now)


def booked(cast: Cast, payable: Payable, fen: int, *, now: dt.datetime = AT, **other: Any) -> Arrival:
    """Entered and approved on a day, by its code alone."""
    [found] = candidates(notes=[code_of(payable)], payer="", amount_fen=fen, cities=["wuhan"])
    told = {"arrived_on": today_in_china(now), "now": now, **other}
    return approved(cast, entered(cast, found.payable, fen, **told), now=now)
