"""The base of every list and page of the workbench: what people can be searched by, and the record
of each look at a person.

All admins of the hall are StaffAdmin. A search is sent by POST and found again by a token
(``searching``). The address filters by nothing but the declared ``list_filter``, so that no masked
number is guessed digit by digit.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ClassVar, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from portal.accounts import lookups, searching
from portal.accounts.doors import known_number
from portal.accounts.lookups import TooManyLookups
from portal.accounts.permissions import city_choices, staff, staff_cities
from portal.people import belonging, papers
from portal.people.papers import Paper
from portal.policy.book import book
from portal.shared import identity
from portal.shared.characters import narrow

Told = TypeVar("Told")


def once(tell: Callable[..., Told]) -> Callable[..., Told]:
    """Told once for a request, which is the last argument: the page and its side bar ask for the
    same."""
    kept = f"_hall_{tell.__name__}"

    @wraps(tell)
    def asked(*arguments: Any) -> Told:
        request = arguments[-1]
        if not hasattr(request, kept):
            setattr(request, kept, tell(*arguments))
        return cast(Told, getattr(request, kept))

    return asked


STAFF_LOOK = "经办工作台查询"
REASON_VAR = "reason"
# The most people of one row (such as a refund of an employer's payment) that are recorded by
# number.
NAMED_AT_MOST = 200


def person_number_in(term: str) -> str:
    """The social-security number (18 characters) of the identity paper whose number was typed; ""
    where the text is no such number."""
    try:
        return known_number(term)
    except identity.InvalidIdentity:
        return ""


def staff_typed_number(text: str) -> str:
    """The social-security number of the paper whose number staff typed into a form. Raises
    ValidationError."""
    try:
        return known_number(text)
    except identity.InvalidIdentity as mistake:
        raise ValidationError(_("这不是有效的身份证号码，请逐位核对。"), code=mistake.code) from mistake


def staff_typed_paper(text: str) -> Paper:
    """The paper whose number staff typed into a form: a foreigner's without 18 digits is known once
    it is on file. Raises ValidationError."""
    number = staff_typed_number(text)
    try:
        return papers.of_told({"identity_number": number})
    except identity.InvalidIdentity as mistake:
        raise ValidationError(_("没有查到这个证件的档案，请先建档。"), code=mistake.code) from mistake


class OfferedFilter(admin.SimpleListFilter):
    """A filter that takes what it offers and nothing else: another value leads back to the list
    without it."""

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        if self.value() not in (None, "", *(str(choice) for choice, _title in self.lookup_choices)):
            raise IncorrectLookupParameters


class StaffCityFilter(OfferedFilter):
    """One of the cities that the login works for; ``column`` is the path from a row to its
    city."""

    title = gettext_lazy("城市")
    parameter_name = "city"
    column: ClassVar[str] = "city"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return city_choices(staff(request))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class QueueFilter(OfferedFilter):
    """A list that shows its queue where nothing is chosen: ``unasked`` is what the queue is
    called."""

    title = gettext_lazy("状态")
    parameter_name = "state"
    unasked: ClassVar[Any]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        yield {**first, "display": self.unasked}
        yield from others


class RefuseForm(forms.Form):
    """The form to refuse a colleague's proposal: it asks why."""

    prefix = "refuse"

    why = forms.CharField(
        label=gettext_lazy("不同意的原因"),
        max_length=200,
        error_messages={
            "required": gettext_lazy("请填写不同意的原因。"),
            "max_length": gettext_lazy("不同意的原因最多 200 个字。"),
        },
    )


class KeptSearchForm(forms.Form):
    """What is searched for, by the token in the address."""

    def __init__(self, address: Any, *, request: HttpRequest) -> None:
        super().__init__(address)
        self.request = request
        self.fields = {SEARCH_VAR: forms.CharField(required=False)}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        token = cleaned.get(SEARCH_VAR) or ""
        return {SEARCH_VAR: searching.kept(self.request, token)}


