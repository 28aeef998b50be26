"""The tasks of partners."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.partners import signing
from portal.watch.task import watched


@watched(
    title=_("清理接口签名记录"),
    remedy=_("不影响业务。请系统管理员查明原因。"),
)
def forget_nonces() -> None:
    """Forget the nonces of signatures that are over."""
    signing.forget_nonces(now=timezone.now())
