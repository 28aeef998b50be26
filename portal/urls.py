"""The addresses of the hall. Nothing imports this."""

from django.contrib import admin
from django.urls import include, path

from portal.partners.views import NowhereView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("captcha/", include("captcha.urls")),
    path("api/v1/", include("portal.partners.urls")),
    path("api/v1/", include("contributions.api.urls")),
    path("api/v1/", include("certificates.api_urls")),
    path("api/v1/", include("transfers.api_urls")),
    path("api/<path:rest>", NowhereView.as_view(), name="api-nowhere"),
    path("", include("portal.accounts.urls")),
    path("", include("enrollment.urls")),
    path("", include("contributions.urls")),
    path("", include("certificates.urls")),
    path("", include("transfers.urls")),
    path("", include("portal.web.urls")),
]

handler400 = "portal.web.errors.bad_request"
handler403 = "portal.web.errors.forbidden"
handler404 = "portal.web.errors.not_found"
handler500 = "portal.web.errors.server_error"

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
