"""医疗保险关系转出: the months move; the account's balance where the city moves it, never the
pooled fund."""

import datetime as dt

from contributions.books import personal_account
from portal.hall import desk
from portal.hall.catalogue import service
from portal.shared.insurance import Capacity
from tests.cast import Cast, cover
from tests.filing import ask, file, reasons
from tests.transfers.mover import MEDICAL, applied, moved_to, offences, paid, walked
from transfers.machine import Status

CODE = "medical-out"


def test_wuhan_moves_the_months_and_the_balance(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2026-01", "2026-04", insurance=MEDICAL)
    moved_to(cast.li_qiang, "shenzhen", insurance=MEDICAL)
    # 3 × 1,965.18 × 3 %
    assert personal_account.balance(cast.li_qiang, "wuhan", MEDICAL) == 3 * 5896
    case = file(cast.li_qiang_login, "wuhan", CODE, {"to": "shenzhen"}, now)
    lines = dict(case.outcome["lines"])
    assert (lines["转移月数"], lines["个人账户"]) == ("3 个月（2026年1月至2026年3月）", "176.88 元")
    assert "统筹基金" not in lines
    transfer = walked(case.transfer, Status.MERGED, now)
    assert (transfer.information["account_fen"], transfer.information["pooled_fen"]) == (17688, 0)
    assert personal_account.balance(cast.li_qiang, "shenzhen", MEDICAL) == 17688
    assert offences() == []


def test_wuxi_moves_the_months_and_leaves_the_balance(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuxi", "2026-01", "2026-04", insurance=MEDICAL)
    moved_to(cast.li_qiang, "shenzhen", insurance=MEDICAL)
    left = personal_account.balance(cast.li_qiang, "wuxi", MEDICAL)
    asked = ask(cast.li_qiang_login, "wuxi", CODE, {"to": "shenzhen"}, now)
    seen = desk.look(asked)
    facts, findings = seen.facts, seen.findings
    assert findings == []
    line = service(CODE).preview(asked, facts)["moving"].derivation.lines[-1]
    assert (line.value, "余额" in line.note) == ("0.00 元", True)
    transfer = walked(applied(cast.li_qiang_login, now, old="wuxi", insurance=MEDICAL), Status.MERGED, now)
    assert (transfer.information["months"], transfer.information["account_fen"]) == (3, 0)
    assert personal_account.balance(cast.li_qiang, "wuxi", MEDICAL) == left
    assert offences() == []


def test_retired_persons_do_not_move_it(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2026-01", "2026-04", insurance=MEDICAL)
    cover(cast.li_qiang, MEDICAL, "shenzhen", "2026-11", capacity=Capacity.RETIREE)
    why = reasons(cast.li_qiang_login, "wuhan", CODE, {"to": "shenzhen"}, now)[""]
    assert why == "您已经享受退休人员医疗保险待遇，医疗保险关系不再转移。"


def test_another_persons_relation_is_out_of_reach(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2026-01", "2026-04", insurance=MEDICAL)
    moved_to(cast.wang_fang, "shenzhen", insurance=MEDICAL)
    why = reasons(cast.wang_fang_login, "wuhan", CODE, {"to": "shenzhen"}, now)[""]
    assert why == "您在武汉没有可以转移的医疗保险缴费月份。"
