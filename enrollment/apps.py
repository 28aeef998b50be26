from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EnrollmentConfig(AppConfig):
    name = "enrollment"
    verbose_name = _("参保")

    def ready(self) -> None:
        from enrollment import queries
        from portal.people import belonging

        belonging.register(queries.insured_in)
