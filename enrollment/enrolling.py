"""Beginning coverage: the part that services share by which people are insured without an employer.

The city's offer says which insurances can be begun, from which months (``start_months``), until
which day of the month the present one counts (``month_closes_on``), and whether an account is named
(``account_at_enrolment``).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from enrollment import actions, consequences
from enrollment.queries import Held
from enrollment.ways import to_stop
from portal.accounts.models import User
from portal.hall.fields import AccountNumberField
from portal.hall.models import Case
from portal.hall.service import Ask, Bar
from portal.hall.ways import to_page
from portal.people.models import BankAccount, Person
from portal.policy.book import City, Offer, PolicyMissing, book
from portal.policy.terms import contribution, offers, people
from portal.policy.terms.debit import DebitTerms, debit_terms
from portal.shared import money
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, today_in_china

# The choice for an insurance that the person does not want; the answer then holds no tier.
NOT_WANTED = "none"
# The service that an employer files when a member of staff leaves.
STOP = "employer-stop-staff"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One insurance to begin: at which tier, or on which base (fen), over which months [start,
    until)."""

    insurance: Insurance
    tier: str
    start: Month
    until: Month | None = None
    base_fen: int | None = None


def first_months(
    offer: Offer, insurance: Insurance, capacity: Capacity, *, filed_at: datetime
) -> tuple[Month, ...]:
    """The months that may be the first for somebody who files now, earliest first; none where the
    offer has not the insurance. Where the city has those who join within a year pay from the next
    one on, its January."""
    counted = offers.counted_month(offer, filed_on=today_in_china(filed_at))
    months = offers.start_months(offer, insurance, filed_in=counted)
    terms = terms_of(offer.city, capacity, insurance, months[0]) if months else None
    if terms is not None and terms.joins_next_year:
        return tuple(dict.fromkeys(terms.next_first_of_year(month) for month in months))
    return months


def terms_of(
    city: str, capacity: Capacity, insurance: Insurance, month: Month
) -> contribution.ContributionTerms | None:
    """The terms in force in the month; None where the city has none."""
    try:
        return contribution.contribution_terms(
            book(), city=city, capacity=capacity, insurance=insurance, month=month
        )
    except PolicyMissing:
        return None


def cost(city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month) -> str:
    """What the tier costs, as it is told: 每月 47.32 元，另有财政补助 74.36 元; "" where no figure
    says."""
    price = consequences.quote(city=city, capacity=capacity, insurance=insurance, tier=tier, month=month)
    if price is None:
        return ""
    terms = terms_of(city, capacity, insurance, month)
    words = _("每年 {amount} 元") if terms and terms.yearly else _("每月 {amount} 元")
    said = words.format(amount=money.format_yuan(price.personal_fen))
    if price.public_fen:
        public = money.format_yuan(price.public_fen)
        said += _("，另有财政补助 {amount} 元").format(amount=public)
    return said


def already(
    held: Iterable[Held], insurance: Insurance, capacity: Capacity, start: Month, *, stopping: bool = False
) -> Iterator[Bar]:
    """What of a person's coverages keeps them from beginning the insurance, at most one bar.
    ``stopping``: an employer's stop of them is filed and not decided yet."""
    for coverage in held:
        if not coverage.runs_from(start):
            continue
        if coverage.capacity == Capacity.EMPLOYEE:
            record = to_page("record")
            yield Bar(
                "" if coverage.insurance != insurance else f"tier_{insurance}",
                _employed(coverage, stopping).format(record=record),
                (record,),
            )
            return
        if coverage.insurance == insurance:
            yield _covered(coverage, capacity)
            return


def _employed(coverage: Held, stopping: bool) -> str:
    """Why a person whom an employer insures cannot enrol, and what they can do. The text holds the
    placeholder ``{record}``."""
    if coverage.until is not None:
        return _(
            "您由单位参保，单位已办理停保，缴费到{last}为止。请从{month}起再来办理；目前可以查看{{record}}。"
        ).format(last=(coverage.until - 1).zh, month=coverage.until.zh)
    if stopping:
        return _("您由单位参保，单位的停保申报正在审核，审核通过后再来办理；目前可以查看{record}。")
    return _("您由单位参保，社会保险业务由所在单位办理，您可以查看{record}。离职后请先由单位办理停保。")


