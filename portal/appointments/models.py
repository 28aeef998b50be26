"""Places that people come to, the days on which one is closed, slots with their places, the
appointments in them, and the tickets of a day."""

from enum import StrEnum
from typing import Any

import pgtrigger
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.appointments.machine import APPOINTMENT_LIFE_CYCLE, GIVEN_UP, Status
from portal.columns import CityField, choices, one_of, told_why
from portal.hall.models import Case
from portal.people.models import Employer, Person
from portal.policy.terms.appointments import Hours, read_hours


def check_hours(text: str) -> None:
    """Raises ValidationError where the text is no opening hours."""
    try:
        read_hours(text)
    except ValueError as mistake:
        raise ValidationError(
            _("请按先后写成“09:00-12:00 14:00-17:00”这样，两段之间用空格隔开。")
        ) from mistake


class Site(models.Model):
    """A place with windows (网点), in whatever city; where its city takes appointments, it may.
    Staff of its city keep it."""

    city = CityField(_("城市"), max_length=30)
    title = models.CharField(_("名称"), max_length=60)
    address = models.CharField(_("地址"), max_length=120)
    phone = models.CharField(_("电话"), max_length=30, blank=True)
    windows = models.PositiveSmallIntegerField(
        _("开放窗口数"), validators=[MinValueValidator(1), MaxValueValidator(99)]
    )
    # Empty: the city's hours.
    opening_hours = models.CharField(
        _("办理时间"),
        max_length=60,
        blank=True,
        validators=[check_hours],
        help_text=_("如 09:00-12:00 14:00-17:00；不填则按本市统一时间。"),
    )
    does = models.CharField(
        _("办理什么"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text=_("如 参保登记、缴费、转移；不填则不显示。"),
    )
    directions = models.CharField(_("怎么去"), max_length=120, blank=True)
    takes_bookings = models.BooleanField(_("接受预约"), default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("办事网点")
        ordering = ("city", "title")
        constraints = [
            models.UniqueConstraint(fields=["city", "title"], name="one_site_of_a_title_in_a_city"),
            models.CheckConstraint(condition=Q(windows__gte=1, windows__lte=99), name="site_has_windows"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def hours(self) -> Hours:
        """The place's own hours; empty where it keeps the city's."""
        return read_hours(self.opening_hours)


class Closure(models.Model):
    """A day on which a place takes nobody. Never changed; staff who err open another day by
    deleting it."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="closures", verbose_name=_("办事点"))
    day = models.DateField(_("日期"))
    reason = models.CharField(_("原因"), max_length=120)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("登记人"))
    at = models.DateTimeField(_("登记时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("停办日")
        ordering = ("-day",)
        constraints = [models.UniqueConstraint(fields=["site", "day"], name="a_site_is_closed_once_a_day")]

    def __str__(self) -> str:
        return f"{self.site} {self.day}"


class Slot(models.Model):
    """A slot of one place: how many may book it, and how many have.

    A row is there from the first booking on. The triggers of Appointment count ``booked``; the
    check refuses one too many.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="slots", verbose_name=_("办事点"))
    starts_at = models.DateTimeField(_("开始"))
    ends_at = models.DateTimeField(_("结束"))
    capacity = models.PositiveSmallIntegerField(_("可约人数"))
    booked = models.PositiveSmallIntegerField(_("已约人数"), default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("预约时段")
        ordering = ("starts_at",)
        constraints = [
            models.UniqueConstraint(fields=["site", "starts_at"], name="one_slot_a_site_and_start"),
            models.CheckConstraint(condition=Q(booked__lte=F("capacity")), name="slot_is_not_overbooked"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="slot_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return f"{self.site} {self.starts_at}"


_GIVEN_UP_SQL = ", ".join(f"'{status}'" for status in GIVEN_UP)
_COUNT_PLACES = f"""
    IF TG_OP = 'UPDATE' AND OLD.slot_id = NEW.slot_id
            AND (OLD.status IN ({_GIVEN_UP_SQL})) = (NEW.status IN ({_GIVEN_UP_SQL})) THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.status NOT IN ({_GIVEN_UP_SQL}) THEN
        UPDATE appointments_slot SET booked = booked - 1 WHERE id = OLD.slot_id;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.status NOT IN ({_GIVEN_UP_SQL}) THEN
        UPDATE appointments_slot SET booked = booked + 1 WHERE id = NEW.slot_id;
    END IF;
    RETURN NULL;
"""  # noqa: S608  # only names of statuses are put in
# A closed day takes no booking, whichever way it comes.
_SET_DAY = """
    SELECT (starts_at AT TIME ZONE 'Asia/Shanghai')::date INTO NEW.day
        FROM appointments_slot WHERE id = NEW.slot_id;
    IF NEW.status = 'booked' AND EXISTS (
        SELECT 1 FROM appointments_closure closure JOIN appointments_slot slot ON slot.site_id = closure.site_id
        WHERE slot.id = NEW.slot_id AND closure.day = NEW.day
    ) THEN
        RAISE EXCEPTION 'the place is closed on %', NEW.day
            USING ERRCODE = 'check_violation', CONSTRAINT = 'no_appointment_on_a_closed_day';
    END IF;
    RETURN NEW;
"""


class Appointment(models.Model):
    """That somebody comes to a place in a slot. Only ``booking`` and ``the_day`` move it.

    ``case`` is the application by which it was made; ``about`` the case for which they come, where
    they come for one.
    """

    number = models.CharField(_("预约号"), max_length=24, unique=True)
    case = models.OneToOneField(Case, models.PROTECT, related_name="appointment", verbose_name=_("办件"))
    slot = models.ForeignKey(Slot, models.PROTECT, related_name="appointments", verbose_name=_("时段"))
    # Of the slot's start in China; a trigger writes it.
    day = models.DateField(_("日期"), editable=False)
    person = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="appointments",
        verbose_name=_("预约人"),
    )
    employer = models.ForeignKey(
        Employer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="appointments",
        verbose_name=_("预约单位"),
    )
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("预约账号"))
    theme = models.CharField(_("办理内容"), max_length=20, blank=True)
    about = models.ForeignKey(
        Case,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="visits",
        verbose_name=_("所办的办件"),
    )
    phone = models.CharField(_("手机号码"), max_length=20)
    status = models.CharField(
        _("状态"),
        max_length=9,
        choices=choices(APPOINTMENT_LIFE_CYCLE.labels),
        default=Status.BOOKED,
    )
    excuse = models.CharField(_("不计爽约的原因"), max_length=120, blank=True)
    made_at = models.DateTimeField(_("预约时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("预约")
        ordering = ("slot__starts_at", "pk")
        constraints = [
            one_of("status", Status, name="appointment_status_known"),
            models.CheckConstraint(
                condition=Q(person__isnull=True, employer__isnull=False)
                | Q(person__isnull=False, employer__isnull=True),
                name="appointment_is_of_one",
            ),
            models.CheckConstraint(
                condition=Q(theme="", about__isnull=False) | (~Q(theme="") & Q(about__isnull=True)),
                name="appointment_is_for_something",
            ),
            told_why(Status.EXCUSED, field="excuse", name="appointment_excused_with_reason"),
            *(
                models.UniqueConstraint(
                    fields=[who, "day"],
                    condition=~Q(status__in=[str(status) for status in GIVEN_UP]),
                    name=f"one_appointment_a_day_and_{who}",
                )
                for who in ("person", "employer")
            ),
        ]
        indexes = [
            models.Index(fields=["person", "day"], name="appointment_by_person"),
            models.Index(fields=["employer", "day"], name="appointment_by_employer"),
            models.Index(
                fields=["day"], condition=Q(status=str(Status.BOOKED)), name="appointment_still_to_come"
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="appointment_moves_by_the_table",
                field="status",
                transitions=APPOINTMENT_LIFE_CYCLE.transitions,
            ),
            pgtrigger.Trigger(
                name="appointment_is_on_the_slots_day",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("slot_id"),
                func=_SET_DAY,
            ),
            pgtrigger.Trigger(
                name="appointments_take_places",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("slot_id", "status"),
                func=_COUNT_PLACES,
            ),
            pgtrigger.Protect(name="appointments_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def of(self) -> Person | Employer:
        return self.employer or self.person  # type: ignore[return-value]  # one is set, by constraint


class AppointmentEvent(models.Model):
    """One move of an appointment, or its move to another slot: what, when, by whom (nobody: the
    hall itself)."""

    appointment = models.ForeignKey(Appointment, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(_("状态"), max_length=9, choices=choices(APPOINTMENT_LIFE_CYCLE.labels))
    note = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        ordering = ("at", "pk")
        triggers = [
            pgtrigger.Protect(
                name="appointment_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.appointment_id} {self.status}"


class Queue(StrEnum):
    """The two queues of a place's day."""

    BOOKED = "booked"
    WALK_IN = "walk_in"


QUEUE_LABELS = {Queue.BOOKED: "预约优先", Queue.WALK_IN: "现场取号"}
QUEUE_LETTERS = {Queue.BOOKED: "Y", Queue.WALK_IN: "A"}


class Ticket(models.Model):
    """A place in a queue of one place's day: of whoever had an appointment, or just walked in."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="tickets", verbose_name=_("办事点"))
    day = models.DateField(_("日期"))
    queue = models.CharField(_("队列"), max_length=7, choices=choices(QUEUE_LABELS))
    place = models.PositiveSmallIntegerField(_("序号"))
    appointment = models.OneToOneField(
        Appointment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="ticket",
        verbose_name=_("预约"),
    )
    taken_at = models.DateTimeField(_("取号时间"))
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("发号人"))
    # A walk-in's request is sent once: the same key is the same ticket.
    key = models.UUIDField(unique=True)

    class Meta:
        verbose_name = verbose_name_plural = _("排队号")
        ordering = ("day", "queue", "place")
        constraints = [
            one_of("queue", Queue, name="ticket_queue_known"),
            models.UniqueConstraint(
                fields=["site", "day", "queue", "place"], name="one_ticket_of_a_number_a_day"
            ),
        ]
        triggers = [pgtrigger.Protect(name="tickets_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """What is printed and called: Y007."""
        return f"{QUEUE_LETTERS[Queue(self.queue)]}{self.place:03d}"

    @property
    def queue_words(self) -> Any:
        return _(QUEUE_LABELS[Queue(self.queue)])
