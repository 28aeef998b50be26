"""Guardians in the workbench: who files for whom, registered and ended by two hands."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal.accounts import person_changes
from portal.accounts.permissions import staff
from portal.accounts.proposals_admin import ByTwo, ProposingForm, ReasonField
from portal.accounts.staff_admin import OfPeople, staff_typed_number, staff_typed_paper
from portal.columns import person_name
from portal.people import belonging, guardianship
from portal.people.models import Guardianship, Person, Proof
from portal.people.papers import Paper
from portal.shared import names
from portal.shared.months import today_in_china


class GuardianshipForm(ProposingForm):
    """A new guardianship: both are named by their numbers; a ward whom the register does not know
    yet gets a file."""

    guardian_number = forms.CharField(
        label=gettext_lazy("监护人身份证号码"), max_length=40, widget=UnfoldAdminTextInputWidget
    )
    ward_number = forms.CharField(
        label=gettext_lazy("被监护人身份证号码"), max_length=40, widget=UnfoldAdminTextInputWidget
    )
    ward_name = forms.CharField(
        label=gettext_lazy("被监护人姓名"), max_length=60, widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Guardianship
        fields = ("relation", "proof_kind", "proof", "start", "ends_on")
        help_texts = {"proof": gettext_lazy("写明核对了什么材料。由另一名工作人员复核后生效，并通知双方。")}

    def clean_guardian_number(self) -> Person:
        number = staff_typed_number(self.cleaned_data["guardian_number"])
        guardian = Person.objects.filter(identity_number=number).first()
        if guardian is None:
            raise ValidationError(_("没有查到这名监护人，请先由其本人注册个人账号。"))
        return guardian

    def clean_ward_name(self) -> str:
        return person_name(self.cleaned_data["ward_name"])

    def clean_ward_number(self) -> Paper:
        return staff_typed_paper(self.cleaned_data["ward_number"])

    def ensure(self, cleaned: dict[str, Any]) -> None:
        person_changes.ensure_guardianship(
            cleaned["guardian_number"], cleaned["ward_number"].identity_number, by=self.by
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        guardian, number, start = (
            cleaned.get("guardian_number"),
            cleaned.get("ward_number"),
            cleaned.get("start"),
        )
        if number and guardian and guardian.identity_number == number.identity_number:
            self.add_error("ward_number", _("监护人和被监护人不能是同一个人。"))
        known = Person.objects.filter(identity_number=number.identity_number).first() if number else None
        if known and cleaned.get("ward_name") and not names.agree(known.name, cleaned["ward_name"]):
            self.add_error("ward_name", _("姓名与登记的不一致，请核对身份证号码和姓名。"))
        if number and start:
            self._end_with_childhood(cleaned, number, start)
        return cleaned

    def _end_with_childhood(self, cleaned: dict[str, Any], number: Paper, start: Any) -> None:
        """For a minor it ends, at the latest, on the day they come of age. Only the guardianship
        of an adult who cannot act for themselves may go on."""
        today = today_in_china(timezone.now())
        cleaned["ends_on"] = guardianship.ends(
            number.birth_date, start=start, ends_on=cleaned.get("ends_on"), on=today
        )
        if cleaned["ends_on"] is None and cleaned.get("proof_kind") not in (None, Proof.INCAPACITY):
            self.add_error(
                "proof_kind",
                _("被监护人已成年：只有经法院认定无民事行为能力或限制民事行为能力的，才能登记监护人。"),
            )


class GuardianshipEndForm(ProposingForm):
    reason = ReasonField()

    class Meta:
        model = Guardianship
        fields = ("ends_on",)

    def ensure(self, cleaned: dict[str, Any]) -> None:
        person_changes.ensure_end(self.instance, by=self.by)

    def clean_ends_on(self) -> dt.date | None:
        ends_on: dt.date | None = self.cleaned_data["ends_on"]
        if ends_on is not None and ends_on < self.instance.start:
            raise ValidationError(_("终止日期不能早于开始日期。"))
        if ends_on is None and self.instance.proof_kind != Proof.INCAPACITY:
            raise ValidationError(_("未成年人的监护关系最迟在其成年之日终止，请填写终止日期。"))
        of_age = guardianship.ends(
            self.instance.ward.birth_date,
            start=self.instance.start,
            ends_on=ends_on,
            on=today_in_china(timezone.now()),
        )
        if of_age != ends_on:
            raise ValidationError(_("未成年人的监护关系最迟在其成年之日终止，不能更晚。"))
        return ends_on


@admin.register(Guardianship)
class GuardianshipAdmin(ByTwo, OfPeople):
    """Who files for whom: staff of the ward's city register it, by two hands. Afterwards only its
    end can be set, and nothing is deleted."""

    form = GuardianshipForm
    identity_numbers = ("ward__identity_number", "guardian__identity_number")
    names = ("guardian__name", "ward__name")
    numbers = ("guardian__identity_number",)
    list_display = ("guardian", "ward", "place", "relation", "start", "ends_on")
    list_select_related = ("guardian", "ward")
    search_fields = ("pk",)
    search_help_text = gettext_lazy("请输入完整的身份证号码或姓名，查询会留下记录")
    ordering = ("-start", "-pk")
    shown = ("guardian", "ward", "place", "relation", "proof_kind", "proof", "start")

    def of_cities(self, cities: list[str]) -> Q:
        of_them = Person.objects.filter(belonging.of_cities(cities))
        return Q(ward__in=of_them) | Q(guardian__in=of_them)

    def is_own(self, request: HttpRequest, row: Any) -> bool:
        user = staff(request)
        return not user.city or belonging.belongs(row.ward, [user.city])

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs["form"] = GuardianshipEndForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return (
                "guardian_number",
                "ward_number",
                "ward_name",
                "relation",
                "proof_kind",
                "proof",
                "start",
                "ends_on",
            )
        return (*self.shown, "ends_on", *(("reason",) if self.has_change_permission(request, obj) else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def proposed(self, request: HttpRequest, obj: Any, form: Any, *, change: bool) -> bool:
        cleaned, by, now = form.cleaned_data, staff(request), timezone.now()
        if change:
            if cleaned["ends_on"] == form.initial["ends_on"]:
                return False
            person_changes.propose_end(
                obj, ends_on=cleaned["ends_on"], reason=cleaned["reason"], by=by, now=now
            )
            return True
        person_changes.propose_guardianship(
            cleaned["guardian_number"],
            ward_number=cleaned["ward_number"].identity_number,
            ward_name=cleaned["ward_name"],
            relation=cleaned["relation"],
            proof_kind=cleaned["proof_kind"],
            proof=cleaned["proof"],
            start=cleaned["start"],
            ends_on=cleaned["ends_on"],
            by=by,
            now=now,
        )
        return True