def _covered(coverage: Held, capacity: Capacity) -> Bar:
    """Why a person who pays the insurance on their own cannot enrol in it as ``capacity``, and what
    they can do."""
    field = f"tier_{coverage.insurance}"
    words = {
        "city": book().city(coverage.city).title,
        "insurance": INSURANCE_LABELS[coverage.insurance],
        "capacity": CAPACITY_LABELS[coverage.capacity],
    }
    if coverage.until is not None:
        why = _(
            "您在{city}的{insurance}缴费到{last}为止，之后才停保。需要继续参保的，请从{month}起再来办理。"
        )
        return Bar(field, why.format(last=(coverage.until - 1).zh, month=coverage.until.zh, **words))
    if coverage.capacity == capacity:
        return Bar(field, _("您已在{city}参加{insurance}，不需要重复参保。").format(**words))
    stop = to_stop(coverage.capacity).at(coverage.city)
    why = _("您正以{capacity}身份在{city}参加{insurance}。请先{stop}，再从停保的月份起参保。")
    return Bar(field, why.format(stop=stop, **words), (stop,))


def debit_of(city: City, capacity: Capacity, month: Month) -> DebitTerms | None:
    """The city's monthly debit, if it draws on the accounts of people in that capacity."""
    try:
        debit = debit_terms(book(), city=city.slug, on=month.first_day)
    except PolicyMissing:
        return None
    return debit if capacity in debit.capacities else None


def has_account(person: Person, city: City) -> bool:
    """Whether the debit of the city has an account of the person to draw on, now or soon."""
    return BankAccount.objects.filter(person=person, city=city.slug, until__isnull=True).exists()


def account_field(
    offer: Offer, capacity: Capacity, person: Person | None, month: Month, *, now: datetime
) -> AccountNumberField | None:
    """The account that the monthly debit draws on; None where the offer asks for none, the city
    debits nobody in that capacity, or the person has one."""
    city = book().city(offer.city)
    debit = debit_of(city, capacity, month)
    if (
        not offer.options.get("account_at_enrolment", False)
        or person is None
        or debit is None
        or has_account(person, city)
    ):
        return None
    return AccountNumberField(
        numbers=people.account_numbers(book(), on=today_in_china(now)),
        label=_("{bank}缴费账号").format(bank=debit.bank_title),
        help_text=_("每月托收从这个账户扣款，户名必须是您本人。"),
    )


def insure(
    person: Person,
    wanted: Sequence[Wanted],
    *,
    offer: Offer,
    capacity: Capacity,
    case: Case,
    by: User,
    now: datetime,
    district: str = "",
    account_number: str = "",
) -> dict[str, Any]:
    """Begins the coverages, and the debit from the account where one was named; the outcome names
    the first month of each and how it is paid. Runs in the desk's transaction."""
    city = offer.city
    opened = [
        actions.open_coverage(
            person=person,
            insurance=one.insurance,
            capacity=capacity,
            city=city,
            district=district,
            start=one.start,
            until=one.until,
            tier=one.tier,
            wage_fen=one.base_fen,
            case=case,
            now=now,
        )
        for one in wanted
    ]
    start = min(one.start for one in wanted)
    debit = debit_of(book().city(city), capacity, start)
    if debit and account_number and not has_account(person, book().city(city)):
        actions.draw_on(person=person, city=city, bank=debit.bank, number=account_number, start=start)
    step = consequences.enrolled(opened, by=by, now=now)
    lines = [
        [str(INSURANCE_LABELS[one.insurance]), _("{month}起参保").format(month=one.start.zh)]
        for one in wanted
    ]
    if step:
        lines.append([_("下一步"), step.text])
    return {
        "coverages": [one.pk for one in opened],
        "lines": lines,
        **(
            {"links": [[step.label, step.url]], "links_until": step.until.isoformat()}
            if step and step.url
            else {}
        ),
    }


def tier_answers(ask: Ask) -> dict[Insurance, str]:
    """The tiers that were chosen, by insurance."""
    return {
        insurance: str(ask.answers[f"tier_{insurance}"])
        for insurance in Insurance
        if ask.answers.get(f"tier_{insurance}")
    }