class StaffChangeList(ChangeList):
    """A list that records whom a search has shown, and shows nobody beyond the look-ups that an
    hour allows."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.search_form_class = partial(KeptSearchForm, request=request)
        super().__init__(request, *args, **kwargs)
        admin_of = self.model_admin
        self.asks_first = admin_of.by_reason and not self.query
        self.asks_reason = admin_of.by_reason and bool(staff(request).city)
        self.reason = admin_of.reason_given(request)
        if self.query:
            admin_of.searched(request, self)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        if self.query and not self.model_admin.may_search(request, self.query):
            return self.root_queryset.none()
        return super().get_queryset(request, exclude_parameters)


class StaffAdmin(ModelAdmin):
    """The base of every admin of the hall."""

    # Paths from a row to the identity numbers of the people whom it shows; empty where it shows
    # nobody.
    identity_numbers: ClassVar[tuple[str, ...]] = ()
    # Whether people of other cities can be looked up by a whole number and a reason, which the
    # search then asks for.
    by_reason: ClassVar[bool] = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return StaffChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what ``list_filter`` and ``date_hierarchy`` declare, and only as the links of the
        page ask for it."""
        allowed: set[str] = set()
        # Also filters that this login is not offered, such as the city where it has only one: links
        # to a list name them.
        for list_filter in (*self.list_filter, *self.get_list_filter(request)):
            if isinstance(list_filter, type) and issubclass(list_filter, admin.SimpleListFilter):
                allowed.add(str(list_filter.parameter_name))
            else:
                name = list_filter if isinstance(list_filter, str) else list_filter[0]
                allowed |= {f"{name}{how}" for how in ("", "__exact", "__isnull", "__id__exact")}
        if self.date_hierarchy:
            allowed |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day", "gte", "lt")}
        return lookup in allowed

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; a POST is a search."""
        if request.method == "POST" and SEARCH_VAR in request.POST:
            if not self.has_view_or_change_permission(request):
                raise PermissionDenied
            return searching.to_results(request, REASON_VAR, name=SEARCH_VAR)
        return super().changelist_view(request, extra_context)

    def reason_given(self, request: HttpRequest) -> str:
        """The reason to look up somebody of another city, as typed beside the search; "" where the
        search asks for none."""
        return searching.kept(request, request.GET.get(SEARCH_VAR, ""), REASON_VAR) if self.by_reason else ""

    def may_search(self, request: HttpRequest, term: str) -> bool:
        """Whether one more person may be looked up in this hour; where not, the page says so. A
        reason is recorded at once: it opens the person's data to this login."""
        number = person_number_in(term)
        if not (self.identity_numbers and number):
            return True
        user, now = staff(request), timezone.now()
        try:
            lookups.ensure_allowed(user=user, identity_number=number, now=now)
        except TooManyLookups:
            messages.error(request, _("本小时查询人数已达上限，请稍后再查。"))
            return False
        if reason := self.reason_given(request):
            self._record(request, [number], sought=term, reason=reason, counted=True)
        return True

    def searched(self, request: HttpRequest, listed: ChangeList) -> None:
        """Records whom a search has shown: the person whose number was typed, or everyone on the
        page of the list."""
        if not self.identity_numbers:
            return
        number, rows = person_number_in(listed.query), [row.pk for row in listed.result_list]
        if number:
            if not self.reason_given(request):
                self._record(request, [number], sought=listed.query, found=bool(rows), counted=True)
            if not rows:
                self.found_nobody(request)
            return
        self._record(request, self.numbers_of(rows), sought=listed.query, found=bool(rows))

    def found_nobody(self, request: HttpRequest) -> None:
        """Tells how to look up somebody of another city."""
        if self.by_reason and not self.reason_given(request) and staff(request).city:
            messages.info(
                request,
                _("本市没有这个号码的记录。确需查询其他地方人员的，请一并填写查询事由，查询会留下记录。"),
            )

    def numbers_of(self, rows: list[Any]) -> set[str]:
        """The identity numbers of the people whom these rows (ids) show."""
        numbers: set[str] = set()
        for column in self.identity_numbers:
            of_rows = self.model._default_manager.filter(pk__in=rows).order_by()
            numbers.update(of_rows.values_list(column, flat=True).distinct()[:NAMED_AT_MOST])
        return {number for number in numbers if number}

    def look(self, request: HttpRequest, kwargs: dict[str, Any]) -> HttpResponse | None:
        """Records that the page of a row is opened, where this login sees the row. Gives the answer
        to send instead where the login has no look-ups left, else None. The site calls it before
        every page of this admin."""
        match = request.resolver_match
        key, of_rows = kwargs.get("object_id"), f"{self.opts.app_label}_{self.opts.model_name}_"
        if (
            not self.identity_numbers
            or key is None
            or match is None
            or not (match.url_name or "").startswith(of_rows)
        ):
            return None
        try:
            pk = self.opts.pk.to_python(unquote(str(key)))
        except ValidationError:
            return None
        row = self.get_queryset(request).filter(pk=pk).first()
        if row is None or not self.has_view_or_change_permission(request, row):
            return None
        numbers = self.numbers_of([row.pk])
        if self.by_reason:
            try:
                for number in numbers:
                    lookups.ensure_allowed(user=staff(request), identity_number=number, now=timezone.now())
            except TooManyLookups:
                messages.error(request, _("本小时查询人数已达上限，请稍后再查。"))
                return HttpResponseRedirect(reverse("admin:index"))
        self._record(request, numbers, row=row.pk, counted=self.by_reason)
        return None

    def _record(self, request: HttpRequest, numbers: Any, **more: Any) -> None:
        lookups.record(
            user=staff(request),
            numbers=numbers,
            purpose=STAFF_LOOK,
            page=str(self.opts.verbose_name),
            now=timezone.now(),
            **more,
        )


