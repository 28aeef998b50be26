"""The local registers that stand in for the outside ones. Staff keep them, so that there is data to
compare with."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal.accounts.fields import CreditCodeField
from portal.accounts.models import User
from portal.accounts.permissions import staff, staff_cities
from portal.accounts.staff_admin import OfPeople, StaffAdmin, staff_typed_number
from portal.people import belonging
from portal.people.persons import find
from portal.policy.book import book
from portal.registers.birth import CERTIFICATE
from portal.registers.models import (
    BankAccountRecord,
    BirthRecord,
    BusinessRecord,
    HouseholdRecord,
    MedicalAccountRecord,
    SecurityCardRecord,
)
from portal.shared import bank_account, identity
from portal.shared.characters import narrow


class RecordForm(forms.ModelForm):
    # The member of staff who fills in the form.
    by: User

    def clean_identity_number(self) -> str:
        number = staff_typed_number(self.cleaned_data["identity_number"])
        person = find(number)
        if person and self.by.city and not belonging.belongs(person, [self.by.city]):
            raise ValidationError(
                _("这名人员不属于本市，请由其参保地或户籍地的经办机构登记。"), code="elsewhere"
            )
        return number


class AccountRecordForm(RecordForm):
    def clean_number(self) -> str:
        try:
            # Of its own accounts a bank knows whether they have a check digit.
            return bank_account.parse(self.cleaned_data["number"], fewest=8, most=32, checked=())
        except bank_account.InvalidAccount as mistake:
            raise ValidationError(_("账号应为 8 至 32 位数字，请逐位核对。"), code=mistake.code) from mistake


def parents_number(typed: str) -> str:
    """A parent's identity number as typed by staff; "" where none is named. Raises
    ValidationError."""
    return staff_typed_number(typed) if typed else ""


class PlacedForm(RecordForm):
    """Of entries that name a place of the own city; ``of_elsewhere`` says what to do with
    others."""

    of_elsewhere: ClassVar[Any]

    def clean_place_code(self) -> str:
        code: str = self.cleaned_data["place_code"]
        if not (len(code) == 6 and code.isascii() and code.isdigit()):
            raise ValidationError(_("区划代码是 6 位数字，例如 330211。"), code="form")
        if self.by.city and code not in [place.code for place in book().city(self.by.city).places]:
            raise ValidationError(self.of_elsewhere, code="elsewhere")
        return code


class HouseholdRecordForm(PlacedForm):
    of_elsewhere = gettext_lazy("这不是本市的区划代码。外地户籍请由当地的经办机构登记。")

    class Meta:
        model = HouseholdRecord
        fields = (
            "identity_number",
            "name",
            "place_code",
            "settled_on",
            "book_number",
            "father_number",
            "mother_number",
        )

    def clean_father_number(self) -> str:
        return parents_number(self.cleaned_data["father_number"])

    def clean_mother_number(self) -> str:
        return parents_number(self.cleaned_data["mother_number"])


class RecordAdmin(OfPeople):
    """Entries of people of the own city; somebody of elsewhere is looked up with a reason, and
    never changed."""

    identity_numbers = ("identity_number",)
    search_fields = ("pk",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"by": staff(request)})


class NamedRecordAdmin(RecordAdmin):
    """Entries with a name. ``asked``: the form's fields in their order. The identity number, and
    what else is ``typed_once``, cannot be edited afterwards; the number is masked then."""

    names = ("name",)
    search_help_text = gettext_lazy("请输入完整的身份证号码或姓名，查询会留下记录")
    ordering = ("name", "pk")
    asked: ClassVar[tuple[str, ...]] = ()
    typed_once: ClassVar[tuple[str, ...]] = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.asked
        return tuple("number_masked" if one == "identity_number" else one for one in self.asked)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else (*self.typed_once, "number_masked")

    @admin.display(description=gettext_lazy("身份证号码"))
    def number_masked(self, record: Any) -> str:
        return identity.mask(record.identity_number)


class PlacedRecordAdmin(NamedRecordAdmin):
    """Entries that name a place: those of a place in the own city are the city's, too."""

    def of_cities(self, cities: list[str]) -> Q:
        codes = [place.code for city in cities for place in book().city(city).places]
        return super().of_cities(cities) | Q(place_code__in=codes)


@admin.register(HouseholdRecord)
class HouseholdRecordAdmin(PlacedRecordAdmin):
    form = HouseholdRecordForm
    list_display = ("name", "number_masked", "place_code", "settled_on")
    asked = HouseholdRecordForm.Meta.fields


