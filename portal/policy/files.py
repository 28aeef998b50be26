"""Which policy files there are, and what each may hold. A new kind of figure is one entry in
DATED."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from portal.policy.passages import PassageText
from portal.policy.schema import (
    CAPACITY,
    DAY_OF_MONTH,
    INSURANCE,
    PLACE_CODE,
    RATE,
    SHARE,
    SLUG,
    STANDING,
    YUAN,
    Count,
    Day,
    Either,
    Figure,
    Flag,
    Kind,
    Listed,
    Mapped,
    MonthText,
    Shape,
    Text,
    TimeOfDay,
    member_of,
    one_of,
)
from portal.shared.insurance import Capacity, Insurance

NATIONAL = "national"


class Mode(StrEnum):
    """How an application for an offer ends."""

    DIRECT = "direct"
    MATCH = "match"
    COUNTER = "counter"
    REVIEW = "review"


MODE_LABELS = {
    Mode.DIRECT: "直接办结",
    Mode.MATCH: "比对通过直接办结，否则预申请",
    Mode.COUNTER: "预申请",
    Mode.REVIEW: "提交后审核",
}


def bounds(values: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Lowest and highest contribution base in yuan, exact: published, or shares of the average
    wage."""
    if values["floor"] is not None:
        return values["floor"], values["ceiling"]
    return (
        values["average_wage"] * values["floor_share"],
        values["average_wage"] * values["ceiling_share"],
    )


def _check_contribution(values: Mapping[str, Any]) -> Iterable[str]:
    published = [values[key] is not None for key in ("floor", "ceiling")]
    shares = [values[key] is not None for key in ("floor_share", "ceiling_share")]
    if all(published) == all(shares) or any(published) != all(published) or any(shares) != all(shares):
        yield "either floor and ceiling, or floor_share and ceiling_share of the average wage"
        return
    if values["average_wage"] is None and (all(shares) or values.get("tiers")):
        yield "shares need an average_wage"
        return
    floor, ceiling = bounds(values)
    if floor > ceiling:
        yield f"floor {floor} is above ceiling {ceiling}"
    for tier in values.get("tiers") or ():
        if not floor <= tier["share"] * values["average_wage"] <= ceiling:
            yield f"tier {tier['code']} is outside floor and ceiling"


def _check_employee(values: Mapping[str, Any]) -> Iterable[str]:
    yield from _check_contribution(values)
    if (values["employer_rate"] is None) == (values["employer_rate_by"] is None):
        yield "either employer_rate, or employer_rate_by industry_grade"


_BASE = {
    "average_wage": YUAN,
    "floor": YUAN,
    "ceiling": YUAN,
    "floor_share": SHARE,
    "ceiling_share": SHARE,
    "account_rate": RATE,
}

_TIER = Shape(
    {"code": Text(r"[a-z0-9]+"), "title": Text(), "share": SHARE},
    {"rate": RATE, "account_rate": RATE},
)

FLEXIBLE_CONTRIBUTION = Shape(
    {"rate": RATE, "tiers": Listed(_TIER, unique="code")}, _BASE, _check_contribution
)

EMPLOYEE_CONTRIBUTION = Shape(
    {"personal_rate": RATE},
    {**_BASE, "employer_rate": RATE, "employer_rate_by": one_of("industry_grade")},
    _check_employee,
)

# People who have a tier of their own: old residents who moved in late (超龄居民老人), and those
# whose contributions public money pays (重残、低保、特困).
TIERS_ONLY_FOR = ("elder", "supported")

_AGES = Shape({"male": Count(1, 120), "female": Count(1, 120)})

