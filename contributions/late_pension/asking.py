"""What services ask that take months past the retirement age, and what bars them all."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.late_pension import record as late_record
from contributions.late_pension.record import Record
from contributions.ways import MOVE_IN
from enrollment.households import categories, category
from enrollment.residents import DRAWS, Registered
from enrollment.ways import RESIDENT_PENSION
from portal.hall.service import Ask, Bar, Finding, Mismatch, ServiceForm
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.retirement import RetirementCategory
from portal.policy.terms.late_pension import late_terms
from portal.shared.identity import Sex
from portal.shared.months import Month, month_in_china, today_in_china
from portal.shared.tables import Some

_CATEGORIES = Some(
    {
        RetirementCategory.WOMAN_55: gettext_lazy("女干部（管理、技术岗位），55 周岁起"),
        RetirementCategory.WOMAN_50: gettext_lazy("女工人，50 周岁起"),
    }
)
# More years than anybody has worked.
_MOST_DEEMED = 480


class AsksLate(ServiceForm):
    """Household, category, when the household was settled, and years that count without payment."""

    def add_late_fields(self) -> None:
        person, city = self.applicant.person, book().city(self.offer.city)
        if person is None:
            return
        self.fields["household"] = forms.ChoiceField(
            label=_("户籍类别"),
            choices=list(categories(city).items()),
            initial=category(city, person.household_code),
            widget=forms.RadioSelect,
            help_text=_("提交后与户籍登记比对。"),
            error_messages={"required": _("请选择户籍类别。")},
        )
        self.fields["settled_on"] = forms.DateField(
            label=_("户口迁入{city}的日期").format(city=city.title),
            required=False,
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            help_text=_("{city}户籍的填写；出生即在{city}的，填出生日期。").format(city=city.title),
        )
        if person.sex != Sex.MALE:
            self.fields["category"] = forms.ChoiceField(
                label=_("退休类别"),
                choices=[(str(code), str(words)) for code, words in _CATEGORIES.items()],
                widget=forms.RadioSelect,
                help_text=_("按退休前最后一份劳动合同的岗位，到窗口核对。"),
                error_messages={"required": _("请选择退休类别。")},
            )
        self.fields["deemed_months"] = forms.IntegerField(
            label=_("视同缴费月数"),
            required=False,
            min_value=0,
            max_value=_MOST_DEEMED,
            widget=forms.NumberInput(attrs={"class": "w-11", "inputmode": "numeric"}),
            help_text=_("没有的不填；有的带职工档案到窗口核对。"),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        settled = cleaned.get("settled_on")
        if cleaned.get("household") == "city" and not settled and "settled_on" not in self.errors:
            self.add_error("settled_on", _("请填写户口迁入的日期。"))
        if settled and settled > today_in_china(self.now):
            self.add_error("settled_on", _("迁入日期不能晚于今天。"))
        if cleaned.get("household") != "city":
            cleaned["settled_on"] = None
        return cleaned


@dataclass(frozen=True)
class LateFacts:
    """The record of months, and what the registers say."""

    record: Record
    registered: Registered

    def frozen(self) -> dict[str, Any]:
        household, pension = self.registered.household, self.registered.pension
        return {
            **self.record.frozen(),
            "household": household.place_code if household else None,
            "draws_since": str(pension.since) if pension else "",
        }


def read(ask: Ask, registered: Registered | None) -> LateFacts:
    """The person's record with what they state of it."""
    person = Person.objects.get(pk=ask.person.pk)
    return LateFacts(
        record=late_record.read(
            person,
            city=ask.offer.city,
            category=late_record.category_of(person, str(ask.answers.get("category", ""))),
            deemed=int(ask.answers.get("deemed_months") or 0),
            now=ask.filed_at,
        ),
        registered=registered or Registered(None, None),
    )


def bars(ask: Ask, record: Record, registered: Registered) -> Iterator[Bar]:
    """What bars whatever else is answered: a pension that is drawn, an age not reached, months
    enough, months left elsewhere. A woman's age goes by the category that she states."""
    if registered.pension is not None:
        yield Bar("", str(DRAWS))
    elif ask.person.sex != Sex.MALE and not ask.answers.get("category"):
        return
    elif month_in_china(ask.filed_at) < record.retires.month:
        why = _("未到法定退休年龄（{month}），请按灵活就业或由单位参保。")
        yield Bar("", why.format(month=record.retires.month.zh))
    elif not record.missing:
        yield Bar("", _("缴费年限已满，请申请领取养老金。"))
    elif record.left:
        move = MOVE_IN.at(ask.offer.city)
        where = "、".join(
            _("{place} {count} 个月").format(place=place, count=count) for place, count in record.left
        )
        why = _("您还有缴费月份没有转入：{where}。请先{move}，再按合计的月数办理。")
        yield Bar("", why.format(where=where, move=move), (move,))


def place(ask: Ask, record: Record, registered: Registered, *, doing: Any) -> Iterator[Finding]:
    """Whether the city is the place of the pension, and whether the register says the same;
    ``doing`` is what is done: 延缴, 趸缴."""
    terms = late_terms(book(), city=ask.offer.city, on=today_in_china(ask.filed_at))
    city, household = book().city(ask.offer.city), str(ask.answers["household"])
    if not late_record.is_taken_here(terms, record, household=household, settled=settled_month(ask)):
        other = RESIDENT_PENSION.at(ask.offer.city)
        why = _("未满足在本市{doing}的条件，请到户籍地或缴费满10年的地方办理，或转入居民养老（{other}）。")
        yield Bar("household", why.format(doing=doing, other=other), (other,))
    elif registered.household is None:
        yield Mismatch("household", _("户籍登记中没有查到您的信息。"))
    elif category(city, registered.household.place_code) != household:
        yield Mismatch("household", _("户籍登记显示的户籍地与您填写的不一致。"))
    elif household == "city" and registered.household.settled_on not in (None, _settled(ask)):
        yield Mismatch("settled_on", _("户籍登记的入户日期与您填写的不一致。"))


def settled_month(ask: Ask) -> Month | None:
    """The month in which the household was settled in the city, as stated."""
    day = _settled(ask)
    return Month.of(day) if day else None


def _settled(ask: Ask) -> date | None:
    told = ask.answers.get("settled_on")
    return date.fromisoformat(str(told)) if told else None
