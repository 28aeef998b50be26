"""灵活就业人员参保登记, as three cities offer it: Ningbo's one entrance, Wuhan from next month,
Shenzhen's comparison."""

import datetime as dt
from typing import Any

import pytest

from contributions.models import Charge
from contributions.records.by_month import record
from contributions.records.what_is_due import due_for
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.catalogue import service, services
from portal.hall.routing import Status
from portal.hall.service import Applicant, ServiceForm
from portal.people.models import BankAccount, Person
from portal.policy.book import book
from portal.policy.terms.offers import first_medical_terms
from portal.registers.models import HouseholdRecord
from portal.shared import money
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover, identity_number, moment
from tests.filing import file, photo, reasons

pytestmark = pytest.mark.as_app

CODE = "flexible-enroll"
ACCOUNT = "6217990000000000014"


def wuhan(**changes: Any) -> dict[str, Any]:
    return {
        "tier_pension": "60",
        "tier_medical": "",
        "account_number": ACCOUNT,
        "phone": "13800000002",
        **changes,
    }


def shenzhen(**changes: Any) -> dict[str, Any]:
    return {"household": "city", "tier_pension": "60", "tier_medical": "", "phone": "13800000003", **changes}


def registered(person: Person, place: str) -> HouseholdRecord:
    return HouseholdRecord.objects.create(
        identity_number=person.identity_number, name=person.name, place_code=place
    )


class TestWuhan:
    def test_it_takes_effect_at_once_and_counts_from_next_month(self, cast: Cast, now: dt.datetime) -> None:
        case = file(cast.li_qiang_login, "wuhan", CODE, wuhan(), now)
        assert case.status == Status.DONE
        coverage = Coverage.objects.get()
        assert (coverage.person, coverage.start, coverage.bases.get().tier) == (
            cast.li_qiang,
            Month(2026, 12),
            "60",
        )

    def test_the_account_is_drawn_on_from_the_same_month(self, cast: Cast, now: dt.datetime) -> None:
        file(cast.li_qiang_login, "wuhan", CODE, wuhan(), now)
        account = BankAccount.objects.get()
        assert (account.number, account.holder, account.start) == (ACCOUNT, "李强", Month(2026, 12))

    def test_a_passbook_is_taken(self, cast: Cast, now: dt.datetime) -> None:
        typed = wuhan(account_number="605510012200345678")
        assert file(cast.li_qiang_login, "wuhan", CODE, typed, now).status == Status.DONE
        assert BankAccount.objects.get().number == "605510012200345678"

    def test_a_mistyped_account_is_refused(self, cast: Cast, now: dt.datetime) -> None:
        assert "account_number" in reasons(
            cast.li_qiang_login, "wuhan", CODE, wuhan(account_number=ACCOUNT[:-1] + "5"), now
        )

    def test_the_first_medical_enrolment_brings_a_photo(self, cast: Cast, now: dt.datetime) -> None:
        with pytest.raises(desk.NotAccepted) as refusal:
            file(cast.li_qiang_login, "wuhan", CODE, wuhan(tier_medical=self.medical_tier()), now)
        assert [finding.field for finding in refusal.value.findings] == ["paper-photo"]
        assert not Coverage.objects.exists()

        handed_in = photo(cast.li_qiang_login, "wuhan", CODE, now)
        case = file(
            cast.li_qiang_login,
            "wuhan",
            CODE,
            wuhan(tier_medical=self.medical_tier()),
            now,
            attachments=[handed_in],
        )
        assert case.status == Status.DONE
        assert case.attachments.get() == handed_in
        # The 17th: by the 20th of this month; from the 21st on by the next month's.
        assert "2026年11月20日前" in dict(case.outcome["lines"])["制卡"]
        card = first_medical_terms(book().city("wuhan").offers[CODE])
        assert card is not None
        assert [card.card_by(dt.date(2026, 11, day)).isoformat() for day in (20, 21)] == [
            "2026-11-20",
            "2026-12-20",
        ]

    def test_it_says_when_how_much_and_from_which_account_is_debited_first(
        self, cast: Cast, now: dt.datetime
    ) -> None:
        case = file(cast.li_qiang_login, "wuhan", CODE, wuhan(account_number=ACCOUNT), now)
        said = dict(case.outcome["lines"])["下一步"]
        assert said.startswith("缴 2026年12月 ")
        assert "2026年12月20日前" in said
        assert f"尾号 {ACCOUNT[-4:]}" in said
        assert "2026年12月31日自动扣款" in said
        [month] = record(cast.li_qiang, this=Month(2026, 11))
        assert (str(month.month), month.state) == ("2026-12", "covered")

    def test_a_second_medical_enrolment_brings_none(self, cast: Cast, now: dt.datetime) -> None:
        cover(cast.li_qiang, Insurance.MEDICAL, "wuhan", "2020-01", "2021-01", tier="60")
        case = file(cast.li_qiang_login, "wuhan", CODE, wuhan(tier_medical=self.medical_tier()), now)
        assert case.status == Status.DONE

    def test_who_an_employer_insures_can_look_and_not_file(self, cast: Cast, now: dt.datetime) -> None:
        cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2024-01", at=cast.donghu)
        assert "由单位参保" in reasons(cast.li_qiang_login, "wuhan", CODE, wuhan(), now)["tier_pension"]

    def test_who_is_insured_already_is_refused(self, cast: Cast, now: dt.datetime) -> None:
        cover(cast.li_qiang, Insurance.PENSION, "ningbo", "2024-01", tier="60")
        assert (
            "您已在宁波参加养老保险"
            in reasons(cast.li_qiang_login, "wuhan", CODE, wuhan(), now)["tier_pension"]
        )

    def test_an_unknown_tier_is_refused(self, cast: Cast, now: dt.datetime) -> None:
        assert "tier_pension" in reasons(cast.li_qiang_login, "wuhan", CODE, wuhan(tier_pension="999"), now)

    @staticmethod
    def medical_tier() -> str:
        leaf = book().leaf("wuhan", "flexible_medical", dt.date(2026, 12, 1))
        return str(leaf.values["tiers"][0]["code"])