_SUBSIDISED_TIER = Shape(
    {"code": Text(r"[a-z0-9]+"), "title": Text()},
    {
        # A share of the average, or its own base; the person pays ``rate`` of it.
        "share": SHARE,
        "base": YUAN,
        "rate": RATE,
        # Beside it public money: a rate of the base, or fixed yuan that are part of the sum by
        # ``rate``.
        "public_rate": RATE,
        "public": YUAN,
        # Or fixed sums of both, yuan.
        "personal": Figure(),
        # The codes of earlier tiers that go on at this one.
        "instead_of": Listed(Text(r"[a-z0-9]+")),
        # Whose tier it is, where it is not everybody's; and whether nobody joins it any more.
        "only_for": one_of(*TIERS_ONLY_FOR),
        "closed": Flag(),
        # From, or until, which month of retirement it is of those who pay on when retired.
        "retired_from": MonthText(),
        "retired_until": MonthText(),
        # From, or until, which age by sex it is chosen.
        "from_age": _AGES,
        "until_age": _AGES,
    },
)


def _check_subsidised(values: Mapping[str, Any]) -> Iterable[str]:
    for tier in values["tiers"]:
        fixed, by_rate = tier["personal"] is not None, tier["rate"] is not None
        if fixed == by_rate:
            yield f"tier {tier['code']}: either personal, or rate"
        elif fixed and not tier["personal"] + (tier["public"] or 0):
            yield f"tier {tier['code']} costs nobody anything"
        elif by_rate and (tier["share"] is None) == (tier["base"] is None):
            yield f"tier {tier['code']}: either share or base"
        if tier["share"] is not None and values["average_wage"] is None:
            yield f"tier {tier['code']}: a share needs an average_wage"
        if tier["public_rate"] is not None and (tier["public"] is not None or fixed):
            yield f"tier {tier['code']}: public_rate stands with rate alone"


# What those without an employer pay beside public money (财政补助). ``charged``: each month; once a
# calendar year; or the rest of the insurance year at once, at the base of its first month.
# ``wage_rate``: the share of one's own pension that is paid instead of a tier.
SUBSIDISED_CONTRIBUTION = Shape(
    {"charged": one_of("month", "year", "insurance_year"), "tiers": Listed(_SUBSIDISED_TIER, unique="code")},
    {
        "average_wage": YUAN,
        "average_title": Text(),
        "wage_rate": RATE,
        "year_begins": Count(1, 12),
        # Whether somebody who joins within a year is charged from the next one on.
        "joins_next_year": Flag(),
        # From which age, and after how many paid years, the benefits can be claimed.
        "settled_before": Count(16, 100),
        # Until which month of retirement one's own pension is paid on.
        "wage_retired_until": MonthText(),
        # Whether these months are left out of the years that a retired person needs.
        "no_retirement_years": Flag(),
        "claim": Shape({"age": Count(40, 80), "years": Count(1, 60)}),
    },
    _check_subsidised,
)

# The ways in which somebody who asks for an account proves who they are, as
# portal.accounts.registration knows them.
PROOFS = ("phone", "partner", "card", "face", "window")

# The channels that an order can be paid by, as contributions.channels knows them.
CHANNELS = ("card", "alipay", "wechat")


def _check_hours(values: Mapping[str, Any]) -> Iterable[str]:
    if values["from"] >= values["until"]:
        yield f"it opens at {values['from']}, after it closes at {values['until']}"


def _check_top_up(values: Mapping[str, Any]) -> Iterable[str]:
    if not values["least"] <= values["most"] <= values["per_day"]:
        yield "least, most and per_day rise in this order"


_HOUSEHOLDS = Listed(one_of("city", "province", "elsewhere"))


def _check_lump_sum(values: Mapping[str, Any]) -> Iterable[str]:
    if values["told_days"] >= values["pay_days"]:
        yield "told_days is less than pay_days"


def _check_window(values: Mapping[str, Any]) -> Iterable[str]:
    if values["told_days"] >= values["keep_days"]:
        yield "told_days is less than keep_days"


def _check_amendment(values: Mapping[str, Any]) -> Iterable[str]:
    if max(values["warned_days"]) >= values["days"]:
        yield "warned_days are less than days"


