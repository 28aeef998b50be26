from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _

from portal.web.checks import tables_are_complete


class WebConfig(AppConfig):
    name = "portal.web"
    label = "web"
    verbose_name = _("网上大厅")

    def ready(self) -> None:
        register(tables_are_complete)
