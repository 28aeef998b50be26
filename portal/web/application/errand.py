"""What the steps of an application share: for what, by whom, which draft, at which address."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.permissions import WARD
from portal.hall import desk, drafts
from portal.hall.models import Draft
from portal.hall.service import Applicant, Service, ServiceForm
from portal.hall.ways import linked
from portal.people.models import Person
from portal.policy.book import City, Offer

STEPS = (
    ("service", gettext_lazy("用户须知")),
    ("apply", gettext_lazy("业务申报")),
    ("materials", gettext_lazy("材料申报")),
    ("receipt", gettext_lazy("收件回执单")),
)

# The names of what a form of the hall sends besides the service's own fields.
ACTION, KEY, SEEN = "action", "key", "seen"

# The draft in these addresses, where an offer may have several: its id, or NEW for none of them.
DRAFT, NEW = "draft", "new"

# The part of an address that names the case for which a visit to the window is booked.
FOR_CASE = "case"

# The length of every social-security number.
SOCIAL_SECURITY_DIGITS = 18

# How many drafts of one offer are listed.
SHOWN = 50


@dataclass(frozen=True)
class Errand:
    """What is applied for, by whom, now: what all steps of one application share."""

    city: City
    offer: Offer
    service: Service
    applicant: Applicant
    now: datetime
    # Which draft the address names: an id, NEW, or "" for the one that was touched last.
    picked: str = ""

    def url(self, step: str, **more: str) -> str:
        draft_query = {DRAFT: self.picked} if self.picked else {}
        return address(step, self.city.slug, self.offer.code, self.applicant.ward, **draft_query, **more)

    def form(self, typed: Any = None, known: Mapping[str, Any] | None = None) -> ServiceForm:
        return desk.form_for(
            offer=self.offer, applicant=self.applicant, typed=typed, known=known, now=self.now
        )

    def barred(self) -> list[str]:
        """Why this applicant cannot file it whatever they would answer, each with its links; empty
        where they can."""
        bars = desk.beforehand(offer=self.offer, applicant=self.applicant, now=self.now)
        return [linked(str(bar.why), bar.ways) for bar in bars]

    def drafts(self) -> list[Draft]:
        """The login's drafts of this offer; several only where it files about several people."""
        user, ward = self.applicant.user, self.applicant.ward
        return list(drafts.of_offer(user=user, offer=self.offer, ward=ward)[:SHOWN])

    def draft(self) -> Draft | None:
        """The draft that the address names; without a name, the one that was touched last."""
        user, ward = self.applicant.user, self.applicant.ward
        users_drafts = drafts.of_offer(user=user, offer=self.offer, ward=ward)
        if self.picked == NEW:
            return None
        return users_drafts.filter(pk=int(self.picked)).first() if self.picked else users_drafts.first()

    def on(self, draft: Draft) -> Self:
        """The same errand, its addresses naming this draft where there may be several."""
        return replace(self, picked=str(draft.pk)) if self.service.searches else self

    def subject(self, typed: Mapping[str, Any]) -> str:
        """The number that tells this draft from the login's others of the same offer; "" until a
        valid one was typed."""
        sought = self.service.searches
        if not sought:
            return ""
        try:
            typed_number = self.service.sought(MultiValueDict(typed), now=self.now)
            number = str(self.form().fields[sought].clean(typed_number) or "")
        except forms.ValidationError:
            return ""
        # A passport's number, or an identity number typed in part, names nobody yet.
        return number if len(number) == SOCIAL_SECURITY_DIGITS else ""

    def keep(self, typed: Mapping[str, Any], *, checked: bool) -> Draft:
        return drafts.keep(
            user=self.applicant.user,
            offer=self.offer,
            typed=typed,
            checked=checked,
            now=self.now,
            ward=self.applicant.ward,
            subject=self.subject(typed),
            begun=self.draft(),
        )

    def known(self, typed: Any) -> tuple[dict[str, Any], str]:
        """What the register knows of the number typed, and why it may not be asked ("" where it
        may)."""
        try:
            return desk.known_of(self.service, self.offer, self.applicant, typed, self.now), ""
        except desk.NotAccepted as refusal:
            return {}, str(refusal)

    def page(self, step: str, **context: Any) -> dict[str, Any]:
        """The context that the pages of all steps share."""
        return {
            "city": self.city,
            "offer": self.offer,
            "service": self.service,
            "ward": self.applicant.ward,
            "steps": self._steps(step),
            **context,
        }

    def _steps(self, step: str) -> list[dict[str, Any]]:
        at = [name for name, _title in STEPS].index(step)
        return [
            {
                "title": title,
                "state": "done" if place < at else "now" if place == at else "next",
                "url": self.url(name) if place < at else "",
            }
            for place, (name, title) in enumerate(STEPS)
        ]


def address(step: str, city: str, code: str, ward: Person | None = None, **more: str) -> str:
    """Where a step of an application stands; the address says for which ward it is."""
    query = {**({WARD: str(ward.pk)} if ward else {}), **more}
    return reverse(step, args=[city, code]) + (f"?{urlencode(query)}" if query else "")


def begun_before(errand: Errand, shown: Draft | None = None) -> list[dict[str, Any]]:
    """The other drafts of an offer that may have several, each with the way to go on with it."""
    return [
        {
            "about": drafts.about(draft) or _("尚未填写证件号码"),
            "updated_at": draft.updated_at,
            "url": errand.on(draft).url("apply"),
        }
        for draft in errand.drafts()
        if shown is None or draft.pk != shown.pk
    ]