CITY_FILES: Mapping[str, Kind] = {
    **{f"{Capacity.FLEXIBLE}_{insurance}": FLEXIBLE_CONTRIBUTION for insurance in Insurance},
    **{f"{Capacity.EMPLOYEE}_{insurance}": EMPLOYEE_CONTRIBUTION for insurance in Insurance},
    **{f"{Capacity.DEFERRED}_{insurance}": FLEXIBLE_CONTRIBUTION for insurance in Insurance},
    **{
        f"{capacity}_{insurance}": SUBSIDISED_CONTRIBUTION
        for capacity in (Capacity.RESIDENT, Capacity.CHILD, Capacity.STUDENT, Capacity.RETIREE)
        for insurance in (Insurance.PENSION, Insurance.MEDICAL)
    },
    "contribution_year": Shape(
        {
            "first_month": Count(1, 12),
            "months_before": Count(0, 5),
            "months_after": Count(0, 5),
            "review_rise": SHARE,
            "review_fall": SHARE,
        }
    ),
    "charging": Shape({"days": Mapped(CAPACITY, DAY_OF_MONTH)}),
    "debit": Shape(
        {
            "capacities": Listed(CAPACITY),
            "deposit_by_day": DAY_OF_MONTH,
            "debit_day": Either("last", DAY_OF_MONTH),
            "bank": SLUG,
            "bank_title": Text(),
            "format": one_of("postal", "iso20022"),
            # Who lets a batch go to the bank: a second person, or the schedule that opened it.
            "release": one_of("second-person", "schedule"),
            # In how many following months a debit that failed is tried again; with one month more
            # owed, coverage is suspended.
            "retry_months": Count(0, 12),
        }
    ),
    # The debit of employers' confirmed months: on which days of the month, the later ones for what
    # failed before or came after.
    "employer_debit": Shape(
        {
            "debit_days": Listed(DAY_OF_MONTH),
            "bank": SLUG,
            "bank_title": Text(),
            "format": one_of("postal", "iso20022"),
        }
    ),
    # How flexible workers' late months are paid: with interest or a late fee, and which lost months
    # can still be had.
    "arrears": Shape(
        {
            "surcharge": one_of("interest", "late_fee", "none"),
            "written_off_pension": Flag(),
            "pension_gap": Flag(),
        }
    ),
    "arrears_interest": Shape({"yearly_rate": RATE}),
    # Which insurances the city's agency does not run, and where they are asked for: its proofs say
    # nothing of them.
    "run_elsewhere": Shape(
        {"asked": Listed(Shape({"insurance": INSURANCE, "where": Text()}), unique="insurance")}
    ),
    # From when on the next day partners find the file of what was booked.
    "reconciliation": Shape({"ready_at": TimeOfDay()}),
    "payment": Shape(
        {"channels": Listed(one_of(*CHANNELS)), "order_minutes": Count(1, 24 * 60)},
        {"bank_hours": Shape({"from": TimeOfDay(), "until": TimeOfDay()}, check=_check_hours)},
    ),
    # Appointments at a window: when slots are, how many places each has, and what is asked of
    # whoever takes one.
    "appointments": Shape(
        {
            "opens": Listed(Shape({"from": TimeOfDay(), "until": TimeOfDay()}, check=_check_hours)),
            "slot_minutes": Count(5, 240),
            # How many people one window serves in a slot, and the share of them that may book.
            "per_window": Count(1, 50),
            "bookable_share": SHARE,
            # The last working days before a day of the month, on which windows serve more.
            "busy": Shape({"before_day": DAY_OF_MONTH, "workdays": Count(0, 15), "share": SHARE}),
            "days_ahead": Count(1, 90),
            "open_at_most": Count(1, 50),
            "cancel_hours": Count(0, 72),
            "check_in": Shape({"before_minutes": Count(0, 240), "after_minutes": Count(0, 240)}),
            "no_show": Shape({"count": Count(1, 20), "within_days": Count(1, 366), "days": Count(1, 366)}),
        }
    ),
    # How whoever opens a personal account proves who they are, and for how many days a code from
    # the window is good; by which proofs an account may also file (missing: by any), from which age
    # on an account is opened (missing: from working age), and after how many failed tries in a row
    # a way is closed for how many hours.
    "account_proof": Shape(
        {"ways": Listed(one_of(*PROOFS)), "code_days": Count(1, 365)},
        {
            "files_by": Listed(one_of(*PROOFS)),
            "from_age": Count(14, 30),
            "tries": Count(1, 20),
            "closed_hours": Count(1, 168),
        },
    ),
    # The single sign-on by which a person logs in: what it is called, and with which of its levels
    # (``acr``) an account files, too.
    "single_sign_on": Shape({"title": Text(), "files_with": Listed(Text())}),
    # The banks with one of whose accounts a person registers.
    "partner_banks": Shape({"banks": Listed(Shape({"code": Text(r"[a-z]+"), "title": Text()}))}),
    # Whether a flexible worker whose household is outside the city enrols there by a residence
    # permit.
    "enrolment_site": Shape({"by_permit": Flag()}),
    # For how many days a pre-application waits for its applicant to come to the window, and how
    # many days before the end they are told.
    "window": Shape({"keep_days": Count(1, 365), "told_days": Count(1, 60)}, check=_check_window),
    # Within how many days a lump sum (一次性缴费) is to be paid, and how many days before the end
    # whoever is to pay it is told.
    "lump_sum": Shape({"pay_days": Count(1, 365), "told_days": Count(1, 60)}, check=_check_lump_sum),
    # Who may pay for a pension past the retirement age (延缴、趸缴): where the months were paid, by
    # the place of household registration, and on which grounds the rest is paid in one sum.
    "late_pension": Shape(
        {
            "months_here": Count(1, 600),
            "province_months_in_row": Count(1, 600),
            "elsewhere_months_in_province": Count(1, 600),
            "grounds": Shape(
                {
                    "deferred": Shape({"insured_before": Day(), "deferred_months": Count(1, 600)}),
                    "early": Shape(
                        {
                            "insured_before": Day(),
                            "months": Count(1, 600),
                            "deferred_months": Count(1, 600),
                            "households": _HOUSEHOLDS,
                        }
                    ),
                    "aged": Shape({"man": Count(50, 90), "woman": Count(50, 90), "households": _HOUSEHOLDS}),
                }
            ),
        }
    ),
    # What a missing month costs in one sum: the average wage at a rate, more with each insurance
    # year ahead (``growth``); the province's where the months here are fewer than ``months_here``.
    "lump_sum_price": Shape(
        {
            "average_wage": YUAN,
            "province_wage": YUAN,
            "rates": Shape({"city": RATE, "other": RATE, "province": RATE}),
            "account_rate": RATE,
            "growth": Figure(Decimal(1), Decimal(2)),
            "year_begins": Count(1, 12),
            "months_here": Count(1, 600),
        }
    ),
    # Within how many days a case that was sent back is to be amended, and how many days before the
    # end the applicant is told again.
    "amendment": Shape({"days": Count(1, 365), "warned_days": Listed(Count(1, 60))}, check=_check_amendment),
    # Until when after settling (入户) or after birth a newborn is insured from the month of birth.
    "newborn": Shape(
        {"newborn_months": Count(1, 36)},
        {
            "settled_months": Count(1, 24),
            "settled_days": Count(1, 366),
            "born_days": Count(1, 366),
            "born_months": Count(1, 24),
        },
    ),
    # Years as a permanent worker (固定工) that are bought at a chosen base.
    "seniority_lump_sum": Shape(
        {"before": Day(), "floor": YUAN, "ceiling": YUAN, "rate": RATE, "account_rate": RATE}
    ),
    # The missing years of the residents' pension, bought at once.
    "resident_lump_sum": Shape(
        {"from_age": Count(50, 100), "years": Count(1, 40), "pension_age": Count(50, 80)}
    ),
    # 四类人员: who worked for the state before there was contributory pension.
    "four_groups": Shape(
        {
            "groups": Mapped(
                one_of("left_enterprise", "left_office", "collective", "sent_down"),
                Shape(
                    {"statuses": Listed(one_of("cadre", "permanent", "youth"))},
                    {
                        "left_from": Day(),
                        "left_until": Day(),
                        "retired_by": Day(),
                        "never_insured": Flag(),
                        "least_months": Count(1, 600),
                        "own_base": Flag(),
                    },
                ),
            ),
            "province_wage": YUAN,
            "floor": YUAN,
            "ceiling": YUAN,
            "rate": RATE,
            "account_rate": RATE,
            "early_base": YUAN,
            "early_rate": RATE,
            "early_interest_since": MonthText(),
            "wage_since": MonthText(),
            "wage_share": SHARE,
            "deposit_rate": RATE,
        }
    ),
    # What the city's community desks open, and the letter that is signed there: where a city has
    # it, nobody registers there online.
    "online_qualification": Shape(
        {
            "accounts_before": Day(),
            "slip_days": Count(1, 365),
            "visit_minutes": Count(1, 24 * 60),
            "queries": Listed(SLUG),
            "letter": Shape(
                {"version": Text(r"[0-9a-z-]{1,20}"), "title": Text(), "paragraphs": Listed(Text())}
            ),
        }
    ),
    # Where employers transfer what they owe.
    "transfer_account": Shape({"holder": Text(), "bank": Text(), "number": Text(r"[0-9]{8,32}")}),
    # How much may be put into the medical account at once, and in a day.
    "card_top_up": Shape({"least": YUAN, "most": YUAN, "per_day": YUAN}, check=_check_top_up),
    # How many years of medical insurance, in all and in the city, whoever retired needs, by
    # the year from which they draw the pension; those in the city later by the month of retirement.
    "medical_years": Shape({"in_all": Count(1, 60), "here": Count(1, 60)}),
    "medical_years_here": Shape({"here": Count(1, 60)}),
    # How many months back the refund of a pension month that was paid twice can be asked for.
    "duplicate_refund": Shape({"months_back": Count(1, 600)}),
}


