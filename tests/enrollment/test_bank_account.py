"""缴费银行信息维护: compared with the banks' register; an activated card is the account and cannot
be changed."""

import datetime as dt

import pytest

from portal.accounts.models import User
from portal.hall import desk
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.people.models import BankAccount, Person
from portal.policy.book import book
from portal.registers.models import BankAccountRecord, SecurityCardRecord
from portal.shared.months import Month
from tests.cast import Cast, moment
from tests.contributions.flexible import EMPTY_ACCOUNT, GOOD_ACCOUNT, account
from tests.filing import file, reasons

CODE = "bank-account"
TYPED = {"bank": "psbc", "account_number": GOOD_ACCOUNT}


def registered(holder: Person, *, name: str = "", number: str = GOOD_ACCOUNT) -> BankAccountRecord:
    return BankAccountRecord.objects.create(
        bank="psbc", number=number, holder=name or holder.name, identity_number=holder.identity_number
    )


def test_an_account_that_matches_is_done_at_once_and_counts_from_next_month(
    cast: Cast, now: dt.datetime
) -> None:
    registered(cast.chen_jing)
    former = account(cast.chen_jing, EMPTY_ACCOUNT, start="2026-01", city="shenzhen")
    case = file(cast.chen_jing_login, "shenzhen", CODE, TYPED, now)
    assert case.status == Status.DONE
    former.refresh_from_db()
    drawn = BankAccount.objects.get(until__isnull=True)
    assert (drawn.number, drawn.holder, drawn.start) == (GOOD_ACCOUNT, "陈静", Month(2026, 12))
    assert former.until == Month(2026, 12)
    assert GOOD_ACCOUNT not in str(case.outcome)


def test_a_holder_in_another_spelling_is_the_holder(cast: Cast, now: dt.datetime) -> None:
    Person.objects.filter(pk=cast.chen_jing.pk).update(name="买买提·艾力")
    registered(cast.chen_jing, name="买买提•艾力")
    who = User.objects.get(pk=cast.chen_jing_login.pk)
    assert file(who, "shenzhen", CODE, TYPED, now).status == Status.DONE


def test_twice_is_no_change(cast: Cast, now: dt.datetime) -> None:
    registered(cast.chen_jing)
    case = file(cast.chen_jing_login, "shenzhen", CODE, TYPED, now)
    assert file(cast.chen_jing_login, "shenzhen", CODE, TYPED, now, key=case.key) == case
    assert "不需要变更" in reasons(cast.chen_jing_login, "shenzhen", CODE, TYPED, now)["account_number"]
    assert BankAccount.objects.count() == 1


def test_who_has_changed_their_name_files_the_same_account_again(cast: Cast, now: dt.datetime) -> None:
    """The bank has renamed its account too; from next month on the debit names the new holder."""
    registered(cast.chen_jing)
    file(cast.chen_jing_login, "shenzhen", CODE, TYPED, now)
    cast.chen_jing.name = "陈 静怡"
    cast.chen_jing.save()
    user = User.objects.get(pk=cast.chen_jing_login.pk)
    assert user.name == "陈静怡"
    BankAccountRecord.objects.update(holder="陈静怡")
    case = file(user, "shenzhen", CODE, TYPED, now)
    assert case.status == Status.DONE
    drawn = BankAccount.objects.get(until__isnull=True)
    assert (drawn.number, drawn.holder, drawn.start) == (GOOD_ACCOUNT, "陈静怡", Month(2026, 12))
    assert "不需要变更" in reasons(user, "shenzhen", CODE, TYPED, now)["account_number"]


@pytest.mark.parametrize("number", ["6210980000001234", "1900015080000012", "601428706705915082"])
def test_a_number_without_a_check_digit_is_for_the_bank_to_know(
    cast: Cast, now: dt.datetime, number: str
) -> None:
    told = {**TYPED, "account_number": number}
    assert "没有查到这个账号" in reasons(cast.chen_jing_login, "shenzhen", CODE, told, now)["account_number"]
    registered(cast.chen_jing, number=number)
    assert file(cast.chen_jing_login, "shenzhen", CODE, told, now).status == Status.DONE


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (GOOD_ACCOUNT[:-1] + str((int(GOOD_ACCOUNT[-1]) + 1) % 10), "校验位不符"),
        ("62179900", "应为 12 至 32 位数字，这里是 8 位"),
        ("6217 9900 账户", "只含数字"),
    ],
)
def test_a_number_that_no_account_has_is_told_beside_the_field(
    cast: Cast, now: dt.datetime, number: str, why: str
) -> None:
    told = {**TYPED, "account_number": number}
    assert why in reasons(cast.chen_jing_login, "shenzhen", CODE, told, now)["account_number"]


