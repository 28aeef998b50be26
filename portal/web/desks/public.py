"""Where a city's community desks are, and the letter that a person signs on screen."""

from itertools import groupby

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.accounts.permissions import person_required
from portal.policy.book import book
from portal.qualifications import opening, rights
from portal.qualifications.models import Desk
from portal.qualifications.rights import Standing
from portal.web.context import login_of
from portal.web.desks.forms import AgreeForm


@require_safe
def desks(request: HttpRequest, city: str) -> HttpResponse:
    """社区网点 by district. Http404 where the city's people open their accounts by themselves."""
    place = book().city(city)
    if rights.terms_of(city, timezone.now()) is None:
        raise Http404
    rows = Desk.objects.filter(city=city, open=True).order_by("district", "title")
    districts = [(name, list(found)) for name, found in groupby(rows, key=lambda desk: desk.district)]
    return render(request, "web/desks/list.html", {"city": place, "districts": districts})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def letter(request: HttpRequest, city: str) -> HttpResponse:
    """《承诺书》: its text, and the person's agreement where they have to sign."""
    user, now = login_of(request), timezone.now()
    if user.person is None:
        raise Http404
    stands = rights.of(user.person, city, now)
    if stands.terms is None or stands.qualification is None:
        raise Http404
    due = stands.standing == Standing.LETTER
    text = stands.terms.letter
    form = AgreeForm(request.POST or None, version=text.version) if due else None
    if request.method == "POST" and form is None:
        # Sent twice: it is signed already.
        return redirect("letter", city)
    if form and form.is_valid():
        try:
            opening.sign_on_screen(stands.qualification, by=user, now=now)
        except opening.Refused as why:
            form.add_error(None, str(why))
        else:
            messages.success(request, _("承诺书已签订，现在可以网上办理。"))
            return redirect("services", city)
    context = {
        "city": book().city(city),
        "letter": text,
        "signed": stands.qualification.letters.filter(version=text.version).first(),
        "form": form,
        "submit_label": _("签订承诺书"),
    }
    return render(request, "web/desks/letter.html", context, status=422 if form and form.errors else 200)