# What every city must say, whatever it offers: tasks ask it of each.
EVERY_CITY = ("account_proof", "charging", "reconciliation", "window")


def _check_retirement(values: Mapping[str, Any]) -> Iterable[str]:
    for category, rule in values["categories"].items():
        delayed = [rule[key] is not None for key in ("delayed_from", "births_per_month", "most_months")]
        if any(delayed) != all(delayed):
            yield f"{category}: delayed_from, births_per_month and most_months stand together"


def _check_interest_method(values: Mapping[str, Any]) -> Iterable[str]:
    if (values["method"] == "yearly") != (values["yearly_factor"] is not None):
        yield "yearly_factor stands with the yearly method, and with no other"


RETIREMENT_CATEGORIES = ("man", "woman_55", "woman_50")

NATIONAL_FILES: Mapping[str, Kind] = {
    # How many digits an account has, and which numbers have a check digit (by how they begin and
    # how many digits they have).
    "account_numbers": Shape(
        {
            "fewest": Count(8, 32),
            "most": Count(8, 32),
            "checked": Listed(Shape({"starts": Text(), "digits": Count(8, 32)})),
        }
    ),
    "adulthood": Shape({"years": Count(14, 30)}),
    # From which age a minor is told what is filed for them, and how many days before they come of
    # age all are told that the guardians stop.
    "guardianship": Shape({"told_from": Count(8, 18), "told_before_days": Count(1, 366)}),
    # The columns of people's numbers are of 18 characters: country, reserved digit, and so many.
    "foreign_numbers": Shape({"reserved": Text(r"[0-9]"), "digits": Count(14, 14), "filler": Text(r"[0-9]")}),
    "working_age": Shape({"years": Count(14, 30)}),
    "registration": Shape({"within_days": Count(1, 365)}),
    "retirement": Shape(
        {
            "categories": Mapped(
                one_of(*RETIREMENT_CATEGORIES),
                Shape(
                    {"years": Count(40, 80)},
                    {
                        "delayed_from": MonthText(),
                        "births_per_month": Count(1, 12),
                        "most_months": Count(1, 120),
                    },
                ),
            )
        },
        check=_check_retirement,
    ),
    "minimum_months": Shape(
        {"months": Count(1, 600)},
        {
            "rising_after_year": Count(2000, 2100),
            "rise_per_year": Count(1, 120),
            "most_months": Count(1, 600),
        },
    ),
    "late_fee": Shape({"daily_rate": RATE, "cap": one_of("principal", "none")}),
    "account_interest": Shape({"year": Count(1990, 2100), "rate": RATE}),
    # How the credits of the year bear interest: by the months left, or all alike as half a year
    # times a factor.
    "account_interest_method": Shape(
        {"insurances": Listed(INSURANCE), "method": one_of("month_products", "yearly")},
        {"yearly_factor": Figure(high=Decimal(2))},
        check=_check_interest_method,
    ),
    "pension_transfer": Shape(
        {"pooled_rate": RATE, "pooled_from": MonthText(), "agency_working_days": Count(1, 365)}
    ),
    "medical_transfer": Shape({"agency_working_days": Count(1, 365)}),
    "benefit_place": Shape({"years": Count(1, 60)}),
    "work_injury_grades": Shape({"rates": Mapped(Count(1, 8), RATE)}),
    # The divisions of GB/T 4754 and the grade that each has for work injury.
    "industries": Shape(
        {
            "divisions": Listed(
                Shape({"code": Text(r"[0-9]{2}"), "title": Text(), "grade": Count(1, 8)}), unique="code"
            )
        }
    ),
}

