"""记账利息: interest on personal accounts, credited once a year by the published rate.

The opening balance bears interest for the whole year; a movement within the year bears it for the
remaining months, by weights that the policy gives. Each run computes all years again from the first
published rate on, and subtracts what was credited before. So money that is booked after its year's
interest was credited bears interest too: the difference is credited with the next year's interest.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from contributions.books import ledger
from contributions.books.personal_account import balance
from contributions.models import AccountInterest, AccountKind, InterestRun, LedgerAccount, MovementKind
from contributions.planner import row_by_row, whole_tables
from contributions.prices.formula import Derivation, explained
from contributions.prices.reckoned import Line, fen_text, percent_text
from portal.accounts.models import User
from portal.people.models import Person
from portal.policy.book import Book, book
from portal.policy.terms.personal_account import (
    AccountInterestTerms,
    account_interest_terms,
    account_interest_years,
)
from portal.shared import money
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_in_china, today_in_china

KIND = "account_interest"

# The number of people whose accounts are credited in one transaction, with one entry.
CHUNK = 20_000

_NO_CUT = Decimal(0)


class CannotCredit(Exception):
    """The year's interest cannot be credited; the message says why in Chinese."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would credit: the number of accounts, the year's interest and the adjustment of
    earlier years, in fen."""

    terms: AccountInterestTerms
    people: int
    interest_fen: int
    adjustment_fen: int

    @property
    def amount_fen(self) -> int:
        return self.interest_fen + self.adjustment_fen


def due(*, on: dt.date, policy: Book | None = None) -> list[tuple[str, Insurance, int]]:
    """(city, insurance, year) of the interest to be credited on a day, oldest year first: the rate
    is published, the year is over, the city has accounts, and no run has finished it."""
    the_book = policy or book()
    cities = set(
        LedgerAccount.objects.filter(kind=AccountKind.PERSONAL, legs__isnull=False).values_list(
            "city", "insurance"
        )
    )
    finished = set(
        InterestRun.objects.filter(finished_at__isnull=False).values_list("city", "insurance", "year")
    )
    return [
        (city, insurance, year)
        for year in account_interest_years(the_book)
        if year < on.year
        for insurance in account_interest_terms(the_book, year=year).insurances
        for city, of in sorted(cities)
        if of == insurance and (city, insurance, year) not in finished
    ]


def preview(
    *, city: str, insurance: Insurance, year: int, now: dt.datetime, policy: Book | None = None
) -> Preview:
    """What ``credit`` would book now. Nothing is written. Raises CannotCredit."""
    the_book = policy or book()
    terms = _check(the_book, city=city, insurance=insurance, year=year, now=now)
    with transaction.atomic(), connection.cursor() as cursor:
        whole_tables(cursor)
        cursor.execute(
            _SUM_DUE,
            _values(the_book, city=city, insurance=insurance, year=year, after=0, through=_last_person()),
        )
        people, interest_fen, adjustment_fen = cursor.fetchone()
        row_by_row(cursor)
    return Preview(terms, people, interest_fen, adjustment_fen)


def credit(
    *,
    city: str,
    insurance: Insurance,
    year: int,
    by: User,
    now: dt.datetime,
    policy: Book | None = None,
) -> InterestRun:
    """Credit a year's interest to every account of the city and insurance; repeated or simultaneous
    calls credit nothing twice.

    Each chunk of people is one transaction with one entry; the next call continues a run that was
    killed. Raises CannotCredit where the year is not over, its rate is not published or an earlier
    year's interest is not credited yet.
    """
    the_book = policy or book()
    terms = _check(the_book, city=city, insurance=insurance, year=year, now=now)
    run, _made = InterestRun.objects.get_or_create(
        city=city,
        insurance=insurance,
        year=year,
        defaults={
            "rate": terms.rate,
            "policy": terms.rate_leaf.path,
            "policy_since": terms.rate_leaf.since,
            "last_person_id": _last_person(),
            "begun_at": now,
            "begun_by": by,
        },
    )
    if run.rate != terms.rate:
        raise CannotCredit(
            _("%(year)s年结息已按另一利率开始，须先按该利率完成，差额随下一年度调整。") % {"year": year}
        )
    while _credit_chunk(run, the_book, by=by, now=now):
        pass
    run.refresh_from_db()
    return run


def _check(
    the_book: Book, *, city: str, insurance: Insurance, year: int, now: dt.datetime
) -> AccountInterestTerms:
    years = account_interest_years(the_book)
    if year not in years:
        raise CannotCredit(_("%(year)s年的记账利率尚未公布，公布后再结息。") % {"year": year})
    if year >= today_in_china(now).year:
        raise CannotCredit(_("%(year)s年尚未结束，年度终了后再结息。") % {"year": year})
    terms = account_interest_terms(the_book, year=year)
    if insurance not in terms.insurances:
        raise CannotCredit(_("这个险种的个人账户不按记账利率计息。"))
    done = InterestRun.objects.filter(city=city, insurance=insurance, finished_at__isnull=False)
    before = {one for one in years if one < year} - set(done.values_list("year", flat=True))
    if before:
        raise CannotCredit(_("%(year)s年尚未结息，请先办理。") % {"year": min(before)})
    return terms


def _last_person() -> int:
    return Person.objects.aggregate(last=Max("pk"))["last"] or 0


@transaction.atomic
def _credit_chunk(run: InterestRun, the_book: Book, *, by: User, now: dt.datetime) -> bool:
    """Credit the next people of the run. Returns whether any are left."""
    # Several workers take turns: each continues where the other stopped.
    locked = InterestRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.finished_at:
        return False
    after = locked.done_through
    ids = Person.objects.filter(pk__gt=after, pk__lte=locked.last_person_id).order_by("pk")
    through = ids.values_list("pk", flat=True)[CHUNK - 1 : CHUNK].first() or locked.last_person_id
    people, fen = book_interest(
        _values(
            the_book,
            city=run.city,
            insurance=Insurance(run.insurance),
            year=run.year,
            after=after,
            through=through,
        ),
        run=locked,
        year=run.year,
        until=None,
        reference=f"{run.city}/{run.insurance}/{run.year}/{after}",
        by=by,
        now=now,
    )
    InterestRun.objects.filter(pk=run.pk).update(
        done_through=through,
        people=F("people") + people,
        amount_fen=F("amount_fen") + fen,
        finished_at=now if through >= locked.last_person_id else None,
    )
    return through < locked.last_person_id


@transaction.atomic
def settle(
    *, person: Person, city: str, insurance: Insurance, by: User, now: dt.datetime, policy: Book | None = None
) -> int:
    """Credit an account that is about to be closed (transferred) with its interest until this
    month. Returns the fen credited.

    First comes the interest of earlier years that no run has credited yet, then that of this year's
    months before the current one; by the year's rate, or the latest one where that is not published
    yet. The difference to the published rate is an adjustment later, as far as the account holds
    it. A second call in the same month changes nothing.
    """
    the_book = policy or book()
    month = month_in_china(now)
    if insurance not in account_interest_terms(the_book, year=month.year).insurances:
        return 0
    Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    credited = 0
    for year in range(account_interest_years(the_book)[0], month.year + 1):
        _people, fen = book_interest(
            _values(
                the_book,
                city=city,
                insurance=insurance,
                year=year,
                after=person.pk - 1,
                through=person.pk,
                until=month,
            ),
            run=None,
            year=year,
            until=month,
            # An account can be settled again after more money came in: the balance makes the
            # references differ.
            reference=f"{city}/{insurance}/{year}/{month}/{person.pk}/{balance(person, city, insurance)}",
            by=by,
            now=now,
        )
        credited += fen
    return credited


def _values(
    the_book: Book,
    *,
    city: str,
    insurance: Insurance,
    year: int,
    after: int,
    through: int,
    until: Month | None = None,
) -> dict[str, Any]:
    first = account_interest_years(the_book)[0]
    all_terms = [account_interest_terms(the_book, year=one) for one in range(first, year + 1)]
    return {
        "city": city,
        "insurance": str(insurance),
        "year": year,
        "after": after,
        "through": through,
        "years": [one.year for one in all_terms],
        "rates": [one.rate for one in all_terms],
        # The twelve weights of each year, one year after the other.
        "weights": [weight for one in all_terms for weight in one.weights],
        # Closing the account this month takes its whole balance, with the weight of this month.
        "cut": all_terms[-1].weights[until.month - 1] if until and until.year == year else _NO_CUT,
        "policy": all_terms[-1].rate_leaf.path,
        "policy_since": all_terms[-1].rate_leaf.since,
    }


def book_interest(
    values: dict[str, Any],
    *,
    run: InterestRun | None,
    year: int,
    until: Month | None,
    reference: str,
    by: User,
    now: dt.datetime,
) -> tuple[int, int]:
    """Credit the interest due to the people of ``values``, with one entry for the sums credited and
    one for the sums taken back. Returns how many accounts, and how many fen."""
    city, insurance = values["city"], values["insurance"]
    personal = ledger.account(city=city, kind=AccountKind.PERSONAL, insurance=insurance)
    expense = ledger.account(city=city, kind=AccountKind.INTEREST, insurance=insurance)
    accounts = total = 0
    with connection.cursor() as cursor:
        if run:
            whole_tables(cursor)
        cursor.execute("DROP TABLE IF EXISTS interest_due")
        cursor.execute(KEEP_DUE, values)
        for sign, mark in ((1, ""), (-1, "/back")):
            [entry_id] = ledger.reserve_ids(1)
            parameters = {
                **values,
                "sign": sign,
                "entry": entry_id,
                "against": expense.pk,
                "today": today_in_china(now),
                "kind": str(MovementKind.INTEREST),
                "key": f"interest/{city}/{insurance}/{year}/",
                "run": run and run.pk,
                "until": until and until.first_day,
                "tail": f"/{until}/{reference.rsplit('/', 1)[-1]}" if until else "",
            }
            cursor.execute(_INSERT_MOVEMENTS, parameters)
            if not cursor.rowcount:
                continue
            accounts += cursor.rowcount
            cursor.execute(_INSERT_INTEREST, parameters)
            cursor.execute(
                "SELECT sum(amount_fen)::bigint FROM contributions_accountmovement WHERE entry_id = %(entry)s",
                parameters,
            )
            [fen] = cursor.fetchone()
            total += fen
            ledger.post_entry(
                city=city,
                kind=KIND,
                reference=reference + mark,
                postings=[ledger.Posting(expense, fen), ledger.Posting(personal, -fen)],
                by=by,
                now=now,
                entry_id=entry_id,
            )
        if run:
            row_by_row(cursor)
    return accounts, total


# SQL of (opening × 12 + product) × rate ÷ 12 in whole fen, halves away from zero: whole numbers are
# divided, so that nothing is cut before it is rounded, whatever the rate.
def whole_fen(opening: str, product: str, rate: str) -> str:
    exact = f"(({opening}) * 12 + {product}) * {rate}"
    return f"sign({exact}) * div(abs({exact}) * 2 + 12, 24)"


# For every account of the people (after, through]: the interest of the years from the first rate to
# this one, each year on top of the year before, minus what was credited already. Interest belongs
# to the year that it is for. Only interest that was credited within its own year also counts as a
# movement of that year, because it may be taken out in the same year.
_DUE = f"""
    WITH RECURSIVE terms AS (
        SELECT year, rate, weights[12 * place - 11 : 12 * place] AS weights
        FROM unnest(%(years)s::int[], %(rates)s::numeric[]) WITH ORDINALITY AS given (year, rate, place),
            (SELECT %(weights)s::numeric[] AS weights) AS all_weights
    ), flow AS (
        SELECT charge.person_id,
            extract(year FROM receipt.received_at AT TIME ZONE 'Asia/Shanghai')::int AS year,
            extract(month FROM receipt.received_at AT TIME ZONE 'Asia/Shanghai')::int AS month,
            receipt.account_fen AS fen, receipt.account_fen AS principal
        FROM contributions_charge charge JOIN contributions_receipt receipt ON receipt.charge_id = charge.id AND receipt.applied
        WHERE charge.person_id > %(after)s AND charge.person_id <= %(through)s
            AND charge.city = %(city)s AND charge.insurance = %(insurance)s AND receipt.account_fen > 0
        UNION ALL
        SELECT movement.person_id, extract(year FROM movement.booked_on)::int, extract(month FROM movement.booked_on)::int,
            coalesce(interest.interest_fen, movement.amount_fen),
            CASE WHEN interest.id IS NULL THEN movement.amount_fen ELSE 0 END
        FROM contributions_accountmovement movement
        LEFT JOIN contributions_accountinterest interest ON interest.movement_id = movement.id
        WHERE movement.person_id > %(after)s AND movement.person_id <= %(through)s
            AND movement.city = %(city)s AND movement.insurance = %(insurance)s
            AND (interest.id IS NULL OR interest.year = extract(year FROM movement.booked_on))
    ), credited AS (
        SELECT movement.person_id, sum(movement.amount_fen) FILTER (WHERE interest.year <= %(year)s) AS fen,
            sum(movement.amount_fen) AS all_fen
        FROM contributions_accountmovement movement
        JOIN contributions_accountinterest interest ON interest.movement_id = movement.id
        WHERE movement.person_id > %(after)s AND movement.person_id <= %(through)s
            AND movement.city = %(city)s AND movement.insurance = %(insurance)s
        GROUP BY movement.person_id
    ), held AS (
        SELECT person_id, sum(principal) AS fen,
            coalesce(sum(principal) FILTER (WHERE year < (SELECT min(year) FROM terms)), 0) AS before
        FROM flow GROUP BY person_id
    ), yearly AS (
        SELECT flow.person_id, flow.year, sum(flow.principal) AS fen, sum(flow.fen) AS all_fen,
            sum(flow.fen * terms.weights[flow.month]) AS product
        FROM flow JOIN terms ON terms.year = flow.year GROUP BY flow.person_id, flow.year
    ), chain AS (
        SELECT held.person_id, terms.year, held.before AS opening, coalesce(yearly.fen, 0) AS moved, cut.product,
            {whole_fen("held.before", "cut.product", "terms.rate")} AS interest
        FROM held JOIN terms ON terms.year = (SELECT min(year) FROM terms)
        LEFT JOIN yearly ON yearly.person_id = held.person_id AND yearly.year = terms.year,
        LATERAL (
            SELECT round(coalesce(yearly.product, 0) - CASE WHEN terms.year = %(year)s THEN %(cut)s ELSE 0 END
                * (held.before + coalesce(yearly.all_fen, 0)), 4) AS product
        ) cut
        UNION ALL
        SELECT chain.person_id, terms.year, opening.fen, coalesce(yearly.fen, 0), cut.product,
            {whole_fen("opening.fen", "cut.product", "terms.rate")}
        FROM chain JOIN terms ON terms.year = chain.year + 1
        LEFT JOIN yearly ON yearly.person_id = chain.person_id AND yearly.year = terms.year,
        LATERAL (SELECT chain.opening + chain.moved + chain.interest AS fen) opening,
        LATERAL (
            SELECT round(coalesce(yearly.product, 0) - CASE WHEN terms.year = %(year)s THEN %(cut)s ELSE 0 END
                * (opening.fen + coalesce(yearly.all_fen, 0)), 4) AS product
        ) cut
    ), due AS (
        SELECT last.person_id, last.opening::bigint AS opening_fen, last.moved::bigint AS moved_fen, last.product,
            (SELECT rate FROM terms WHERE year = %(year)s) AS rate, last.interest::bigint AS interest_fen,
            greatest(total.fen - coalesce(credited.fen, 0), -held.fen - coalesce(credited.all_fen, 0))::bigint AS amount_fen
        FROM chain last
        JOIN (SELECT person_id, sum(interest) AS fen FROM chain GROUP BY person_id) total USING (person_id)
        JOIN held USING (person_id)
        LEFT JOIN credited USING (person_id)
        WHERE last.year = %(year)s
    )