class TestShenzhen:
    def test_a_household_that_matches_is_done_at_once_and_counts_this_month(
        self, cast: Cast, now: dt.datetime
    ) -> None:
        registered(cast.chen_jing, "440305")
        case = file(cast.chen_jing_login, "shenzhen", CODE, shenzhen(), now)
        assert case.status == Status.DONE
        assert Coverage.objects.get().start == Month(2026, 11)
        assert dict(case.facts["summary"])["户籍类别"] == "深圳户籍"

    def test_it_leads_to_paying_this_month_and_names_no_account_that_nobody_gave(
        self, cast: Cast, now: dt.datetime
    ) -> None:
        registered(cast.chen_jing, "440305")
        case = file(cast.chen_jing_login, "shenzhen", CODE, shenzhen(), now)
        said = dict(case.outcome["lines"])["下一步"]
        charge = Charge.objects.get()
        yuan = money.format_yuan(charge.amount_fen)
        assert said == f"缴 2026年11月 {yuan} 元。请在2026年11月30日前缴费。"
        link = (f"去缴费 {yuan} 元", "/shenzhen/services/flexible-pay/apply/")
        assert services()[CODE].links(case, now=now) == [link]
        assert services()[CODE].links(case, now=now + dt.timedelta(days=30)) == []
        [month] = record(cast.chen_jing, this=Month(2026, 11))
        assert (str(month.month), month.state) == ("2026-11", "owed")
        assert [one.title for one in due_for(cast.chen_jing_login, now)] == [
            f"2026年11月 养老保险待缴 {yuan} 元"
        ]

    @pytest.mark.parametrize("place", ["430102", None])
    def test_one_that_does_not_is_pre_applied_and_confirmed_at_the_counter(
        self, cast: Cast, now: dt.datetime, place: str | None
    ) -> None:
        if place:
            registered(cast.chen_jing, place)
        case = file(cast.chen_jing_login, "shenzhen", CODE, shenzhen(), now)
        assert case.status == Status.PRE_APPLIED
        assert case.mismatches[0]["field"] == "household"
        assert not Coverage.objects.exists()

        with pytest.raises(desk.NotAccepted):
            desk.decide(case, approve=True, by=cast.shenzhen_reviewer, now=now)
        desk.propose_overruling(case, reason="已核对户口簿原件", by=cast.shenzhen_reviewer, now=now)
        desk.decide(case, approve=True, by=cast.every_city_reviewer, now=now, overrule=True)
        assert Coverage.objects.get().person == cast.chen_jing

    def test_another_household_is_told_to_mend_it_first(self, cast: Cast, now: dt.datetime) -> None:
        refused = reasons(cast.chen_jing_login, "shenzhen", CODE, shenzhen(household="province"), now)
        assert "请先办理“个人基本信息变更”" in refused["household"]

    @pytest.mark.parametrize(("born", "allowed"), [("2008-11-17", True), ("2008-11-18", False)])
    def test_eighteen_is_the_lowest_age(self, cast: Cast, now: dt.datetime, born: str, allowed: bool) -> None:
        cast.chen_jing.birth_date = dt.date.fromisoformat(born)
        cast.chen_jing.save()
        registered(cast.chen_jing, "440305")
        assert (reasons(cast.chen_jing_login, "shenzhen", CODE, shenzhen(), now) == {}) is allowed

    def test_retirement_age_ends_it_and_the_archives_birth_date_counts(
        self, cast: Cast, now: dt.datetime
    ) -> None:
        registered(cast.chen_jing, "440305")
        cast.chen_jing.archive_birth_date = dt.date(1965, 1, 1)
        cast.chen_jing.save()
        assert (
            "法定退休年龄" in reasons(cast.chen_jing_login, "shenzhen", CODE, shenzhen(), now)["tier_pension"]
        )