class OfPeople(StaffAdmin):
    """Rows about one person each: nobody is listed until a whole number or name is typed. Staff of
    a city see its people, and those whom they looked up with a reason in the last minutes
    (lookups.OPEN_FOR)."""

    by_reason = True
    actions = None
    show_full_result_count = False
    # Columns of names that are searched for whole names.
    names: ClassVar[tuple[str, ...]] = ()
    # Other columns that are searched for whole values, such as an account's number.
    numbers: ClassVar[tuple[str, ...]] = ()

    @property
    def number_column(self) -> str:
        """The row's own column of the identity number."""
        return self.identity_numbers[0]

    def of_cities(self, cities: list[str]) -> Q:
        """The condition that a row's person belongs to one of these cities."""
        return belonging.numbers_of_cities(cities, self.number_column)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows, user = super().get_queryset(request), staff(request)
        cities = staff_cities(user)
        if len(cities) == len(book().cities) and not user.city:
            return rows
        opened = lookups.opened_with_reason(user=user, now=timezone.now()).values("identity_number")
        return rows.filter(self.of_cities(cities) | Q(**{f"{self.number_column}__in": opened}))

    def is_own(self, request: HttpRequest, row: Any) -> bool:
        """Whether the row's person belongs to this login's city: only such rows are changed."""
        user = staff(request)
        if not user.city:
            return True
        return self.model._default_manager.filter(self.of_cities([user.city]), pk=row.pk).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or self.is_own(request, obj))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset.none(), False
        if number := person_number_in(term):
            # An account's number may also be a valid identity number.
            matching = Q(**{self.number_column: number})
        else:
            matching = Q(pk__in=[])
        for name in self.names:
            matching |= Q(**{name: term})
        for column in self.numbers:
            matching |= Q(**{column: narrow(term).upper()})
        return queryset.filter(matching), False


class OfTheCity(StaffAdmin):
    """Rows of a city, for its staff; a login without a city sees those of every city. Nothing is
    added or deleted by hand."""

    actions = None
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(city__in=staff_cities(request.user))