"""  # noqa: S608 - composed of constants

_SUM_DUE = f"""
    {_DUE}
    SELECT count(*), coalesce(sum(interest_fen), 0)::bigint, coalesce(sum(amount_fen - interest_fen), 0)::bigint
    FROM due WHERE amount_fen <> 0
"""  # noqa: S608 - composed of constants

KEEP_DUE = f"""
    CREATE TEMP TABLE interest_due ON COMMIT DROP AS
    {_DUE} SELECT * FROM due WHERE amount_fen <> 0
"""  # noqa: S608 - composed of constants

_INSERT_MOVEMENTS = """
    INSERT INTO contributions_accountmovement (
        person_id, city, insurance, kind, amount_fen, pooled_fen, surcharge_fen, against_id, booked_on, key, entry_id
    )
    SELECT person_id, %(city)s, %(insurance)s, %(kind)s, amount_fen, 0, 0, %(against)s, %(today)s,
        %(key)s || person_id || %(tail)s, %(entry)s
    FROM interest_due WHERE sign(amount_fen) = %(sign)s ORDER BY person_id
"""

_INSERT_INTEREST = """
    INSERT INTO contributions_accountinterest (
        movement_id, run_id, year, until, opening_fen, moved_fen, product, rate, policy, policy_since, interest_fen,
        adjustment_fen, cut
    )
    SELECT movement.id, %(run)s, %(year)s, %(until)s, due.opening_fen, due.moved_fen, due.product, due.rate, %(policy)s,
        %(policy_since)s, due.interest_fen, due.amount_fen - due.interest_fen, false
    FROM interest_due due JOIN contributions_accountmovement movement ON movement.person_id = due.person_id
        AND movement.entry_id = %(entry)s