@pytest.mark.parametrize(
    ("whose", "name", "why"),
    [
        ("nobody", "", "没有查到"),
        ("li_qiang", "", "不是您本人"),
        ("chen_jing", "陈婧", "户名与您的参保登记不一致"),
    ],
)
def test_one_that_does_not_is_pre_applied_and_confirmed_at_the_counter(
    cast: Cast, now: dt.datetime, whose: str, name: str, why: str
) -> None:
    if whose != "nobody":
        registered(getattr(cast, whose), name=name)
    case = file(cast.chen_jing_login, "shenzhen", CODE, TYPED, now)
    assert case.status == Status.PRE_APPLIED
    assert why in case.mismatches[0]["why"]
    assert not BankAccount.objects.exists()
    desk.propose_overruling(case, reason="已核对存折原件", by=cast.shenzhen_reviewer, now=now)
    desk.decide(case, approve=True, by=cast.every_city_reviewer, now=now, overrule=True)
    assert BankAccount.objects.get().person == cast.chen_jing


def test_a_mistyped_number_is_told_beside_the_field(cast: Cast, now: dt.datetime) -> None:
    typed = {**TYPED, "account_number": GOOD_ACCOUNT[:-1] + "5"}
    assert "有一位输错" in reasons(cast.chen_jing_login, "shenzhen", CODE, typed, now)["account_number"]


def test_an_unknown_bank_is_refused(cast: Cast, now: dt.datetime) -> None:
    assert "bank" in reasons(cast.chen_jing_login, "shenzhen", CODE, {**TYPED, "bank": "other"}, now)


@pytest.mark.parametrize("activated", [True, False])
def test_an_activated_card_is_the_account_and_cannot_be_changed(
    cast: Cast, now: dt.datetime, activated: bool
) -> None:
    registered(cast.chen_jing)
    SecurityCardRecord.objects.create(
        identity_number=cast.chen_jing.identity_number,
        bank="psbc",
        number=EMPTY_ACCOUNT,
        activated=activated,
    )
    refused = reasons(cast.chen_jing_login, "shenzhen", CODE, TYPED, now)
    assert ("默认为该卡，不能改为其他账户" in refused.get("account_number", "")) is activated
    if activated:
        with pytest.raises(desk.NotAccepted):
            file(cast.chen_jing_login, "shenzhen", CODE, TYPED, now)
        assert not BankAccount.objects.exists()


def test_the_card_itself_can_be_named(cast: Cast, now: dt.datetime) -> None:
    registered(cast.chen_jing)
    SecurityCardRecord.objects.create(
        identity_number=cast.chen_jing.identity_number, bank="psbc", number=GOOD_ACCOUNT, activated=True
    )
    assert file(cast.chen_jing_login, "shenzhen", CODE, TYPED, now).status == Status.DONE


def test_nobody_names_an_account_for_anyone_else(cast: Cast, now: dt.datetime) -> None:
    registered(cast.chen_jing)
    assert file(cast.li_qiang_login, "shenzhen", CODE, TYPED, now).status == Status.PRE_APPLIED
    with pytest.raises(desk.NotAllowed):
        file(cast.donghu_clerk, "shenzhen", CODE, TYPED, now)
    assert not BankAccount.objects.exists()


def test_in_wuhan_it_shows_the_account_and_the_card_does_not_stand_in_its_way(
    cast: Cast, now: dt.datetime
) -> None:
    account(cast.li_qiang, EMPTY_ACCOUNT, start="2026-01")
    registered(cast.li_qiang)
    SecurityCardRecord.objects.create(
        identity_number=cast.li_qiang.identity_number, bank="psbc", number=EMPTY_ACCOUNT, activated=True
    )
    offer = book().city("wuhan").offers[CODE]
    form = desk.form_for(offer=offer, applicant=Applicant.of(cast.li_qiang_login), now=now)
    assert EMPTY_ACCOUNT[-4:] in str(form.fields["account_number"].help_text)
    case = file(cast.li_qiang_login, "wuhan", CODE, TYPED, now)
    assert case.status == Status.DONE
    assert dict(case.outcome["lines"])["起用月份"] == "从2026年12月起扣款"


@pytest.mark.parametrize(("day", "start"), [("2026-11-29", "2026-11"), ("2026-11-30", "2026-12")])
def test_a_first_account_is_drawn_on_by_the_next_debit(cast: Cast, day: str, start: str) -> None:
    registered(cast.li_qiang)
    file(cast.li_qiang_login, "wuhan", CODE, TYPED, moment(day))
    assert str(BankAccount.objects.get().start) == start
