"""What each role of staff may do with transfers."""

from portal.accounts.roles import MANAGER, REVIEWER

PERMISSIONS: dict[str, tuple[str, ...]] = {
    REVIEWER: ("transfers.view_transfer", "transfers.change_transfer"),
    MANAGER: ("transfers.view_*", "transfers.add_outsideagency", "transfers.change_outsideagency"),
}