def test_nothing_is_preselected_and_what_is_not_chosen_is_not_wanted(cast: Cast, now: dt.datetime) -> None:
    def form(city: str) -> ServiceForm:
        return desk.form_for(
            offer=book().city(city).offers[CODE], applicant=Applicant.of(cast.chen_jing_login), now=now
        )

    assert "checked" not in str(form("shenzhen")["tier_pension"]) + str(form("ningbo")["tier_pension"])
    assert "不参保" in str(form("shenzhen")["tier_pension"])
    assert "不参保" not in str(form("ningbo")["tier_pension"]), "the only one there is to take"
    registered(cast.chen_jing, "440305")
    nothing = shenzhen(tier_pension="none", tier_medical="none")
    assert reasons(cast.chen_jing_login, "shenzhen", CODE, nothing, now) == {
        "tier_pension": "请至少选择一个险种的缴费档次。"
    }
    case = file(cast.chen_jing_login, "shenzhen", CODE, shenzhen(tier_medical="none"), now)
    assert case.answers["tier_medical"] == ""
    assert dict(case.facts["summary"])["医疗保险"] == "不参保"
    assert [one.insurance for one in Coverage.objects.all()] == ["pension"]


def test_beside_the_amounts_stands_how_well_and_how_long_their_figures_are_known(
    cast: Cast, now: dt.datetime
) -> None:
    offer = book().city("wuhan").offers[CODE]
    form = desk.form_for(offer=offer, applicant=Applicant.of(cast.li_qiang_login), now=now)
    assert "缴费标准：起始日期为推定，已执行 13 年。" in form["tier_pension"].help_text
    case = file(cast.li_qiang_login, "wuhan", CODE, wuhan(), now)
    assert dict(case.facts["summary"])["养老保险"] == "60%档，2026年12月起，每月 393.04 元（起始日期为推定）"


