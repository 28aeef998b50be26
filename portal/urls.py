"""The addresses of the hall. Nothing imports this."""

from django.contrib import admin
from django.urls import include, path

from portal import rooms
from portal.partners.views import NowhereView


def _from_the_top(what: str) -> list[str]:
    return [module.__name__ for module in reversed(rooms.bring(what))]


urlpatterns = [
    path("admin/", admin.site.urls),
    path("captcha/", include("captcha.urls")),
    *(path("api/v1/", include(its)) for its in _from_the_top("api_urls")),
    path("api/<path:rest>", NowhereView.as_view(), name="api-nowhere"),
    *(path("", include(its)) for its in _from_the_top("urls")),
]

handler400 = "portal.web.errors.bad_request"
handler403 = "portal.web.errors.forbidden"
handler404 = "portal.web.errors.not_found"
handler500 = "portal.web.errors.server_error"

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
