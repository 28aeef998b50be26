from django.apps import AppConfig, apps
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate
from django.urls import register_converter
from django.utils.translation import gettext_lazy as _

from portal import rights
from portal.web.checks import tables_are_complete
from portal.web.deployment import database_is_ready, what_stands_outside_can_be_used


class WebConfig(AppConfig):
    name = "portal.web"
    label = "web"
    verbose_name = _("网上大厅")

    def ready(self) -> None:
        from portal.web.cities import CitySlug

        register_converter(CitySlug, "city")
        register(tables_are_complete)
        register(what_stands_outside_can_be_used, deploy=True)
        register(database_is_ready, Tags.database, deploy=True)
        # What each application does after migrating is done by the time the last that has tables
        # comes; one without is left out.
        last = [config for config in apps.get_app_configs() if config.models_module][-1]
        post_migrate.connect(rights.after_migrating, sender=last, dispatch_uid="rights of the roles")