class TestNingbo:
    def entrance(self, cast: Cast, code: str, now: dt.datetime) -> str:
        offer = book().city("ningbo").offers[code]
        return service(code).leads_to(offer=offer, applicant=Applicant.of(cast.wang_fang_login), now=now)

    def test_one_entrance_leads_to_enrolment_or_interruption_by_present_state(
        self, cast: Cast, now: dt.datetime
    ) -> None:
        assert self.entrance(cast, "flexible-enroll", now) == "flexible-enroll"
        assert self.entrance(cast, "flexible-pause", now) == "flexible-enroll"
        cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2026-01", tier="60")
        assert self.entrance(cast, "flexible-enroll", now) == "flexible-pause"
        assert self.entrance(cast, "flexible-pause", now) == "flexible-pause"

    def test_the_site_is_the_place_of_household(self, cast: Cast, now: dt.datetime) -> None:
        typed = {"district": "330211", "tier_pension": "60", "phone": "13800000001"}
        file(cast.wang_fang_login, "ningbo", CODE, typed, now)
        assert Coverage.objects.get().district == "330211"
        assert "district" in reasons(
            cast.zhang_min_login, "ningbo", CODE, {**typed, "district": "420106"}, now
        )

    @pytest.mark.parametrize(
        ("place", "on", "typed", "barred"),
        [
            ("330211", "2026-11-17", {"district": "330211"}, {}),
            ("330203", "2026-11-17", {"district": "330211"}, {}),
            (
                "420106",
                "2021-05-10",
                {"district": "330211"},
                {"district": "请选择户籍所在区县；户籍不在宁波的请在户籍地办理。"},
            ),
            (
                "420106",
                "2026-11-17",
                {"district": "330211"},
                {"permit_number": "户籍登记显示您的户籍不在宁波，请填写宁波的居住证号码，或在户籍地办理。"},
            ),
            ("420106", "2026-11-17", {"district": "330211", "permit_number": "3302112026000017"}, {}),
            (
                "420106",
                "2026-11-17",
                {"district": "330211", "permit_number": "1"},
                {"permit_number": "居住证号码是 8 至 18 位数字和字母，请核对。"},
            ),
            ("", "2026-11-17", {"district": "330203"}, {}),
        ],
    )
    def test_the_household_is_compared_with_the_site(
        self, cast: Cast, place: str, on: str, typed: dict[str, str], barred: dict[str, str]
    ) -> None:
        if place:
            registered(cast.wang_fang, place)
        answers = {"tier_pension": "60", "phone": "13800000001", **typed}
        assert reasons(cast.wang_fang_login, "ningbo", CODE, answers, moment(f"{on} 10:00")) == barred

    def test_another_district_than_the_household_s_is_kept_and_told(
        self, cast: Cast, now: dt.datetime
    ) -> None:
        registered(cast.wang_fang, "330203")
        offer, applicant = book().city("ningbo").offers[CODE], Applicant.of(cast.wang_fang_login)
        form = desk.form_for(offer=offer, applicant=applicant, now=now)
        assert form.fields["district"].initial == "330203"
        answers = {"district": "330211", "tier_pension": "60", "phone": "13800000001"}
        case = file(cast.wang_fang_login, "ningbo", CODE, answers, now)
        assert Coverage.objects.get().district == "330211"
        assert "户籍登记在海曙区，您选择了镇海区" in dict(case.outcome["lines"])["参保地"]


def test_someone_too_young_for_any_work_is_refused(cast: Cast, now: dt.datetime) -> None:
    child = Person.objects.create(
        identity_number=identity_number("420106", "2014-01-01", 11),
        name="李小明",
        sex="male",
        birth_date=dt.date(2014, 1, 1),
    )
    user = User.objects.create_person(child, password=None)
    assert "周岁" in reasons(user, "wuhan", CODE, wuhan(), now)[""]
