"""When a person's identity data were corrected: notices to the employers that insure the person,
and corrections in these employers' drafts only."""

from django.db.models import Q
from django.utils.translation import gettext as _

from enrollment import queries
from portal.accounts.models import Kind, Notice, User
from portal.hall.corrected import follow_drafts
from portal.people.corrections import Correction
from portal.shared.identity import mask_name
from portal.shared.months import month_in_china

NOTICE_KIND = "staff-corrected"


def follow(correction: Correction) -> None:
    """Notifies the clerks of each employer that insures the person now, and corrects their
    drafts."""
    person = correction.person
    insuring = queries.running(person, month_in_china(correction.at)).values("employer")
    text = _(
        "本单位职工%(name)s的身份信息已由社保经办机构更正，登记的证件号码现为%(number)s。"
        "请按新的号码核对本单位名册，今后用它申报；已提交和未提交的申报已经换成新号码。"
    ) % {"name": mask_name(person.name), "number": person.masked_paper}
    follow_drafts(correction, Q(user__employer__in=insuring))
    clerks = User.objects.filter(Q(employer__in=insuring), kind=Kind.CLERK, is_active=True)
    Notice.objects.bulk_create(
        Notice(
            user=clerk,
            kind=NOTICE_KIND,
            reference=f"{correction.reference} {clerk.pk}",
            title=_("职工身份信息已更正"),
            text=text,
            at=correction.at,
        )
        for clerk in clerks
    )
