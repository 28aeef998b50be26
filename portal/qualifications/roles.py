"""What each role of staff may do with community desks and the qualifications they open."""

from portal.accounts.roles import MANAGER, REVIEWER

PERMISSIONS: dict[str, tuple[str, ...]] = {
    REVIEWER: (
        "qualifications.view_desk",
        "qualifications.view_qualification",
        "qualifications.change_qualification",
    ),
    MANAGER: (
        "qualifications.view_desk",
        "qualifications.add_desk",
        "qualifications.change_desk",
        "qualifications.view_deskclerk",
        "qualifications.add_deskclerk",
        "qualifications.change_deskclerk",
        "qualifications.view_qualification",
        "qualifications.change_qualification",
    ),
}
