"""What each role of staff may do with proofs."""

from portal.accounts.roles import CERTIFIER, MANAGER

PERMISSIONS: dict[str, tuple[str, ...]] = {
    CERTIFIER: ("certificates.view_*", "certificates.change_certificate"),
    MANAGER: ("certificates.view_*",),
}
