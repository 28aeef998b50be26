"""身份信息更正: a wrong number, paper or name is corrected by two, and every copy that is still
used follows."""

from typing import Any

import pytest
from django.test import Client

from certificates import verifying
from certificates.models import Certificate
from enrollment.models import Coverage
from portal.accounts import identity_corrections, notices, openings, proposals
from portal.accounts.lookups import look_up
from portal.accounts.models import Notice, OutboxMessage, PersonLookup, Proposal, User
from portal.accounts.person_changes import propose_guardianship
from portal.accounts.proposals import NotProposed
from portal.accounts.registration import NotTheSamePerson, Stated, open_account
from portal.accounts.roles import COLLECTOR, MANAGER, REVIEWER
from portal.hall import desk, drafts
from portal.hall.models import Case, Draft
from portal.hall.routing import Status
from portal.people import papers, persons
from portal.people.models import BankAccount, Guardianship, Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.accounts.knocking import PERSON, knock
from tests.cast import NOW, PASSWORD, Cast, cover, identity_number, staff
from tests.conftest import Clock
from tests.enrollment.test_employer_add_staff import CODE, typed
from tests.filing import file, standing_case
from tests.people.test_foreigners import ANNA, OF_PASSPORT, anna
from tests.workbench import listed

pytestmark = pytest.mark.django_db

# A digit of the day of birth was mistyped, so the check digit is another, too.
RIGHT = identity_number("330211", "1988-05-21", 24)


@pytest.fixture
def wang(cast: Cast) -> Person:
    """王芳, insured by 甬江 in Ningbo under a wrong number."""
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=560000)
    return cast.wang_fang


def inside(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="portal.accounts.doors.StaffDoor")
    return client


@pytest.fixture
def two(clock: Clock) -> tuple[Client, Client]:
    return (
        inside(staff("first", "甲", "ningbo", MANAGER)),
        inside(staff("second", "乙", "ningbo", REVIEWER)),
    )


def said(**changes: str) -> dict[str, str]:
    return {
        "how": "wrong",
        "document": "",
        "identity_number": RIGHT,
        "name": "王芳",
        "reason": "建档时出生日期录错",
        "evidence": "居民身份证原件、户口簿",
        **changes,
    }


def propose(client: Client, person: Person, **changes: str) -> Any:
    return client.post(f"/admin/people/person/{person.pk}/correct/", said(**changes))


def wrong(answer: Any) -> dict[str, list[str]]:
    return {name: [str(one) for one in told] for name, told in answer.context["form"].errors.items()}


def approve(client: Client) -> str:
    """What the page says after the second hand."""
    proposal = Proposal.objects.get(kind="identity-correction", status="proposed")
    return client.post(
        f"/admin/accounts/proposal/{proposal.pk}/change/", {"step": "approve"}, follow=True
    ).content.decode()


def corrected(two: tuple[Client, Client], person: Person, **changes: str) -> Person:
    answer = propose(two[0], person, **changes)
    assert answer.status_code == 302, wrong(answer)
    assert "变更已生效" in approve(two[1])
    person.refresh_from_db()
    return person


# By two


def test_a_wrong_number_is_corrected_by_two(two: tuple[Client, Client], wang: Person) -> None:
    old = wang.identity_number
    assert "身份信息更正" in two[0].get(f"/admin/people/person/{wang.pk}/change/").content.decode()
    assert propose(two[0], wang).status_code == 302
    wang.refresh_from_db()
    assert wang.identity_number == old, "nothing by one hand"
    shown = two[1].get(f"/admin/accounts/proposal/{Proposal.objects.get().pk}/change/").content.decode()
    assert all(word in shown for word in (old, RIGHT, "1988-05-12", "1988-05-21", "居民身份证原件、户口簿"))
    approve(two[1])
    wang.refresh_from_db()
    assert (wang.identity_number, str(wang.birth_date), wang.sex) == (RIGHT, "1988-05-21", "female")
    assert listed(two[0], "/admin/people/person/", RIGHT) == ["王芳"]
    assert listed(two[0], "/admin/people/person/", old) == []


def test_the_one_who_proposes_does_not_approve(two: tuple[Client, Client], wang: Person) -> None:
    propose(two[0], wang)
    assert "由您本人提出" in approve(two[0])
    wang.refresh_from_db()
    assert wang.identity_number != RIGHT


