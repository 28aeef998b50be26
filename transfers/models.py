"""A transfer (关系转移接续), its moves, and its documents and messages."""

from datetime import date
from enum import StrEnum

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from certificates.models import Certificate
from contributions.models import BroughtIn, MovedOut
from contributions.models.guards import differs
from portal.accounts.models import User
from portal.columns import by_another, choices, ended_by_someone, one_of, told_why
from portal.hall.models import Case, private_storage
from portal.partners.models import Partner
from portal.people.models import Person
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.life_cycle import LifeCycle, Stage
from transfers.agencies import Agency
from transfers.machine import AGAIN, AWAY, FINAL, OPEN, TRANSFER_LIFE_CYCLE, Side, Status, turn


class Direction(StrEnum):
    """The place of application: the old one (OUT) or the new one (IN)."""

    OUT = "out"
    IN = "in"


DIRECTION_LABELS = {Direction.OUT: "转出", Direction.IN: "转入"}

# A returned transfer that was corrected goes on only from the status given by AGAIN.
_WRONG_WAY = "OLD.status = 'returned' AND NEW.status NOT IN ('returned', 'cancelled') AND NOT ({})".format(
    " OR ".join(f"(OLD.returned_from = '{start}' AND NEW.status = '{end}')" for start, end in AGAIN.items())
)


