"""申报缴费基数: all staff declared, on pages or by spreadsheet; what approval sets, and what it
leaves as it is."""

import datetime as dt
import io
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contributions.charges.charging import charge
from enrollment.models import ContributionBase, Coverage, Roster, RosterRow
from enrollment.roster import approving, drafting
from portal.accounts.models import User
from portal.hall import desk, drafts
from portal.hall.models import Case, Draft
from portal.hall.routing import Status
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_in_china
from tests.cast import Cast, cover, identity_number, moment, person
from tests.filing import ask

pytestmark = pytest.mark.as_app

CODE = "employer-bases"
YEAR = Month(2027, 1)


@pytest.fixture
def staff(cast: Cast) -> list[Person]:
    """Three people at Donghu, in pension and work injury, at 6,000 yuan; and one whom another
    insures."""
    people = [cast.li_qiang, cast.wang_fang, cast.chen_jing]
    for one in people:
        for insurance in (Insurance.PENSION, Insurance.WORK_INJURY):
            cover(one, insurance, "wuhan", "2025-03", at=cast.donghu, wage_fen=600000)
    cover(cast.liu_yang, Insurance.PENSION, "ningbo", "2025-03", at=cast.yongjiang, wage_fen=600000)
    return people


def begun(cast: Cast, now: dt.datetime, user: User | None = None) -> Roster:
    """A roster as the page begins it."""
    user = user or cast.donghu_clerk
    offer = book().city("wuhan").offers[CODE]
    draft = drafts.keep(user=user, offer=offer, typed={}, checked=False, now=now)
    assert user.employer is not None
    return drafting.begin(
        draft=draft, employer=user.employer, city="wuhan", start=YEAR, month=month_in_china(now), now=now
    )


def filled(cast: Cast, now: dt.datetime, fen: int = 700000, user: User | None = None) -> Roster:
    """One that is complete."""
    roster = begun(cast, now, user)
    people = RosterRow.objects.filter(roster=roster).values_list("person_id", flat=True)
    drafting.fill_in(roster, dict.fromkeys(people, fen), now=now)
    return roster


def sent(cast: Cast, now: dt.datetime, fen: int = 700000, user: User | None = None) -> Case:
    filled(cast, now, fen, user)
    return desk.submit(ask=ask(user or cast.donghu_clerk, "wuhan", CODE, {}, now), key=uuid4(), now=now)


def findings(cast: Cast, now: dt.datetime) -> dict[str, str]:
    found = desk.look(ask(cast.donghu_clerk, "wuhan", CODE, {}, now)).findings
    return {one.field: str(one.why) for one in found}


def bases(who: Person, insurance: Insurance = Insurance.PENSION) -> list[tuple[str, str, int | None]]:
    rows = ContributionBase.objects.filter(coverage__person=who, coverage__insurance=insurance)
    return [(str(b.start), str(b.until or ""), b.wage_fen) for b in rows.order_by("start")]


def test_approved_wages_are_the_bases_from_the_years_first_month(
    cast: Cast, now: dt.datetime, staff: list[Person]
) -> None:
    case = sent(cast, now)
    assert case.status == Status.IN_REVIEW
    assert bases(cast.li_qiang) == [("2025-03", "", 600000)]
    desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=now)
    for one in staff:
        for insurance in (Insurance.PENSION, Insurance.WORK_INJURY):
            assert bases(one, insurance) == [("2025-03", "2027-01", 600000), ("2027-01", "", 700000)]
    assert bases(cast.liu_yang) == [("2025-03", "", 600000)]
    case.refresh_from_db()
    assert case.outcome["people"] == 3
    assert case.outcome["coverages"] == 6


def test_wages_that_stay_leave_the_bases_alone_and_twice_changes_nothing(
    cast: Cast, now: dt.datetime, staff: list[Person]
) -> None:
    case = sent(cast, now, fen=600000)
    desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=now)
    assert bases(cast.li_qiang) == [("2025-03", "", 600000)]
    with transaction.atomic():
        approving.apply(Roster.objects.get(case=case), case=case)
    assert bases(cast.li_qiang) == [("2025-03", "", 600000)]


def test_who_joins_later_or_leaves_within_the_year_keeps_their_own_months(
    cast: Cast, now: dt.datetime, staff: list[Person]
) -> None:
    later = cover(cast.zhang_min, Insurance.PENSION, "wuhan", "2027-02", at=cast.donghu, wage_fen=500000)
    ContributionBase.objects.filter(coverage__person=cast.wang_fang).update(until=Month(2027, 4))
    Coverage.objects.filter(person=cast.wang_fang).update(until=Month(2027, 4))
    desk.decide(sent(cast, now), approve=True, by=cast.wuhan_reviewer, now=now)
    assert bases(cast.zhang_min) == [("2027-02", "", 700000)]
    assert bases(cast.wang_fang) == [("2025-03", "2027-01", 600000), ("2027-01", "2027-04", 700000)]
    assert later.start == Month(2027, 2)


