"""What the pages of the collectors' workbench share: rows of money to read, and how money stands in
them."""

from functools import cached_property
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from enrollment.admin import LookUpAdmin
from portal.accounts.cells import number_cell
from portal.accounts.staff_admin import StaffAdmin
from portal.shared import money

COUNTED_AT_MOST = 10_000


class CappedPaginator(Paginator):
    """Counts no further than a few thousand rows: nobody turns to the end of a list of millions."""

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet[Any], self.object_list)
        return len(rows.order_by().values("pk")[:COUNTED_AT_MOST])


class MoneyAdmin(LookUpAdmin):
    """Rows of money to read. Their history is in the rows themselves: nothing is ever edited."""

    paginator = CappedPaginator
    change_form_outer_after_template = ""
    person_column = "charge__person"
    employer_column = "charge__employer"
    city_column = "charge__city"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request) or self.get_object(request, object_id) is None:
            raise Http404
        return StaffAdmin.change_view(self, request, object_id, form_url, extra_context)


def yuan(fen: int) -> str:
    return number_cell(money.format_yuan(fen))
