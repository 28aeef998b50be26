"""What the pages of the books share."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError


def ring(request: HttpRequest, task: Any) -> bool:
    """Start a task; False, and the login is told, where the queue does not take it."""
    try:
        task.delay()
    except OperationalError:
        messages.error(request, _("后台任务队列暂时不可用，请稍后再试。"))
        return False
    return True


def may_close(request: HttpRequest) -> bool:
    return request.user.has_perm("contributions.change_monthclose")
