"""Makes the workbench the site that every app's admin registers with; it stands in INSTALLED_APPS
in place of "unfold"."""

from django.contrib import admin
from django.contrib.admin import sites
from unfold.apps import BasicAppConfig


class WorkbenchConfig(BasicAppConfig):
    def ready(self) -> None:
        # Imported here, because the site's login form needs the models.
        from portal.accounts.staff import Workbench

        admin.site = sites.site = Workbench()
