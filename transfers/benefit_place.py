"""The place where the pension will be drawn (待遇领取地), by the months paid so far:
国办发〔2009〕66号第六条.

The first rule that fits decides. 1: the relation is at the place of household registration: there.
2: the person paid for the required years at the relation's place: there. 3: the last place with the
required years. 4: the place of household registration.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contributions.models import BroughtIn, Charge, ChargeStatus, Origin
from portal.people.models import Person
from portal.policy.book import Leaf, book
from portal.policy.terms.transfer import benefit_place_terms
from portal.shared.insurance import Insurance
from portal.shared.months import Month


@dataclass(frozen=True, slots=True)
class Paid:
    """The number of months paid at a place, and the last of them. ``code`` is GB/T 2260, empty
    outside this hall."""

    title: str
    code: str
    months: int
    last: Month


@dataclass(frozen=True, slots=True)
class BenefitPlace:
    """The place, the reason in words, and the policy leaf with its document."""

    title: str
    why: str
    leaf: Leaf


def benefit_place(person: Person, *, to_city: str, to_place: str, on: dt.date) -> BenefitPlace:
    """The place where this person would draw the pension if they retired on a day with the relation
    at ``to_place``."""
    return settle(
        paid_at(person),
        here=to_place,
        here_code=book().city(to_city).code if to_city else "",
        household=person.household_code,
        on=on,
    )


def settle(paid: list[Paid], *, here: str, here_code: str, household: str, on: dt.date) -> BenefitPlace:
    """Applies the rule. ``household`` is the code of the place of household registration, "" where
    unknown."""
    terms = benefit_place_terms(book(), on=on)
    years = terms.years
    if household and here_code and household[:4] == here_code[:4]:
        return BenefitPlace(here, _("关系在户籍所在地的，在户籍所在地领取。"), terms.leaf)
    long = [one for one in paid if one.months >= terms.months]
    paid_here = next((one for one in paid if one.title == here), None)
    months = paid_here.months if paid_here else 0
    if paid_here in long:
        return BenefitPlace(
            here,
            _("关系不在户籍所在地、在%(here)s缴费已满 %(years)s 年的，在%(here)s领取。")
            % {"here": here, "years": years},
            terms.leaf,
        )
    so_far = _("在%(here)s缴费 %(months)s 个月，未满 %(years)s 年") % {
        "here": here,
        "months": months,
        "years": years,
    }
    if long:
        latest = max(long, key=lambda one: one.last)
        why = _("%(so_far)s；上一个缴费满 %(years)s 年的参保地是%(place)s，在那里领取。")
        return BenefitPlace(
            latest.title, why % {"so_far": so_far, "years": years, "place": latest.title}, terms.leaf
        )
    home = _home(household)
    why = _("%(so_far)s，也没有其他参保地缴费满 %(years)s 年，由户籍所在地归集并在户籍所在地领取。")
    return BenefitPlace(home, why % {"so_far": so_far, "years": years}, terms.leaf)


def paid_at(person: Person) -> list[Paid]:
    """The places where the person's pension months were paid, wherever they count now: this hall's
    charges, what else counts in its cities, and records from outside."""
    months: dict[tuple[str, str], list[Month]] = defaultdict(list)
    charges = Charge.objects.filter(
        person=person, insurance=Insurance.PENSION, live=True, status=ChargeStatus.PAID
    )
    for city, month in charges.values_list("city", "month"):
        place = book().city(city)
        months[place.title, place.code].append(month)
    totals = {place: (len(paid), max(paid)) for place, paid in months.items()}
    outside = BroughtIn.objects.filter(person=person, insurance=Insurance.PENSION, from_city="")
    for row in outside:
        here = book().city(row.city)
        place_key = (row.from_place, "") if row.origin == Origin.TRANSFER else (here.title, here.code)
        count, last = totals.get(place_key, (0, row.until - 1))
        totals[place_key] = (count + row.months, max(last, row.until - 1))
    return [Paid(title, code, count, last) for (title, code), (count, last) in totals.items()]


def _home(household: str) -> str:
    if not household:
        return _("户籍所在地（户籍信息未登记）")
    return next((city.title for city in book().cities if city.code[:4] == household[:4]), _("户籍所在地"))
