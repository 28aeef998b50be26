"""年度结息: the published rate on what a personal account held, for as long as it held it; worked
out by hand, in yuan."""

import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from contributions.audit import CHECKS
from contributions.audit.looking import audit
from contributions.books import account_interest, ledger
from contributions.books.account_interest import CannotCredit, credit, derivation, due, preview, settle
from contributions.books.personal_account import accounts_of, balance, book_movement
from contributions.books.receiving import receive
from contributions.charges.charging import charge
from contributions.models import (
    AccountInterest,
    AccountKind,
    AccountMovement,
    Charge,
    Entry,
    InterestRun,
    MovementKind,
)
from portal.accounts.models import User
from portal.people.models import Person
from portal.policy.book import DATA, Book, book, load_book
from portal.policy.terms.personal_account import account_interest_terms
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import NOW, WUCHANG, cover, moment, person

pytestmark = pytest.mark.django_db

PENSION = Insurance.PENSION


@pytest.fixture(autouse=True)
def only_the_money(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transfer here has no application behind it, which the audit of the room above would
    miss."""
    monkeypatch.setattr("contributions.audit.looking.all_checks", lambda: list(CHECKS))


def saver(order: int = 1) -> Person:
    """Insured in Wuxi at 60 % since January 2023: each month paid credits 4494.00 × 8 % = 359.52
    yuan."""
    who = person(f"储户{order}", WUCHANG, "1985-01-01", order)
    cover(who, PENSION, "wuxi", "2023-01", tier="60")
    return who


def pay(who: Person, when: str, *months: str) -> None:
    for month in months:
        charge(city="wuxi", month=Month.parse(month), by=User.objects.system(), now=NOW)
    receive(
        Charge.objects.filter(person=who, month__in=[Month.parse(month) for month in months]),
        channel="counter",
        provider_number=f"{who.pk}-{months[0]}",
        at=moment(when),
        by=User.objects.system(),
    )


def run(year: int, when: str = "2026-07-01 10:00") -> InterestRun:
    return credit(city="wuxi", insurance=PENSION, year=year, by=User.objects.system(), now=moment(when))


def sound() -> bool:
    return all(one.holds for one in audit())


def credited(who: Person) -> dict[int, int]:
    """Fen by the year that they are interest for."""
    found: dict[int, int] = {}
    for one in AccountInterest.objects.filter(movement__person=who).select_related("movement"):
        found[one.year] = found.get(one.year, 0) + one.movement.amount_fen
    return found


@pytest.fixture
def one_saver() -> Person:
    who = saver()
    pay(who, "2023-01-20 10:00", "2023-01")
    pay(who, "2023-07-20 10:00", "2023-07")
    pay(who, "2023-12-31 23:59", "2023-12")
    pay(who, "2024-03-20 10:00", "2024-03")
    return who


def test_golden_two_years(one_saver: Person) -> None:
    """2023 at 3.97 %: 359.52 in January counts 12 months, in July 6, in December 1: 359.52 × 19 =
    6830.88 yuan·months; 6830.88 ÷ 12 × 3.97 % = 22.5988 → 22.60. 2024 at 2.62 %: (3 × 359.52 +
    22.60 + 359.52 × 10 ÷ 12) × 2.62 % = 1400.76 × 2.62 % = 36.6999 → 36.70."""
    run(2023)
    assert credited(one_saver) == {2023: 2260}
    run(2024)
    assert credited(one_saver) == {2023: 2260, 2024: 3670}
    [account] = accounts_of(one_saver)
    told = [
        (one.year, one.opening_fen, one.credited_fen, one.interest_fen, one.closing_fen)
        for one in account.years
    ]
    assert told == [
        (2024, 3 * 35952 + 2260, 35952, 3670, 4 * 35952 + 5930),
        (2023, 0, 3 * 35952, 2260, 3 * 35952 + 2260),
    ]
    assert account.balance_fen == balance(one_saver, "wuxi", PENSION) == 149738
    assert sound()


def test_half_a_fen_is_a_fen() -> None:
    """4.00 yuan in December 2025 count one month: 400 × 1.50 % ÷ 12 = 0.5 fen exactly. With 400 ÷
    12 cut it would be 0.4999."""
    who = saver()
    for_a_month("4.00", who)
    for year in (2023, 2024, 2025):
        run(year)
    assert credited(who) == {2025: 1}
    assert sound()


def for_a_month(yuan: str, who: Person) -> None:
    """Comes in from elsewhere in December 2025."""
    book_movement(
        person=who,
        city="wuxi",
        insurance=PENSION,
        kind=MovementKind.TRANSFER_IN,
        amount_fen=int(Decimal(yuan) * 100),
        against=ledger.account(city="wuxi", kind=AccountKind.TRANSFER, channel="shenzhen"),
        key=f"in/{who.pk}",
        by=User.objects.system(),
        now=moment("2025-12-09 10:00"),
    )


# The sum as it was reckoned before: product ÷ 12 is cut, then multiplied. As rows that are a fen
# short were marked when this was mended. A trigger keeps them as they are, but for this.
MARK = """
    ALTER TABLE contributions_accountinterest DISABLE TRIGGER USER;
    UPDATE contributions_accountinterest SET cut = true
    WHERE 24 * interest_fen - 2 * (12 * opening_fen + product) * rate = -12;
    ALTER TABLE contributions_accountinterest ENABLE TRIGGER USER;
"""
CUT = "round(({opening} + {product} / 12) * {rate})"


def differs(sql: str, rate: str, per: int) -> int:
    """For how many products of 1 to 100,000 the SQL is another sum than whole numbers make: (2 ×
    product × rate + 12) ÷ 24."""
    parts = int(Decimal(rate) * per)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*) FROM (SELECT n, n::numeric AS product FROM generate_series(1::bigint, 100000) n) one
            WHERE {sql} <> (2 * n * {parts} + 12 * {per}) / (24 * {per})
            """  # noqa: S608 - of constants
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(("rate", "per"), [("0.015", 1000), ("0.0397", 10_000), ("0.0262", 10_000)])
def test_every_product_is_rounded_as_whole_numbers_say(rate: str, per: int) -> None:
    assert differs(account_interest.whole_fen("0", "product", rate), rate, per) == 0


def test_cut_before_it_is_multiplied_some_would_be_a_fen_short() -> None:
    assert differs(CUT.format(opening="0", product="product", rate="0.015"), "0.015", 1000) == 42


def test_what_was_cut_before_is_named_and_comes_with_the_next_year(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """4.00 and 28.00 yuan in December 2025: 0.5 and 3.5 fen; cut, that was nothing and 3. The next
    run brings both fen."""
    first, second = saver(1), saver(2)
    for_a_month("4.00", first)
    for_a_month("28.00", second)
    run(2023)
    run(2024)
    keep = account_interest.KEEP_DUE
    for opening in ("held.before", "opening.fen"):
        parts = {"opening": opening, "product": "cut.product", "rate": "terms.rate"}
        keep = keep.replace(account_interest.whole_fen(*parts.values()), CUT.format(**parts))
    with monkeypatch.context() as then:
        then.setattr(account_interest, "KEEP_DUE", keep)
        run(2025)
    assert (credited(first), credited(second)) == ({}, {2025: 3})
    assert not sound()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(MARK)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    assert sound()
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    rates = data / "national" / "account_interest.yaml"
    rates.write_text(
        rates.read_text()
        .replace("references:", '  "2026-01-01": {year: 2026, rate: "0.0150"}\nreferences:')
        .rstrip()
        + '\n  "2026-01-01": {title: 记账利率, standing: public}\n'
    )
    credit(
        city="wuxi",
        insurance=PENSION,
        year=2026,
        by=User.objects.system(),
        now=moment("2027-07-01 10:00"),
        policy=load_book(data),
    )
    found = {one.movement.person_id: one for one in AccountInterest.objects.filter(year=2026)}
    # 4.01 × 1.5 % = 0.0602 → 6; 28.04 × 1.5 % = 0.4206 → 42.
    assert [(found[who.pk].interest_fen, found[who.pk].adjustment_fen) for who in (first, second)] == [
        (6, 1),
        (42, 1),
    ]
    assert sound()


def test_it_is_explained_with_its_document(one_saver: Person) -> None:
    run(2023)
    why = derivation(AccountInterest.objects.get(), on=NOW.date())
    told = {line.label: line.value for line in why.lines}
    assert told["当年月积数"] == "6,830.88 元·月"
    assert told["记账利率"] == "3.97%"
    assert told["当年利息"] == "22.60 元"
    assert (str(why.since), why.reference.title) == ("2023-01-01", "2023年职工基本养老保险个人账户记账利率")


def test_the_yearly_method_takes_all_credits_for_half_a_year(
    one_saver: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1078.56 × 3.97 % × 1.083 ÷ 2 = 23.1865 → 23.19."""
    leaf = book().leaf("national", "account_interest_method", NOW.date())
    values = {**leaf.values, "method": "yearly", "yearly_factor": Decimal("1.083")}
    monkeypatch.setattr(type(book()), "leaf", _with(type(book()).leaf, values))
    assert account_interest_terms(book(), year=2023).weights[0] == Decimal("6.498")
    run(2023)
    assert credited(one_saver) == {2023: 2319}
    assert sound()


def _with(real: object, values: dict[str, object]) -> object:
    def leaf(self: object, scope: str, name: str, on: object) -> object:
        found = real(self, scope, name, on)  # type: ignore[operator]
        return replace(found, values=values) if name == "account_interest_method" else found

    return leaf


def test_what_is_previewed_is_what_is_credited(one_saver: Person) -> None:
    seen = preview(city="wuxi", insurance=PENSION, year=2023, now=NOW)
    assert (seen.people, seen.interest_fen, seen.adjustment_fen) == (1, 2260, 0)
    assert not AccountMovement.objects.exists()
    done = run(2023)
    assert (done.people, done.amount_fen) == (seen.people, seen.amount_fen)


def test_twice_is_once(one_saver: Person) -> None:
    first = run(2023)
    assert run(2023, "2026-08-01 10:00").finished_at == first.finished_at
    assert AccountMovement.objects.count() == 1
    assert preview(city="wuxi", insurance=PENSION, year=2023, now=NOW).people == 0


def test_a_year_waits_for_its_end_its_rate_and_the_year_before(one_saver: Person) -> None:
    with pytest.raises(CannotCredit, match="2026年的记账利率尚未公布"):
        run(2026, "2027-07-01 10:00")
    with pytest.raises(CannotCredit, match="2025年尚未结束"):
        run(2025, "2025-12-31 23:59")
    with pytest.raises(CannotCredit, match="2023年尚未结息"):
        run(2024)
    with pytest.raises(CannotCredit, match="不按记账利率计息"):
        credit(city="wuxi", insurance=Insurance.MEDICAL, year=2023, by=User.objects.system(), now=NOW)
    assert [one[2] for one in due(on=moment("2026-07-01 10:00").date())] == [2023, 2024, 2025]


def test_money_booked_late_bears_interest_all_the_same_with_the_next_year(one_saver: Person) -> None:
    """August 2023 arrived in time, and is booked after the interest of 2023: 359.52 × 5 ÷ 12 × 3.97
    % = 5.9471. All of 2023 is then 359.52 × 24 ÷ 12 × 3.97 % = 28.5459 → 28.55, of which 22.60 were
    credited: 5.95 come with 2024. 2024: (4 × 359.52 + 28.55 + 359.52 × 10 ÷ 12) × 2.62 % = 1766.23
    × 2.62 % = 46.2752 → 46.28."""
    run(2023)
    pay(one_saver, "2023-08-20 10:00", "2023-08")
    run(2024)
    assert credited(one_saver) == {2023: 2260, 2024: 4628 + 595}
    row = AccountInterest.objects.get(year=2024)
    assert (row.interest_fen, row.adjustment_fen) == (4628, 595)
    assert "以前年度调整" in {line.label for line in derivation(row, on=NOW.date()).lines}
    assert sound()


def leave(who: Person, when: str, *, policy: Book | None = None) -> int:
    """Transfers the whole account away, with its interest so far; the fen that went."""
    settle(
        person=who, city="wuxi", insurance=PENSION, by=User.objects.system(), now=moment(when), policy=policy
    )
    fen = balance(who, "wuxi", PENSION)
    book_movement(
        person=who,
        city="wuxi",
        insurance=PENSION,
        kind=MovementKind.TRANSFER_OUT,
        amount_fen=-fen,
        against=ledger.account(city="wuxi", kind=AccountKind.TRANSFER, channel="shenzhen"),
        key="out",
        by=User.objects.system(),
        now=moment(when),
    )
    return fen


def test_who_moves_takes_the_interest_of_the_months_before(one_saver: Person) -> None:
    """Leaves in May 2024, before the interest of 2023 was credited: 22.60 for 2023; of 2024, the
    opening 1101.16 for four months and March's 359.52 for two: (1101.16 × 4 + 359.52 × 2) ÷ 12 ×
    2.62 % = 11.1866 → 11.19."""
    assert leave(one_saver, "2024-05-10 10:00") == 4 * 35952 + 2260 + 1119
    assert balance(one_saver, "wuxi", PENSION) == 0
    # The yearly runs find nothing to add, and nothing to take back.
    run(2023)
    run(2024)
    run(2025)
    assert balance(one_saver, "wuxi", PENSION) == 0
    assert credited(one_saver) == {2023: 2260, 2024: 1119}
    assert sound()


def test_settling_twice_in_a_month_is_once(one_saver: Person) -> None:
    by = User.objects.system()
    first = settle(person=one_saver, city="wuxi", insurance=PENSION, by=by, now=moment("2024-05-10 10:00"))
    again = settle(person=one_saver, city="wuxi", insurance=PENSION, by=by, now=moment("2024-05-20 10:00"))
    assert (first, again) == (2260 + 1119, 0)
    # It stays after all. The rest of the year bears as it would have; the 11.19, there since May,
    # for eight months, too: (1101.16 + (359.52 × 10 + 11.19 × 8) ÷ 12) × 2.62 % = 36.8954 → 36.90.
    run(2023)
    run(2024)
    assert credited(one_saver) == {2023: 2260, 2024: 3690}
    assert sound()


def test_of_what_arrives_from_elsewhere_the_months_left_count(one_saver: Person) -> None:
    """1000.00 arrive in October 2023: 3 months. 6830.88 + 3000.00 = 9830.88 ÷ 12 × 3.97 % = 32.5238
    → 32.52."""
    book_movement(
        person=one_saver,
        city="wuxi",
        insurance=PENSION,
        kind=MovementKind.TRANSFER_IN,
        amount_fen=100000,
        against=ledger.account(city="wuxi", kind=AccountKind.TRANSFER, channel="shenzhen"),
        key="in",
        by=User.objects.system(),
        now=moment("2023-10-09 10:00"),
    )
    run(2023)
    assert credited(one_saver) == {2023: 3252}
    assert sound()


def test_what_a_lower_rate_takes_back_is_never_more_than_there_is(one_saver: Person, tmp_path: Path) -> None:
    """Leaves in May 2024, when only 3.97 % was published: (1101.16 × 4 + 359.52 × 2) ÷ 12 × 3.97 %
    = 16.9508 → 16.95, 5.76 more than 2.62 % make. The account is empty: nothing is taken back,
    until something comes in again."""
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    (data / "national" / "account_interest.yaml").write_text(
        'values:\n  "2023-01-01": {year: 2023, rate: "0.0397"}\n'
        'references:\n  "2023-01-01": {title: 记账利率, standing: public}\n'
    )
    leave(one_saver, "2024-05-10 10:00", policy=load_book(data))
    assert credited(one_saver) == {2023: 2260, 2024: 1695}
    run(2023)
    run(2024)
    assert credited(one_saver) == {2023: 2260, 2024: 1695}
    assert balance(one_saver, "wuxi", PENSION) == 0
    pay(one_saver, "2025-12-10 10:00", "2023-02")
    run(2025)
    # (359.52 ÷ 12 − 5.76) × 1.50 % = 0.3630 → 0.36, less 5.76.
    assert credited(one_saver)[2025] == 36 - 576
    assert balance(one_saver, "wuxi", PENSION) == 35952 - 540
    assert sound()


def test_killed_after_a_chunk_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_interest, "CHUNK", 2)
    people = [saver(order) for order in range(1, 8)]
    for who in people:
        pay(who, "2023-01-20 10:00", "2023-01")
    real, calls = account_interest.book_interest, []

    def dies_at_the_third(*args: object, **kwargs: object) -> tuple[int, int]:
        calls.append(1)
        done: tuple[int, int] = real(*args, **kwargs)  # type: ignore[arg-type]
        if len(calls) == 3:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(account_interest, "book_interest", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        run(2023)
    assert AccountMovement.objects.count() == 4
    assert InterestRun.objects.get().finished_at is None
    done = run(2023)
    # 359.52 × 3.97 % = 14.2729
    assert (done.people, done.amount_fen) == (7, 7 * 1427)
    assert {who.pk: balance(who, "wuxi", PENSION) for who in people} == {
        who.pk: 35952 + 1427 for who in people
    }
    assert Entry.objects.filter(kind=account_interest.KIND).count() == 4
    assert sound()


def test_the_command_previews_and_credits_what_is_due(
    one_saver: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("credit_account_interest", city="wuxi", year=2023, preview=True)
    assert "22.60" in capsys.readouterr().out
    assert not InterestRun.objects.exists()
    call_command("credit_account_interest")
    assert InterestRun.objects.filter(finished_at__isnull=False).count() == 3
    with pytest.raises(CommandError, match="尚未公布"):
        call_command("credit_account_interest", city="wuxi", year=2050)


def test_a_finished_run_and_its_amounts_stay(one_saver: Person) -> None:
    run(2023)
    for changed in (
        lambda: InterestRun.objects.update(amount_fen=1),
        lambda: InterestRun.objects.all().delete(),
        lambda: AccountInterest.objects.update(interest_fen=1),
    ):
        with pytest.raises(Exception, match="Cannot"), transaction.atomic():
            changed()
    with pytest.raises(IntegrityError), transaction.atomic():
        InterestRun.objects.create(
            city="wuxi", insurance="pension", year=2023, rate=1, policy="x", policy_since="2023-01-01",
            last_person=one_saver, begun_at=NOW, begun_by=User.objects.system(),
        )  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contributions_accountinterest SET interest_fen = interest_fen + 1, adjustment_fen = adjustment_fen - 1",
        "UPDATE contributions_accountinterest SET adjustment_fen = 1",
        "UPDATE contributions_accountinterest SET rate = 0.05",
        "UPDATE contributions_interestrun SET amount_fen = amount_fen + 1",
        "DELETE FROM contributions_accountinterest",
        "UPDATE contributions_accountmovement SET kind = 'transfer_in'",
    ],
)
def test_the_audit_finds_interest_that_nobody_reckoned(one_saver: Person, statement: str) -> None:
    run(2023)
    assert sound()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
    assert 2 in {one.number for one in audit() if not one.holds}
