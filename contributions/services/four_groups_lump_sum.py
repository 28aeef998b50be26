"""四类人员一次性补缴: years of work for the state, or as sent-down youth, before there was
contributory pension."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.late_pension import groups
from contributions.late_pension import record as late_record
from contributions.late_pension.asking import AsksLate, settled_month
from contributions.late_pension.fields import add_span, clean_span
from contributions.late_pension.record import Record
from contributions.orders import lump_sums
from contributions.orders.billed_service import BilledService
from contributions.orders.lump_sums import Sum
from enrollment.households import categories, category
from enrollment.residents import DRAWS, Registered
from portal.hall.fields import YuanField
from portal.hall.service import Ask, Audience, Bar, Finding, Mismatch, Theme
from portal.policy.book import book
from portal.policy.terms.late_pension import GroupsTerms, groups_terms
from portal.shared.months import Month, month_in_china, month_span, today_in_china

GROUPS = {
    "left_enterprise": gettext_lazy("早期离开国有、县以上集体企业人员"),
    "left_office": gettext_lazy("离开机关事业单位人员"),
    "collective": gettext_lazy("未参保集体企业退休人员"),
    "sent_down": gettext_lazy("早期下乡知青"),
}
STATUSES = {
    "cadre": gettext_lazy("干部"),
    "permanent": gettext_lazy("固定工"),
    "youth": gettext_lazy("知青"),
    "other": gettext_lazy("合同工、临时工或单位自行聘用的干部"),
}


class GroupsForm(AsksLate):
    def build(self) -> None:
        self.fields["group"] = forms.ChoiceField(
            label=_("属于哪一类"),
            choices=[(code, str(words)) for code, words in GROUPS.items()],
            widget=forms.RadioSelect,
            error_messages={"required": _("请选择属于哪一类。")},
        )
        add_span(self)
        self.fields["status"] = forms.ChoiceField(
            label=_("当时的身份"),
            choices=[(code, str(words)) for code, words in STATUSES.items()],
            widget=forms.RadioSelect,
            error_messages={"required": _("请选择当时的身份。")},
        )
        self.fields["base"] = YuanField(
            label=_("缴费基数"),
            required=False,
            help_text=_("只有集体企业退休人员和下乡知青填写，自己选定。"),
        )
        self.add_late_fields()
        self.fields.pop("deemed_months", None)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        clean_span(self, cleaned)
        return cleaned


@dataclass(frozen=True)
class GroupsFacts:
    """The record of months, what the registers say, and which of the wanted months count
    already."""

    record: Record
    registered: Registered
    counted: str

    def frozen(self) -> dict[str, Any]:
        return {**self.record.frozen(), "counted": self.counted}


class FourGroupsLumpSum(BilledService):
    code = "four-groups-lump-sum"
    title = gettext_lazy("四类人员一次性补缴")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = GroupsForm
    needs = ("lump_sum", "payment", "four_groups")
    also_known_as = ("四类人员补缴", "知青补缴")

    def outside(self, ask: Ask) -> Registered:
        return Registered.of(ask.person)

    def facts(self, ask: Ask, outside: Registered | None) -> GroupsFacts:
        told = str(ask.answers.get("category", ""))
        return GroupsFacts(
            record=late_record.read(
                ask.person,
                city=ask.offer.city,
                category=late_record.category_of(ask.person, told),
                deemed=0,
                now=ask.filed_at,
            ),
            registered=outside or Registered(None, None),
            counted=lump_sums.why_not_counted(ask.person, _bought(ask)),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        if self.outside(ask).pension is not None:
            yield Bar("", str(DRAWS))

    def rule(self, ask: Ask, facts: GroupsFacts) -> Iterator[Finding]:
        if facts.registered.pension is not None:
            yield Bar("", str(DRAWS))
            return
        yield from self._group(ask, facts)
        yield from self._base(ask)
        if facts.counted:
            yield Bar("start", _("{months}，不能重复补缴。").format(months=facts.counted))
        yield from self._household(ask, facts)

    def _group(self, ask: Ask, facts: GroupsFacts) -> Iterator[Bar]:
        terms, record = _terms(ask), facts.record
        group, last = terms.groups[str(ask.answers["group"])], Month.parse(str(ask.answers["last"]))
        worked = last - Month.parse(str(ask.answers["start"])) + 1
        if ask.answers["status"] not in group.statuses:
            yield Bar("status", _("合同工、临时工和单位自行聘用的干部不适用。"))
        if (group.left_from and last < Month.of(group.left_from)) or (
            group.left_until and last > Month.of(group.left_until)
        ):
            yield Bar("last", _("离开的时间不在这一类的范围内。"))
        if group.retired_by and record.retires.month > Month.of(group.retired_by):
            why = _("须在{month}以前达到退休年龄（您是{own}）。")
            own = record.retires.month.zh
            yield Bar("group", why.format(month=(Month.of(group.retired_by) + 1).zh, own=own))
        if group.never_insured and record.counted:
            yield Bar("group", _("您参加过养老保险，不属于未参保的退休人员。"))
        past_age = month_in_china(ask.filed_at) >= record.retires.month
        if ask.answers["group"] == "left_office" and past_age and not record.counted:
            yield Bar("group", _("已达到退休年龄又从未参保的，不适用。"))
        if int(ask.answers["months"]) > max(worked, group.least_months):
            yield Bar("months", _("补缴月数不能多于核定的年限（{count} 个月）。").format(count=worked))

    def _base(self, ask: Ask) -> Iterator[Bar]:
        terms = _terms(ask)
        if not terms.groups[str(ask.answers["group"])].own_base:
            return
        base = groups.base_of(ask.answers)
        if base is None or not terms.floor <= base <= terms.ceiling:
            why = _("请填写缴费基数，{floor} 元至 {ceiling} 元之间。")
            yield Bar("base", why.format(floor=terms.floor, ceiling=terms.ceiling))

    def _household(self, ask: Ask, facts: GroupsFacts) -> Iterator[Finding]:
        city, household = book().city(ask.offer.city), str(ask.answers["household"])
        settled, record = settled_month(ask), facts.record
        here = household == "city" and settled is not None and settled < record.retires.month
        if not here and not (household == "province" and record.here and record.last_here):
            yield Bar("household", _("须在退休年龄以前迁入本市户籍，或本省户籍而最后在本市参保。"))
        elif facts.registered.household is None:
            yield Mismatch("household", _("户籍登记中没有查到您的信息。"))
        elif category(city, facts.registered.household.place_code) != household:
            yield Mismatch("household", _("户籍登记显示的户籍地与您填写的不一致。"))

    def sum_of(self, ask: Ask, facts: GroupsFacts, *, on: date) -> Sum:
        return groups.price(
            _terms(ask),
            group=str(ask.answers["group"]),
            months=_bought(ask),
            base=groups.base_of(ask.answers),
            filed_on=today_in_china(ask.filed_at),
            on=on,
        )

    def about(self, ask: Ask, facts: GroupsFacts) -> list[tuple[str, str]]:
        span = _("{start}至{last}").format(
            start=Month.parse(str(ask.answers["start"])).zh, last=Month.parse(str(ask.answers["last"])).zh
        )
        return [
            (_("人员类别"), str(GROUPS[str(ask.answers["group"])])),
            (_("原工作单位或下乡地点"), str(ask.answers["workplace"])),
            (_("工作时间"), span),
            (_("当时的身份"), str(STATUSES[str(ask.answers["status"])])),
            (_("户籍类别"), categories(book().city(ask.offer.city))[str(ask.answers["household"])]),
        ]


def _terms(ask: Ask) -> GroupsTerms:
    return groups_terms(book(), city=ask.offer.city, on=today_in_china(ask.filed_at))


def _bought(ask: Ask) -> tuple[Month, ...]:
    """The wanted months, from the first on; none where nothing was answered yet."""
    if not ask.answers.get("start") or not ask.answers.get("months"):
        return ()
    start = Month.parse(str(ask.answers["start"]))
    return tuple(month_span(start, start + int(ask.answers["months"])))
