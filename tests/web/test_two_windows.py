"""Two windows of one login: what a window shows is what it sends, whatever the other has done
meanwhile."""

from typing import Any

import pytest
from django.test import Client

from portal.hall.models import Attachment, Case, Draft
from portal.shared import identity
from tests.cast import Cast
from tests.conftest import Clock
from tests.web.conftest import ADD_STAFF, ENROL_WUHAN, key_on, signed_in
from tests.web.test_uploads import picture, upload

pytestmark = pytest.mark.django_db

BING = {"identity_number": "330211199403150028", "name": "丙小丙", "wage": "7100"}
DING = {"identity_number": "330211199508220010", "name": "丁小丁", "wage": "8200"}


@pytest.fixture
def two(new_staff: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What a clerk types about two people."""
    return {**new_staff, **BING}, {**new_staff, **DING}


def last_look(client: Client, answers: dict[str, str], at: str = ADD_STAFF) -> tuple[str, Any]:
    """Fills the form in; where the last look stands, and the page."""
    passed = client.post(f"{at}apply/?draft=new", {**answers, "action": "next"})
    assert passed.status_code == 302, passed.context["form"].errors
    return passed["Location"], client.get(passed["Location"])


def send(client: Client, where: str, page: Any, **more: Any) -> Any:
    return client.post(where, {"key": key_on(page), "action": "submit", **more})


def test_each_window_files_the_person_that_it_shows(
    clerk: Client, two: tuple[dict[str, str], dict[str, str]]
) -> None:
    at_a, shown_in_a = last_look(clerk, two[0])
    at_b, shown_in_b = last_look(clerk, two[1])
    assert "丙小丙" in shown_in_a.content.decode()
    assert "丁小丁" in shown_in_b.content.decode()

    receipt = clerk.get(send(clerk, at_a, shown_in_a)["Location"]).content.decode()
    assert "丙小丙" in receipt
    assert "丁小丁" not in receipt
    case = Case.objects.get()
    assert (case.answers["name"], case.answers["wage"]) == ("丙小丙", "7100.00")

    receipt = clerk.get(send(clerk, at_b, shown_in_b)["Location"]).content.decode()
    assert "丁小丁" in receipt
    assert {one.subject_identity_number for one in Case.objects.all()} == {
        BING["identity_number"],
        DING["identity_number"],
    }
    assert not Draft.objects.exists()


def test_each_window_can_be_left_and_gone_on_with(
    clerk: Client, two: tuple[dict[str, str], dict[str, str]]
) -> None:
    for answers in two:
        clerk.post(f"{ADD_STAFF}apply/?draft=new", {**answers, "action": "save"})
    notice = clerk.get(ADD_STAFF)
    assert [one["about"] for one in notice.context["drafts"]] == [
        f"丁小丁 {identity.mask(DING['identity_number'])}",
        f"丙小丙 {identity.mask(BING['identity_number'])}",
    ]
    assert not clerk.get(notice.context["next_url"]).context["form"]["name"].value()
    form = clerk.get(notice.context["drafts"][1]["url"])
    assert form.context["form"]["wage"].value() == "7100"
    assert BING["identity_number"] not in notice.context["drafts"][1]["url"]
    home = clerk.get("/ningbo/").content.decode()
    assert "丙小丙" in home
    assert "丁小丁" in home


def test_a_draft_dropped_in_one_window_leaves_the_other(
    clerk: Client, two: tuple[dict[str, str], dict[str, str]]
) -> None:
    at_a, shown_in_a = last_look(clerk, two[0])
    at_b, shown_in_b = last_look(clerk, two[1])
    clerk.post(at_b.replace("materials", "apply"), {"action": "discard", "confirmed": "1"})
    assert [one.subject for one in Draft.objects.all()] == [BING["identity_number"]]
    gone = send(clerk, at_b, shown_in_b)
    assert "/receipt/" not in gone["Location"]
    assert not Case.objects.exists()
    assert "/receipt/" in send(clerk, at_a, shown_in_a)["Location"]


def test_a_number_typed_late_names_the_draft_that_was_begun_without_it(
    clerk: Client, new_staff: dict[str, str]
) -> None:
    half = {**new_staff, "identity_number": new_staff["identity_number"][:10]}
    begun = clerk.post(f"{ADD_STAFF}apply/?draft=new", {**half, "action": "save"})["Location"]
    assert Draft.objects.get().subject == ""
    clerk.post(begun, {**new_staff, "action": "save"})
    assert Draft.objects.get().subject == new_staff["identity_number"]
    # The same person once more, from an empty form: still one draft.
    clerk.post(f"{ADD_STAFF}apply/?draft=new", {**half, "action": "save"})
    loose = Draft.objects.get(subject="")
    clerk.post(f"{ADD_STAFF}apply/?draft={loose.pk}", {**new_staff, "wage": "9999", "action": "save"})
    draft = Draft.objects.get()
    assert (draft.subject, draft.typed["wage"]) == (new_staff["identity_number"], ["9999"])


def test_a_draft_of_another_login_is_none(
    cast: Cast, clerk: Client, two: tuple[dict[str, str], dict[str, str]]
) -> None:
    at_a, shown_in_a = last_look(clerk, two[0])
    colleague = signed_in(cast.yongjiang_second_clerk)
    page = colleague.get(at_a.replace("materials", "apply"))
    assert not page.context["form"]["name"].value()
    assert "丙小丙" not in page.content.decode()
    assert send(colleague, at_a, shown_in_a)["Location"] == at_a.replace("materials", "apply")
    for odd in ("x", "-1", "9" * 30, "1 OR 1=1"):
        assert clerk.get(f"{ADD_STAFF}apply/?draft={odd}").status_code == 404
    assert clerk.get(f"{ADD_STAFF}materials/?draft={'9' * 18}").status_code == 302


# One draft for both windows


@pytest.fixture
def person(cast: Cast, clock: Clock, enrolment: dict[str, str]) -> Client:
    # Without the insurance that wants a photo.
    del enrolment["tier_medical"]
    client = signed_in(cast.li_qiang_login)
    client.post(f"{ENROL_WUHAN}apply/", {**enrolment, "action": "next"})
    return client


def test_what_another_window_changed_is_not_sent_but_shown(person: Client, enrolment: dict[str, str]) -> None:
    at = f"{ENROL_WUHAN}materials/"
    shown_in_a = person.get(at)
    person.post(f"{ENROL_WUHAN}apply/", {**enrolment, "tier_pension": "100", "action": "next"})
    shown_in_b = person.get(at)
    fresh = person.post(at, {"key": key_on(shown_in_a), "action": "submit"}, follow=True)
    assert not Case.objects.exists()
    assert "内容已在另一窗口改动" in fresh.content.decode()
    assert fresh.context["answers"] == shown_in_b.context["answers"]
    assert "/receipt/" in send(person, at, shown_in_b)["Location"]
    assert Case.objects.get().answers["tier_pension"] == "100"


def test_what_another_window_is_still_changing_is_not_sent(person: Client, enrolment: dict[str, str]) -> None:
    at = f"{ENROL_WUHAN}materials/"
    shown = person.get(at)
    person.post(f"{ENROL_WUHAN}apply/", {**enrolment, "tier_pension": "100", "action": "save"})
    page = person.post(at, {"key": key_on(shown), "action": "submit"}, follow=True)
    assert page.request["PATH_INFO"] == f"{ENROL_WUHAN}apply/"
    assert "内容已在另一窗口改动" in page.content.decode()
    assert not Case.objects.exists()


def test_a_page_is_not_answered_with_the_receipt_of_what_it_did_not_show(
    person: Client, enrolment: dict[str, str]
) -> None:
    at = f"{ENROL_WUHAN}materials/"
    shown_in_a = person.get(at)
    person.post(f"{ENROL_WUHAN}apply/", {**enrolment, "tier_pension": "100", "action": "next"})
    send(person, at, person.get(at))
    answer = send(person, at, shown_in_a)
    assert answer.status_code == 409
    case = Case.objects.get()
    assert case.number in answer.content.decode()
    assert case.answers["tier_pension"] == "100"


def test_going_back_after_the_receipt_leads_to_the_same_receipt(person: Client) -> None:
    at = f"{ENROL_WUHAN}materials/"
    shown = person.get(at)
    first, again = send(person, at, shown), send(person, at, shown)
    assert first["Location"] == again["Location"]
    assert Case.objects.count() == 1


def test_a_page_that_does_not_say_what_it_showed_sends_nothing(person: Client) -> None:
    at = f"{ENROL_WUHAN}materials/"
    draft = Draft.objects.get()
    for key in ("", str(draft.key), f"{draft.key}.{'0' * 64}.{'0' * 64}", "x.y.z"):
        assert person.post(at, {"key": key, "action": "submit"})["Location"] == at
    assert not Case.objects.exists()


def test_what_was_typed_while_the_other_window_sent_stays(
    person: Client, enrolment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.hall import desk

    at = f"{ENROL_WUHAN}materials/"
    shown = person.get(at)
    submit = desk.submit

    def slowly(**given: Any) -> Case:
        draft = Draft.objects.get()
        Draft.objects.update(typed={**draft.typed, "tier_pension": ["100"]})
        return submit(**given)

    monkeypatch.setattr(desk, "submit", slowly)
    assert "/receipt/" in send(person, at, shown)["Location"]
    assert Case.objects.get().answers["tier_pension"] == "60"
    kept = Draft.objects.get()
    assert kept.typed["tier_pension"] == ["100"]
    assert kept.key != Case.objects.get().key
    assert not kept.checked


def test_a_paper_exchanged_in_another_window_is_looked_at_before_it_is_sent(
    clerk: Client, new_staff: dict[str, str]
) -> None:
    at, _page = last_look(clerk, new_staff)
    name = "paper-labour-contract"
    clerk.post(at, {"action": "upload", name: upload("旧.jpg", picture())})
    shown_in_a = clerk.get(at)
    clerk.post(at, {"action": "upload", name: upload("新.jpg", picture(size=(90, 60)))})
    fresh = clerk.post(at, {"key": key_on(shown_in_a), "action": "submit"}, follow=True)
    assert "内容已在另一窗口改动" in fresh.content.decode()
    assert "新.jpg" in fresh.content.decode()
    assert not Case.objects.exists()
    assert "/receipt/" in send(clerk, at, fresh)["Location"]
    assert Attachment.objects.get().case == Case.objects.get()
