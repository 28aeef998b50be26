"""What each role of staff may do with coverages and bases."""

from portal.accounts.roles import CERTIFIER, COLLECTOR, MANAGER, REVIEWER

PERMISSIONS: dict[str, tuple[str, ...]] = {
    REVIEWER: ("enrollment.view_*", "enrollment.change_firstcard"),
    COLLECTOR: ("enrollment.view_*",),
    CERTIFIER: ("enrollment.view_*",),
    MANAGER: ("enrollment.view_*",),
}
