"""Transfers with an agency outside the hall: by its system, signed, and by its papers, which staff
enter."""

import base64
import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from certificates import development_authority
from contributions.books import personal_account
from contributions.charges import brought_in
from contributions.models import BroughtIn
from portal.accounts.roles import MANAGER
from portal.hall import desk
from portal.hall.service import Applicant
from portal.partners.models import Scope
from portal.people.models import Person
from portal.policy.book import book
from tests.cast import NOW, Cast, staff
from tests.conftest import Clock
from tests.filing import file, reasons
from tests.partners.calling import Caller, partner_called
from tests.transfers.mover import (
    IN_NOVEMBER_FEN,
    PENSION,
    POOLED_FEN,
    WAGES,
    clerk_of,
    moved_to,
    offences,
    paid,
    walked,
)
from tests.transfers.mover import released as let_go
from transfers import information, releasing, steps
from transfers.agencies import of_city
from transfers.machine import Status
from transfers.models import Direction, Message, OutsideAgency, Transfer

pytestmark = pytest.mark.django_db

API = "/api/v1/transfers"

# Three months of 2023 and all of 2024: wages 80,000.00 yuan, of which 12 % are 9,600.00.
FORM: dict[str, Any] = {
    "periods": [["2023-10", "2025-01"]],
    "wages": {"2023": "15000.00", "2024": "65000.00"},
    "account_fen": 640_000,
    "pooled_fen": 960_000,
}


@pytest.fixture
def chengdu(clock: Clock) -> Caller:
    """The system of an agency of another province."""
    return partner_called(
        "chengdu", name="成都社保系统", cities=["wuhan", "shenzhen"], scopes=[Scope.TRANSFERS]
    )


@pytest.fixture
def seals(tmp_path: Path, settings: Any) -> None:
    """The development authority's keys, and a store for documents."""
    settings.SEAL_DIR = tmp_path / "keys"
    settings.MEDIA_ROOT = tmp_path / "media"
    development_authority.make_development_ca(cities=development_authority.development_cities(), now=NOW)


@pytest.fixture
def agency(chengdu: Caller) -> OutsideAgency:
    return OutsideAgency.objects.create(
        title="成都", agency="成都市社会保险事业管理局", partner=chengdu.partner
    )


@pytest.fixture
def by_paper(clock: Clock) -> OutsideAgency:
    return OutsideAgency.objects.create(title="长沙", agency="长沙市社会保险经办机构")


def told(chengdu: Caller, kind: str, **more: Any) -> Any:
    return chengdu.post(f"{API}/messages/", {"version": 1, "kind": kind, **more})


def read(chengdu: Caller, after: int = 0) -> list[dict[str, Any]]:
    answer = chengdu.get(f"{API}/messages/?after={after}")
    assert answer.status_code == 200, answer.content
    return [one["message"] for one in answer.json()["messages"]]


def letter(chengdu: Caller, person: Person, **more: Any) -> Any:
    who = {"identity_number": person.identity_number, "name": more.pop("name", person.name)}
    return told(chengdu, "letter_sent", **{"person": who, "insurance": "pension", "city": "wuhan", **more})


def coming(cast: Cast, agency: OutsideAgency, now: dt.datetime) -> Transfer:
    """Li Qiang's, from the agency to Shenzhen, with the letter sent."""
    moved_to(cast.li_qiang, "shenzhen")
    transfer = steps.apply(
        person=cast.li_qiang,
        insurance=PENSION,
        old=agency.place,
        new=of_city("shenzhen"),
        direction=Direction.IN,
        case=None,
        by=clerk_of("shenzhen"),
        now=now,
    )
    return walked(transfer, Status.LETTER_SENT, now)


# Away


def test_a_letter_of_the_other_system_begins_a_transfer_and_its_receipt_ends_it(
    cast: Cast, clock: Clock, mover: Person, agency: OutsideAgency, chengdu: Caller, seals: None
) -> None:
    answer = letter(chengdu, mover)
    assert answer.status_code == 201, answer.content
    transfer = Transfer.objects.get(number=answer.json()["transfer"])
    assert (transfer.status, transfer.to_place, transfer.acting_city) == ("letter_sent", "成都", "wuhan")
    assert read(chengdu) == []

    let_go(transfer, clock.now)
    [released] = read(chengdu)
    assert released["kind"] == "released"
    assert released["information"] == {
        "periods": [["2025-01", "2026-01"]],
        "months": 12,
        "wages": WAGES,
        "account_fen": IN_NOVEMBER_FEN,
        "pooled_fen": POOLED_FEN,
    }
    assert personal_account.balance(mover, "wuhan", PENSION) == 0
    form = released["documents"][-1]
    document = chengdu.get(f"{API}/documents/{form['serial_number']}/")
    assert base64.b64decode(document.json()["pdf"]).startswith(b"%PDF-")

    for kind in ("received", "merged"):
        assert told(chengdu, kind, transfer=transfer.number).status_code == 201
    transfer.refresh_from_db()
    assert transfer.status == "merged"
    assert [(one.way, one.kind) for one in Message.objects.all()] == [
        ("in", "letter_sent"),
        ("out", "released"),
        ("in", "received"),
        ("in", "merged"),
    ]
    assert offences() == []


