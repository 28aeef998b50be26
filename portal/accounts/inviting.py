"""经办人管理: a clerk who manages the clerks of an employer (its first one does) invites colleagues
by phone and ends their accounts.

An invitation is a link in a text message. Whoever opens it proves the invited phone by a code and
chooses name and password. A clerk whose account was ended and who is invited again gets the same
account back, with a new password.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from portal import locks
from portal.accounts import lockout, messages, sliding
from portal.accounts.models import ClerkInvitation, Kind, User
from portal.people.models import Employer

GOOD_FOR = timedelta(days=3)
RESEND_AFTER = timedelta(seconds=60)
# Invitations of one employer in 24 hours.
MOST_A_DAY = 20


class NotInvited(Exception):
    """Why nobody was invited, in words for whoever asked."""


class NoLongerGood(Exception):
    """The invitation was used or withdrawn, its time is over, or whoever sent it manages no clerks
    any more."""


class NameTaken(Exception):
    """Another clerk of the employer has this name, by which clerks log in."""


def may_manage(user: User) -> bool:
    """Whether this login invites clerks of its employer and ends their accounts."""
    return user.is_active and user.is_clerk and user.manages_clerks


def invite(*, phone: str, by: User, now: datetime) -> ClerkInvitation:
    """Invites whoever has this phone to be a clerk of the employer of ``by``, who must manage its
    clerks; an earlier invitation of the phone no longer counts. Raises NotInvited."""
    employer = by.employer
    if employer is None or not may_manage(by):
        raise NotInvited(_("您不能邀请经办人，请联系管理经办人的同事。"))
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        locks.hold("clerks of", employer.pk)
        if User.objects.filter(kind=Kind.CLERK, employer=employer, phone=phone, is_active=True).exists():
            raise NotInvited(_("这个手机号码已经是本单位经办人的登录号码。"))
        sent = ClerkInvitation.objects.filter(employer=employer)
        if sent.filter(phone=phone, invited_at__gt=now - RESEND_AFTER, withdrawn_at=None).exists():
            raise NotInvited(_("刚刚已邀请这个手机号码，请在一分钟后再试。"))
        if sent.filter(invited_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
            raise NotInvited(_("本单位一天内最多发出 {most} 份邀请，请明天再试。").format(most=MOST_A_DAY))
        sent.filter(phone=phone, withdrawn_at=None, taken_at=None).update(withdrawn_at=now)
        invitation = ClerkInvitation.objects.create(
            employer=employer,
            phone=phone,
            digest=_digest(token),
            invited_by=by,
            invited_at=now,
            good_until=now + GOOD_FOR,
        )
    text = _(
        "【社保网上办事大厅】{employer}邀请您做本单位的社保经办人。请在 {days} 天内打开链接开通账号，"
        "链接只能用一次，请勿转发：{url}"
    ).format(
        employer=employer.name, days=GOOD_FOR.days, url=settings.PUBLIC_URL + reverse("join", args=[token])
    )
    try:
        messages.send(phone=phone, text=text, now=now)
    except messages.MessageNotSent as error:
        withdraw(invitation, now=now)
        raise NotInvited(_("短信暂时无法发送，没有发出邀请，请稍后再试。")) from error
    return invitation


def find(token: str, *, now: datetime) -> ClerkInvitation:
    """The invitation of this link. Raises NoLongerGood, also where there never was one."""
    rows = ClerkInvitation.objects.select_related("employer", "invited_by")
    invitation = rows.filter(digest=_digest(token)).first()
    if invitation is None or not _is_good(invitation, now):
        raise NoLongerGood
    return invitation


def is_name_free(name: str, invitation: ClerkInvitation) -> bool:
    """Whether the invited can log in by this name: no other clerk of the employer has it."""
    clerks = User.objects.filter(kind=Kind.CLERK, employer=invitation.employer, name=name)
    return not clerks.exclude(phone=invitation.phone, is_active=False).exists()


def take(invitation: ClerkInvitation, *, name: str, password: str, now: datetime) -> User:
    """Opens the account of the invited, who has proved the phone. Raises NoLongerGood,
    NameTaken."""
    with transaction.atomic():
        locks.hold("clerks of", invitation.employer_id)
        invitation = ClerkInvitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
        if not _is_good(invitation, now):
            raise NoLongerGood
        former = User.objects.filter(
            kind=Kind.CLERK, employer=invitation.employer, phone=invitation.phone
        ).first()
        try:
            with transaction.atomic():
                clerk = _restore(former, name, password) if former else None
                clerk = clerk or User.objects.create_clerk(
                    invitation.employer, name=name, phone=invitation.phone, password=password
                )
        except IntegrityError as clash:
            raise NameTaken from clash
        ClerkInvitation.objects.filter(pk=invitation.pk).update(taken_at=now, taken_by=clerk)
    return clerk


def withdraw(invitation: ClerkInvitation, *, now: datetime) -> bool:
    """Withdraws an invitation that nobody has used yet; whether it could."""
    still_open = ClerkInvitation.objects.filter(pk=invitation.pk, withdrawn_at=None, taken_at=None)
    return still_open.update(withdrawn_at=now) == 1


def end(clerk: User, *, by: User, now: datetime) -> bool:
    """Ends the account of another clerk of the same employer at once, with its open sessions and
    the invitations that it has sent; whether there was anything to end."""
    if not may_manage(by) or clerk.pk == by.pk or clerk.employer_id != by.employer_id:
        return False
    with transaction.atomic():
        ended = User.objects.filter(pk=clerk.pk, kind=Kind.CLERK, is_active=True).update(
            is_active=False, manages_clerks=False
        )
        if not ended:
            return False
        ClerkInvitation.objects.filter(invited_by=clerk, withdrawn_at=None, taken_at=None).update(
            withdrawn_at=now
        )
        LogEntry.objects.log_actions(
            user_id=by.pk,
            queryset=User.objects.filter(pk=clerk.pk),
            action_flag=CHANGE,
            change_message=_("由本单位管理经办人的{name}停用").format(name=by.name),
            single_object=True,
        )
    sliding.end_all(clerk)
    return True


def clerks_of(employer: Employer) -> list[User]:
    """The clerks who can log in for the employer, those who manage the others first."""
    active = User.objects.filter(kind=Kind.CLERK, employer=employer, is_active=True)
    return list(active.order_by("-manages_clerks", "date_joined", "pk"))


def waiting(employer: Employer, *, now: datetime) -> list[ClerkInvitation]:
    """The employer's invitations that wait for an answer."""
    sent = ClerkInvitation.objects.filter(
        employer=employer, withdrawn_at=None, taken_at=None, good_until__gt=now
    )
    return list(sent.select_related("invited_by"))


def _restore(former: User, name: str, password: str) -> User:
    if former.is_active:
        raise NoLongerGood
    former.name, former.is_active = name, True
    former.set_password(password)
    former.save(update_fields=["name", "is_active", "password"])
    lockout.forget_failures(former)
    return former


def _is_good(invitation: ClerkInvitation, now: datetime) -> bool:
    return invitation.is_open and invitation.good_until > now and may_manage(invitation.invited_by)


def _digest(token: str) -> str:
    # Of 192 random bits: no key and no salt are needed.
    return hashlib.sha256(token.encode()).hexdigest()