def test_who_may_not_gets_no_page(cast: Cast, clock: Clock, wang: Person) -> None:
    for user, status in (
        (staff("c", "丙", "ningbo", COLLECTOR), 404),
        (staff("w", "丁", "wuhan", MANAGER), 404),
    ):
        assert propose(inside(user), wang).status_code == status
    client = Client()
    client.force_login(cast.yongjiang_clerk, backend="portal.accounts.doors.EmployerDoor")
    assert propose(client, wang).status_code != 200
    assert not Proposal.objects.exists()


def test_nobody_corrects_themselves(clock: Clock, wang: Person) -> None:
    own = inside(staff("own", "王芳", "ningbo", MANAGER, of=wang))
    assert "与您本人有关" in str(wrong(propose(own, wang)))
    colleague = inside(staff("first", "甲", "ningbo", MANAGER))
    propose(colleague, wang)
    assert "与您本人有关" in approve(own)
    wang.refresh_from_db()
    assert wang.identity_number != RIGHT


def test_nobody_refuses_what_is_proposed_about_themselves(clock: Clock, wang: Person) -> None:
    """The proposal bears the number that is to be, which is not theirs yet."""
    own = staff("own", "王芳", "ningbo", MANAGER, of=wang)
    propose(inside(staff("first", "甲", "ningbo", MANAGER)), wang)
    with pytest.raises(proposals.CannotDecide, match="与您本人有关"):
        proposals.refuse(Proposal.objects.get(), why="不同意", by=own, now=NOW)
    assert Proposal.objects.get().status == "proposed"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"identity_number": RIGHT[:-1]}, "identity_number"),
        ({"identity_number": RIGHT[:-1] + ("1" if RIGHT[-1] != "1" else "2")}, "identity_number"),
        ({"identity_number": ""}, "identity_number"),
        ({"identity_number": identity_number("330211", "2027-01-01", 24)}, "identity_number"),
        ({"name": "=王芳"}, "name"),
        ({"name": ""}, "name"),
        ({"reason": ""}, "reason"),
        ({"evidence": " "}, "evidence"),
        ({"evidence": "材" * 201}, "evidence"),
        ({"how": "renewed"}, "how"),
        ({"how": "merge"}, "how"),
        ({"document": "passport"}, "document"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_stays(
    two: tuple[Client, Client], wang: Person, change: dict[str, str], field: str
) -> None:
    answer = propose(two[0], wang, **change)
    assert answer.status_code == 422
    assert field in wrong(answer)
    assert "建档时出生日期录错" in answer.content.decode() or field == "reason"
    assert not Proposal.objects.exists()


def test_what_is_the_same_is_no_correction(two: tuple[Client, Client], wang: Person) -> None:
    assert "完全一致" in str(wrong(propose(two[0], wang, identity_number=wang.identity_number)))


# A number that exists


def test_a_number_of_another_file_is_refused_and_merging_is_said_not_to_be_there(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    answer = propose(two[0], wang, identity_number=cast.zhang_min.identity_number)
    assert "还不能合并" in wrong(answer)["identity_number"][0]
    assert not Proposal.objects.exists()


def test_a_number_that_was_taken_meanwhile_is_refused_at_approval(
    two: tuple[Client, Client], wang: Person
) -> None:
    propose(two[0], wang)
    persons.record(identity_number=RIGHT, name="王芳")
    assert "还不能合并" in approve(two[1])
    wang.refresh_from_db()
    assert wang.identity_number != RIGHT
    assert Proposal.objects.get().status == "proposed"


def test_what_changed_meanwhile_is_not_corrected(two: tuple[Client, Client], wang: Person) -> None:
    propose(two[0], wang)
    Person.objects.filter(pk=wang.pk).update(name="王方")
    assert "档案已有变动" in approve(two[1])


def test_another_proposal_about_the_old_number_is_decided_first(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    by = User.objects.get(username="first")
    Person.objects.filter(pk=cast.zhang_min.pk).update(household_code="330211")
    propose_guardianship(
        cast.zhang_min, ward_number=wang.identity_number, ward_name=wang.name, relation="parent",
        proof_kind="household", proof="户口簿", start=NOW.date(), ends_on=None, by=by, now=NOW,
    )  # fmt: skip
    propose(two[0], wang)
    assert "先办完那一项" in approve(two[1])
    wang.refresh_from_db()
    assert wang.identity_number != RIGHT


# What follows


def test_the_old_number_logs_nobody_in(two: tuple[Client, Client], wang: Person, cast: Cast) -> None:
    old, login = wang.identity_number, cast.wang_fang_login
    User.objects.filter(pk=login.pk).update(phone="")
    corrected(two, wang, name="王昉")
    unknown = knock(
        Client(), PERSON, {"login": identity_number("330211", "1990-01-01", 2), "password": PASSWORD}
    )
    answer = knock(Client(), PERSON, {"login": old, "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.context["form"].errors == unknown.context["form"].errors
    assert knock(Client(), PERSON, {"login": RIGHT, "password": PASSWORD}).status_code == 302
    login.refresh_from_db()
    assert login.name == "王昉"


def test_who_is_told(two: tuple[Client, Client], wang: Person, cast: Cast) -> None:
    mine, _other = cast.yongjiang_clerk, cast.zhaobao_clerk
    BankAccount.objects.create(
        person=wang, city="ningbo", bank="psbc", number="6217975200011112225", holder="王芳",
        start=Month.parse("2026-01"),
    )  # fmt: skip
    corrected(two, wang, name="王昉")
    told = Notice.objects.get(person=wang)
    assert all(word in told.text for word in ("姓名", "社会保障号码", "330211********", "先到开户银行更名"))
    assert RIGHT not in told.text
    assert list(Notice.objects.exclude(user=None).values_list("user", flat=True)) == [mine.pk]
    assert "330211********" in Notice.objects.get(user=mine).text
    notices.send_text_messages(now=NOW)
    assert OutboxMessage.objects.get().phone == "13800000001"


def test_open_cases_are_decided_about_the_right_person(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    asked = {**typed(wang.identity_number), "start_pension": "", "start_unemployment": ""}
    case = file(cast.yongjiang_clerk, "ningbo", CODE, asked, NOW)
    several = standing_case(
        cast.zhaobao_clerk, answers={"numbers": [wang.identity_number, cast.zhang_min.identity_number]}
    )
    done = standing_case(
        cast.zhaobao_clerk,
        subject=wang,
        status=Status.DONE,
        answers={"identity_number": wang.identity_number},
    )
    old = wang.identity_number
    corrected(two, wang, name="王昉")
    for one in (case, several, done):
        one.refresh_from_db()
    assert (case.subject_identity_number, case.answers["identity_number"], case.answers["name"]) == (
        RIGHT,
        RIGHT,
        "王昉",
    )
    assert several.answers["numbers"] == [RIGHT, cast.zhang_min.identity_number]
    assert (done.subject_identity_number, done.answers["identity_number"]) == (RIGHT, old)
    desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=NOW)
    assert Coverage.objects.filter(person=wang, insurance="work_injury").exists()
    assert not Person.objects.filter(identity_number=old).exists()


def test_a_case_that_was_read_before_the_correction_is_looked_at_again(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    asked = {**typed(wang.identity_number), "start_pension": "", "start_unemployment": ""}
    read = file(cast.yongjiang_clerk, "ningbo", CODE, asked, NOW)
    old = wang.identity_number
    corrected(two, wang)
    with pytest.raises(desk.NotAccepted) as refusal:
        desk.decide(read, approve=True, by=cast.ningbo_reviewer, now=NOW)
    assert "刚刚更正" in refusal.value.findings[0].why
    assert not Person.objects.filter(identity_number=old).exists()


def test_drafts_follow(two: tuple[Client, Client], wang: Person, cast: Cast) -> None:
    offer = book().city("ningbo").offers[CODE]
    begun = {"identity_number": [f" {wang.identity_number} "], "name": ["王芳"], "wage": ["6500"]}
    drafts.keep(
        user=cast.yongjiang_clerk,
        offer=offer,
        typed=begun,
        checked=True,
        now=NOW,
        subject=wang.identity_number,
    )
    corrected(two, wang, name="王昉")
    kept = Draft.objects.get()
    assert (kept.subject, kept.checked) == (RIGHT, False)
    assert kept.typed == {"identity_number": [RIGHT], "name": ["王昉"], "wage": ["6500"]}


@pytest.mark.parametrize(("mine", "name"), [(False, ""), (False, "林大同"), (True, "林大同")])
def test_no_draft_tells_the_right_number_to_whom_it_is_not_for(
    two: tuple[Client, Client], wang: Person, cast: Cast, mine: bool, name: str
) -> None:
    """Another employer's draft, and one about whoever really has that number."""
    by, old = cast.yongjiang_clerk if mine else cast.zhaobao_clerk, wang.identity_number
    begun = {"identity_number": [old], "name": [name], "wage": ["6500"]}
    offer = book().city("ningbo").offers[CODE]
    drafts.keep(user=by, offer=offer, typed=begun, checked=False, now=NOW, subject=old)
    corrected(two, wang)
    kept = Draft.objects.get()
    assert (kept.subject, kept.typed) == (old, begun)


def test_a_list_of_numbers_in_a_draft_follows(two: tuple[Client, Client], wang: Person, cast: Cast) -> None:
    other = cast.zhang_min.identity_number
    begun = {"scope": ["chosen"], "numbers": [f"{other}\r\n{wang.identity_number}\r\n"]}
    offer = book().city("ningbo").offers["staff-proofs"]
    drafts.keep(user=cast.yongjiang_clerk, offer=offer, typed=begun, checked=False, now=NOW)
    corrected(two, wang)
    assert Draft.objects.get().typed["numbers"] == [f"{other}\n{RIGHT}"]


def test_a_case_about_whoever_really_has_the_number_stays_theirs(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    old = wang.identity_number
    told = {"identity_number": old, "name": "林大同"}
    case = standing_case(cast.zhaobao_clerk, subject_identity_number=old, answers=told)
    corrected(two, wang)
    case.refresh_from_db()
    assert (case.subject_identity_number, case.answers) == (old, told)


def test_a_persons_own_case_that_was_read_before_the_correction_is_looked_at_again(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    case = standing_case(cast.wang_fang_login, subject=wang)
    read = Case.objects.select_related("applicant_person", "filed_by").get(pk=case.pk)
    corrected(two, wang)
    with pytest.raises(desk.NotAccepted) as refusal:
        desk.decide(read, approve=True, by=cast.ningbo_reviewer, now=NOW)
    assert "刚刚更正" in refusal.value.findings[0].why


def test_of_two_drafts_the_one_under_the_right_number_stays(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    offer = book().city("ningbo").offers[CODE]
    for number, wage in ((wang.identity_number, "1"), (RIGHT, "2")):
        begun = {"identity_number": [number], "wage": [wage]}
        drafts.keep(
            user=cast.yongjiang_clerk, offer=offer, typed=begun, checked=False, now=NOW, subject=number
        )
    corrected(two, wang)
    assert Draft.objects.get().typed["wage"] == ["2"]


def test_wards_coverage_and_looks_follow(two: tuple[Client, Client], wang: Person, cast: Cast) -> None:
    Guardianship.objects.create(
        guardian=cast.zhang_min,
        ward=wang,
        relation="parent",
        proof_kind="incapacity",
        proof="法院判决书",
        start=NOW.date(),
    )
    old, login = wang.identity_number, cast.wang_fang_login
    look_up(user=cast.yongjiang_clerk, identity_number=old, purpose="增员", now=NOW)
    corrected(two, wang)
    seen = PersonLookup.objects.filter(identity_corrections.looks_at(wang), purpose="增员")
    assert seen.count() == 1, "who looked at them by the old number, while it was theirs"
    browser = Client()
    browser.force_login(login, backend="portal.accounts.doors.PersonDoor")
    page = browser.get("/account/").content.decode()
    assert "增员" in page
    assert f"{RIGHT[:6]}********{RIGHT[-4:]}" in page
    assert Coverage.objects.get(person__identity_number=RIGHT).person == wang
    assert Guardianship.objects.get().ward.identity_number == RIGHT


def test_the_old_number_may_be_somebody_elses(two: tuple[Client, Client], wang: Person, cast: Cast) -> None:
    """It was typed wrongly: whoever really has it is a person like any other."""
    old = wang.identity_number
    corrected(two, wang)
    case = file(cast.yongjiang_clerk, "ningbo", CODE, {**typed(old), "name": "林大同"}, NOW)
    desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=NOW)
    lin = persons.find(old)
    assert lin is not None
    assert lin != wang
    assert Case.objects.get(pk=case.pk).subject_identity_number == old


def test_nobody_is_insured_again_under_the_number_that_was_corrected(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    """An employer's own list may still have it."""
    old = wang.identity_number
    corrected(two, wang, name="王昉")
    with pytest.raises(desk.NotAccepted) as refusal:
        file(cast.zhaobao_clerk, "ningbo", CODE, typed(old, name="王芳"), NOW)
    assert "已由社保经办机构更正" in str(refusal.value)
    assert persons.find(old) is None


def test_no_second_file_is_opened_under_the_number_that_was_corrected(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    old, name = wang.identity_number, wang.name
    corrected(two, wang)
    with pytest.raises(NotProposed, match="已经更正"):
        openings.ensure_person({"identity_number": old, "name": name}, city="ningbo", by=cast.ningbo_reviewer)
    # Somebody of another name may have it.
    openings.ensure_person({"identity_number": old, "name": "钱多多"}, city="ningbo", by=cast.ningbo_reviewer)


def test_no_account_is_opened_under_the_number_that_was_corrected(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    old, name = wang.identity_number, wang.name
    corrected(two, wang)
    stated = Stated(name, old, "13900000077")
    with pytest.raises(NotTheSamePerson):
        open_account(stated, password=PASSWORD, now=NOW)
    assert persons.find(old) is None


def test_whoever_gets_the_old_number_learns_nothing_of_looks_at_the_other(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    old = wang.identity_number
    look_up(user=cast.zhaobao_clerk, identity_number=old, purpose="增员", now=NOW)
    corrected(two, wang)
    lin = persons.record(identity_number=old, name="林大同")
    assert not PersonLookup.objects.filter(identity_corrections.looks_at(lin)).exists()
    seen = PersonLookup.objects.filter(identity_corrections.looks_at(wang), purpose="增员")
    assert seen.count() == 1


def test_a_case_about_the_right_number_is_decided_first(
    two: tuple[Client, Client], wang: Person, cast: Cast
) -> None:
    for number, name in ((wang.identity_number, "王芳"), (RIGHT, "王芳")):
        asked = {**typed(number), "name": name, "start_pension": "", "start_unemployment": ""}
        file(cast.yongjiang_clerk, "ningbo", CODE, asked, NOW)
    propose(two[0], wang)
    assert "先办完那一件" in approve(two[1])
    wang.refresh_from_db()
    assert wang.identity_number != RIGHT


def test_a_sealed_proof_stays_and_its_verification_says_so(two: tuple[Client, Client], wang: Person) -> None:
    then = Certificate(person=wang, facts={"person": wang.named()})
    assert not verifying.was_corrected_since(then)
    corrected(two, wang)
    assert verifying.was_corrected_since(then)
    [check] = [one for one in verifying.checks_of_standing(then, NOW) if one.passed is None]
    assert "仍是出具时的内容" in check.text


# Foreigners


def test_a_renewed_passport_keeps_the_number(two: tuple[Client, Client], cast: Cast) -> None:
    who = anna(phone="13700000009")
    cover(who, Insurance.PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=560000)
    login = User.objects.create_person(who, password=PASSWORD)
    new = {**ANNA, "identity_number": "C02Y00001", "paper_expires_on": "2036-01-01"}
    corrected(two, who, how="renewed", **new)
    assert (who.identity_number, who.paper_number) == (OF_PASSPORT, "C02Y00001")
    for number, status in (("C01X0006H", 200), ("C02Y00001", 302)):
        assert knock(Client(), PERSON, {"login": number, "password": PASSWORD}).status_code == status
    assert login.person == who
    assert "C*****001" in Notice.objects.get(person=who).text


def test_a_wrong_passport_gets_another_number(two: tuple[Client, Client], cast: Cast) -> None:
    who = anna()
    cover(who, Insurance.PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=560000)
    case = file(
        cast.yongjiang_clerk,
        "ningbo",
        CODE,
        {**typed(OF_PASSPORT), **ANNA, "start_pension": "", "start_unemployment": ""},
        NOW,
    )
    corrected(two, who, **{**ANNA, "identity_number": "C01X0006J", "sex": "male"})
    assert (who.identity_number, who.sex) == ("DEU000000C01X0006J", "male")
    case.refresh_from_db()
    assert papers.of_told(case.answers).told()["paper_number"] == "C01X0006J"
    desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=NOW)
    assert Person.objects.filter(name="MUELLER ANNA").count() == 1


def test_a_passport_of_another_file_is_refused(two: tuple[Client, Client], cast: Cast) -> None:
    who = anna()
    anna("C09X0006H")
    cover(who, Insurance.PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=560000)
    answer = propose(two[0], who, how="renewed", **{**ANNA, "identity_number": "C09X0006H"})
    assert "还不能合并" in wrong(answer)["identity_number"][0]


def test_pressed_twice_it_is_done_once(two: tuple[Client, Client], wang: Person) -> None:
    propose(two[0], wang)
    proposal = Proposal.objects.get()
    proposals.approve(proposal, by=User.objects.get(username="second"), now=NOW)
    with pytest.raises(proposals.CannotDecide):
        proposals.approve(proposal, by=User.objects.get(username="second"), now=NOW)
    assert Notice.objects.filter(person=wang).count() == 1
