"""The person's pages and the agencies' queue: what they show, and to whom."""

import datetime as dt
import re

import pytest
from django.test import Client

from certificates import development_authority, issuing
from certificates.kinds import CertificateKind
from portal.accounts.models import Notice, User
from portal.hall import desk
from portal.hall.service import Applicant
from portal.people.models import Person
from portal.policy.book import book
from tests.cast import Cast, moment
from tests.certificates.test_rendering import text_of
from tests.conftest import Clock
from tests.filing import reasons
from tests.transfers.mover import applied, clerk_of, walked
from tests.transfers.standing_mover import cast, mover, who_moved
from transfers import notices, queries, steps
from transfers.machine import Status
from transfers.models import Transfer

__all__ = ["cast", "mover", "who_moved"]

PERSON, STAFF = "portal.accounts.doors.PersonDoor", "portal.accounts.doors.StaffDoor"
QUEUE = "/admin/transfers/transfer/"


def of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=PERSON if user.is_person else STAFF)
    return client


@pytest.fixture
def transfer(cast: Cast, now: dt.datetime, mover: Person) -> Transfer:
    return applied(cast.li_qiang_login, now)


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_an_empty_list_says_what_will_stand_there(cast: Cast, clock: Clock) -> None:
    assert "还没有关系转移" in text(of(cast.wang_fang_login), "/transfers/")


def test_the_tracker_says_who_has_it_until_when(cast: Cast, transfer: Transfer) -> None:
    page = text(of(cast.li_qiang_login), f"/transfers/{transfer.number}/")
    # What is waited for has not happened yet, and is not called as if it had.
    assert "等待受理" in page
    assert "已受理" not in page
    assert "由深圳市社会保险基金管理局办理，应在2026年12月8日前完成" in page
    assert "每个经办机构的期限是 15 个工作日" in page
    assert "4,716.38" in page
    assert transfer.number in text(of(cast.li_qiang_login), "/transfers/")


def test_another_persons_transfer_is_not_there(cast: Cast, transfer: Transfer) -> None:
    stranger = of(cast.wang_fang_login)
    for address in (f"/transfers/{transfer.number}/", f"/transfers/{transfer.number}/cancel/"):
        assert stranger.get(address).status_code == 404
    assert stranger.post(f"/transfers/{transfer.number}/cancel/").status_code == 404
    assert stranger.post(f"/transfers/{transfer.number}/again/").status_code == 404
    transfer.refresh_from_db()
    assert transfer.status == Status.APPLIED


def test_what_still_stands_against_it_is_said_when_it_is_sent_again(
    cast: Cast, now: dt.datetime, transfer: Transfer
) -> None:
    returned = steps.send_back(transfer, reason="请先在深圳参保", by=clerk_of("shenzhen"), now=now)
    cast.li_qiang.coverages.filter(city="shenzhen").update(live=False)
    answer = of(cast.li_qiang_login).post(f"/transfers/{returned.number}/again/")
    assert answer.status_code == 422
    assert "您还没有在深圳参加养老保险" in answer.content.decode()


def test_each_agency_sees_in_its_queue_what_waits_for_it(
    cast: Cast, now: dt.datetime, transfer: Transfer
) -> None:
    shenzhen, wuhan = of(clerk_of("shenzhen")), of(clerk_of("wuhan"))
    assert transfer.number in text(shenzhen, QUEUE)
    assert transfer.number not in text(wuhan, QUEUE)
    assert transfer.number in text(wuhan, f"{QUEUE}?state=open")
    assert (queries.queue(clerk_of("shenzhen")).count(), queries.queue(clerk_of("wuhan")).count()) == (1, 0)
    walked(transfer, Status.LETTER_SENT, now)
    assert transfer.number in text(wuhan, QUEUE)
    assert transfer.number not in text(shenzhen, QUEUE)
    page = f"{QUEUE}{transfer.pk}/change/"
    assert of(clerk_of("wuxi")).get(page).status_code == 404
    assert "这一步由武汉市社会保险基金结算中心办理" in text(shenzhen, page)


def test_a_step_of_the_page_is_taken_once(cast: Cast, transfer: Transfer) -> None:
    shenzhen, page = of(clerk_of("shenzhen")), f"{QUEUE}{transfer.pk}/change/"
    assert shenzhen.post(page, {"step": "accept"}).status_code == 302
    # Pressed again on the page as it was: nothing happens twice.
    assert shenzhen.post(page, {"step": "accept"}).status_code == 422
    assert shenzhen.post(page, {"step": "release"}).status_code == 422
    assert of(clerk_of("wuhan")).post(page, {"step": "send_letter"}).status_code == 422
    transfer.refresh_from_db()
    assert (transfer.status, transfer.events.count()) == (Status.ACCEPTED, 2)


