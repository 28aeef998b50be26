"""What was typed and not yet sent: kept for its user, so that an ended session or a wrong click loses nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from portal.accounts.models import User
from portal.hall import attachments
from portal.hall.models import Draft
from portal.people.models import Person
from portal.policy.book import Offer

# Longer than any month window, so that nothing typed for this month is lost; then personal data go.
KEPT_FOR = timedelta(days=60)


def find(*, user: User, offer: Offer, ward: Person | None = None) -> Draft | None:
    """The user's draft for this offer, for themselves or for a ward, if there is one."""
    return Draft.objects.filter(user=user, city=offer.city, service=offer.code, ward=ward).first()


def keep(
    *,
    user: User,
    offer: Offer,
    typed: Mapping[str, Any],
    checked: bool,
    now: datetime,
    ward: Person | None = None,
) -> Draft:
    """Keeps what was typed; ``checked`` says that the form and its captcha were passed with exactly this."""
    draft, _made = Draft.objects.update_or_create(
        user=user,
        city=offer.city,
        service=offer.code,
        ward=ward,
        defaults={"typed": dict(typed), "checked": checked, "updated_at": now},
    )
    return draft


def forget(draft: Draft) -> None:
    """Drops the draft and what was uploaded with it, and not another that was begun since."""
    with transaction.atomic():
        for attachment in draft.attachments.all():
            attachments.remove(attachment)
        Draft.objects.filter(pk=draft.pk).delete()


def forget_old(*, now: datetime) -> int:
    """Drops drafts that nobody touched for long; how many."""
    old = list(Draft.objects.filter(updated_at__lt=now - KEPT_FOR))
    for draft in old:
        forget(draft)
    return len(old)
