"""When a city's bank takes money, and until when an order may be paid that is placed outside its
hours: one day for all pages."""

import datetime as dt

from portal.hall.working_days import overrides_of
from portal.policy import bankhours
from portal.policy.book import book
from portal.policy.terms.payment import payment_terms
from portal.shared.months import today_in_china


def opening(city: str, now: dt.datetime) -> dt.datetime:
    """When a payment that is asked for now is started: at once, or when the city's bank opens
    next."""
    hours = payment_terms(book(), city=city, on=today_in_china(now)).bank_hours
    if hours is None:
        return now
    return bankhours.next_opening(now, hours, overrides_of(city, since=today_in_china(now)))


def pay_until(city: str, now: dt.datetime) -> dt.datetime:
    """Until when an order that is placed now may be paid: the city's minutes, from when the bank
    takes money. PolicyMissing where the city takes no orders."""
    begins = opening(city, now)
    return begins + dt.timedelta(
        minutes=payment_terms(book(), city=city, on=today_in_china(now)).order_minutes
    )
