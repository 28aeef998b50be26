"""The services that issue proofs, to which texts send people."""

from django.utils.translation import gettext_lazy as _

from portal.hall.ways import To

PROOF = To("person-proof", what=_("开具参保证明"))
EMPLOYER_PROOF = To("employer-proof", what=_("开具单位参保证明"))