def test_months_that_stand_charged_keep_their_base(cast: Cast, staff: list[Person]) -> None:
    """Filed in November, approved in February: January and February were charged at the old
    base."""
    case = sent(cast, moment("2026-11-17"))
    for month in (YEAR, YEAR + 1):
        charge(city="wuhan", month=month, by=User.objects.system(), now=moment("2027-02-02"))
    desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=moment("2027-02-03"))
    assert bases(cast.li_qiang) == [("2025-03", "2027-03", 600000), ("2027-03", "", 700000)]
    case.refresh_from_db()
    assert any("2027年3月起用" in label for label, _value in case.outcome["lines"])


def test_who_left_before_approval_is_told_and_left_out(
    cast: Cast, now: dt.datetime, staff: list[Person]
) -> None:
    case = sent(cast, now)
    ContributionBase.objects.filter(coverage__person=cast.chen_jing).update(until=Month(2026, 12))
    Coverage.objects.filter(person=cast.chen_jing).update(until=Month(2026, 12))
    desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=moment("2026-12-05"))
    assert bases(cast.chen_jing) == [("2025-03", "2026-12", 600000)]
    case.refresh_from_db()
    assert ["已不在本单位参保，未起用", "1 人"] in case.outcome["lines"]


def test_the_number_of_queries_does_not_grow_with_the_staff(
    cast: Cast, now: dt.datetime, staff: list[Person]
) -> None:
    counts = []
    # The first time also makes the logins and asks what they may.
    for more in (0, 1, 30):
        for order in range(more):
            who = person(f"职工{order}", "420106", "1990-01-01", 100 + more + order)
            cover(who, Insurance.PENSION, "wuhan", "2025-03", at=cast.donghu, wage_fen=600000)
        with CaptureQueriesContext(connection) as captured:
            case = sent(cast, now, fen=700000 + more)
            desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=now)
        counts.append(len(captured))
    assert counts[1] == counts[2]


# What is refused


def test_outside_its_time_it_says_when(cast: Cast, staff: list[Person]) -> None:
    assert "2026年11月开始" in findings(cast, moment("2026-10-31 23:59"))[""]


def test_an_employer_of_another_city_is_sent_there(cast: Cast, now: dt.datetime) -> None:
    with pytest.raises(desk.NotAccepted) as refusal:
        desk.look(ask(cast.yongjiang_clerk, "wuhan", CODE, {}, now))
    assert ["在宁波参保登记" in str(one.why) for one in refusal.value.findings] == [True]


def test_nothing_filled_in_or_not_everyone(cast: Cast, now: dt.datetime, staff: list[Person]) -> None:
    assert "还没有填写职工工资" in findings(cast, now)["wages"]
    roster = begun(cast, now)
    drafting.fill_in(roster, {cast.li_qiang.pk: 700000, cast.wang_fang.pk: 700000}, now=now)
    assert "还有 1 名职工没有填写" in findings(cast, now)["wages"]


def test_who_joined_since_must_be_declared_too(cast: Cast, now: dt.datetime, staff: list[Person]) -> None:
    filled(cast, now)
    cover(cast.zhang_min, Insurance.PENSION, "wuhan", "2026-11", at=cast.donghu, wage_fen=500000)
    assert "职工有变动（1 人）" in findings(cast, now)["wages"]
    begun(cast, now)
    assert "还有 1 名职工没有填写" in findings(cast, now)["wages"]
    # What was filled in before is still there.
    assert RosterRow.objects.get(person=cast.li_qiang).wage_fen == 700000


def test_what_is_sent_is_what_was_looked_at(cast: Cast, now: dt.datetime, staff: list[Person]) -> None:
    roster = filled(cast, now)
    looked_at = ask(cast.donghu_clerk, "wuhan", CODE, {}, now)
    drafting.fill_in(roster, {cast.li_qiang.pk: 100}, now=now)
    with pytest.raises(desk.NotAccepted, match="名册刚刚有改动"):
        desk.submit(ask=looked_at, key=uuid4(), now=now)
    assert not Case.objects.exists()


