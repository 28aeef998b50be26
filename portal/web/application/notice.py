"""Step 1, 用户须知: what a service takes and how it ends, before anything is typed."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.accounts import onward
from portal.accounts.models import User
from portal.accounts.permissions import wards
from portal.hall import permissions
from portal.hall.catalogue import service as service_of
from portal.hall.service import Audience, Service
from portal.policy.book import City, Mode, Offer, book
from portal.web.application.entrance import (
    DOORS,
    NoLongerGuardian,
    applicant_of,
    led_to_other,
    not_here,
    to_desk_home,
    to_family,
)
from portal.web.application.errand import NEW, STEPS, Errand, address, begun_before
from portal.web.context import login_of, own_city_of


@require_safe
def service(request: HttpRequest, city: str, code: str) -> HttpResponseBase:
    """用户须知: public, so that anyone can read what it takes; says which login it needs."""
    place = book().city(city)
    if code not in place.offers:
        return not_here(request, place, code)
    offer, kind = place.offers[code], service_of(code)
    context: dict[str, Any] = {}
    applicant = None
    if not request.user.is_authenticated:
        door = reverse(DOORS[kind.door])
        context["login_url"] = onward.address(door, reverse("apply", args=[city, code]))
    elif permissions.may_file(request.user, kind):
        if led := to_desk_home(request):
            return led
        try:
            applicant = applicant_of(request, kind)
        except NoLongerGuardian as ended:
            return to_family(request, city, ended)
        if elsewhere := permissions.why_not_in(applicant, city, kind):
            context["blocked"] = {"why": elsewhere, **_own_way(login_of(request), code)}
            applicant = None
        elif permissions.must_verify(applicant.user, city, now=timezone.now()):
            context["blocked"] = _to_verify(place, request.get_full_path())
            applicant = None
    else:
        context["blocked"] = _other_login(kind)
    if applicant is None:
        return render(request, "web/notice.html", {**_public_page(place, offer, kind), **context})
    errand = Errand(place, offer, kind, applicant, timezone.now())
    turned = led_to_other(request, errand)
    if turned:
        return turned
    return render(
        request,
        "web/notice.html",
        {
            **_public_page(place, offer, kind),
            "barred": errand.barred(),
            "draft": None if kind.searches else errand.draft(),
            "drafts": begun_before(errand) if kind.searches else [],
            "ward": applicant.ward,
            "next_url": replace(errand, picked=NEW if kind.searches else "").url("apply"),
            "choices": _for_whom(errand),
        },
    )


def _for_whom(errand: Errand) -> list[dict[str, Any]]:
    """For whom this login may file it, itself first; empty where there is nothing to choose."""
    if not errand.service.for_wards:
        return []
    chosen = errand.applicant.ward
    place, code = errand.city.slug, errand.offer.code
    of_wards = [
        {"label": ward.name, "url": address("service", place, code, ward), "current": ward == chosen}
        for ward in wards(errand.applicant.user)
    ]
    if not of_wards:
        return []
    for_self = {"label": _("本人"), "url": address("service", place, code), "current": chosen is None}
    return [for_self, *of_wards]


def _public_page(city: City, offer: Offer, kind: Service) -> dict[str, Any]:
    steps = [
        {"title": title, "state": "next" if place else "now"} for place, (_name, title) in enumerate(STEPS)
    ]
    return {
        "city": city,
        "offer": offer,
        "service": kind,
        "steps": steps,
        "audience": kind.door,
        "sometimes": any(paper.required_when for paper in offer.papers),
        "how_it_ends": kind.how_it_ends(offer) or how_it_ends(offer),
        "next_url": reverse("apply", args=[city.slug, offer.code]),
    }


def _other_login(kind: Service) -> dict[str, str]:
    if kind.door == Audience.EMPLOYER:
        why = _("这个事项由用人单位办理，您现在登录的不是单位账号。")
        what_to_do = _("请退出后，由单位经办人从“单位登录”进入办理。")
    else:
        why = _("这个事项由个人办理，您现在登录的不是个人账号。")
        what_to_do = _("请退出后，用本人的个人账号从“个人登录”进入办理。")
    return {"why": why, "what_to_do": what_to_do}


def _to_verify(city: City, here: str) -> dict[str, str]:
    why = _("您的账号是初级实名，只能查询；在{city}办理业务前，须再核验一次是您本人。").format(
        city=city.title
    )
    return {
        "why": why,
        "what_to_do": _("核验约一分钟，通过后回到这里继续办理；只需一次。"),
        "url": f"{reverse('account-verify')}?city={city.slug}&{onward.query(here)}",
        "label": _("去核验身份"),
    }


def _own_way(clerk: User, code: str) -> dict[str, str]:
    """Where a clerk goes on in the city of their employer: to the same service, where it has it,
    else to all of its services."""
    city = own_city_of(clerk)
    if city is None:
        return {}
    if code in city.offers:
        title = city.offers[code].title
        return {
            "url": reverse("service", args=[city.slug, code]),
            "label": _("到{city}办理“{title}”").format(city=city.title, title=title),
        }
    return {
        "url": reverse("services", args=[city.slug]),
        "label": _("查看{city}的全部事项").format(city=city.title),
    }


def how_it_ends(offer: Offer) -> str:
    """How an application ends in the offer's mode, in words."""
    if offer.mode == Mode.DIRECT:
        return _("提交后由系统校验，符合条件的当场办结。")
    if offer.mode == Mode.MATCH:
        return _(
            "提交后与登记信息比对：一致的当场办结；不一致的转为预申请，请打印申请表并携带材料到窗口办理。"
        )
    if offer.mode == Mode.COUNTER:
        return _("网上填写后打印申请表，携带材料到窗口，由工作人员核对后办结。")
    return _("提交后由社保经办机构审核，结果可在办件进度中查看；审核前可以撤回。")
