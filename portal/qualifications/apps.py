from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class QualificationsConfig(AppConfig):
    name = "portal.qualifications"
    verbose_name = _("网上办事资格")

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from portal.qualifications import gate

        user_logged_in.connect(gate.note_letter, dispatch_uid="letter to sign")
