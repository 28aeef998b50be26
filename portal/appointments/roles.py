"""What each role of staff may do with appointments."""

from portal.accounts.roles import MANAGER, REVIEWER

PERMISSIONS: dict[str, tuple[str, ...]] = {
    REVIEWER: (
        "appointments.view_*",
        "appointments.change_appointment",
        "appointments.add_closure",
    ),
    MANAGER: (
        "appointments.view_*",
        "appointments.add_site",
        "appointments.change_site",
        "appointments.add_closure",
    ),
}
