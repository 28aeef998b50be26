"""身份证号正常升位: the months of a record under 15 digits go to the person whose number of 18
digits replaces it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.charges import brought_in
from contributions.models import BroughtInPeriod, Charge, Origin
from contributions.ways import MEND, TAKE_BACK
from portal.accounts.fields import IDENTITY_MISTAKES
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.people.models import FormerNumber
from portal.policy.book import book
from portal.shared import identity, names
from portal.shared.characters import narrow
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_span, periods_zh, runs

INSURANCE = Insurance.PENSION
# The last group of a number of 15 digits of whoever was born a century before (GB 11643).
_CENTENARIANS = ("996", "997", "998", "999")


class UpgradeForm(ServiceForm):
    former_number = forms.CharField(
        label=gettext_lazy("原 15 位身份证号码"),
        help_text=gettext_lazy("旧身份证上的号码；升位时在年份前加 19，末尾加一位校验码。"),
        max_length=40,
        widget=forms.TextInput(attrs={"class": "w-18", "inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("请填写原来的 15 位身份证号码。")},
    )

    def clean_former_number(self) -> str:
        typed = narrow(self.cleaned_data["former_number"])
        try:
            identity.upgrade(typed)
        except identity.InvalidIdentity as mistake:
            why = (
                IDENTITY_MISTAKES["date"]
                if mistake.code == "date"
                else _("原身份证号码是 15 位数字，请对照旧身份证或缴费手册核对。")
            )
            raise forms.ValidationError(why, code=mistake.code) from mistake
        return typed


@dataclass(frozen=True)
class UpgradeFacts:
    """What the number becomes, the record under it (None: there is none), whether it is somebody's
    now, and which of its months the person has already."""

    becomes: str
    record: FormerNumber | None
    taken_over: bool
    doubled: tuple[Month, ...]

    def frozen(self) -> dict[str, Any]:
        return {
            "becomes": self.becomes,
            "record": str(self.record) if self.record else "",
            "source": self.record.source if self.record else "",
            "doubled": [str(month) for month in self.doubled],
        }


class IdUpgrade(Service):
    code = "id-upgrade"
    title = gettext_lazy("身份证号正常升位")
    audience = Audience.PERSON
    theme = Theme.DETAILS
    form = UpgradeForm
    submit_label = gettext_lazy("并入原号码的记录")
    also_known_as = ("身份证升位", "15位升18位", "旧身份证号码")

    def facts(self, ask: Ask, outside: Any) -> UpgradeFacts:
        number = str(ask.answers.get("former_number", ""))
        record = FormerNumber.objects.filter(number=number, city=ask.offer.city).first()
        months = set(_months(record)) if record else set()
        return UpgradeFacts(
            becomes=identity.upgrade(number),
            record=record,
            taken_over=record is not None and record.person_id is not None,
            doubled=tuple(sorted(months & _held(ask))) if months else (),
        )

    def rule(self, ask: Ask, facts: UpgradeFacts) -> Iterator[Finding]:
        field, record = "former_number", facts.record
        place = book().city(ask.offer.city)
        if str(ask.answers[field])[-3:] in _CENTENARIANS:
            yield Bar(field, _("这类号码的升位须核对档案，请到窗口办理。"))
        elif facts.becomes != ask.person.identity_number:
            mend = MEND.at(ask.offer.city)
            why = _("升位后的号码与您的身份证号码不同，不是正常升位，请{mend}。").format(mend=mend)
            yield Bar(field, why, (mend,))
        elif record is None:
            yield Bar(field, _("没有查到这个15位号码的参保记录，不需要升位。"))
        elif facts.taken_over:
            yield Bar(field, _("与现在的登记相同，不需要变更：这个号码的记录已经并入。"))
        elif not names.agree(record.name, ask.person.name):
            why = _("原号码登记的姓名与您现在的姓名不一致，请到{agency}窗口核对（电话 {phone}）。")
            yield Bar(field, why.format(agency=place.agency, phone=place.hotline))
        elif facts.doubled:
            back = TAKE_BACK.at(ask.offer.city)
            why = _("两个号码有重复月份（{months}），请先{back}。").format(
                months=periods_zh(runs(facts.doubled)), back=back
            )
            yield Bar(field, why, (back,))

    def effect(self, case: Case, ask: Ask, facts: UpgradeFacts, *, by: User, now: datetime) -> dict[str, Any]:
        record = facts.record
        if record is None:
            raise ValueError(f"{case.number}: there is no record; the rule was not applied")
        added = brought_in.add(
            ask.person,
            city=ask.offer.city,
            insurance=INSURANCE,
            origin=Origin.FORMER_NUMBER,
            what=_("原15位号码 {number} 的记录").format(number=identity.mask(record.number)),
            months=_months(record),
            wages=record.wages,
            key=f"former-number/{record.pk}",
            by=by,
            now=now,
        )
        FormerNumber.objects.filter(pk=record.pk, person=None).update(person=ask.person, taken_over_at=now)
        return {
            "brought_in": added.pk,
            "lines": [
                *(list(line) for line in self.summary(ask, facts)),
                [
                    _("下一步"),
                    _("这些月份已计入您的养老保险缴费年限，今后开具的证明都会列出；以前开具的证明不变。"),
                ],
            ],
            "links": [[_("查看参保缴费记录"), reverse("record")]],
        }

    def summary(self, ask: Ask, facts: UpgradeFacts) -> list[tuple[str, str]]:
        number = identity.mask(str(ask.answers["former_number"]))
        becomes = _("{before} → {after}").format(before=number, after=identity.mask(facts.becomes))
        lines = [(_("身份证号码"), becomes)]
        if facts.record is not None:
            months = _months(facts.record)
            lines += [
                (
                    _("并入的月份"),
                    _("{span}，共 {count} 个月").format(span=periods_zh(runs(months)), count=len(months)),
                ),
                (_("记录来源"), facts.record.source),
            ]
        return lines


def _months(record: FormerNumber) -> list[Month]:
    return [
        month
        for start, until in record.periods
        for month in month_span(Month.parse(start), Month.parse(until))
    ]


def _held(ask: Ask) -> set[Month]:
    """The pension months that the person owes, has paid or has counted, wherever."""
    about = Q(person=ask.person, insurance=INSURANCE, live=True)
    charged = set(Charge.objects.filter(about).values_list("month", flat=True))
    counted = BroughtInPeriod.objects.filter(about)
    return charged | {month for one in counted for month in month_span(one.start, one.until)}
