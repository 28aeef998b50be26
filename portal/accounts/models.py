"""Accounts of the three kinds, the text-message codes they ask for, and the look-ups they make."""

import uuid
from enum import StrEnum
from typing import Any, ClassVar

import pgtrigger
from django.contrib.admin.models import LogEntry
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import ThrottlingMixin
from pghistory.models import Context

from portal.accounts.invitation import (
    ClerkInvitation as ClerkInvitation,  # a model of this app, kept in a file of its own
)
from portal.accounts.sign_on_models import SignOnIdentity as SignOnIdentity  # as above
from portal.columns import CityField, NameField, choices, name_in_form, one_of, told_why
from portal.people.models import Employer, Person
from portal.shared.life_cycle import LifeCycle, Stage


class Kind(StrEnum):
    PERSON = "person"
    CLERK = "clerk"
    STAFF = "staff"
    SYSTEM = "system"
    PARTNER = "partner"
    DESK = "desk"


KIND_LABELS = {
    Kind.PERSON: "个人",
    Kind.CLERK: "单位经办人",
    Kind.STAFF: "经办机构工作人员",
    Kind.SYSTEM: "系统",
    Kind.PARTNER: "接口合作方",
    Kind.DESK: "社区经办人",
}


# The levels of a personal account (``levels``): one looks up, the other files everywhere, too.
LOOKS, FILES = 1, 2
LEVEL_LABELS = {LOOKS: _("初级（可查询）"), FILES: _("高级（可查询、可办理）")}


