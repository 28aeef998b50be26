from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "portal.accounts"
    verbose_name = _("账号")

    def ready(self) -> None:
        from portal.accounts import factor_reset, identity_corrections, openings, person_changes, proposals
        from portal.people import belonging

        belonging.register(proposals.registered_in)
        person_changes.register()
        openings.register()
        proposals.register(factor_reset.RESET)
        proposals.register(identity_corrections.KIND)
        post_migrate.connect(_give_roles_their_permissions, dispatch_uid="staff roles")


def _give_roles_their_permissions(*, app_config: AppConfig, **_kwargs: object) -> None:
    # Django makes the permissions of an app in this same moment, before: auth comes first in
    # INSTALLED_APPS.
    from portal.accounts.permissions import ensure_staff_roles

    ensure_staff_roles(app_config.label)