class BirthRecordForm(RecordForm):
    class Meta:
        model = BirthRecord
        fields = ("certificate_number", "identity_number", "name", "father_number", "mother_number")

    def clean_certificate_number(self) -> str:
        number = narrow(self.cleaned_data["certificate_number"]).upper()
        if not CERTIFICATE.fullmatch(number):
            raise ValidationError(_("出生医学证明编号是一个字母加 9 位数字，请核对。"), code="form")
        return number

    def clean_father_number(self) -> str:
        return parents_number(self.cleaned_data["father_number"])

    def clean_mother_number(self) -> str:
        return parents_number(self.cleaned_data["mother_number"])


@admin.register(BirthRecord)
class BirthRecordAdmin(NamedRecordAdmin):
    form = BirthRecordForm
    list_display = ("name", "number_masked")
    asked = BirthRecordForm.Meta.fields
    typed_once = ("certificate_number",)


class BusinessRecordForm(forms.ModelForm):
    # The member of staff who fills in the form.
    by: User

    credit_code = CreditCodeField(widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = BusinessRecord
        fields = (
            "credit_code",
            "name",
            "kind",
            "address",
            "place_code",
            "founded_on",
            "representative_name",
            "representative_number",
            "scope",
            "capital_fen",
            "state",
        )

    def clean_representative_number(self) -> str:
        return staff_typed_number(self.cleaned_data["representative_number"])

    def clean_place_code(self) -> str:
        code: str = self.cleaned_data["place_code"]
        if code not in [place.code for city in staff_cities(self.by) for place in book().city(city).places]:
            raise ValidationError(_("这不是本市的区划代码，例如 330211。"), code="elsewhere")
        return code


@admin.register(BusinessRecord)
class BusinessRecordAdmin(StaffAdmin):
    """Entities that are registered in the own city's districts."""

    form = BusinessRecordForm
    list_display = ("name", "credit_code", "representative_name", "founded_on", "state")
    list_filter = ("state",)
    search_fields = ("name", "=credit_code")
    search_help_text = gettext_lazy("单位名称或统一社会信用代码")
    ordering = ("name", "pk")
    actions = None
    fields = BusinessRecordForm.Meta.fields

    def get_queryset(self, request: HttpRequest) -> Any:
        codes = [place.code for city in staff_cities(staff(request)) for place in book().city(city).places]
        return super().get_queryset(request).filter(place_code__in=codes)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"by": staff(request)})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Typed once; afterwards the numbers stay, and the representative's is masked."""
        if obj is None:
            return self.fields
        return [{"representative_number": "number_masked"}.get(name, name) for name in self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("credit_code", "number_masked")

    @admin.display(description=gettext_lazy("法定代表人身份证号码"))
    def number_masked(self, record: BusinessRecord) -> str:
        return identity.mask(record.representative_number)


class AccountRecordAdmin(RecordAdmin):
    """What a bank says of a person's account: numbers are typed once; afterwards they are masked
    and stay."""

    form = AccountRecordForm
    numbers = ("number",)
    ordering = ("pk",)
    shown: tuple[str, ...] = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        numbers = ("identity_number", "number") if obj is None else ("identity_masked", "number_masked")
        return (*numbers, *self.shown)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("identity_masked", "number_masked")

    @admin.display(description=gettext_lazy("身份证号码"))
    def identity_masked(self, record: BankAccountRecord | SecurityCardRecord | MedicalAccountRecord) -> str:
        return identity.mask(record.identity_number)

    @admin.display(description=gettext_lazy("账号"))
    def number_masked(self, record: BankAccountRecord | SecurityCardRecord | MedicalAccountRecord) -> str:
        return identity.mask_account(record.number)


@admin.register(BankAccountRecord)
class BankAccountRecordAdmin(AccountRecordAdmin):
    list_display = ("holder", "identity_masked", "bank", "number_masked")
    names = ("holder",)
    search_help_text = gettext_lazy("请输入完整的账号、身份证号码或户名，查询会留下记录")
    shown = ("bank", "holder", "phone", "opened_in", "account_class", "is_closed")


@admin.register(SecurityCardRecord)
class SecurityCardRecordAdmin(AccountRecordAdmin):
    list_display = ("identity_masked", "bank", "number_masked", "activated")
    search_help_text = gettext_lazy("请输入完整的身份证号码或卡号，查询会留下记录")
    shown = ("bank", "holder", "phone", "activated")


@admin.register(MedicalAccountRecord)
class MedicalAccountRecordAdmin(AccountRecordAdmin):
    """The city is one of the portal's; the account is told apart by person and city."""

    list_display = ("identity_masked", "city", "number_masked", "state")
    search_help_text = gettext_lazy("请输入完整的身份证号码或社会保障卡卡号，查询会留下记录")
    shown = ("city", "state")

    def of_cities(self, cities: list[str]) -> Q:
        return Q(city__in=cities)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "city":
            cities = [(city, book().city(city).title) for city in staff_cities(request.user)]
            return forms.ChoiceField(label=db_field.verbose_name, choices=cities)
        return super().formfield_for_dbfield(db_field, request, **kwargs)