def test_a_letter_meets_what_the_person_applied_for(
    cast: Cast, clock: Clock, mover: Person, agency: OutsideAgency, chengdu: Caller
) -> None:
    case = file(cast.li_qiang_login, "wuhan", "pension-out", {"to": f"outside-{agency.pk}"}, clock.now)
    [applied] = read(chengdu)
    assert (applied["kind"], applied["to"]) == ("applied", "成都")
    transfer = Transfer.objects.get(case=case)
    assert letter(chengdu, mover).json() == {"transfer": transfer.number, "status": "letter_sent"}
    assert Transfer.objects.count() == 1


def test_a_letter_that_the_rules_bar_begins_nothing(
    cast: Cast, clock: Clock, agency: OutsideAgency, chengdu: Caller
) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2025-03")
    moved_to(cast.li_qiang, "wuhan", "2026-01")
    answer = letter(chengdu, cast.li_qiang)
    assert answer.status_code == 422
    assert "还没有终止" in answer.json()["errors"][0]["message"]
    assert not Transfer.objects.exists()
    assert not Message.objects.exists()


def test_a_wrong_name_is_answered_like_an_unknown_number(
    cast: Cast, clock: Clock, mover: Person, agency: OutsideAgency, chengdu: Caller
) -> None:
    wrong = letter(chengdu, mover, name="李墙")
    unknown = letter(chengdu, Person(identity_number=cast.newcomer_number, name="李强"))
    assert wrong.status_code == unknown.status_code == 422
    assert wrong.json() == unknown.json()


# Hither


def test_the_other_systems_form_brings_months_and_money(
    cast: Cast, clock: Clock, agency: OutsideAgency, chengdu: Caller
) -> None:
    transfer = coming(cast, agency, clock.now)
    assert [one["kind"] for one in read(chengdu)] == ["applied", "accepted", "letter_sent"]
    answer = told(chengdu, "released", transfer=transfer.number, information=FORM)
    assert answer.status_code == 201, answer.content
    transfer = walked(Transfer.objects.get(), Status.MERGED, clock.now)
    assert transfer.status == "merged"
    assert personal_account.balance(cast.li_qiang, "shenzhen", PENSION) == 640_000
    came = BroughtIn.objects.get()
    assert (came.months, came.from_place, came.wages) == (15, "成都", {"2023": "15000", "2024": "65000"})
    assert len(brought_in.counted_months(cast.li_qiang, insurance=PENSION, city="shenzhen")) == 15
    assert [one["kind"] for one in read(chengdu)][3:] == ["received", "merged"]
    assert offences() == []


def test_a_form_sent_back_is_mended_by_the_next(
    cast: Cast, clock: Clock, agency: OutsideAgency, chengdu: Caller
) -> None:
    transfer = coming(cast, agency, clock.now)
    told(chengdu, "released", transfer=transfer.number, information=FORM)
    transfer.refresh_from_db()
    steps.send_back(transfer, reason="资金未到账", by=clerk_of("shenzhen"), now=clock.now)
    assert read(chengdu)[-1]["note"] == "资金未到账"
    answer = told(chengdu, "released", transfer=transfer.number, information=FORM)
    assert answer.json()["status"] == "released"
    assert walked(Transfer.objects.get(), Status.MERGED, clock.now).status == "merged"
    assert personal_account.balance(cast.li_qiang, "shenzhen", PENSION) == 640_000
    assert offences() == []


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"pooled_fen": 960_001}, "information.pooled_fen", "统筹基金应为 9,600.00 元"),
        ({"wages": {"2024": "80000.00"}}, "information.wages", "缺少2023年"),
        ({"wages": {**FORM["wages"], "2022": "1.00"}}, "information.wages", "2022年没有缴费月份"),
        ({"periods": [["2023-10", "2024-05"], ["2024-04", "2025-01"]]}, "information.periods", "不止一次"),
        ({"periods": [["2025-01", "2023-10"]]}, "information.periods", "没有月份"),
        ({"periods": [["2023-10", "2027-01"]]}, "information.periods", "不能晚于上个月"),
        ({"periods": []}, "information.periods", "请填写缴费月份"),
        ({"account_fen": -1}, "information.account_fen", ""),
        ({"periods": [["2023-13", "2025-01"]]}, "information.periods.0.0", ""),
    ],
)
def test_a_form_that_does_not_hold_is_refused_by_field(
    cast: Cast,
    clock: Clock,
    agency: OutsideAgency,
    chengdu: Caller,
    change: dict[str, Any],
    field: str,
    why: str,
) -> None:
    transfer = coming(cast, agency, clock.now)
    answer = told(chengdu, "released", transfer=transfer.number, information={**FORM, **change})
    assert answer.status_code == 422
    mistakes = {one["field"]: one["message"] for one in answer.json()["errors"]}
    assert why in mistakes[field], mistakes
    transfer.refresh_from_db()
    assert transfer.status == "letter_sent"