"""


def derivation(interest: AccountInterest, *, on: dt.date, policy: Book | None = None) -> Derivation:
    """The derivation of an amount of interest, as the screen shows it on a day."""
    terms = account_interest_terms(policy or book(), year=interest.year)
    # The amount keeps the rate that it was computed with; the rate's document is found by its first
    # day.
    leaf = next(
        (
            leaf
            for leaf in (policy or book()).history(*interest.policy.split("/"))
            if leaf.since == interest.policy_since
        ),
        terms.rate_leaf,
    )
    percent = percent_text(interest.rate)
    months = (
        money.format_yuan(int(interest.product))
        if interest.product == int(interest.product)
        else f"{interest.product / 100}"
    )
    lines: Sequence[Line] = (
        Line(_("计息年度"), _("%(year)s年") % {"year": interest.year}, _until(interest)),
        Line(_("年初余额"), fen_text(interest.opening_fen), _("计全年利息")),
        Line(_("当年记入"), fen_text(interest.moved_fen)),
        Line(
            _("当年月积数"),
            _("%(product)s 元·月") % {"product": months},
            _("每笔 ×（12 － 记入月份 ＋ 1）之和；转出的相应减去")
            if terms.method_leaf.values["method"] == "month_products"
            else _("当年记账额 × 12 × %(factor)s ÷ 2")
            % {"factor": terms.method_leaf.values["yearly_factor"]},
        ),
        Line(
            _("记账利率"),
            percent,
            "" if leaf.values["year"] == interest.year else _("当年利率公布前，按最近一次公布的利率"),
        ),
        Line(
            _("当年利息"),
            fen_text(interest.interest_fen),
            _("（%(opening)s × 12 ＋ %(product)s）× %(rate)s ÷ 12，四舍五入到分")
            % {"opening": money.format_yuan(interest.opening_fen), "product": months, "rate": percent},
        ),
        *(
            [
                Line(
                    _("以前年度调整"),
                    fen_text(interest.adjustment_fen),
                    _("结息后才入账的款项，按其到账时间补计或扣减的利息"),
                )
            ]
            if interest.adjustment_fen
            else []
        ),
    )
    return explained(lines, leaf, on=on)


def _until(interest: AccountInterest) -> str:
    if interest.until is None or interest.until.year != interest.year:
        return ""
    return _("转出前结息，计到%(month)s之前") % {"month": interest.until.zh}


# For the audit: each interest movement has its derivation, the sum is right, and the run's totals
# are those of its rows. The sum is checked in another way than it was computed, without division:
# 24 times the fen are at most 12 more, and less than 12 less, than 24 times the exact amount. A cut
# sum (``AccountInterest.cut``) is one fen less than that.
CHECKS = (
    """
    SELECT format('个人账户利息 %s 与计算过程不符', movement.key)
    FROM contributions_accountmovement movement
    LEFT JOIN contributions_accountinterest interest ON interest.movement_id = movement.id
    CROSS JOIN LATERAL (
        SELECT 2 * (12 * interest.opening_fen + interest.product) * interest.rate AS exact,
            24 * (interest.interest_fen + CASE WHEN interest.cut THEN 1 ELSE 0 END) AS credited
    ) twenty_four
    WHERE movement.kind = 'interest' AND (interest.id IS NULL
        OR movement.amount_fen <> interest.interest_fen + interest.adjustment_fen
        OR exact * credited < 0 OR abs(credited) - abs(exact) > 12 OR abs(credited) - abs(exact) <= -12)
    """,
    """
    SELECT format('个人账户变动 %s 不是利息，却有利息的计算过程', movement.key)
    FROM contributions_accountinterest interest JOIN contributions_accountmovement movement ON movement.id = interest.movement_id
    WHERE movement.kind <> 'interest'
    """,
    """
    SELECT format('%s %s %s 年结息 %s 户 %s 分，明细 %s 户 %s 分', run.city, run.insurance, run.year, run.people, run.amount_fen,
        coalesce(line.people, 0), coalesce(line.fen, 0))
    FROM contributions_interestrun run
    LEFT JOIN (
        SELECT interest.run_id, count(*) AS people, sum(movement.amount_fen) AS fen
        FROM contributions_accountinterest interest
        JOIN contributions_accountmovement movement ON movement.id = interest.movement_id
        GROUP BY interest.run_id
    ) line ON line.run_id = run.id
    WHERE (run.people, run.amount_fen) IS DISTINCT FROM (coalesce(line.people, 0)::int, coalesce(line.fen, 0)::bigint)
    """,
    """
    SELECT format('%s %s %s 年的利率 %s 与结息的 %s 不同', run.city, run.insurance, run.year, interest.rate, run.rate)
    FROM contributions_accountinterest interest JOIN contributions_interestrun run ON run.id = interest.run_id
    WHERE (interest.rate, interest.year, interest.policy, interest.policy_since)
        IS DISTINCT FROM (run.rate, run.year, run.policy, run.policy_since)
    """,
)
