"""首次参加医疗保险制卡申请: applied for with the first medical enrolment, confirmed at the window,
made, collected; each step told."""

import datetime as dt
import io
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from PIL import Image

from enrollment.cards import making
from enrollment.cards.machine import CardStatus
from enrollment.cards.models import FirstCard
from portal.accounts.models import Notice
from portal.hall import attachments, desk, keeping
from portal.hall.models import Case, Draft
from portal.hall.routing import Status
from portal.policy.book import book
from portal.registers.models import SecurityCardRecord
from portal.shared.insurance import Insurance
from tests import pictures
from tests.cast import Cast, cover, moment
from tests.conftest import Clock
from tests.filing import file, photo, reasons
from tests.hall.test_workbench import page

pytestmark = pytest.mark.as_app

CODE = "first-medical-card"
BANK = "中国农业银行"
MAY_10 = moment("2013-05-10 10:00")
ACCEPT = {
    "approve": "1",
    "approve-came": "self",
    "approve-identity": "on",
    **{f"approve-paper-{paper}": ["seen", "agrees"] for paper in ("photo", "identity-card", "signed-form")},
}


def enrolled(cast: Cast, at: dt.datetime = MAY_10, key: UUID | None = None) -> Case:
    """The card's case that came of a first medical enrolment."""
    typed = {
        "tier_pension": "",
        "tier_medical": "60",
        "account_number": "6217990000000000014",
        "phone": "13800000002",
    }
    login = cast.li_qiang_login
    handed_in = photo(login, "wuhan", "flexible-enroll", at)
    enrolment = file(login, "wuhan", "flexible-enroll", typed, at, attachments=[handed_in], key=key)
    assert "确认照片并签字" in dict(enrolment.outcome["lines"])["制卡"]
    return Case.objects.get(service=CODE)


def told() -> list[str]:
    return list(Notice.objects.filter(kind=making.KIND).order_by("pk").values_list("title", flat=True))


def typed(**more: str) -> dict[str, str]:
    return {"bank": BANK, "delivery": "window", **more}


@pytest.mark.parametrize(
    ("enrolled_on", "come_by"),
    [("2013-05-10", "2013-05-20"), ("2013-05-20", "2013-05-20"), ("2013-05-25", "2013-06-20")],
)
def test_the_enrolment_applies_for_the_card_by_the_20th(cast: Cast, enrolled_on: str, come_by: str) -> None:
    case = enrolled(cast, moment(f"{enrolled_on} 10:00"))
    assert (case.status, case.due_on, case.keep_until) == (Status.PRE_APPLIED, None, None)
    assert str(case.first_card.come_by) == come_by
    assert case.attachments.get().paper == "photo"
    assert told() == ["制卡申请已提交"]
    assert not Draft.objects.filter(service=CODE).exists()


def test_an_enrolment_that_is_sent_twice_applies_once(cast: Cast) -> None:
    key = uuid4()
    login, answers = cast.li_qiang_login, {"tier_pension": "", "tier_medical": "60", "phone": "13800000002"}
    answers["account_number"] = "6217990000000000014"
    handed_in = photo(login, "wuhan", "flexible-enroll", MAY_10)
    first = file(login, "wuhan", "flexible-enroll", answers, MAY_10, attachments=[handed_in], key=key)
    ask = desk.ask_of(first)
    assert desk.submit(ask=ask, key=key, now=MAY_10) == first
    assert (Case.objects.filter(service=CODE).count(), FirstCard.objects.count()) == (1, 1)


def test_it_goes_from_the_window_to_its_owner_and_each_step_is_told(
    cast: Cast, client: Client, clock: Clock
) -> None:
    case = enrolled(cast)
    card = case.first_card
    client.force_login(cast.wuhan_reviewer)
    client.post(page(case), ACCEPT)
    case.refresh_from_db()
    card.refresh_from_db()
    assert (case.status, card.status) == (Status.UNDER_WAY, CardStatus.MAKING)
    # The 17th of November, and 40 working days from then.
    assert str(card.made_by) == str(case.due_on) == "2027-01-12"

    address = reverse("admin:enrollment_firstcard_change", args=[card.pk])
    assert cast.li_qiang.name in client.get(reverse("admin:enrollment_firstcard_changelist")).content.decode()
    client.post(address, {"action": "collected", "identity": "on"})  # not ready yet
    card.refresh_from_db()
    assert card.status == CardStatus.MAKING
    client.post(address, {"action": "ready"})
    client.post(address, {"action": "ready"})
    client.post(address, {"action": "collected"})  # nobody's identity was looked at
    card.refresh_from_db()
    assert card.status == CardStatus.READY
    own = Client()
    own.force_login(cast.li_qiang_login)
    assert "请携带居民身份证到" in own.get(reverse("case", args=[case.number])).content.decode()
    client.post(address, {"action": "collected", "identity": "on"})
    case.refresh_from_db()
    card.refresh_from_db()
    assert (case.status, card.status) == (Status.DONE, CardStatus.COLLECTED)
    assert told() == ["制卡申请已提交", "社会保障卡制卡中", "社会保障卡可以领取了", "社会保障卡已领取"]
    assert [event.to_status for event in case.events.all()] == [
        "submitted", "pre_applied", "under_way", "done"
    ]  # fmt: skip