def test_months_that_count_already_are_refused(
    cast: Cast, clock: Clock, agency: OutsideAgency, chengdu: Caller
) -> None:
    paid(cast.li_qiang, "shenzhen", "2024-11", "2025-01")
    transfer = coming(cast, agency, clock.now)
    answer = told(chengdu, "released", transfer=transfer.number, information=FORM)
    assert "2024年11月至2024年12月在转入地已经缴费" in answer.json()["errors"][0]["message"]


# Who may


def test_a_partner_moves_only_its_own_and_only_in_its_turn(
    cast: Cast, clock: Clock, mover: Person, agency: OutsideAgency, chengdu: Caller, seals: None
) -> None:
    other = partner_called("changsha", name="长沙社保系统", cities=["wuhan"], scopes=[Scope.TRANSFERS])
    transfer = Transfer.objects.get(number=letter(chengdu, mover).json()["transfer"])
    assert other.get(f"{API}/messages/?after=0").status_code == 404
    OutsideAgency.objects.create(title="长沙", agency="长沙市经办机构", partner=other.partner)
    assert read(other) == []
    assert (
        told(other, "received", transfer=transfer.number).json()["errors"][0]["message"] == "没有这份转移。"
    )
    # It is the old city's turn.
    for kind in ("received", "merged"):
        assert told(chengdu, kind, transfer=transfer.number).status_code == 422
    early = told(chengdu, "released", transfer=transfer.number, information=FORM)
    assert early.status_code == 422
    assert letter(chengdu, mover, city="ningbo").status_code == 403
    transfer.refresh_from_db()
    assert transfer.status == "letter_sent"
    serial = transfer.documents.order_by("pk")[0].certificate.serial_number
    assert other.get(f"{API}/documents/{serial}/").status_code == 404
    assert chengdu.get(f"{API}/documents/{serial}/").status_code == 200


def test_without_the_scope_there_is_nothing(cast: Cast, clock: Clock) -> None:
    bank = partner_called("bank-x", name="某银行", cities=["wuhan"], scopes=[Scope.ORDERS])
    assert bank.get(f"{API}/messages/?after=0").status_code == 403


def test_the_same_message_again_is_the_same_answer(
    cast: Cast, clock: Clock, mover: Person, agency: OutsideAgency, chengdu: Caller
) -> None:
    body = {
        "version": 1,
        "kind": "letter_sent",
        "person": {"identity_number": mover.identity_number, "name": mover.name},
        "insurance": "pension",
        "city": "wuhan",
    }
    first, second = (chengdu.post(f"{API}/messages/", body, key="letter-0001") for _time in range(2))
    assert first.json() == second.json()
    assert Transfer.objects.count() == Message.objects.count() == 1


def test_many_places_are_a_list_in_two_groups(cast: Cast, clock: Clock, mover: Person) -> None:
    for number in range(9):
        OutsideAgency.objects.create(title=f"外地{number}市", agency=f"外地{number}市社会保险中心")
    offer = book().city("wuhan").offers["pension-out"]
    form = desk.form_for(offer=offer, applicant=Applicant.of(cast.li_qiang_login), now=NOW)
    choices = form.fields["to"].choices  # type: ignore[attr-defined]
    assert [group for group, _places in choices][1:] == ["本大厅的城市", "其他地区"]
    chosen = OutsideAgency.objects.get(title="外地8市")
    case = file(cast.li_qiang_login, "wuhan", "pension-out", {"to": chosen.place.key}, NOW)
    assert dict(case.outcome["lines"])["转入地"] == "外地8市社会保险中心"


# By paper


def paper(**more: str) -> dict[str, str]:
    return {
        "step": "release",
        "told-lines": "2023 10-12 15000.00\n2024 1-12 65,000.00",
        "told-account": "6400.00",
        "told-pooled": "9600.00",
        **more,
    }


def page_of(transfer: Transfer) -> str:
    return f"/admin/transfers/transfer/{transfer.pk}/change/"


