"""撤销养老保险关系转出: by the person, until the old place has let go."""

import datetime as dt

import pytest

from portal.hall import desk
from portal.hall.routing import Status as CaseStatus
from tests.cast import Cast
from tests.filing import file, reasons
from tests.transfers.mover import PENSION, applied, moved_to, offences, paid, walked
from transfers.machine import Status
from transfers.models import Transfer

CODE = "pension-out-cancel"
SURE = {"sure": "on"}


@pytest.fixture
def transfer(cast: Cast, now: dt.datetime) -> Transfer:
    """From Shenzhen to Wuhan, as the letter has just gone out."""
    paid(cast.chen_jing, "shenzhen", "2026-01", "2026-04", insurance=PENSION, tier="60")
    moved_to(cast.chen_jing, "wuhan", insurance=PENSION)
    begun = applied(cast.chen_jing_login, now, old="shenzhen", new="wuhan", insurance=PENSION)
    return walked(begun, Status.LETTER_SENT, now)


def test_it_is_cancelled_at_once(cast: Cast, now: dt.datetime, transfer: Transfer) -> None:
    case = file(cast.chen_jing_login, "shenzhen", CODE, SURE, now)
    assert case.status == CaseStatus.DONE
    assert case.outcome["transfer"] == transfer.number
    transfer.refresh_from_db()
    assert (transfer.status, case.number in transfer.reason) == (Status.CANCELLED, True)
    assert offences() == []


def test_after_the_release_it_is_barred(cast: Cast, now: dt.datetime, transfer: Transfer) -> None:
    walked(transfer, Status.RELEASED, now)
    why = reasons(cast.chen_jing_login, "shenzhen", CODE, SURE, now)[""]
    assert why == "您的养老保险关系已转出，不能撤销。请等新参保地接收并合并。"
    with pytest.raises(desk.NotAccepted):
        file(cast.chen_jing_login, "shenzhen", CODE, SURE, now)


def test_it_is_asked_whether_one_is_sure(cast: Cast, now: dt.datetime, transfer: Transfer) -> None:
    assert reasons(cast.chen_jing_login, "shenzhen", CODE, {}, now) == {"sure": "请勾选确认撤销。"}


def test_nobody_cancels_for_another(cast: Cast, now: dt.datetime, transfer: Transfer) -> None:
    why = reasons(cast.wang_fang_login, "shenzhen", CODE, SURE, now)[""]
    assert why == "您没有正在从深圳转出的养老保险关系，不需要撤销。"
    transfer.refresh_from_db()
    assert transfer.status == Status.LETTER_SENT
