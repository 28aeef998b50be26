"""Read-only pages of coverage and contribution bases. These change only through cases; each page
shows what changed and when."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from enrollment.models import ContributionBase, Coverage, RosterRow
from enrollment.roster.overview import outlying
from portal.accounts import permissions
from portal.accounts.cells import person_cell
from portal.accounts.models import User
from portal.accounts.staff_admin import StaffAdmin, StaffCityFilter, person_number_in
from portal.columns import runs_in
from portal.hall.workbench import OfferedFilter
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import contribution_terms, contribution_year_terms
from portal.shared import money
from portal.shared.characters import narrow, whole_number
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_in_china, today_in_china


class CityFilter(StaffCityFilter):
    title = gettext_lazy("参保地")


class BaseCityFilter(CityFilter):
    column = "coverage__city"


class TimeFilter(OfferedFilter):
    title = gettext_lazy("时间")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("now", _("本月参保")),
            ("later", _("以后开始")),
            ("ended", _("已终止")),
            ("undone", _("已撤销")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Coverage]) -> QuerySet[Coverage]:
        month = month_in_china(timezone.now())
        if self.value() == "now":
            return queryset.filter(runs_in(month), live=True)
        if self.value() == "later":
            return queryset.filter(live=True, start__gt=month)
        if self.value() == "ended":
            return queryset.filter(live=True, until__lte=month)
        if self.value() == "undone":
            return queryset.filter(live=False)
        return queryset


class LookUpAdmin(StaffAdmin):
    """Read-only rows: nothing is added, edited or deleted here. Staff see the rows of their
    cities."""

    actions = None
    list_fullwidth = True
    list_per_page = 50
    show_full_result_count = False
    search_fields: tuple[str, ...] = ("pk",)
    change_form_outer_after_template = "admin/enrollment/history.html"
    # The look-ups of the row's city, person and employer.
    city_column = "city"
    person_column = "person"
    employer_column = "employer"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        cities = permissions.staff_cities(request.user)
        return super().get_queryset(request).filter(**{f"{self.city_column}__in": cities})

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        one_city = len(permissions.staff_cities(request.user)) < 2
        return [
            one
            for one in self.list_filter
            if not (one_city and isinstance(one, type) and issubclass(one, CityFilter))
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Searches by a whole number or a whole name, so that guessed digits find nobody. Without
        ``search_fields`` nothing is searched."""
        term = search_term.strip()
        if not term or not self.search_fields:
            return queryset, False
        condition = (
            Q(**{f"{self.person_column}__name": term})
            | Q(**{f"{self.employer_column}__name": term})
            | Q(**{f"{self.employer_column}__credit_code": narrow(term).upper()})
        )
        if number := person_number_in(term):
            condition |= Q(**{f"{self.person_column}__identity_number": number})
        return queryset.filter(condition), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        history = history_of(row) if row is not None else []
        return super().change_view(
            request, object_id, form_url, {"history": history, **(extra_context or {})}
        )


def history_of(row: Any) -> list[dict[str, Any]]:
    """Every recorded change of the row: when, by whom, and which values differ from the state
    before."""
    events = list(row.events.select_related("pgh_context").order_by("pgh_created_at", "pgh_id"))
    actors = {event.pgh_context.metadata.get("user") for event in events if event.pgh_context}
    names = dict(User.objects.filter(pk__in=[pk for pk in actors if pk]).values_list("pk", "name"))
    fields = [one for one in row._meta.concrete_fields if one.name != "id"]
    history, former = [], None
    for event in events:
        changed = [
            (str(one.verbose_name), _written(event, one.name))
            for one in fields
            if (former is None and _written(event, one.name))
            or (former is not None and getattr(event, one.attname) != getattr(former, one.attname))
        ]
        actor = names.get(event.pgh_context.metadata.get("user"), "") if event.pgh_context else ""
        history.append(
            {
                "at": event.pgh_created_at,
                "label": _("登记") if former is None else _("变更"),
                "by": actor,
                "changed": changed,
            }
        )
        former = event
    return history


def _written(event: Any, name: str) -> str:
    value = getattr(event, name)
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
    if isinstance(value, Month):
        return value.zh
    if name == "city":
        return book().city(value).title
    display = getattr(event, f"get_{name}_display", None)
    return str(display() if display else value)