def test_staff_of_another_city_and_without_the_right_move_no_card(cast: Cast, client: Client) -> None:
    card = enrolled(cast).first_card
    address = reverse("admin:enrollment_firstcard_change", args=[card.pk])
    for user, status in ((cast.ningbo_reviewer, 404), (cast.wuhan_collector, 403)):
        client.force_login(user)
        assert client.post(address, {"action": "ready"}).status_code == status


def test_who_misses_the_20th_is_told_each_week_and_stays_insured(cast: Cast) -> None:
    case = enrolled(cast)
    late = []
    for day in range(20, 36):
        at = moment("2013-05-01 08:40") + dt.timedelta(days=day - 1)
        making.remind(now=at)
        making.remind(now=at)
        late.append(told().count("请到窗口确认照片"))
    # Nothing on the 20th; on the 21st and the 28th of May, and on the 4th of June.
    assert late == [0, *[1] * 7, *[2] * 7, 3]
    assert keeping.end_unclaimed(by=cast.wuhan_reviewer, now=moment("2014-05-10")) == 0
    case.refresh_from_db()
    assert case.status == Status.PRE_APPLIED


def test_who_has_withdrawn_is_told_no_more_and_may_apply_anew(cast: Cast) -> None:
    desk.withdraw(enrolled(cast), by=cast.li_qiang_login, now=MAY_10)
    assert making.remind(now=moment("2013-05-21 08:40")) == 0
    handed_in = photo(cast.li_qiang_login, "wuhan", CODE, MAY_10)
    again = file(
        cast.li_qiang_login, "wuhan", CODE, typed(delivery="post", address="武昌区中北路1号"), MAY_10,
        attachments=[handed_in],
    )  # fmt: skip
    assert (again.first_card.bank, again.first_card.address) == (BANK, "武昌区中北路1号")
    assert "address" in reasons(cast.li_qiang_login, "wuhan", CODE, typed(delivery="post"), MAY_10)


def test_who_has_a_card_or_no_medical_insurance_is_barred(cast: Cast) -> None:
    why = reasons(cast.li_qiang_login, "wuhan", CODE, typed(), MAY_10)[""]
    assert why.startswith("您在本市还没有参加医疗保险，请先办理“新参保及接续”")
    cover(cast.li_qiang, Insurance.MEDICAL, "wuhan", "2013-01", tier="60")
    assert reasons(cast.li_qiang_login, "wuhan", CODE, typed(), MAY_10) == {}
    SecurityCardRecord.objects.create(
        identity_number=cast.li_qiang.identity_number, bank="psbc", number="6217990000000000014"
    )
    assert reasons(cast.li_qiang_login, "wuhan", CODE, typed(), MAY_10) == {
        "": "已有社会保障卡，补换卡请到发卡银行。"
    }


def test_who_has_a_card_enrols_without_a_photo_and_applies_for_none(cast: Cast) -> None:
    SecurityCardRecord.objects.create(
        identity_number=cast.li_qiang.identity_number, bank="psbc", number="6217990000000000014"
    )
    answers = {"tier_pension": "", "tier_medical": "60", "account_number": "6217990000000000014"}
    answers["phone"] = "13800000002"
    assert file(cast.li_qiang_login, "wuhan", "flexible-enroll", answers, MAY_10).status == Status.DONE
    assert not FirstCard.objects.exists()


def test_the_database_lets_nobody_have_two(cast: Cast) -> None:
    card = enrolled(cast).first_card
    making.send(card.case, by=cast.wuhan_reviewer, now=MAY_10)
    with pytest.raises(IntegrityError, match="one_first_card_a_person"), transaction.atomic():
        FirstCard.objects.create(
            case=Case.objects.exclude(pk=card.case_id).get(),
            person=cast.li_qiang,
            city="wuhan",
            bank=BANK,
            delivery="window",
            status=CardStatus.MAKING,
            come_by=card.come_by,
            made_by=card.come_by,
        )


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (358, 441), "white").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lambda: pictures.photo(300, 400), "是 300×400 像素"),
        (lambda: pictures.photo(quality=100), "大小是"),
        (png, "不是 JPG 图片"),
        (pictures.photo, ""),
    ],
)
def test_the_photo_is_of_the_size_that_the_maker_wants(
    cast: Cast, now: dt.datetime, content: Callable[[], bytes], why: str
) -> None:
    offer = book().city("wuhan").offers[CODE]
    draft = Draft.objects.create(user=cast.li_qiang_login, city="wuhan", service=CODE, updated_at=now)
    file = SimpleUploadedFile("a.jpg", content())
    paper = next(one for one in offer.papers if one.code == "photo")
    if not why:
        assert attachments.keep_upload(home=draft, paper=paper, file=file, now=now).size
        return
    with pytest.raises(attachments.UploadRefused, match=why) as refusal:
        attachments.keep_upload(home=draft, paper=paper, file=file, now=now)
    assert "要求JPG 图片，358×441 像素，5 至 50 KB" in str(refusal.value)
