"""A lost second factor: a supervisor proposes to forget it, a second member of staff approves; the
next login enrols anew."""

import datetime as dt

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import factors, notices, proposals
from portal.accounts.models import Kind as AccountKind
from portal.accounts.models import Proposal, User
from portal.accounts.proposals import Kind, NotProposed, Row

NOTICE_KIND = "factor-reset"


class FactorReset(Kind):
    code = "factor-reset"
    title = gettext_lazy("重置两步验证")
    permission = "accounts.change_user"

    def rows(self, proposal: Proposal) -> list[Row]:
        return [(_("身份验证器、通行密钥和恢复码"), _("已绑定"), _("清除，下次登录时重新绑定"))]

    def apply(self, proposal: Proposal, *, by: User, now: dt.datetime) -> None:
        user = User.objects.get(pk=proposal.payload["user"])
        factors.reset(user)
        notices.tell(
            user,
            kind=NOTICE_KIND,
            reference=str(proposal.pk),
            title=_("两步验证已重置"),
            text=_(
                "您的身份验证器、通行密钥和恢复码已由管理员清除，请在下次登录时重新绑定。不是您本人申请的，请立即报告。"
            ),
            now=now,
        )


RESET = FactorReset()


def propose(user: User, *, reason: str, by: User, now: dt.datetime) -> Proposal:
    """Proposes to forget a colleague's factor. Raises NotProposed."""
    if user.kind != AccountKind.STAFF or user.pk == by.pk:
        raise NotProposed(_("只能为其他工作人员申请重置。"))
    if not factors.has_factor(user):
        raise NotProposed(_("这名工作人员没有绑定身份验证器或通行密钥，登录时会要求绑定。"))
    return proposals.propose(
        RESET,
        city=user.city,
        target=f"factor {user.pk}",
        about=f"{user.name} {user.username}",
        identity_number=user.person.identity_number if user.person else "",
        payload={"user": user.pk},
        reason=reason,
        by=by,
        now=now,
    )
