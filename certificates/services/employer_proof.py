"""单位参保证明（宁波）: for the employer that is logged in."""

from django.utils.translation import gettext_lazy

from certificates.employer_proving import EmployerProving
from portal.hall.service import Audience


class EmployerProof(EmployerProving):
    code = "employer-proof"
    title = gettext_lazy("单位参保证明")
    audience = Audience.EMPLOYER
