"""Persons and their bank accounts in the workbench; a person's file changes by two hands."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from portal.accounts import identity_corrections, openings, person_changes
from portal.accounts.fields import NameField, PhoneField
from portal.accounts.models import User
from portal.accounts.paper_forms import StatesPaper
from portal.accounts.permissions import city_choices, staff
from portal.accounts.proposals import NotProposed
from portal.accounts.proposals_admin import ByTwo, ProposingForm, ReasonField
from portal.accounts.staff_admin import OfPeople, OfTheCity
from portal.people import belonging
from portal.people.models import OTHER_PAPERS, BankAccount, Person
from portal.shared import identity
from portal.shared.months import today_in_china


class PersonForm(ProposingForm):
    name = NameField(widget=UnfoldAdminTextInputWidget)
    phone = PhoneField(required=False, widget=UnfoldAdminTextInputWidget)
    reason = ReasonField(
        help_text=gettext_lazy("写明核对了什么材料。变更由另一名工作人员复核后生效，并通知本人。")
    )

    class Meta:
        model = Person
        fields = person_changes.DETAILS

    def ensure(self, cleaned: dict[str, Any]) -> None:
        person_changes.ensure_details(Person.objects.get(pk=self.instance.pk), by=self.by)

    def clean_archive_birth_date(self) -> dt.date | None:
        day: dt.date | None = self.cleaned_data["archive_birth_date"]
        if day is not None and day > today_in_china(timezone.now()):
            raise ValidationError(_("档案出生日期不能晚于今天。"))
        return day

    def clean_household_code(self) -> str:
        code: str = self.cleaned_data["household_code"]
        if code and not (len(code) == 6 and code.isascii() and code.isdigit()):
            raise ValidationError(_("区划代码是 6 位数字，例如 330211。"), code="form")
        return code


def in_workbench(form: forms.Form | forms.ModelForm) -> None:
    """The fields of a paper as the workbench draws its own."""
    for name in StatesPaper.base_fields:
        field = form.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.widget = UnfoldAdminSelectWidget(choices=field.choices)
        elif isinstance(field, forms.DateField):
            field.widget = UnfoldAdminSingleDateWidget()
        elif not field.widget.is_hidden:
            field.widget = UnfoldAdminTextInputWidget()


class PlaceField(forms.ChoiceField):
    """One of the cities that the login works for; the only one is chosen."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("参保地"))
        super().__init__(widget=UnfoldAdminSelectWidget, **kwargs)

    def offer(self, user: User) -> None:
        cities = city_choices(user)
        # Who works for all of them chooses: no city comes by itself.
        self.choices = cities if len(cities) == 1 else [("", "---------"), *cities]