def test_staff_open_the_sealed_papers(
    cast: Cast, now: dt.datetime, transfer: Transfer, settings, tmp_path
) -> None:
    settings.SEAL_DIR = tmp_path
    walked(transfer, Status.RELEASED, now)
    papers = [f"{QUEUE}{transfer.pk}/documents/{one.pk}/" for one in transfer.documents.order_by("pk")]
    assert len(papers) == 3
    # Without a key there is no paper, and the page says so.
    answer = of(clerk_of("shenzhen")).get(papers[0], follow=True)
    assert "没有印章不出具文件" in answer.content.decode()
    development_authority.make_development_ca(cities=development_authority.development_cities(), now=now)
    for paper in papers:
        sealed = of(clerk_of("shenzhen")).get(paper)
        assert sealed["Content-Type"] == "application/pdf"
        assert sealed.content.startswith(b"%PDF")
    assert of(clerk_of("wuxi")).get(papers[0]).status_code == 404


def test_papers_bear_the_day_of_their_move_whenever_they_are_first_opened(
    cast: Cast, now: dt.datetime, transfer: Transfer, settings, tmp_path
) -> None:
    settings.SEAL_DIR = tmp_path
    development_authority.make_development_ca(cities=development_authority.development_cities(), now=now)
    sent, released = moment("2026-11-24 23:30"), moment("2026-11-26 10:00")
    walked(walked(transfer, Status.LETTER_SENT, sent), Status.RELEASED, released)
    said = {
        one.certificate.kind_code: text_of(issuing.produce(one.certificate, now=moment("2026-11-30 09:00")))
        for one in transfer.documents.select_related("certificate")
    }
    assert {
        kind: re.findall(r"^ +(2026年\d+月\d+日)$", text, re.MULTILINE) for kind, text in said.items()
    } == {
        CertificateKind.TRANSFER_VOUCHER: [f"{now.year}年{now.month}月{now.day}日"],
        CertificateKind.TRANSFER_LETTER: ["2026年11月24日"],
        CertificateKind.TRANSFER_FORM: ["2026年11月26日"],
    }


def test_a_name_that_no_letter_can_show_stands_against_it(
    cast: Cast, now: dt.datetime, mover: Person
) -> None:
    Person.objects.filter(pk=mover.pk).update(name="李\U0002000d")
    why = reasons(
        User.objects.get(pk=cast.li_qiang_login.pk), "wuhan", "pension-out", {"to": "shenzhen"}, now
    )
    assert "U+2000D" in why[""]
    assert "12333" in why[""]


def test_nor_is_it_sent_once_the_name_has_changed(cast: Cast, now: dt.datetime, transfer: Transfer) -> None:
    accepted = walked(transfer, Status.ACCEPTED, now)
    Person.objects.filter(pk=transfer.person_id).update(name="李\U0002000d")
    with pytest.raises(steps.CannotStep, match="U\\+2000D"):
        steps.send_letter(accepted, by=clerk_of("shenzhen"), now=now)
    accepted.refresh_from_db()
    assert accepted.status == Status.ACCEPTED


def test_the_record_says_what_has_left_and_what_came(
    cast: Cast, now: dt.datetime, transfer: Transfer
) -> None:
    he = of(cast.li_qiang_login)
    assert "已随关系转出" not in text(he, "/record/")
    released = walked(transfer, Status.RELEASED, now)
    page = text(he, "/record/")
    assert "其中 12 个月已随关系转出" in page
    assert "有 12 个月正在转移途中" in page
    walked(released, Status.MERGED, now)
    page = text(he, "/record/")
    assert "由转移转入或另外计入（旧号码的记录、一次性缴费）的有 12 个月" in page
    assert "正在转移途中" not in page


def test_overdue_stands_out_and_is_chased_once_a_due_day(
    cast: Cast, clock: Clock, transfer: Transfer
) -> None:
    clerk = clerk_of("shenzhen")
    before = clock.set("2026-12-08 10:00")
    assert notices.chase(today=before.date(), now=before) == 0
    later = clock.set("2026-12-10 10:00")
    assert "已超期 2 天" in text(of(clerk), QUEUE)
    assert notices.chase(today=later.date(), now=later) == 2
    assert notices.chase(today=later.date(), now=moment("2026-12-11 07:30")) == 0
    assert "已超期，请尽快办理" in Notice.objects.get(user=clerk).text
    told = Notice.objects.get(person=cast.li_qiang, kind="transfer-late")
    assert "应在2026年12月8日前由深圳市社会保险基金管理局办完，现已超期" in told.text
    assert "已超过应办结日期" in text(of(cast.li_qiang_login), f"/transfers/{transfer.number}/")
    assert not Notice.objects.filter(user=clerk_of("wuhan")).exists()


def test_who_wants_another_city_reads_where_that_is_done(cast: Cast, now: dt.datetime) -> None:
    form = desk.form_for(
        offer=book().city("wuhan").offers["pension-out"],
        applicant=Applicant.of(cast.li_qiang_login),
        now=now,
    )
    said = str(form.fields["to"].help_text)
    assert "没有您要的城市的，请到参保地社会保险、医疗保险经办机构窗口办理" in said
    assert 'href="/wuhan/services/transfer-other-places/"' in said