def _tier_title(row: ContributionBase) -> str:
    """The name of the tier as the city has it in the first of its months; its code where the policy
    does not know it."""
    held = row.coverage
    if not row.tier:
        return ""
    try:
        terms = contribution_terms(
            book(),
            city=held.city,
            capacity=Capacity(held.capacity),
            insurance=Insurance(held.insurance),
            month=row.start,
        )
        return terms.tier(row.tier).title
    except PolicyMissing:
        return row.tier


class BaseInline(TabularInline):
    model = ContributionBase
    verbose_name_plural = gettext_lazy("缴费基数")
    fields = readonly_fields = ("months", "tier_title", "wage", "set_by")
    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("缴费档次"), ordering="tier")
    def tier_title(self, row: ContributionBase) -> str:
        return _tier_title(row)

    @admin.display(description=gettext_lazy("月份"))
    def months(self, row: ContributionBase) -> str:
        return row.period.zh

    @admin.display(description=gettext_lazy("申报工资（元）"))
    def wage(self, row: ContributionBase) -> str:
        return "" if row.wage_fen is None else money.format_yuan(row.wage_fen)


@admin.register(Coverage)
class CoverageAdmin(LookUpAdmin):
    identity_numbers = ("person__identity_number",)
    list_display = ("whom", "insurance", "capacity", "place", "employer", "months", "standing")
    list_display_links = ("whom",)
    list_select_related = ("person", "employer")
    list_filter = (TimeFilter, "insurance", "capacity", CityFilter)
    search_help_text = gettext_lazy("完整的身份证号码、姓名、单位名称或统一社会信用代码")
    ordering = ("-start", "-pk")
    inlines = (BaseInline,)
    fields = readonly_fields = (
        "whom",
        "insurance",
        "capacity",
        "place",
        "employer",
        "months",
        "standing",
        "opened_by",
        "closed_by",
        "created_at",
    )

    @admin.display(description=gettext_lazy("参保人"))
    def whom(self, row: Coverage) -> str:
        return person_cell(row.person.name, row.person.identity_number)

    @admin.display(description=gettext_lazy("参保地"), ordering="city")
    def place(self, row: Coverage) -> str:
        city = book().city(row.city)
        districts = {district.code: district.title for district in city.places}
        return f"{city.title} {districts.get(row.district, '')}".strip()

    @admin.display(description=gettext_lazy("参保月份"), ordering="start")
    def months(self, row: Coverage) -> str:
        return row.period.zh

    @admin.display(description=gettext_lazy("状态"))
    def standing(self, row: Coverage) -> str:
        month = month_in_china(timezone.now())
        if not row.live:
            return _("已撤销")
        if row.start > month:
            return _("以后开始")
        return _("参保中") if row.runs_in(month) else _("已终止")


@admin.register(ContributionBase)
class ContributionBaseAdmin(LookUpAdmin):
    city_column = "coverage__city"
    person_column = "coverage__person"
    identity_numbers = ("coverage__person__identity_number",)
    employer_column = "coverage__employer"
    list_display = ("whom", "insurance", "employer", "months", "tier_title", "wage")
    list_display_links = ("whom",)
    list_select_related = ("coverage__person", "coverage__employer")
    list_filter = ("coverage__insurance", "coverage__capacity", BaseCityFilter)
    search_help_text = CoverageAdmin.search_help_text
    ordering = ("-start", "-pk")
    fields = readonly_fields = ("whom", "coverage", "months", "tier_title", "wage", "set_by")

    @admin.display(description=gettext_lazy("参保人"))
    def whom(self, row: ContributionBase) -> str:
        return person_cell(row.coverage.person.name, row.coverage.person.identity_number)

    @admin.display(description=gettext_lazy("险种"))
    def insurance(self, row: ContributionBase) -> str:
        return row.coverage.get_insurance_display()

    @admin.display(description=gettext_lazy("参保单位"))
    def employer(self, row: ContributionBase) -> str:
        return row.coverage.employer.name if row.coverage.employer else "—"

    @admin.display(description=gettext_lazy("缴费档次"), ordering="tier")
    def tier_title(self, row: ContributionBase) -> str:
        return _tier_title(row)

    @admin.display(description=gettext_lazy("月份"), ordering="start")
    def months(self, row: ContributionBase) -> str:
        return row.period.zh

    @admin.display(description=gettext_lazy("申报工资（元）"), ordering="wage_fen")
    def wage(self, row: ContributionBase) -> str:
        return "" if row.wage_fen is None else money.format_yuan(row.wage_fen)