class UserManager(BaseUserManager["User"]):
    """Makes accounts; each kind names what it stands for."""

    def create_person(
        self,
        person: Person,
        *,
        password: str | None,
        phone: str = "",
        identity_level: int = FILES,
        **extra: Any,
    ) -> "User":
        """A personal login for ``person``; IntegrityError where the person has one."""
        return self._create(
            kind=Kind.PERSON,
            person=person,
            name=person.name,
            phone=phone or person.phone,
            password=password,
            identity_level=identity_level,
            **extra,
        )

    def create_clerk(
        self,
        employer: Employer,
        *,
        name: str,
        phone: str,
        password: str | None,
        person: Person | None = None,
        manages_clerks: bool = False,
    ) -> "User":
        """A clerk's login for ``employer``, the first of which manages the others; IntegrityError
        where the employer has one with that phone."""
        is_first = not self.filter(kind=Kind.CLERK, employer=employer).exists()
        return self._create(
            kind=Kind.CLERK,
            employer=employer,
            name=name,
            phone=phone,
            person=person,
            password=password,
            manages_clerks=manages_clerks or is_first,
        )

    def create_staff(
        self,
        username: str,
        *,
        name: str,
        city: str,
        password: str | None,
        person: Person | None = None,
        **extra: Any,
    ) -> "User":
        """An account of the agency of ``city`` (empty: all cities) for the admin."""
        return self._create(
            kind=Kind.STAFF,
            username=username,
            name=name,
            city=city,
            person=person,
            password=password,
            is_staff=True,
            **extra,
        )

    def create_desk_clerk(
        self, username: str, *, name: str, phone: str = "", password: str | None, **extra: Any
    ) -> "User":
        """A login of a community desk; which desk, ``portal.qualifications`` says."""
        return self._create(
            kind=Kind.DESK, username=username, name=name, phone=phone, password=password, **extra
        )

    def create_superuser(self, username: str, password: str | None = None, **extra: Any) -> "User":
        name = extra.pop("name", username)
        return self.create_staff(username, name=name, city="", password=password, is_superuser=True, **extra)

    def system(self) -> "User":
        """The account in whose name the schedule acts; it cannot log in."""
        user, _made = self.get_or_create(
            username="system", defaults={"kind": Kind.SYSTEM, "name": "系统", "password": "!"}
        )
        return user

    def create_partner(self, username: str, *, name: str) -> "User":
        """The account in whose name a system outside acts by signed requests; it cannot log in."""
        return self._create(kind=Kind.PARTNER, username=username, name=name, password=None, is_active=False)

    def _create(self, *, password: str | None, **fields: Any) -> "User":
        user = self.model(**fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


def handle() -> str:
    return uuid.uuid4().hex


class User(AbstractBaseUser, PermissionsMixin):
    """One login. ``kind`` says what it may do; ``person`` is the natural person behind it, where
    known."""

    kind = models.CharField(_("类型"), max_length=10, choices=choices(KIND_LABELS))
    # Persons and clerks log in by their numbers, so their user name is only an opaque handle.
    username = models.CharField(_("用户名"), max_length=60, unique=True, default=handle)
    name = NameField(_("姓名"), max_length=60)
    phone = models.CharField(_("手机号码"), max_length=20, blank=True)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="accounts", verbose_name=_("本人")
    )
    employer = models.ForeignKey(
        Employer, models.PROTECT, null=True, blank=True, related_name="clerks", verbose_name=_("单位")
    )
    # Staff act for one city's agency; empty means all cities.
    city = CityField(_("所属城市"), max_length=30, blank=True)
    is_active = models.BooleanField(_("可登录"), default=True)
    is_staff = models.BooleanField(_("可进经办工作台"), default=False)
    date_joined = models.DateTimeField(_("开通时间"), default=timezone.now)
    # Somebody else typed the password and knows it: it opens only the page to choose another.
    must_change_password = models.BooleanField(_("首次登录须修改密码"), default=False, db_default=False)

    # How strongly the owner of a personal account has proved who they are (``levels``).
    identity_level = models.PositiveSmallIntegerField(
        _("实名等级"), choices=LEVEL_LABELS, default=FILES, db_default=FILES
    )
    # A clerk who invites and ends the others of the same employer (``inviting``).
    manages_clerks = models.BooleanField(
        _("管理本单位经办人"),
        default=False,
        db_default=False,
        help_text=_("可以邀请和停用本单位的其他经办人。"),
    )

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = verbose_name_plural = _("账号")
        constraints = [
            one_of("kind", Kind, name="user_kind_known"),
            models.CheckConstraint(
                condition=Q(kind="person", person__isnull=False, employer__isnull=True, is_staff=False)
                | Q(kind="clerk", employer__isnull=False, is_staff=False)
                | Q(kind="staff", employer__isnull=True, is_staff=True)
                | Q(kind="desk", employer__isnull=True, is_staff=False)
                | Q(kind="system", employer__isnull=True, person__isnull=True, is_staff=False)
                | Q(
                    kind="partner",
                    employer__isnull=True,
                    person__isnull=True,
                    is_staff=False,
                    is_active=False,
                ),
                name="user_kind_matches_what_it_stands_for",
            ),
            models.CheckConstraint(
                condition=Q(identity_level=FILES) | Q(identity_level=LOOKS, kind="person"),
                name="user_identity_level_known",
            ),
            models.CheckConstraint(
                condition=Q(manages_clerks=False) | Q(kind="clerk"), name="only_clerks_manage_clerks"
            ),
            # A partner's is the name of an institution.
            name_in_form("name", name="user_name_in_form", unless=Q(kind="partner")),
            models.UniqueConstraint(
                fields=["person"], condition=Q(kind="person"), name="one_personal_login_each"
            ),
            models.UniqueConstraint(
                fields=["employer", "phone"], condition=Q(kind="clerk"), name="one_clerk_login_per_phone"
            ),
            models.UniqueConstraint(
                fields=["employer", "name"], condition=Q(kind="clerk"), name="one_clerk_login_per_name"
            ),
            models.UniqueConstraint(
                fields=["phone"],
                condition=Q(kind="person") & ~Q(phone=""),
                name="one_personal_login_per_phone",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @property
    def is_person(self) -> bool:
        return self.kind == Kind.PERSON

    @property
    def is_clerk(self) -> bool:
        return self.kind == Kind.CLERK

    @property
    def is_desk(self) -> bool:
        return self.kind == Kind.DESK


class StaffAction(LogEntry):
    """What a member of staff did in the workbench, as Django notes it: kept."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            pgtrigger.Protect(name="staff_actions_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]


class WhoChanged(Context):
    """Who changed something whose history is kept, and by which page. It grows with the request; it
    is never deleted."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [pgtrigger.Protect(name="who_changed_is_kept", operation=pgtrigger.Delete)]


class NamedPerson(Person):
    """A proxy of Person with a trigger: the name of the personal login follows the person's
    name."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            pgtrigger.Trigger(
                name="personal_login_follows_the_name",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("name"),
                condition=pgtrigger.Condition("OLD.name IS DISTINCT FROM NEW.name"),
                func=(
                    "UPDATE accounts_user SET name = NEW.name WHERE person_id = NEW.id AND kind = 'person';"
                    " RETURN NULL;"
                ),
            )
        ]


class TextMessageCode(models.Model):
    """A one-time code sent to a phone for one purpose; kept as a hash, spent once, closed after a
    few wrong guesses."""

    phone = models.CharField(max_length=20)
    purpose = models.CharField(max_length=30)
    # The address that asked for it; the hourly limit counts by phone and by address.
    asked_from = models.GenericIPAddressField(null=True)
    # The browser that asked for it (``browsers.Browser.digest``): only there does it count, and
    # only there is it guessed at.
    browser = models.CharField(max_length=64, blank=True, default="")
    # Whether the account that logs in with this phone has come in by that browser; these have an
    # hourly limit of their own.
    known = models.BooleanField(default=False)
    code_hash = models.CharField(max_length=128)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    wrong_guesses = models.PositiveSmallIntegerField(default=0)
    spent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["phone", "purpose", "-sent_at"], name="text_code_by_phone"),
            models.Index(fields=["asked_from", "-sent_at"], name="text_code_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.sent_at:%Y-%m-%d %H:%M}"


class ActivationCode(models.Model):
    """What the window gives somebody whose identity card it has seen, to open their own account
    with: once, until a day."""

    person = models.ForeignKey(
        Person, models.PROTECT, related_name="activation_codes", verbose_name=_("参保人")
    )
    city = models.CharField(_("签发城市"), max_length=30)
    code_hash = models.CharField(max_length=128)
    seen = models.CharField(_("核验的证件"), max_length=60)
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("签发人"))
    issued_at = models.DateTimeField(_("签发时间"))
    good_until = models.DateField(_("有效期至"))
    spent_at = models.DateTimeField(_("使用时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("网上账号激活码")
        ordering = ("-issued_at", "-pk")
        indexes = [models.Index(fields=["person", "-issued_at"], name="activation_code_by_person")]
        triggers = [
            pgtrigger.Protect(
                name="activation_codes_stay_as_issued",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((OLD.person_id, OLD.city, OLD.code_hash, OLD.seen, OLD.issued_by_id, OLD.issued_at, OLD.good_until)"
                    " IS DISTINCT FROM (NEW.person_id, NEW.city, NEW.code_hash, NEW.seen, NEW.issued_by_id, NEW.issued_at,"
                    " NEW.good_until) OR OLD.spent_at IS NOT NULL)"
                ),
            ),
            pgtrigger.Protect(name="activation_codes_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.good_until}"


class ProofTry(models.Model):
    """That somebody tried to prove to be a person whom they named: the measure for the limits, kept
    as a keyed hash."""

    who = models.CharField(max_length=64)
    way = models.CharField(max_length=10)
    address = models.GenericIPAddressField()
    passed = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["who", "way", "-at"], name="proof_try_by_person"),
            models.Index(fields=["address", "-at"], name="proof_try_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.way} {self.at:%Y-%m-%d %H:%M}"


class KeptForm(models.Model):
    """A form that was sent after its session had ended, encrypted: see ``kept_forms``."""

    browser = models.CharField(max_length=64, unique=True)
    account = models.CharField(max_length=24)
    content = models.TextField()
    kept_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.kept_at:%Y-%m-%d %H:%M}"


class OpenSession(models.Model):
    """One login that goes on: since when, when it was last used, and from where; so that its owner
    can end it from elsewhere."""

    user = models.ForeignKey(User, models.CASCADE, related_name="open_sessions")
    session_key = models.CharField(max_length=40, db_index=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    address = models.GenericIPAddressField()
    # What the browser calls itself.
    agent = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-seen_at"], name="open_session_by_user"),
            models.Index(fields=["seen_at"], name="open_session_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.began_at:%Y-%m-%d %H:%M}"


class _OpenOtherwise:
    """The base method that the mixin of waits calls: whether something else forbids a try."""

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        return True, None


class PasskeyTries(ThrottlingMixin, _OpenOtherwise):
    """How often in a row an account has answered with a passkey that did not count: each further
    one waits longer."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="passkey_tries")

    def __str__(self) -> str:
        return f"{self.user_id} {self.throttling_failure_count}"

    def get_throttle_factor(self) -> int:
        """The wait after the first wrong answer, in seconds."""
        return 1


class OutboxMessage(models.Model):
    """A text message in a demo: shown on a page instead of being sent."""

    phone = models.CharField(max_length=20)
    text = models.TextField()
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-sent_at"], name="outbox_by_time")]

    def __str__(self) -> str:
        return f"{self.phone} {self.sent_at:%Y-%m-%d %H:%M}"


class Notice(models.Model):
    """Something that the hall tells a person, or one login, by itself; shown on the page 消息 until
    it is read and after.

    ``kind`` and ``reference`` name what is told, so that nothing is told twice. Where ``by_text``
    it also goes out as a text message, once: ``texted_at`` is set before it is handed over.
    """

    person = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="notices",
        db_index=False,
        verbose_name=_("人员"),
    )
    user = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="notices",
        db_index=False,
        verbose_name=_("账号"),
    )
    kind = models.CharField(_("类别"), max_length=20)
    reference = models.CharField(_("事由"), max_length=60)
    title = models.CharField(_("标题"), max_length=80)
    text = models.TextField(_("内容"))
    at = models.DateTimeField(_("时间"))
    read_at = models.DateTimeField(_("阅读时间"), null=True, blank=True)
    by_text = models.BooleanField(_("同时发短信"), default=False)
    # Where the text message goes; empty: to the phone of the login or of the person, as it is when
    # it is sent.
    phone = models.CharField(_("短信接收号码"), max_length=20, blank=True, db_default="")
    texted_at = models.DateTimeField(_("短信发出时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("消息")
        ordering = ("-at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=False, user__isnull=True)
                | Q(person__isnull=True, user__isnull=False),
                name="notice_is_for_a_person_or_a_login",
            ),
            models.CheckConstraint(
                condition=Q(by_text=True) | Q(texted_at__isnull=True), name="notice_texted_only_where_asked"
            ),
            models.UniqueConstraint(fields=["kind", "reference"], name="nothing_is_told_twice"),
        ]
        indexes = [
            models.Index(fields=["person", "-at"], name="notice_by_person"),
            models.Index(fields=["user", "-at"], condition=Q(user__isnull=False), name="notice_by_user"),
            models.Index(
                fields=["id"], condition=Q(by_text=True, texted_at__isnull=True), name="notice_to_text"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="notices_stay_as_told",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((OLD.person_id, OLD.user_id, OLD.kind, OLD.reference, OLD.title, OLD.text, OLD.at, OLD.by_text,"
                    " OLD.phone) IS DISTINCT FROM (NEW.person_id, NEW.user_id, NEW.kind, NEW.reference, NEW.title, NEW.text,"
                    " NEW.at, NEW.by_text, NEW.phone))"
                ),
            ),
            pgtrigger.Protect(name="told_notices_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class ProposalStatus(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"


PROPOSAL_LIFE_CYCLE = LifeCycle(
    ProposalStatus,
    {
        ProposalStatus.PROPOSED: Stage("待复核", "warn", (ProposalStatus.APPROVED, ProposalStatus.REFUSED)),
        ProposalStatus.APPROVED: Stage("已生效", "good"),
        ProposalStatus.REFUSED: Stage("复核未通过", "bad"),
    },
    begins=(ProposalStatus.PROPOSED,),
)


class Proposal(models.Model):
    """What one member of staff proposes and another decides: it takes effect with the second hand,
    and never by one alone.

    ``kind`` names who knows what it is (``proposals``), ``target`` what it is about: two open ones
    about the same do not stand side by side. ``payload`` is JSON-able. Nothing is changed
    afterwards but the decision, once.
    """

    kind = models.CharField(_("事项"), max_length=30)
    # Whose agency decides; empty: that of all cities.
    city = models.CharField(_("城市"), max_length=30, blank=True)
    target = models.CharField(_("对象标识"), max_length=80)
    about = models.CharField(_("对象"), max_length=160)
    # The person concerned, where there is one: that person neither proposes nor decides.
    identity_number = models.CharField(_("身份证号码"), max_length=18, blank=True)
    payload = models.JSONField(_("内容"))
    reason = models.CharField(_("依据或事由"), max_length=200)
    status = models.CharField(
        _("状态"),
        max_length=10,
        choices=choices(PROPOSAL_LIFE_CYCLE.labels),
        default=ProposalStatus.PROPOSED,
    )
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="proposals", verbose_name=_("提出人"))
    proposed_at = models.DateTimeField(_("提出时间"))
    decided_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decided_proposals",
        verbose_name=_("复核人"),
    )
    decided_at = models.DateTimeField(_("复核时间"), null=True, blank=True)
    why = models.CharField(_("未通过的原因"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("两人复核")
        ordering = ("-pk",)
        constraints = [
            one_of("status", ProposalStatus, name="proposal_status_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="proposal_has_reason"),
            models.CheckConstraint(
                condition=Q(status="proposed", decided_by__isnull=True, decided_at__isnull=True)
                | (
                    Q(status__in=["approved", "refused"], decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(decided_by=models.F("proposed_by"))
                ),
                name="proposal_decided_by_another",
            ),
            told_why("refused", name="proposal_refused_with_reason"),
            models.UniqueConstraint(
                fields=["kind", "target"],
                condition=Q(status="proposed"),
                name="one_open_proposal_about_a_target",
            ),
        ]
        indexes = [models.Index(fields=["city", "status"], name="proposal_queue")]
        triggers = [
            pgtrigger.Protect(
                name="proposals_are_decided_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.status <> 'proposed' OR ((OLD.kind, OLD.city, OLD.target, OLD.about, OLD.identity_number,"
                    " OLD.payload, OLD.reason, OLD.proposed_by_id, OLD.proposed_at) IS DISTINCT FROM (NEW.kind, NEW.city,"
                    " NEW.target, NEW.about, NEW.identity_number, NEW.payload, NEW.reason, NEW.proposed_by_id,"
                    " NEW.proposed_at))"
                ),
            ),
            pgtrigger.Protect(name="proposals_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"


class PersonLookup(models.Model):
    """Who looked at whose data, when and for what; also the measure for the hourly limit. Never
    changed.

    Of a search in the workbench each person in the list is one look, and a search that found nobody
    is one, too, without a number where none was typed.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="lookups", verbose_name=_("查询人"))
    identity_number = models.CharField(_("被查询人身份证号码"), max_length=18, blank=True)
    purpose = models.CharField(_("用途"), max_length=40)
    # In the workbench: which list or page, the row that was opened, what was typed, and the reason
    # to look up somebody of another city.
    page = models.CharField(_("页面"), max_length=40, blank=True)
    row = models.BigIntegerField(_("记录"), null=True, blank=True)
    sought = models.CharField(_("查询内容"), max_length=120, blank=True)
    reason = models.CharField(_("查询事由"), max_length=60, blank=True)
    found = models.BooleanField(_("是否查到"))
    # Whether the look counts for the hourly limit: it does where somebody was chosen by number.
    counted = models.BooleanField(_("计入每小时上限"), default=True)
    at = models.DateTimeField(_("时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("查询记录")
        indexes = [
            models.Index(fields=["user", "-at"], name="lookup_by_user"),
            models.Index(fields=["identity_number", "-at"], name="lookup_by_number"),
        ]
        triggers = [pgtrigger.Protect(name="lookups_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.user_id} {self.at:%Y-%m-%d %H:%M}"
