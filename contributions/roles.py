"""What each role of staff may do with money."""

from portal.accounts.roles import CERTIFIER, COLLECTOR, MANAGER

PERMISSIONS: dict[str, tuple[str, ...]] = {
    COLLECTOR: (
        "contributions.view_*",
        "contributions.change_debitbatch",
        "contributions.change_assessment",
        "contributions.change_arrival",
        "contributions.change_refund",
        "contributions.change_monthclose",
        "contributions.change_difference",
    ),
    CERTIFIER: ("contributions.view_*",),
    MANAGER: ("contributions.view_*",),
}
