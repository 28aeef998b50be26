from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ContributionsConfig(AppConfig):
    name = "contributions"
    verbose_name = _("征缴")

    def ready(self) -> None:
        from contributions import consequences

        consequences.connect()
