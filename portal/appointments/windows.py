"""办事网点: the places with windows of a city, whether they take bookings or not."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.appointments.models import Site
from portal.appointments.views import book_url
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.appointments import Hours, appointment_terms, hours_in_words
from portal.shared.months import today_in_china


@require_safe
def windows(request: HttpRequest, city: str) -> HttpResponse:
    """Each place of the city: address, hours, what it does, telephone, and the way to book where
    it takes bookings."""
    place = book().city(city)
    hours = _hours(city)
    bookable = book_url(request.user, city)
    places = [
        {
            "site": site,
            "hours": hours_in_words(site.hours or hours),
            "book_url": bookable if site.takes_bookings else "",
        }
        for site in Site.objects.filter(city=city)
    ]
    context = {
        "city": place,
        "places": places,
        "book_url": bookable,
        "elsewhere": list(place.elsewhere.values()),
        "services_url": reverse("services", args=[city]),
        "title": _("{city}社保办事网点").format(city=place.title),
    }
    return render(request, "appointments/windows.html", context)


def _hours(city: str) -> Hours:
    """The hours that all windows of the city keep; none where it says nothing of them."""
    try:
        return appointment_terms(book(), city=city, on=today_in_china(timezone.now())).hours
    except PolicyMissing:
        return ()
