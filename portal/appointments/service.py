"""预约办事 as a service: the base of what persons and employers file."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.fields import PhoneField
from portal.accounts.models import User
from portal.appointments import booking, matters, notices
from portal.appointments.calendar import Calendar, Opening, named, slot_name, times
from portal.appointments.machine import Status
from portal.appointments.models import Appointment, Site
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.policy.terms.appointments import AppointmentTerms
from portal.shared.months import day_zh
from portal.web.application.errand import address

TIMES = "appointment-times"


class SlotWidget(forms.HiddenInput):
    """The slot that was chosen on the pages of places and times, in words, with the way back
    there."""

    template_name = "appointments/slot_widget.html"
    input_type = "slot"
    use_fieldset = True
    url = ""
    words = ""

    @property
    def is_hidden(self) -> bool:
        return False

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        parts = named(str(value or ""))
        site = Site.objects.filter(pk=parts[0]).first() if parts else None
        words = (
            f"{day_zh(parts[1].date())} {parts[1]:%H:%M}，{site}（{site.address}）" if parts and site else ""
        )
        return {**context, "url": self.url, "words": words}


class AppointmentForm(ServiceForm):
    slot = forms.CharField(
        label=gettext_lazy("预约时间"),
        max_length=40,
        widget=SlotWidget,
        error_messages={"required": gettext_lazy("请先选择办事点、日期和时段。")},
    )
    matter = forms.ChoiceField(
        label=gettext_lazy("办什么事"),
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("请选择来办什么事。"),
            "invalid_choice": gettext_lazy("这份办件已经办结或不在您名下，请重新选择。"),
        },
    )
    phone = PhoneField(help_text=gettext_lazy("预约、改期和前一天的提醒发到这个号码。"))

    def build(self) -> None:
        city, applicant = self.offer.city, self.applicant
        audience = Audience.EMPLOYER if applicant.employer else Audience.PERSON
        cases = matters.cases_to_bring(applicant, city)
        self.fields["matter"].choices = matters.choices(city, audience, cases)  # type: ignore[attr-defined]
        self.fields["slot"].widget.url = address(TIMES, city, self.offer.code, applicant.ward)
        self.initial.setdefault("phone", applicant.user.phone)


@dataclass(frozen=True)
class AppointmentFacts:
    """The slot as it can be booked now (None: it cannot), the case to bring papers for, and what
    the applicant has booked and missed."""

    terms: AppointmentTerms
    opening: Opening | None
    about: Case | None
    standing: list[Appointment]
    blocked_until: dt.date | None
    places: int

    def frozen(self) -> dict[str, Any]:
        return {"slot": self.opening.name if self.opening else "", "standing": len(self.standing)}


class AppointmentService(Service):
    """Takes an appointment for whoever applies."""

    title = gettext_lazy("预约办事")
    theme = Theme.VISIT
    form = AppointmentForm
    chosen_first = TIMES
    needs = ("appointments",)
    also_known_as = (
        "窗口预约",
        "预约取号",
        "网上预约",
        "取号",
        "排队",
        "预约窗口",
        "取消预约",
        "预约改期",
        "我的预约",
    )
    submit_label = gettext_lazy("确认预约")
    conflicts = {
        "slot_is_not_overbooked": ("slot", gettext_lazy("该时段已约满，请选其他时段。")),
        "one_appointment_a_day_and_person": ("slot", gettext_lazy("您当天已有预约，请先取消或改期。")),
        "one_appointment_a_day_and_employer": ("slot", gettext_lazy("您当天已有预约，请先取消或改期。")),
        "no_appointment_on_a_closed_day": (
            "slot",
            gettext_lazy("这个办事点当天停办，请选其他日期或办事点。"),
        ),
    }

    def how_it_ends(self, offer: Any) -> str:
        return _("选好时段并确认后当场约成，得到预约号；到时凭预约号或二维码在办事点签到取号。")

    def facts(self, ask: Ask, outside: Any) -> AppointmentFacts:
        now = ask.filed_at
        calendar = Calendar(ask.offer.city, now=now)
        opening = calendar.opening(str(ask.answers.get("slot", "")))
        number = matters.case_number(str(ask.answers.get("matter", "")))
        cases = matters.cases_to_bring(ask.applicant, ask.offer.city) if number else []
        return AppointmentFacts(
            terms=calendar.terms,
            opening=opening,
            about=next((case for case in cases if case.number == number), None),
            standing=booking.standing(ask.applicant, now=now),
            blocked_until=booking.blocked_until(ask.applicant, calendar.terms, now=now),
            places=len(calendar.sites),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._barred(self.facts(ask, None))

    def _barred(self, facts: AppointmentFacts) -> Iterator[Bar]:
        if not facts.places:
            yield Bar("", _("本市还没有接受预约的办事点，请直接到窗口取号。"))
        if facts.blocked_until is not None:
            yield Bar("", booking.blocked_words(facts.blocked_until, facts.terms))
        elif len(facts.standing) >= facts.terms.open_at_most:
            yield Bar("", booking.too_many(facts.terms), (booking.to_mine(),))

    def rule(self, ask: Ask, facts: AppointmentFacts) -> Iterator[Finding]:
        barred = list(self._barred(facts))
        if barred:
            yield from barred
            return
        opening = facts.opening
        if opening is None:
            yield Bar("slot", _("这个时段不能预约，请重新选择。"))
            return
        if opening.free <= 0:
            yield Bar("slot", _("该时段已约满，请选其他时段。"))
        if any(one.day == opening.starts_at.date() for one in facts.standing):
            yield Bar("slot", _("您当天已有预约，请先取消或改期。"), (booking.to_mine(),))

    def effect(
        self, case: Case, ask: Ask, facts: AppointmentFacts, *, by: User, now: dt.datetime
    ) -> dict[str, Any]:
        opening, matter = facts.opening, ask.answers["matter"]
        if opening is None:
            raise NotAccepted([Bar("slot", _("这个时段不能预约，请重新选择。"))])
        if matters.case_number(matter) and facts.about is None:
            raise NotAccepted([Bar("matter", _("这份办件已经办结或不在您名下，请重新选择。"))])
        try:
            appointment = booking.take(
                case,
                ask.applicant,
                opening,
                theme="" if facts.about else matter,
                about=facts.about,
                phone=ask.answers["phone"],
                terms=facts.terms,
                now=now,
            )
        except booking.CannotChange as why:
            raise NotAccepted([Bar("slot", str(why))]) from why
        return {
            "lines": [[_("预约号"), appointment.number]],
            "links": [[_("查看预约和预约单"), reverse("appointment", args=[appointment.number])]],
        }

    def goes_to(self, case: Case, *, now: dt.datetime) -> str:
        return reverse("appointment", args=[case.appointment.number])

    def links(self, case: Case, *, now: dt.datetime) -> list[tuple[str, str]]:
        """The way to the appointment; where it is no longer as it was filed, how it is now."""
        appointment = Appointment.objects.select_related("slot__site").get(case=case)
        asked = str(case.answers["slot"])
        is_as_filed = asked == slot_name(appointment.slot.site, appointment.slot.starts_at)
        if is_as_filed and appointment.status == Status.BOOKED:
            return super().links(case, now=now)
        text = _("现在的预约：{when}，{state}").format(
            when=booking.words_of(appointment.slot), state=appointment.get_status_display()
        )
        return [(text, reverse("appointment", args=[appointment.number]))]

    def summary(self, ask: Ask, facts: AppointmentFacts) -> list[tuple[str, str]]:
        opening = facts.opening
        if opening is None:
            return []
        matter = ask.answers["matter"]
        about = (
            dict(matters.choices(ask.offer.city, self.audience, [facts.about]))[matter]
            if facts.about
            else matters.theme_words(matter)
        )
        return [
            (_("办事点"), opening.site.title),
            (_("地址"), opening.site.address),
            (_("日期"), day_zh(opening.starts_at.date())),
            (_("时段"), times(opening.starts_at, opening.ends_at)),
            (_("办什么事"), about),
            (_("手机号码"), ask.answers["phone"]),
            (_("请注意"), notices.consequence(facts.terms)),
        ]
