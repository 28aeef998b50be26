from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EnrollmentConfig(AppConfig):
    name = "enrollment"
    verbose_name = _("参保")

    def ready(self) -> None:
        from enrollment import corrected, queries
        from portal.people import belonging, corrections

        belonging.register(queries.insured_in)
        corrections.register(corrected.follow)
