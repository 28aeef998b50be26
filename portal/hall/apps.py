from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HallConfig(AppConfig):
    name = "portal.hall"
    verbose_name = _("办件")

    def ready(self) -> None:
        from portal.accounts import proposals
        from portal.hall import corrected, queries, working_days
        from portal.people import belonging, corrections

        belonging.register(queries.have_cases_in)
        corrections.register(corrected.follow)
        proposals.register(working_days.WORKDAY)