class PersonOpeningForm(StatesPaper, ProposingForm):
    """建档: the file of somebody whom the register does not know."""

    name = NameField(widget=UnfoldAdminTextInputWidget)
    phone = PhoneField(required=False, widget=UnfoldAdminTextInputWidget)
    city = PlaceField(label=gettext_lazy("建档城市"))
    reason = ReasonField(help_text=gettext_lazy("写明核对了什么材料。由另一名工作人员复核后建档。"))

    class Meta:
        model = Person
        fields = ("household_code",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["city"].offer(self.by)  # type: ignore[attr-defined]
        in_workbench(self)
        self.fields["household_code"].help_text = gettext_lazy(
            "户籍所在地的 6 位区划代码，例如 330211；没有国内户籍的外国人不填。"
        )

    clean_household_code = PersonForm.clean_household_code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        of_foreigner = cleaned.get("document") in {*map(str, OTHER_PAPERS)}
        if not of_foreigner and not cleaned.get("household_code") and "household_code" not in self.errors:
            self.add_error("household_code", ValidationError(_("这个字段是必填项。"), code="required"))
        return cleaned

    def ensure(self, cleaned: dict[str, Any]) -> None:
        openings.ensure_person(cleaned, city=cleaned["city"], by=self.by)


WRONG, RENEWED = "wrong", "renewed"


class CorrectionForm(StatesPaper):
    """身份信息更正: who the person is by the papers that staff have seen, all of it."""

    knows_file = False
    field_order = (
        *(
            "how",
            "document",
            "identity_number",
            "name",
            "nationality",
            "sex",
            "birth_date",
            "paper_expires_on",
        ),
        *("reason", "evidence"),
    )

    how = forms.ChoiceField(
        label=gettext_lazy("更正的原因"),
        choices=[
            (WRONG, gettext_lazy("登记有误：按证件更正，社会保障号码随证件重新确定")),
            (RENEWED, gettext_lazy("换发了护照或旧版永久居留身份证：社会保障号码不变")),
        ],
        widget=forms.RadioSelect,
    )
    name = NameField()
    reason = forms.CharField(
        label=gettext_lazy("更正事由"),
        max_length=200,
        help_text=gettext_lazy("写明错在哪里、怎样发生的。"),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    evidence = forms.CharField(
        label=gettext_lazy("核对的材料"),
        max_length=200,
        help_text=gettext_lazy("写明看了哪些原件，例如居民身份证、户口簿、派出所出具的更正证明及其编号。"),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, person: Person, by: User, **kwargs: Any) -> None:
        self.person, self.by = person, by
        has_other_paper = person.paper_kind != ""
        initial = {
            "how": WRONG,
            "document": person.paper_kind,
            "identity_number": person.number_on_paper,
            "name": person.name,
            "nationality": person.nationality,
            "sex": person.sex if has_other_paper else "",
            "birth_date": person.birth_date if has_other_paper else None,
            "paper_expires_on": person.paper_expires_on,
        }
        super().__init__(*args, **{**kwargs, "initial": initial})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and cleaned["how"] == RENEWED:
            if not (self.person.paper_kind and cleaned["document"]):
                self.add_error("how", _("换发后号码不变的，只有护照和旧版永久居留身份证；请选择另一项。"))
            else:
                cleaned["identity_number"] = self.person.identity_number
        if self.errors:
            return cleaned
        if {**self.stated_paper().told(), "name": cleaned["name"]} == identity_corrections.told_of(
            self.person
        ):
            self.add_error(None, _("填写的与登记的完全一致，没有需要更正的内容。"))
            return cleaned
        try:
            identity_corrections.ensure(self.person, paper=self.stated_paper(), by=self.by)
        except NotProposed as why:
            taken = str(why) == str(identity_corrections.TAKEN)
            self.add_error("identity_number" if taken else None, str(why))
        return cleaned


@admin.register(Person)
class PersonAdmin(ByTwo, OfPeople):
    """Persons: nobody is listed until a whole number or name is typed. What the number says is not
    edited; a new file is opened by two."""

    form = PersonForm
    change_form_outer_after_template = "admin/accounts/to_correct.html"
    identity_numbers = ("identity_number",)
    names = ("name",)
    numbers = ("paper_number",)
    list_display = ("name", "number_masked", "sex", "birth_date", "phone_masked")
    search_fields = ("pk",)
    search_help_text = gettext_lazy("请输入完整的身份证件号码或姓名，查询会留下记录")
    ordering = ("name", "pk")
    fields = (
        "name",
        "number_masked",
        "former_numbers",
        "paper",
        "paper_masked",
        "paper_expires_on",
        "sex",
        "birth_date",
        "archive_birth_date",
        "phone",
        "household_code",
        "created_at",
        "reason",
    )
    readonly_fields = (
        *(
            "number_masked",
            "former_numbers",
            "paper",
            "paper_masked",
            "paper_expires_on",
            "sex",
            "birth_date",
        ),
        *("created_at", "phone_masked"),
    )

    def of_cities(self, cities: list[str]) -> Q:
        return belonging.of_cities(cities)

    def get_urls(self) -> list[URLPattern]:
        address = path(
            "<int:object_id>/correct/",
            self.admin_site.admin_view(self.correct_view),
            name="people_person_correct",
        )
        return [address, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        person = self.get_object(request, object_id)
        may_correct = person is not None and self.has_change_permission(request, person)
        context = {**(extra_context or {}), "may_correct": may_correct}
        return super().change_view(request, object_id, form_url, context)

    @method_decorator(never_cache)
    def correct_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """身份信息更正: the form; a POST proposes."""
        person = self.get_queryset(request).filter(pk=object_id).first()
        if person is None or not self.has_change_permission(request, person):
            raise Http404
        by = staff(request)
        form = CorrectionForm(request.POST or None, person=person, by=by)
        if form.is_valid():
            cleaned = form.cleaned_data
            try:
                identity_corrections.propose(
                    person,
                    paper=form.stated_paper(),
                    name=cleaned["name"],
                    reason=cleaned["reason"],
                    evidence=cleaned["evidence"],
                    by=by,
                    now=timezone.now(),
                )
            except NotProposed as why:
                form.add_error(None, str(why))
            else:
                messages.success(request, _("已提交，由另一名工作人员复核后生效。"))
                return HttpResponseRedirect(reverse("admin:accounts_proposal_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("身份信息更正"),
            "person": person,
            "form": form,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/accounts/correct_identity.html", context, status=status)

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = PersonOpeningForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.readonly_fields

    def get_fields(self, request: HttpRequest, obj: Person | None = None) -> Any:
        if obj is None:
            return (*openings.PERSON_ASKED, "city", "reason")
        if self.has_change_permission(request, obj):
            return self.fields
        return tuple("phone_masked" if name == "phone" else name for name in self.fields if name != "reason")

    def proposed(self, request: HttpRequest, obj: Any, form: Any, *, change: bool) -> bool:
        if not change:
            cleaned = form.cleaned_data
            openings.propose_person(
                cleaned, city=cleaned["city"], reason=cleaned["reason"], by=staff(request), now=timezone.now()
            )
            return True
        changes = {
            name: (
                person_changes.as_text(form.initial[name]),
                person_changes.as_text(form.cleaned_data[name]),
            )
            for name in person_changes.DETAILS
        }
        changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        if not changes:
            return False
        person = Person.objects.get(pk=obj.pk)
        person_changes.propose_details(
            person, changes=changes, reason=form.cleaned_data["reason"], by=staff(request), now=timezone.now()
        )
        return True

    @admin.display(description=gettext_lazy("证件类型"))
    def paper(self, person: Person) -> str:
        country = identity.nationality_of(person.identity_number)
        title = _(identity.DOCUMENT_LABELS[person.document])
        if person.paper_kind:
            return f"{title}（{person.nationality} {person.country}）"
        return title + (_("（国籍代码 {code}，GB/T 2659）").format(code=country) if country else "")

    @admin.display(description=gettext_lazy("证件号码"))
    def paper_masked(self, person: Person) -> str:
        return person.masked_paper

    @admin.display(description=gettext_lazy("社会保障号码"))
    def number_masked(self, person: Person) -> str:
        return identity.mask(person.identity_number)

    @admin.display(description=gettext_lazy("曾用的15位号码"))
    def former_numbers(self, person: Person) -> str:
        return "、".join(identity.mask(one.number) for one in person.former_numbers.all()) or "—"

    @admin.display(description=gettext_lazy("手机号码"))
    def phone_masked(self, person: Person) -> str:
        return identity.mask_phone(person.phone) or "—"


@admin.register(BankAccount)
class BankAccountAdmin(OfTheCity):
    """To read: an account changes by its own service, because the next debit draws on it."""

    identity_numbers = ("person__identity_number",)
    list_display = ("person", "city", "bank", "number_masked", "start", "until")
    list_filter = ("city", "bank")
    list_select_related = ("person",)
    search_fields = ("=person__name",)
    search_help_text = gettext_lazy("完整的姓名")
    ordering = ("-start", "-pk")
    fields = readonly_fields = ("person", "city", "bank", "number_masked", "holder", "start", "until")

    def has_change_permission(self, request: HttpRequest, obj: BankAccount | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("账号"))
    def number_masked(self, account: BankAccount) -> str:
        return identity.mask_account(account.number)
