"""Drafts: what was typed and not yet sent. They are kept for their user, so that an ended session
or a wrong click loses nothing."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from portal.accounts.models import User
from portal.hall import attachments
from portal.hall.models import Draft
from portal.people.models import Person
from portal.policy.book import Offer
from portal.shared import identity
from portal.watch.failures import Watch

# Longer than any month window, so that nothing typed for this month is lost; no longer, because
# drafts hold personal data.
KEPT_FOR = timedelta(days=60)


def of_offer(*, user: User, offer: Offer, ward: Person | None = None) -> QuerySet[Draft]:
    """The user's drafts for this offer, for themselves or for a ward, the one touched last
    first."""
    drafts = Draft.objects.filter(user=user, city=offer.city, service=offer.code, ward=ward)
    return drafts.order_by("-updated_at", "-pk")


def find(*, user: User, offer: Offer, ward: Person | None = None) -> Draft | None:
    """The user's draft for this offer, for themselves or for a ward, if there is one; of several
    the one touched last."""
    return of_offer(user=user, offer=offer, ward=ward).first()


def keep(
    *,
    user: User,
    offer: Offer,
    typed: Mapping[str, Any],
    checked: bool,
    now: datetime,
    ward: Person | None = None,
    subject: str = "",
    begun: Draft | None = None,
) -> Draft:
    """Keeps what was typed about ``subject``; ``checked`` says that the form and its captcha were
    passed with exactly this.

    ``begun`` is the draft that the form showed: without a subject it becomes this subject's;
    another subject's draft stays as it is.
    """
    with transaction.atomic():
        if begun and subject and not begun.subject:
            _name(begun, subject)
        draft, _made = Draft.objects.update_or_create(
            user=user,
            city=offer.city,
            service=offer.code,
            ward=ward,
            subject=subject,
            defaults={"typed": dict(typed), "checked": checked, "updated_at": now},
        )
    return draft


def autosave(
    *,
    user: User,
    offer: Offer,
    typed: Mapping[str, Any],
    seen: str,
    now: datetime,
    ward: Person | None = None,
    subject: str = "",
    begun: Draft | None = None,
) -> Draft | None:
    """Keeps what was typed so far, without a press of a button; None where the draft has changed
    since the page was shown.

    ``seen`` is the draft's ``stamp`` as the page had it, "" where there was none. So nothing that
    another window kept, or that was sent on since, is overwritten.
    """
    with transaction.atomic():
        users_drafts = of_offer(user=user, offer=offer, ward=ward).select_for_update()
        draft = users_drafts.filter(subject=subject).first()
        if draft is None and begun and subject and not begun.subject:
            draft = users_drafts.filter(pk=begun.pk, subject="").first()
        if draft is None:
            try:
                with transaction.atomic():
                    return Draft.objects.create(
                        user=user, city=offer.city, service=offer.code, ward=ward, subject=subject,
                        typed=dict(typed), updated_at=now,
                    )  # fmt: skip
            except IntegrityError:
                return None
        if draft.typed == dict(typed) and draft.subject == subject:
            return draft
        if stamp(draft) != seen:
            return None
        draft.typed, draft.checked, draft.updated_at, draft.subject = dict(typed), False, now, subject
        draft.save(update_fields=["typed", "checked", "updated_at", "subject"])
    return draft


def _name(draft: Draft, subject: str) -> None:
    """Makes the draft the subject's; where the subject has one already, that one takes its
    place."""
    try:
        with transaction.atomic():
            Draft.objects.filter(pk=draft.pk, subject="").update(subject=subject)
    except IntegrityError:
        forget(draft)


def stamp(draft: Draft) -> str:
    """The time of the draft's last change, as text: a page tells by it whether the draft has
    changed."""
    return draft.updated_at.astimezone(UTC).isoformat()


def about(draft: Draft) -> str:
    """Whom a draft is about, in words that tell it from the user's other drafts; "" where nothing
    does."""
    if not draft.subject:
        return draft.ward.name if draft.ward else ""
    name = "".join(draft.typed.get("name", [])[:1]).strip()
    number = identity.mask(draft.subject)
    return f"{name} {number}" if name else number


def forget(draft: Draft) -> None:
    """Drops the draft and what was uploaded with it, and not another that was begun since."""
    with transaction.atomic():
        for attachment in draft.attachments.all():
            attachments.remove(attachment)
        Draft.objects.filter(pk=draft.pk).delete()


def sent(draft: Draft) -> None:
    """Drops a draft that has become a case. Where another window has changed it since it was read,
    it stays, under a new key."""
    with transaction.atomic():
        current = Draft.objects.select_for_update().filter(pk=draft.pk).first()
        if current is None:
            return
        if current.typed == draft.typed:
            forget(current)
        else:
            Draft.objects.filter(pk=current.pk).update(key=uuid.uuid4(), checked=False)


def forget_old(*, now: datetime) -> int:
    """Drops drafts that nobody touched for long; how many. One that fails does not keep the
    others."""
    dropped, watch = 0, Watch("forget_old_drafts", now=now)
    for draft in list(Draft.objects.filter(updated_at__lt=now - KEPT_FOR)):
        with watch.item(str(draft.pk), city=draft.city):
            forget(draft)
            dropped += 1
    watch.finished()
    return dropped
