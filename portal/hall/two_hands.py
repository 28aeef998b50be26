"""Two hands: what one member of staff drafts or proposes takes effect when another approves it.

The rows are the rooms' own: each has a ``status``, and who decided it (``decided_by``). That the
two are different people, and that a row is decided once, the database holds.
"""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext as _

from portal.accounts.models import User

Row = TypeVar("Row", bound=models.Model)

# The most characters that are kept of the reason of a refusal.
WHY_LENGTH = 200


def reason_of(why: str, *, raises: type[Exception]) -> str:
    """The reason of a refusal, as it is kept. Raises ``raises`` where none is given."""
    if not why.strip():
        raise raises(_("请填写不同意的原因。"))
    return why.strip()[:WHY_LENGTH]


def is_to_decide(
    row: Row,
    *,
    waiting: str,
    decided: Collection[str],
    why_not: Callable[[Row, User], str],
    what: str,
    by: User,
    raises: type[Exception],
) -> bool:
    """Whether ``by`` decides this row now; the caller has it locked, and writes what is decided.

    ``waiting`` is the status of a row that waits, ``decided`` what it can be after the same
    decision; ``why_not`` says why a login may not decide it, "" where it may; ``what`` is how the
    row is called (“这笔退款”). False where the same member of staff has decided so already: twice
    is once. Raises ``raises``, with the words for whoever asks.
    """
    current: Any = row
    if current.status in decided and current.decided_by_id == by.pk:
        return False
    if problem := why_not(row, by):
        raise raises(problem)
    if current.status != waiting:
        raise raises(
            _("%(what)s已是“%(state)s”，请按页面当前状态操作。")
            % {"what": what, "state": current.get_status_display()}
        )
    return True