class RosterCityFilter(CityFilter):
    column = "roster__city"


class RosterFilter(OfferedFilter):
    """Filters by the roster that the address names; the page of its case links here."""

    title = gettext_lazy("名册")
    parameter_name = "roster"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        asked = request.GET.get(self.parameter_name, "")
        known = whole_number(asked) is not None
        return [(asked, _("名册 {number}").format(number=asked))] if known else [("0", _("无"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RosterRow]) -> QuerySet[RosterRow]:
        asked = whole_number(self.value() or "")
        return queryset if asked is None else queryset.filter(roster=asked)


class ChangeFilter(OfferedFilter):
    title = gettext_lazy("与现行工资相比")
    parameter_name = "change"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("far", _("变动较大")), ("up", _("上调")), ("down", _("下调")), ("new", _("新申报"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RosterRow]) -> QuerySet[RosterRow]:
        if self.value() == "up":
            return queryset.filter(wage_fen__gt=F("former_fen"))
        if self.value() == "down":
            return queryset.filter(wage_fen__lt=F("former_fen"))
        if self.value() == "new":
            return queryset.filter(former_fen__isnull=True)
        if self.value() == "far":
            today = today_in_china(timezone.now())
            far = Q(pk__in=[])
            for city in permissions.staff_cities(request.user):
                with suppress(PolicyMissing):
                    terms = contribution_year_terms(book(), city=city, on=today)
                    far |= Q(roster__city=city) & outlying(terms)
            return queryset.filter(far)
        return queryset


@admin.register(RosterRow)
class RosterRowAdmin(LookUpAdmin):
    """The rows of sent rosters. Only the employer's clerks see a roster that is still a draft."""

    identity_numbers = ("person__identity_number",)
    city_column = "roster__city"
    employer_column = "roster__employer"
    list_display = ("whom", "employer", "year", "former", "wage", "change")
    list_display_links = None
    list_select_related = ("person", "roster__employer")
    list_filter = (RosterFilter, ChangeFilter, RosterCityFilter)
    search_help_text = CoverageAdmin.search_help_text
    ordering = ("-roster", "person__name", "person")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RosterRow]:
        return super().get_queryset(request).filter(roster__case__isnull=False)

    def get_urls(self) -> list[URLPattern]:
        """Only the list: it shows everything, so rows have no page of their own."""
        return [
            path(
                "",
                self.admin_site.admin_view(self.changelist_view),
                name="enrollment_rosterrow_changelist",
            )
        ]

    @admin.display(description=gettext_lazy("职工"))
    def whom(self, row: RosterRow) -> str:
        return person_cell(row.person.name, row.person.identity_number)

    @admin.display(description=gettext_lazy("参保单位"))
    def employer(self, row: RosterRow) -> str:
        return row.roster.employer.name

    @admin.display(description=gettext_lazy("起用月份"))
    def year(self, row: RosterRow) -> str:
        return row.roster.start.zh

    @admin.display(description=gettext_lazy("申报前工资（元）"), ordering="former_fen")
    def former(self, row: RosterRow) -> str:
        return "—" if row.former_fen is None else money.format_yuan(row.former_fen)

    @admin.display(description=gettext_lazy("月申报工资（元）"), ordering="wage_fen")
    def wage(self, row: RosterRow) -> str:
        return "—" if row.wage_fen is None else money.format_yuan(row.wage_fen)

    @admin.display(description=gettext_lazy("变动"))
    def change(self, row: RosterRow) -> str:
        if row.wage_fen is None or not row.former_fen:
            return "—"
        return f"{(row.wage_fen - row.former_fen) / row.former_fen:+.1%}"


# Imported so that its admin is registered: Django looks for this module alone.
from enrollment.cards import admin as cards_admin  # noqa: E402, F401
