"""The lockout's library under a name that staff can read."""

from axes.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LockoutConfig(AppConfig):
    verbose_name = _("登录防护")
