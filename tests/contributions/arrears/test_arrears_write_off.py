"""历史欠费注销: given up for good, after the consequences were shown and the word was typed."""

import datetime as dt
from uuid import uuid4

import pytest
from django.db import IntegrityError, InternalError, transaction

from contributions.audit.looking import audit
from contributions.models import Cancellation, CancellationKind, Charge, ChargeStatus
from contributions.records import by_month
from contributions.records.by_month import State
from portal.hall import desk
from portal.hall.catalogue import service
from portal.hall.routing import Status
from portal.shared.insurance import Insurance
from tests.cast import Cast, cover
from tests.contributions.flexible import at_the_bank, charge_of, charged, ordered, paid_at_the_counter
from tests.filing import ask, file, reasons

CODE = "arrears-write-off"


@pytest.fixture
def owing(cast: Cast) -> dict[str, int]:
    """Pension and medical of September and October are owed."""
    for insurance in (Insurance.PENSION, Insurance.MEDICAL):
        cover(cast.li_qiang, insurance, "wuhan", "2026-09", tier="60")
    charged("wuhan", "2026-09", "2026-10", "2026-11")
    return {
        f"{insurance}-{month}": charge_of(cast.li_qiang, month, insurance).pk
        for insurance in (Insurance.PENSION, Insurance.MEDICAL)
        for month in ("2026-09", "2026-10", "2026-11")
    }


def typed(*charges: int, word: str = "注销") -> dict[str, object]:
    return {"charges": [str(pk) for pk in charges], "confirmation": word}


def whole() -> bool:
    return all(one.holds for one in audit())


def test_months_are_given_up_with_who_and_why(cast: Cast, now: dt.datetime, owing: dict[str, int]) -> None:
    chosen = (owing["pension-2026-09"], owing["medical-2026-09"])
    case = file(cast.li_qiang_login, "wuhan", CODE, typed(*chosen), now)
    assert case.status == Status.DONE
    assert {one.status for one in Charge.objects.filter(pk__in=chosen)} == {ChargeStatus.WRITTEN_OFF}
    why = Cancellation.objects.get(charge=chosen[0])
    assert (why.kind, why.by, why.at) == (CancellationKind.WRITTEN_OFF, cast.li_qiang_login, now)
    assert case.number in why.why
    assert dict(case.outcome["lines"])["注销合计"] == "2 笔，589.56 元"
    assert whole()


def test_they_do_not_count_as_paid_and_are_told_as_written_off(
    cast: Cast, now: dt.datetime, owing: dict[str, int]
) -> None:
    file(cast.li_qiang_login, "wuhan", CODE, typed(owing["pension-2026-09"]), now)
    [month] = [one for one in by_month.record(cast.li_qiang) if one.charge_id == owing["pension-2026-09"]]
    assert month.state == State.WRITTEN_OFF
    assert owing["pension-2026-09"] not in {one.charge_id for one in by_month.owed(cast.li_qiang)}


def test_the_card_tells_what_is_lost_and_what_paying_later_costs(
    cast: Cast, now: dt.datetime, owing: dict[str, int]
) -> None:
    asked = ask(
        cast.li_qiang_login, "wuhan", CODE, typed(owing["pension-2026-09"], owing["medical-2026-09"]), now
    )
    seen = desk.look(asked)
    facts, findings = seen.facts, seen.findings
    assert findings == []
    card = service(CODE).preview(asked, facts)
    assert [(one["insurance"], one["count"], one["for_good"]) for one in card["lost"]] == [
        ("养老保险", 1, False),
        ("医疗保险", 1, True),
    ]
    # 393.04 × 1.5 % × 48 days ÷ 365 = 0.78
    assert (card["now_fen"], card["later_fen"]) == (39304, 39304 + 78)


@pytest.mark.parametrize("word", ["", "是", "注消", "确认注销"])
def test_without_the_word_nothing_is_given_up(
    cast: Cast, now: dt.datetime, owing: dict[str, int], word: str
) -> None:
    refused = reasons(cast.li_qiang_login, "wuhan", CODE, typed(owing["pension-2026-09"], word=word), now)
    assert "confirmation" in refused


def test_twice_is_once_and_there_is_no_way_back(cast: Cast, now: dt.datetime, owing: dict[str, int]) -> None:
    chosen = typed(owing["pension-2026-09"])
    asked, key = ask(cast.li_qiang_login, "wuhan", CODE, chosen, now), uuid4()
    case = desk.submit(ask=asked, key=key, now=now)
    assert desk.submit(ask=asked, key=key, now=now) == case
    assert "charges" in reasons(cast.li_qiang_login, "wuhan", CODE, chosen, now)
    for back in (ChargeStatus.OWED, ChargeStatus.PAID, ChargeStatus.VOID):
        with pytest.raises((InternalError, IntegrityError)), transaction.atomic():
            Charge.objects.filter(pk=owing["pension-2026-09"]).update(status=back)
    assert Cancellation.objects.count() == 1


def test_written_off_medical_stands_for_its_month_for_ever(
    cast: Cast, now: dt.datetime, owing: dict[str, int]
) -> None:
    file(cast.li_qiang_login, "wuhan", CODE, typed(owing["medical-2026-09"]), now)
    with pytest.raises(InternalError, match="charges_only_change_status"), transaction.atomic():
        Charge.objects.filter(pk=owing["medical-2026-09"]).update(live=False)
    charged("wuhan", "2026-09")
    assert charge_of(cast.li_qiang, "2026-09", Insurance.MEDICAL).pk == owing["medical-2026-09"]


def test_a_month_that_is_not_due_yet_is_no_arrear(
    cast: Cast, now: dt.datetime, owing: dict[str, int]
) -> None:
    assert "charges" in reasons(cast.li_qiang_login, "wuhan", CODE, typed(owing["pension-2026-11"]), now)


@pytest.mark.parametrize(
    ("held", "why"), [(ordered, "缴费订单"), (at_the_bank, "正在银行扣款"), (paid_at_the_counter, "")]
)
def test_not_while_an_order_or_the_bank_has_it_and_not_once_it_is_paid(
    cast: Cast, now: dt.datetime, owing: dict[str, int], held, why: str
) -> None:
    charge = Charge.objects.get(pk=owing["pension-2026-10"])
    held(charge if held is at_the_bank else [charge], now=now)
    refused = reasons(cast.li_qiang_login, "wuhan", CODE, typed(charge.pk), now)
    assert "charges" in refused
    assert why in refused["charges"]
    with pytest.raises(desk.NotAccepted):
        file(cast.li_qiang_login, "wuhan", CODE, typed(charge.pk), now)


def test_nobody_gives_up_anyone_elses(cast: Cast, now: dt.datetime, owing: dict[str, int]) -> None:
    assert "不需要注销" in reasons(
        cast.wang_fang_login, "wuhan", CODE, typed(owing["pension-2026-09"]), now
    ).get("", "")
    with pytest.raises(desk.NotAllowed):
        file(cast.donghu_clerk, "wuhan", CODE, {}, now)
    assert not Cancellation.objects.exists()