# An official rule: what people are shown as 依据. They stand in national/rules.yaml under a code,
# which references name.
RULE = Shape(
    {"title": Text()},
    {"number": Text(), "article": Text(r"第[一二三四五六七八九十百]+条.*"), "since": Day()},
)
RULES = Mapped(SLUG, RULE)

# Where a value was read, and how well it is known; ``rule`` names the official rule behind it,
# where that is known.
REFERENCE = Shape(
    {"title": Text(), "standing": STANDING},
    {"since_standing": STANDING, "number": Text(), "note": Text(), "rule": SLUG},
)

CITY = Shape(
    {
        "code": PLACE_CODE,
        "order": Count(1, 999),
        "title": Text(),
        "full_title": Text(),
        "province": Text(),
        "agency": Text(),
        "hotline": Text(r"[0-9-]+"),
        "districts": Listed(Shape({"code": PLACE_CODE, "title": Text()}), unique="code"),
        "reference": REFERENCE,
    }
)

_MONTHS = Mapped(INSURANCE, Listed(Count(-24, 24)))

OPTIONS = Shape(
    optional={
        "start_months": _MONTHS,
        # The last day of the month on which an application counts in it; the others count in the
        # next one.
        "month_closes_on": DAY_OF_MONTH,
        "stop_months": _MONTHS,
        # Where an insurance is paid by the year: 0 from this January on, 1 from the next.
        "stop_years": _MONTHS,
        # The city's own word for it, where that is not 停保.
        "stop_word": Text(),
        # What stopping costs, said beside the choice and before it is sent.
        "stop_costs": Mapped(INSURANCE, Listed(Text())),
        "pay_months": Shape({"behind": Count(0, 24), "ahead": Count(0, 24)}),
        "elsewhere": Listed(Shape({"insurance": INSURANCE, "where": Text()}), unique="insurance"),
        "entrance_with": SLUG,
        "site": one_of("any", "household"),
        # From how many months after the application on what is asked for counts.
        "counts_after": Count(0, 12),
        # What a person may change about themselves, in the order of the form.
        "details": Listed(
            one_of(
                "phone",
                "address",
                "postcode",
                "email",
                "contact_name",
                "education",
                "marriage",
                "household_kind",
                "health_centre",
            )
        ),
        # The insurances of which individual payers choose the tier there, too.
        "tiers": Listed(INSURANCE),
        # Whether employers file this for their staff, who then only look it up.
        "not_for_employees": Flag(),
        # The days of the month on which it is filed; every day where it is left out.
        "filing_days": Shape({"first": DAY_OF_MONTH, "last": DAY_OF_MONTH}),
        "account_at_enrolment": Flag(),
        # Whether an activated social-security card is the only account that the debit may draw on.
        "card_is_the_account": Flag(),
        "paid_by": one_of("debit", "order"),
        # How many months back a debit that failed may be collected again.
        "months_back": Count(1, 24),
        # Whose households moved in late, by what they were before: since when, and at which age.
        "late_settlers": Mapped(one_of("rural", "urban"), Shape({"since": Day(), "age": _AGES})),
        "household": Shape({"city": PLACE_CODE, "compare": Flag(), "min_age": Count(0, 150)}),
        # Within how many days a bill for late months is paid.
        "pay_within_days": Count(1, 90),
        # Until how many days after a payment it can be disputed.
        "dispute_days": Count(1, 365),
        # Whether the balance of the medical account moves with the relation.
        "moves_balance": Flag(),
        "first_medical": Shape({"photo": Flag(), "card_by_day": DAY_OF_MONTH}),
        # The first social-security card: the banks that issue it, where it can be had, how often
        # who did not come by ``papers_by_day`` is told, and how many working days it is in the
        # making.
        "first_card": Shape(
            {
                "banks": Listed(Text()),
                "deliveries": Listed(one_of("window", "post")),
                "told_every_days": Count(1, 31),
                "made_in_days": Count(1, 365),
            }
        ),
        "proof": Shape(
            {"insurances": Listed(INSURANCE)},
            {
                "month_counts": Listed(Count(1, 600)),
                # What a proof may be for, and for how many days it may be relied on; the first is
                # proposed.
                "purposes": Listed(Text()),
                "valid_days": Listed(Count(1, 730)),
                # For how many days the archive of proofs made in bulk can be downloaded.
                "kept_days": Count(1, 365),
            },
        ),
    }
)