class OutsideAgency(models.Model):
    """An agency outside the hall, which sends and takes relations.

    With a partner's system, letters and forms are exchanged as messages. Without one, the hall's
    staff enter its papers.
    """

    title = models.CharField(_("地区名称"), max_length=30, unique=True)
    agency = models.CharField(_("经办机构全称"), max_length=60)
    partner = models.OneToOneField(
        Partner, models.PROTECT, null=True, blank=True, related_name="agency", verbose_name=_("接口合作方")
    )
    active = models.BooleanField(_("可以选择"), default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("外地经办机构")
        ordering = ("title",)
        constraints = [
            models.CheckConstraint(condition=~Q(title="") & ~Q(agency=""), name="outside_agency_has_names")
        ]
        triggers = [pgtrigger.Protect(name="outside_agencies_are_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.title

    @property
    def place(self) -> Agency:
        """The agency as a place that a relation leaves or goes to."""
        return Agency("", self.title, self.pk, self.agency)


class Transfer(models.Model):
    """The transfer of one person's relation in one insurance from one place to another. Only
    ``steps`` writes it.

    A place is a city of this hall, or, where the city is empty, the ``outside`` agency's by its
    name. ``due_on`` is the last day for the agency whose turn it is; empty where it is the person's
    turn or the transfer has ended. ``releases`` counts the releases by the old place;
    ``information`` is the information form of the last one, as plain data.
    """

    number = models.CharField(_("转移编号"), max_length=24, unique=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="transfers", verbose_name=_("参保人"))
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    from_city = models.CharField(_("转出城市"), max_length=30, blank=True)
    from_place = models.CharField(_("转出地"), max_length=60)
    to_city = models.CharField(_("转入城市"), max_length=30, blank=True)
    to_place = models.CharField(_("转入地"), max_length=60)
    # The agency of the place that is no city of the hall.
    outside = models.ForeignKey(
        OutsideAgency,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="transfers",
        verbose_name=_("外地经办机构"),
    )
    direction = models.CharField(_("申请"), max_length=3, choices=choices(DIRECTION_LABELS))
    # Empty where an outside agency's letter began the transfer.
    case = models.OneToOneField(
        Case, models.PROTECT, null=True, blank=True, related_name="transfer", verbose_name=_("办件")
    )
    status = models.CharField(
        _("状态"), max_length=12, choices=choices(TRANSFER_LIFE_CYCLE.labels), default=Status.APPLIED
    )
    returned_from = models.CharField(_("退回前状态"), max_length=12, blank=True)
    reason = models.TextField(_("退回或撤销原因"), blank=True)
    due_on = models.DateField(_("应办结日期"), null=True, blank=True)
    releases = models.PositiveSmallIntegerField(_("转出次数"), default=0)
    information = models.JSONField(_("信息表"), default=dict)
    moved_out = models.OneToOneField(
        MovedOut, models.PROTECT, null=True, blank=True, related_name="transfer", verbose_name=_("转出记录")
    )
    brought_in = models.OneToOneField(
        BroughtIn, models.PROTECT, null=True, blank=True, related_name="transfer", verbose_name=_("转入记录")
    )
    applied_at = models.DateTimeField(_("申请时间"))
    ended_at = models.DateTimeField(_("完结时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("关系转移接续")
        constraints = [
            one_of("status", Status, name="transfer_status_known"),
            one_of("direction", Direction, name="transfer_direction_known"),
            one_of("insurance", [Insurance.PENSION, Insurance.MEDICAL], name="transfer_insurance_is_moved"),
            models.CheckConstraint(
                condition=~Q(from_city=F("to_city")) & ~Q(from_place="") & ~Q(to_place=""),
                name="transfer_between_two_places",
            ),
            models.CheckConstraint(
                condition=Q(outside__isnull=True) & ~Q(from_city="") & ~Q(to_city="")
                | Q(outside__isnull=False) & (Q(from_city="") | Q(to_city="")),
                name="transfer_with_an_agency_at_either_end",
            ),
            models.CheckConstraint(
                condition=Q(direction="out") & ~Q(from_city="") | Q(direction="in") & ~Q(to_city=""),
                name="transfer_applied_for_in_a_city_of_the_hall",
            ),
            models.CheckConstraint(
                condition=(Q(status="returned") & ~Q(returned_from="") & ~Q(reason=""))
                | (~Q(status="returned") & Q(returned_from="")),
                name="transfer_returned_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[str(status) for status in FINAL], ended_at__isnull=False)
                | Q(status__in=[str(status) for status in OPEN], ended_at__isnull=True),
                name="transfer_ends_with_its_time",
            ),
            models.CheckConstraint(
                condition=Q(from_city="", moved_out__isnull=True)
                | (
                    ~Q(from_city="")
                    & (
                        Q(status__in=[str(status) for status in AWAY], moved_out__isnull=False)
                        | (~Q(status__in=[str(status) for status in AWAY]) & Q(moved_out__isnull=True))
                    )
                ),
                name="transfer_away_with_what_left",
            ),
            models.CheckConstraint(
                condition=(Q(status="merged", brought_in__isnull=False) & ~Q(to_city=""))
                | (Q(brought_in__isnull=True) & (~Q(status="merged") | Q(to_city=""))),
                name="transfer_merged_with_what_came",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[str(status) for status in AWAY], releases__gt=0)
                | ~Q(status__in=[str(status) for status in AWAY]),
                name="transfer_away_by_a_release",
            ),
            models.UniqueConstraint(
                fields=["person", "insurance"],
                condition=Q(status__in=[str(status) for status in OPEN]),
                name="one_open_transfer_of_a_relation",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-applied_at"], name="transfer_by_person"),
            models.Index(
                fields=["due_on"],
                condition=Q(status__in=[str(status) for status in OPEN]),
                name="transfer_by_due_day",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="transfer_moves_by_the_table",
                field="status",
                transitions=TRANSFER_LIFE_CYCLE.transitions,
            ),
            pgtrigger.Protect(
                name="transfer_goes_on_from_where_it_was_returned",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(_WRONG_WAY),
            ),
            pgtrigger.ReadOnly(
                name="transfer_stays_as_applied",
                fields=[
                    "number",
                    "person",
                    "insurance",
                    "from_city",
                    "from_place",
                    "to_city",
                    "to_place",
                    "outside",
                    "direction",
                    "case",
                    "applied_at",
                ],
            ),
            pgtrigger.Protect(name="transfer_is_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def old(self) -> Agency:
        """The place that the relation leaves."""
        return self._agency(self.from_city, self.from_place)

    @property
    def new(self) -> Agency:
        """The place that the relation goes to."""
        return self._agency(self.to_city, self.to_place)

    def _agency(self, city: str, place: str) -> Agency:
        if city or self.outside is None:
            return Agency(city, place)
        return Agency("", place, self.outside.pk, self.outside.agency)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def side(self) -> Side | None:
        """The side whose turn it is; None after the end."""
        return turn(Status(self.status), Status(self.returned_from) if self.returned_from else None)

    @property
    def is_outsides_turn(self) -> bool:
        """Whether it is the outside agency's turn."""
        return (self.side == Side.OLD and not self.from_city) or (self.side == Side.NEW and not self.to_city)

    @property
    def acting_city(self) -> str:
        """The city of the hall whose staff act now. For an outside agency's turn it is the other
        city: its staff record what that agency does. "" where it is the person's turn, and after
        the end."""
        if self.side == Side.OLD:
            return self.from_city or self.to_city
        if self.side == Side.NEW:
            return self.to_city or self.from_city
        return ""

    @property
    def holder(self) -> str:
        """The name of the agency or 本人 whose turn it is; "" after the end."""
        if self.side == Side.OLD:
            return self.old.name
        if self.side == Side.NEW:
            return self.new.name
        return str(_("本人")) if self.side == Side.PERSON else ""

    def is_late(self, today: date) -> bool:
        return self.due_on is not None and self.due_on < today


class TransferEvent(models.Model):
    """One move of a transfer: who, when, between which states, with which note, and the due day
    after it. Never changed."""

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="events", verbose_name=_("转移"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("操作人"))
    from_status = models.CharField(
        _("原状态"), max_length=12, blank=True, choices=choices(TRANSFER_LIFE_CYCLE.labels)
    )
    to_status = models.CharField(_("新状态"), max_length=12, choices=choices(TRANSFER_LIFE_CYCLE.labels))
    note = models.TextField(_("说明"), blank=True)
    due_on = models.DateField(_("应办结日期"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("转移经过")
        ordering = ("at", "pk")
        constraints = [one_of("to_status", Status, name="transfer_event_status_known")]
        indexes = [models.Index(fields=["to_status", "at"], name="transfer_event_by_status")]
        triggers = [
            pgtrigger.Protect(name="transfer_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.transfer_id} → {self.to_status}"


class ReleaseStatus(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"


RELEASE_LIFE_CYCLE = LifeCycle(
    ReleaseStatus,
    {
        ReleaseStatus.PROPOSED: Stage("待复核", "warn", (ReleaseStatus.APPROVED, ReleaseStatus.DECLINED)),
        ReleaseStatus.APPROVED: Stage("已复核，已转出", "good"),
        ReleaseStatus.DECLINED: Stage("未同意", "bad"),
    },
    begins=(ReleaseStatus.PROPOSED,),
)


class Release(models.Model):
    """A proposal to let months and money of a relation leave the hall's books: one reviewer
    proposes the sums that the page showed, another approves them.

    ``interest_fen`` is the part of the account that is interest settled with the release. Exactly
    these sums move, or nothing moves. Only the end of the proposal is written later.
    """

    transfer = models.ForeignKey(
        Transfer, models.PROTECT, related_name="release_proposals", verbose_name=_("转移")
    )
    months = models.PositiveIntegerField(_("转移月数"))
    account_fen = models.BigIntegerField(_("个人账户（分）"))
    pooled_fen = models.BigIntegerField(_("统筹基金（分）"))
    interest_fen = models.BigIntegerField(_("其中转出前结息（分）"))
    status = models.CharField(
        _("状态"),
        max_length=8,
        choices=choices(RELEASE_LIFE_CYCLE.labels),
        default=ReleaseStatus.PROPOSED,
    )
    proposed_at = models.DateTimeField(_("提出时间"))
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("提出人"))
    ended_at = models.DateTimeField(_("复核时间"), null=True, blank=True)
    ended_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("复核人")
    )
    why = models.CharField(_("未同意的原因"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("转出的复核")
        ordering = ("pk",)
        constraints = [
            one_of("status", ReleaseStatus, name="release_status_known"),
            ended_by_someone("ended", unless="proposed", name="release_ended_by_someone"),
            by_another(
                "ended_by", "proposed_by", status="approved", name="release_approved_by_a_second_person"
            ),
            told_why("declined", name="release_declined_with_reason"),
            models.UniqueConstraint(
                fields=["transfer"], condition=Q(status="proposed"), name="one_release_is_proposed"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="releases_stay_as_proposed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.status <> 'proposed' OR "
                    + differs(
                        [
                            "id",
                            "transfer_id",
                            "months",
                            "account_fen",
                            "pooled_fen",
                            "interest_fen",
                            "proposed_at",
                            "proposed_by_id",
                        ]
                    )
                ),
            ),
            pgtrigger.Protect(name="releases_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.transfer_id} {self.status}"

    @property
    def sum_fen(self) -> int:
        return self.account_fen + self.pooled_fen


class TransferDocument(models.Model):
    """A sealed document of a transfer: the voucher, a letter, or the information form of a release.
    Never changed."""

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="documents", verbose_name=_("转移"))
    certificate = models.OneToOneField(
        Certificate, models.PROTECT, related_name="transfer_document", verbose_name=_("文件")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("转移文件")
        triggers = [
            pgtrigger.Protect(
                name="transfer_documents_are_kept", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.transfer_id} {self.certificate_id}"


def paper_path(paper: "TransferPaper", _filename: str) -> str:
    """The storage path of a scan. It is the digest, so that no name from a user reaches the
    disk."""
    return f"transfers/{paper.digest[:2]}/{paper.digest}"


class TransferPaper(models.Model):
    """A letter or form of an outside agency, scanned by staff. Never changed."""

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="papers", verbose_name=_("转移"))
    name = models.CharField(_("文件名"), max_length=200)
    content_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    file = models.FileField(storage=private_storage, upload_to=paper_path, max_length=200)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("上传人"))
    at = models.DateTimeField(_("上传时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("转移来文")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["transfer", "digest"], name="a_paper_is_kept_once_per_transfer"),
        ]
        triggers = [
            pgtrigger.Protect(name="transfer_papers_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.name


class Way(StrEnum):
    OUT = "out"
    IN = "in"


WAY_LABELS = {Way.OUT: "发出", Way.IN: "收到"}


class Message(models.Model):
    """A message about a transfer to or from an outside agency's system; see
    docs/transfer-messages.md. Never changed.

    The ids of one agency's outgoing messages rise in the order in which they become readable.
    """

    agency = models.ForeignKey(
        OutsideAgency, models.PROTECT, related_name="messages", verbose_name=_("外地经办机构")
    )
    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="messages", verbose_name=_("转移"))
    way = models.CharField(_("方向"), max_length=3, choices=choices(WAY_LABELS))
    kind = models.CharField(_("内容"), max_length=12, choices=choices(TRANSFER_LIFE_CYCLE.labels))
    body = models.JSONField(_("报文"))
    at = models.DateTimeField(_("时间"))
    # The move that an outgoing message reports; each move is reported once.
    event = models.OneToOneField(
        TransferEvent, models.PROTECT, null=True, blank=True, related_name="message", verbose_name=_("经过")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("转移报文")
        ordering = ("pk",)
        constraints = [
            one_of("way", Way, name="transfer_message_way_known"),
            one_of("kind", Status, name="transfer_message_kind_known"),
            models.CheckConstraint(
                condition=Q(way="out", event__isnull=False) | Q(way="in", event__isnull=True),
                name="transfer_message_tells_of_a_move",
            ),
        ]
        indexes = [models.Index(fields=["agency", "way", "id"], name="transfer_message_by_agency")]
        triggers = [
            pgtrigger.Protect(
                name="transfer_messages_are_kept", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.way} {self.kind} {self.transfer_id}"
