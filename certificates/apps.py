from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _


class CertificatesConfig(AppConfig):
    name = "certificates"
    verbose_name = _("证明")

    def ready(self) -> None:
        from certificates.deployment import every_city_has_its_seal

        register(every_city_has_its_seal, Tags.database, deploy=True)
