from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PartnersConfig(AppConfig):
    name = "portal.partners"
    verbose_name = _("接口合作方")

    def ready(self) -> None:
        # Tells the description of the API how requests are signed.
        from portal.partners import schema  # noqa: F401
