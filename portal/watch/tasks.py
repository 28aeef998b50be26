"""What is watched is not kept for ever."""

import datetime as dt

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.watch.models import Failure
from portal.watch.task import watched

# What failed and was mended is looked up for a season.
KEPT_FOR = dt.timedelta(days=90)


@watched(
    title=_("清理已解除的异常"),
    remedy=_("不影响业务。请系统管理员查明原因。"),
)
def forget_resolved() -> None:
    """Drop failures that were resolved long ago. Run twice, the second finds nothing."""
    Failure.objects.filter(resolved_at__lt=timezone.now() - KEPT_FOR).delete()
