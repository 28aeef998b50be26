"""What each role of staff may do with cases and working days."""

from portal.accounts.roles import COLLECTOR, MANAGER, REVIEWER

PERMISSIONS: dict[str, tuple[str, ...]] = {
    REVIEWER: ("hall.view_*", "hall.change_case", "hall.change_workdayoverride"),
    COLLECTOR: ("hall.view_case",),
    MANAGER: ("hall.view_*", "hall.add_workdayoverride", "hall.change_workdayoverride"),
}