_PAPER = Shape(
    {"code": SLUG, "title": Text(), "kind": one_of("photo", "scan"), "upload": Flag()},
    {
        "required": Flag(),
        "required_when": SLUG,
        "note": Text(),
        # A JPEG picture of just this size (pixels), within these kilobytes.
        "picture": Shape(
            {
                "width": Count(1, 9999),
                "height": Count(1, 9999),
                "kilobytes": Shape({"least": Count(1, 5000), "most": Count(1, 5000)}),
            }
        ),
    },
)


def _check_offer(values: Mapping[str, Any]) -> Iterable[str]:
    options = values["options"] or {}
    for name in values["assumed"] or ():
        option, _, part = name.partition(".")
        chosen = options[option] if options.get(option) is not None else values.get(option)
        if chosen is None or (part and chosen.get(part) is None):
            yield f"assumed: there is no {name}"
    for paper in values["papers"] or ():
        if paper["required"] is False and paper["required_when"] is not None:
            yield f"paper {paper['code']}: required_when contradicts required: false"
    if values["mode"] is not Mode.DIRECT and values["days"] is None:
        yield f"an offer of mode {values['mode']} promises working days"


OFFER = Shape(
    {"title": Text(), "mode": member_of(Mode), "since": Day(), "reference": REFERENCE},
    {
        # The official rule of this service, where its reference names another or none.
        "rule": SLUG,
        "days": Count(1, 365),
        "search": Listed(Text()),
        "notice": Listed(PassageText()),
        "papers": Listed(_PAPER, unique="code"),
        "papers_by_day": DAY_OF_MONTH,
        "assumed": Listed(Text(r"[a-z_]+(?:\.[a-z_]+)?")),
        "options": OPTIONS,
    },
    _check_offer,
)

# A service that people look for and that this hall does not have for the city: where it is done
# instead.
ELSEWHERE = Shape(
    {
        "title": Text(),
        "audience": one_of("person", "employer"),
        # The place, as it stands after 请到: a window, a site.
        "where": Text(r"[^。]+"),
        "reference": REFERENCE,
    },
    {
        "search": Listed(Text()),
        "notice": Listed(PassageText()),
        "papers": Listed(Text()),
        # Where another number than the city's hotline answers.
        "phone": Text(r"[0-9-]+"),
        # Where it is done online.
        "site": Text(r"https://[a-z0-9./-]+"),
    },
)
