"""Who may take a step of an application, and where everyone else is led."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.permissions import to_door, wards
from portal.hall import permissions
from portal.hall.catalogue import service as service_of
from portal.hall.catalogue import services
from portal.hall.queries import just_done
from portal.hall.service import Applicant, Audience, Service
from portal.people.models import Person
from portal.policy.book import City, book
from portal.qualifications.opening import visit_of
from portal.web.application.errand import DRAFT, NEW, WARD, Errand, address
from portal.web.context import login_of, open_to

DOORS = {Audience.PERSON: "login-person", Audience.EMPLOYER: "login-employer"}

# How long after a case is done its steps lead to its receipt.
JUST = timedelta(hours=12)
_NUMBER = re.compile(r"[0-9]{1,18}")

View = Callable[[HttpRequest, Errand], HttpResponseBase]


class NoLongerGuardian(Exception):
    """The address names somebody whose guardian the login was."""

    def __init__(self, ward: Person) -> None:
        super().__init__(ward.pk)
        self.ward = ward


def applicant_of(request: HttpRequest, kind: Service) -> Applicant:
    """Whom the login files for: the ward that the address names, else itself; of a desk, the
    resident who stands there. Http404 where the address names no ward of the login, or another
    resident than that; NoLongerGuardian where it names a former ward."""
    user, ward_id = login_of(request), request.GET.get(WARD, "")
    if user.is_desk:
        visit = visit_of(user, timezone.now())
        if visit is None or ward_id not in ("", str(visit.resident_id)):
            raise Http404
        return Applicant.of(user, visit.resident)
    if not ward_id:
        return Applicant.of(user)
    ward = (
        wards(user).filter(pk=int(ward_id)).first() if kind.for_wards and _NUMBER.fullmatch(ward_id) else None
    )
    if ward is None:
        if kind.for_wards and _NUMBER.fullmatch(ward_id) and user.person:
            former = Person.objects.filter(pk=int(ward_id), guarded_by__guardian=user.person).first()
            if former:
                raise NoLongerGuardian(former)
        raise Http404
    return Applicant.of(user, ward)


def to_family(request: HttpRequest, city: str, ended: NoLongerGuardian) -> HttpResponse:
    """The way of somebody who was the ward's guardian, with the reason why they no longer file."""
    messages.error(request, permissions.why_not_for(ended.ward, city=city, now=timezone.now()))
    return redirect("family")


def to_desk_home(request: HttpRequest) -> HttpResponse | None:
    """Where the visitor is a desk before which nobody stands: to its own page, to open a visit."""
    user = login_of(request)
    if not user.is_desk or visit_of(user, timezone.now()):
        return None
    messages.info(request, _("帮办前请先核验居民的身份证件。"))
    return redirect("desk")


def _picked(request: HttpRequest, kind: Service) -> str:
    """The draft that the address names (an id, or NEW); "" for none, and for a service that has no
    more than one. Http404 for any other text."""
    draft_id = request.GET.get(DRAFT, "") if kind.searches else ""
    if draft_id in ("", NEW) or _NUMBER.fullmatch(draft_id):
        return draft_id
    raise Http404


def for_applicants(view: View) -> Callable[[HttpRequest, str, str], HttpResponseBase]:
    """A step that only the service's own audience may take: others are sent to the right login."""

    @wraps(view)
    def guarded(request: HttpRequest, city: str, code: str) -> HttpResponseBase:
        place = book().city(city)
        if code not in place.offers:
            return not_here(request, place, code)
        kind = service_of(code)
        if not request.user.is_authenticated:
            return to_door(request, DOORS[kind.door])
        if not permissions.may_file(request.user, kind):
            return redirect("service", city, code)
        if led := to_desk_home(request):
            return led
        try:
            applicant = applicant_of(request, kind)
        except NoLongerGuardian as ended:
            return to_family(request, city, ended)
        if permissions.why_not_in(applicant, city, kind) or permissions.must_verify(
            applicant.user, city, now=timezone.now()
        ):
            return redirect("service", city, code)
        errand = Errand(
            place, place.offers[code], kind, applicant, timezone.now(), picked=_picked(request, kind)
        )
        turned = _finished(request, errand) or led_to_other(request, errand)
        return turned or view(request, errand)

    return guarded


def _finished(request: HttpRequest, errand: Errand) -> HttpResponse | None:
    """The way to the receipt, where the applicant has just finished this service and would now be
    led to another one; else None."""
    person = errand.applicant.person
    if request.method == "POST" or person is None or not _leads_to(errand):
        return None
    case = just_done(
        applicant_person=person.pk,
        city=errand.city.slug,
        service=errand.offer.code,
        since=errand.now - JUST,
    )
    if case is None:
        return None
    messages.info(request, _("“{title}”已经办结，办理结果在这里。").format(title=errand.offer.title))
    return redirect("receipt", case.number)


def _leads_to(errand: Errand) -> str:
    """The code of the service that this applicant should get instead, where one entrance serves
    two; else ""."""
    code = errand.service.leads_to(offer=errand.offer, applicant=errand.applicant, now=errand.now)
    return code if code != errand.offer.code and code in errand.city.offers else ""


def led_to_other(request: HttpRequest, errand: Errand) -> HttpResponse | None:
    """The way to the service that this applicant should get instead, where one entrance serves
    two."""
    code = _leads_to(errand)
    if not code:
        return None
    offer = errand.city.offers[code]
    messages.info(
        request,
        _("按您目前的参保状态，不需要办理“{here}”；这里是同一入口的“{there}”。").format(
            here=errand.offer.title, there=offer.title
        ),
    )
    return redirect(address("service", errand.city.slug, code, errand.applicant.ward))


def not_here(request: HttpRequest, city: City, code: str) -> HttpResponse:
    """The city does not offer it: where it is done instead, where the city's data say so; else
    which cities offer it."""
    if code in city.elsewhere:
        return render(request, "web/done_elsewhere.html", {"city": city, "there": city.elsewhere[code]})
    elsewhere = [
        {"city": other, "offers": [other.offers[code]]}
        for other in book().cities
        if code in other.offers and open_to(request.user, other.offers[code], services()[code])
    ]
    title = services()[code].title if code in services() else ""
    return render(
        request, "web/not_offered.html", {"city": city, "elsewhere": elsewhere, "title": title}, status=404
    )
