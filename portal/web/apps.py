from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _

from portal.web.checks import tables_are_complete
from portal.web.deployment import database_and_seals_are_ready, what_stands_outside_can_be_used


class WebConfig(AppConfig):
    name = "portal.web"
    label = "web"
    verbose_name = _("网上大厅")

    def ready(self) -> None:
        register(tables_are_complete)
        register(what_stands_outside_can_be_used, deploy=True)
        register(database_and_seals_are_ready, Tags.database, deploy=True)
