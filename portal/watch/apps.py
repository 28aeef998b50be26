from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WatchConfig(AppConfig):
    name = "portal.watch"
    verbose_name = _("系统运行")
