"""First cards, from the application until they are in their owners' hands."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from enrollment.cards.machine import CARD_LIFE_CYCLE, DELIVERY_LABELS, CardStatus, Delivery
from portal.accounts.models import User
from portal.columns import CityField, choices, one_of
from portal.hall.models import Case
from portal.people.models import Person
from portal.shared.months import day_zh


class FirstCard(models.Model):
    """A person's first social-security card. Only ``making`` moves it.

    ``come_by`` is the day by which they come to the window with the application; ``made_by`` the
    day by which it is to be ready, known once it was sent to be made. ``address`` only where it is
    posted.
    """

    case = models.OneToOneField(Case, models.PROTECT, related_name="first_card", verbose_name=_("办件"))
    person = models.ForeignKey(Person, models.PROTECT, related_name="first_cards", verbose_name=_("参保人"))
    city = CityField(_("城市"), max_length=30)
    bank = models.CharField(_("发卡银行"), max_length=40)
    delivery = models.CharField(_("领卡方式"), max_length=6, choices=choices(DELIVERY_LABELS))
    address = models.CharField(_("邮寄地址"), max_length=120, blank=True)
    status = models.CharField(
        _("状态"), max_length=9, choices=choices(CARD_LIFE_CYCLE.labels), default=CardStatus.APPLIED
    )
    come_by = models.DateField(_("到窗口确认的期限"))
    made_by = models.DateField(_("预计制好日期"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("首次制卡")
        ordering = ("made_by", "pk")
        constraints = [
            one_of("status", CardStatus, name="first_card_status_known"),
            one_of("delivery", Delivery, name="first_card_delivery_known"),
            models.CheckConstraint(
                condition=Q(delivery="post") & ~Q(address="") | Q(delivery="window", address=""),
                name="first_card_has_an_address_where_posted",
            ),
            models.CheckConstraint(
                condition=Q(status="applied", made_by__isnull=True)
                | ~Q(status="applied") & Q(made_by__isnull=False),
                name="first_card_is_promised_once_sent",
            ),
            # An application that was withdrawn leaves its row applied.
            models.UniqueConstraint(
                fields=["person"], condition=~Q(status="applied"), name="one_first_card_a_person"
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="first_card_moves_by_the_table", field="status", transitions=CARD_LIFE_CYCLE.transitions
            ),
            pgtrigger.Protect(name="first_cards_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.status}"

    @property
    def made_by_words(self) -> str:
        """2013年7月5日; "" where it was not sent to be made yet."""
        return day_zh(self.made_by) if self.made_by else ""


class FirstCardEvent(models.Model):
    """One move of a first card: to which status, when, by whom. Never changed."""

    card = models.ForeignKey(FirstCard, models.PROTECT, related_name="events", verbose_name=_("制卡"))
    status = models.CharField(_("状态"), max_length=9, choices=choices(CARD_LIFE_CYCLE.labels))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("操作人"))

    class Meta:
        verbose_name = verbose_name_plural = _("制卡经过")
        ordering = ("at", "pk")
        constraints = [
            models.UniqueConstraint(fields=["card", "status"], name="a_first_card_reaches_a_status_once")
        ]
        triggers = [
            pgtrigger.Protect(
                name="first_card_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.card_id} → {self.status}"