def test_only_one_declaration_waits_at_a_time(cast: Cast, now: dt.datetime, staff: list[Person]) -> None:
    second = User.objects.create_clerk(cast.donghu, name="吴军", phone="13900000211", password=None)
    sent(cast, now)
    with pytest.raises(desk.NotAccepted, match="已有一份申报正在审核"):
        sent(cast, now, user=second)
    assert Case.objects.count() == 1


def test_the_same_key_twice_is_one_case(cast: Cast, now: dt.datetime, staff: list[Person]) -> None:
    filled(cast, now)
    draft = Draft.objects.get()
    first = desk.submit(ask=ask(cast.donghu_clerk, "wuhan", CODE, {}, now), key=draft.key, now=now)
    # The process died before the draft went: the button is pressed again.
    again = desk.submit(ask=ask(cast.donghu_clerk, "wuhan", CODE, {}, now), key=draft.key, now=now)
    assert first == again
    assert Roster.objects.get().case == first


def test_what_was_sent_stays_as_it_is(cast: Cast, now: dt.datetime, staff: list[Person]) -> None:
    case = sent(cast, now)
    roster = Roster.objects.get(case=case)
    with pytest.raises(Roster.DoesNotExist):
        drafting.fill_in(roster, {cast.li_qiang.pk: 1}, now=now)
    for change in (
        lambda: RosterRow.objects.filter(roster=roster).update(wage_fen=1),
        lambda: RosterRow.objects.filter(roster=roster).delete(),
        lambda: Roster.objects.filter(pk=roster.pk).update(start=YEAR + 12),
    ):
        with pytest.raises((DatabaseError, IntegrityError), match=r"kept|Cannot"), transaction.atomic():
            change()


def test_withdrawn_and_begun_again_the_wages_are_there(
    cast: Cast, now: dt.datetime, staff: list[Person]
) -> None:
    desk.withdraw(sent(cast, now), by=cast.donghu_clerk, now=now)
    begun(cast, now)
    assert set(RosterRow.objects.filter(roster__case=None).values_list("wage_fen", flat=True)) == {700000}


def test_staff_see_changes_outliers_and_a_sample(cast: Cast, now: dt.datetime, staff: list[Person]) -> None:
    roster = filled(cast, now)
    drafting.fill_in(roster, {cast.li_qiang.pk: 2_000_000, cast.wang_fang.pk: 100_000}, now=now)
    asked = ask(cast.donghu_clerk, "wuhan", CODE, {}, now)
    case = desk.submit(ask=asked, key=uuid4(), now=now)
    summary = dict(case.facts["summary"])
    assert summary["与现行工资相比"] == "上调 2 人，下调 1 人，不变 0 人，新申报 0 人"
    pension = next(value for label, value in summary.items() if "养老" in label)
    assert "下限 4,470.00 元，1 人按下限计缴；上限 22,350.00 元，0 人按上限计缴" in pension
    client = Client()
    client.force_login(cast.wuhan_reviewer)
    page = client.get(reverse("admin:hall_case_change", args=[case.pk])).content.decode()
    assert "的，共 2 人" in page
    assert "6,000.00 元 → 20,000.00 元" in page
    listing = f"{reverse('admin:enrollment_rosterrow_changelist')}?roster={Roster.objects.get(case=case).pk}"
    assert listing in page
    assert client.get(listing).content.decode().count("武汉东湖软件有限公司") >= 3
    assert "20,000.00" in client.get(f"{listing}&change=far").content.decode()
    other = Client()
    other.force_login(cast.ningbo_reviewer)
    assert "武汉东湖软件有限公司" not in other.get(listing).content.decode()


# The pages


@pytest.fixture
def clerk(cast: Cast, clock: Any, staff: list[Person]) -> Client:
    client = Client()
    client.force_login(cast.donghu_clerk)
    client.post(reverse("employer-bases"), {"action": "begin"})
    return client