def at_desk(city: str) -> Client:
    client = Client()
    client.force_login(clerk_of(city), backend="portal.accounts.doors.StaffDoor")
    return client


def test_staff_enter_the_form_from_paper(cast: Cast, clock: Clock, by_paper: OutsideAgency) -> None:
    transfer = coming(cast, by_paper, clock.now)
    client = at_desk("shenzhen")
    assert "长沙市社会保险经办机构" in client.get(page_of(transfer)).content.decode()
    assert client.post(page_of(transfer), paper()).status_code == 302
    transfer.refresh_from_db()
    assert transfer.information == information.checked(FORM, transfer, on=clock.now.date())
    assert walked(transfer, Status.MERGED, clock.now).status == "merged"
    assert not Message.objects.exists()
    assert offences() == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"told-lines": "2023年10月到12月"}, "第 1 行不合格式"),
        ({"told-lines": "2023 10-12 15000\n2023 12 1"}, "第 2 行的月份前面已经写过"),
        ({"told-lines": ""}, "请填写缴费月份和缴费工资"),
        ({"told-pooled": "9600.01"}, "统筹基金应为 9,600.00 元"),
        ({"told-account": "-1"}, "大于或等于"),
    ],
)
def test_what_is_wrong_on_the_paper_is_told_and_nothing_typed_is_lost(
    cast: Cast, clock: Clock, by_paper: OutsideAgency, change: dict[str, str], why: str
) -> None:
    transfer = coming(cast, by_paper, clock.now)
    page = at_desk("shenzhen").post(page_of(transfer), paper(**change))
    assert page.status_code == 422
    text = page.content.decode()
    assert why in text
    assert change.get("told-account", "6400.00") in text
    transfer.refresh_from_db()
    assert transfer.status == "letter_sent"


def test_a_release_without_the_form_is_refused(cast: Cast, clock: Clock, by_paper: OutsideAgency) -> None:
    transfer = coming(cast, by_paper, clock.now)
    with pytest.raises(steps.CannotStep, match="信息表"):
        releasing.release(transfer, by=clerk_of("shenzhen"), now=clock.now)


# Which agencies there are


def test_agencies_are_kept_by_managers_and_closed_ones_are_not_offered(
    cast: Cast, clock: Clock, mover: Person
) -> None:
    client = Client()
    client.force_login(staff("m", "方圆", "wuhan", MANAGER))
    rows = "/admin/transfers/outsideagency/"
    assert (
        client.post(f"{rows}add/", {"title": "长沙", "agency": "长沙市经办机构", "active": "on"}).status_code
        == 302
    )
    agency = OutsideAgency.objects.get()
    whither = {"to": f"outside-{agency.pk}"}
    assert reasons(cast.li_qiang_login, "wuhan", "pension-out", whither, clock.now) == {}
    assert (
        client.post(f"{rows}{agency.pk}/change/", {"title": "长沙", "agency": "长沙市经办机构"}).status_code
        == 302
    )
    assert "to" in reasons(cast.li_qiang_login, "wuhan", "pension-out", whither, clock.now)
    assert client.post(f"{rows}{agency.pk}/delete/", {"post": "yes"}).status_code == 403
    assert at_desk("wuhan").get(f"{rows}add/").status_code == 403


def test_staff_keep_scans_of_what_came(cast: Cast, clock: Clock, by_paper: OutsideAgency) -> None:
    transfer = coming(cast, by_paper, clock.now)
    client = at_desk("shenzhen")
    for _time in range(2):
        scan = SimpleUploadedFile("信息表.png", picture(), "image/png")
        assert client.post(page_of(transfer), {"step": "paper", "paper-file": scan}).status_code == 302
    paper = transfer.papers.get()
    assert (paper.name, paper.by) == ("信息表.jpg", clerk_of("shenzhen"))
    address = f"/admin/transfers/transfer/{transfer.pk}/papers/{paper.pk}/"
    assert address in client.get(page_of(transfer)).content.decode()
    assert b"".join(client.get(address)).startswith(b"\xff\xd8")
    assert at_desk("ningbo").get(address).status_code == 404
    transfer.refresh_from_db()
    assert transfer.status == "letter_sent"


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"%PDF-1.7 cut"])
def test_what_is_no_scan_is_refused_beside_the_field(
    cast: Cast, clock: Clock, by_paper: OutsideAgency, content: bytes
) -> None:
    transfer = coming(cast, by_paper, clock.now)
    scan = SimpleUploadedFile("信息表.pdf", content, "application/pdf")
    page = at_desk("shenzhen").post(page_of(transfer), {"step": "paper", "paper-file": scan})
    assert page.status_code == 422
    assert "请重新" in page.content.decode()
    assert not transfer.papers.exists()


def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(written, "PNG")
    return written.getvalue()