def test_wages_are_typed_page_by_page_and_sent_by_the_four_steps(cast: Cast, clerk: Client) -> None:
    page = clerk.get(reverse("employer-bases")).content.decode()
    assert all(f"wage-{one.pk}" in page for one in (cast.li_qiang, cast.wang_fang, cast.chen_jing))
    typed = {
        f"wage-{cast.li_qiang.pk}": "3000",
        f"wage-{cast.wang_fang.pk}": "很多",
        f"wage-{cast.chen_jing.pk}": "６,５００.５０",
    }
    answer = clerk.post(reverse("employer-bases"), {"action": "save", **typed})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "工资应为金额" in page
    assert 'value="很多"' in page
    assert "4,470.00" in page
    assert "按下限" in page
    assert set(RosterRow.objects.values_list("person__name", "wage_fen")) == {
        ("李强", 300000),
        ("王芳", None),
        ("陈静", 650050),
    }
    assert (
        "还有 1 名职工没有填写"
        in clerk.post(reverse("apply", args=["wuhan", CODE]), {"action": "next"}).content.decode()
    )
    clerk.post(reverse("employer-bases"), {"action": "former"})
    assert clerk.post(reverse("apply", args=["wuhan", CODE]), {"action": "next"}).status_code == 302
    look = clerk.get(reverse("materials", args=["wuhan", CODE]))
    assert "1 人按下限计缴" in look.content.decode()
    sent = {"action": "submit", "key": look.context["key"]}
    answer = clerk.post(reverse("materials", args=["wuhan", CODE]), sent)
    case = Case.objects.get()
    assert answer["Location"] == reverse("receipt", args=[case.number])
    assert Roster.objects.get().case == case
    assert not Draft.objects.exists()
    shown = clerk.get(reverse("employer-bases-sent", args=[Roster.objects.get().pk]))
    assert "6,500.50" in shown.content.decode()


def test_a_page_saved_after_checking_must_be_checked_again(cast: Cast, clerk: Client) -> None:
    clerk.post(reverse("employer-bases"), {"action": "former"})
    clerk.post(reverse("apply", args=["wuhan", CODE]), {"action": "next"})
    clerk.post(reverse("employer-bases"), {"action": "save", f"wage-{cast.li_qiang.pk}": "9000"})
    answer = clerk.get(reverse("materials", args=["wuhan", CODE]))
    assert answer.status_code == 302
    assert answer["Location"] == reverse("apply", args=["wuhan", CODE])


def test_the_list_is_downloaded_filled_in_and_uploaded(cast: Cast, clerk: Client) -> None:
    book_ = openpyxl.load_workbook(io.BytesIO(clerk.get(reverse("employer-bases-list")).content))
    page = book_.active
    assert page is not None
    assert page.max_row == 4
    for row in range(2, 5):
        page.cell(row, 5, 7100 + row)
    page.cell(3, 3, "1.2E+17")
    target = io.BytesIO()
    book_.save(target)
    answer = clerk.post(
        reverse("employer-bases-upload"), {"sheet": SimpleUploadedFile("基数.xlsx", target.getvalue())}
    )
    assert answer["Location"] == reverse("employer-bases-problems")
    told = clerk.get(answer["Location"]).content.decode()
    assert "第 3 行" in told
    assert "科学记数法" in told
    assert sorted(filter(None, RosterRow.objects.values_list("wage_fen", flat=True))) == [710200, 710400]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x" * 6_000_000])
def test_a_file_that_is_none_changes_nothing(clerk: Client, content: bytes) -> None:
    answer = clerk.post(reverse("employer-bases-upload"), {"sheet": SimpleUploadedFile("基数.xlsx", content)})
    assert answer.status_code == 422
    assert "error" in answer.content.decode()
    assert set(RosterRow.objects.values_list("wage_fen", flat=True)) == {None}


def test_another_employers_people_cannot_be_typed_in(cast: Cast, clerk: Client) -> None:
    clerk.post(reverse("employer-bases"), {"action": "save", f"wage-{cast.liu_yang.pk}": "9000"})
    assert not RosterRow.objects.filter(person=cast.liu_yang).exists()


def test_what_is_another_employers_looks_like_nothing(cast: Cast, clock: Any, staff: list[Person]) -> None:
    case = sent(cast, clock.now)
    roster = Roster.objects.get(case=case)
    client = Client()
    client.force_login(cast.yongjiang_clerk)
    assert client.get(reverse("employer-bases-sent", args=[roster.pk])).status_code == 404
    # Ningbo does not offer it at all.
    assert client.get(reverse("employer-bases")).status_code == 404


def test_markup_in_names_stays_text(cast: Cast, clock: Any) -> None:
    who = Person.objects.create(
        identity_number=identity_number("420106", "1990-01-01", 900),
        name="<script>1</script>",
        sex="female",
        birth_date=dt.date(1990, 1, 1),
    )
    cover(who, Insurance.PENSION, "wuhan", "2025-03", at=cast.donghu, wage_fen=600000)
    client = Client()
    client.force_login(cast.donghu_clerk)
    client.post(reverse("employer-bases"), {"action": "begin"})
    assert "<script>1" not in client.get(reverse("employer-bases")).content.decode()
    page = openpyxl.load_workbook(io.BytesIO(client.get(reverse("employer-bases-list")).content)).active
    assert page is not None
    assert page["B2"].value == "<script>1</script>"
