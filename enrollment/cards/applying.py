"""The application for a first card that is made with the first medical enrolment."""

import datetime as dt
import uuid

from enrollment.cards import making
from portal.hall import desk, drafts
from portal.hall.models import Attachment, Case, Draft
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.policy.terms.offers import first_card_terms

CODE = "first-medical-card"
PHOTO = "photo"


def with_enrolment(case: Case, applicant: Applicant, *, now: dt.datetime) -> str:
    """Applies for a first card with the photo of this enrolment, in its transaction; gives what the
    applicant does next. The bank and the way to get it are the first that the city has: who wants
    others withdraws, and applies anew."""
    offer = book().city(case.city).offers[CODE]
    terms = first_card_terms(offer)
    typed = {"bank": terms.banks[0], "delivery": terms.deliveries[0]}
    for begun in drafts.of_offer(user=applicant.user, offer=offer, ward=applicant.ward):
        drafts.forget(begun)
    draft = Draft.objects.create(
        user=applicant.user, city=offer.city, service=CODE, ward=applicant.ward, updated_at=now
    )
    photo = Attachment.objects.get(case=case, paper=PHOTO)
    photo.pk, photo.case, photo.draft = None, None, draft
    photo.save(force_insert=True)
    card_case = desk.submit(
        ask=desk.ask_for(offer=offer, applicant=applicant, typed=typed, now=now),
        # Of the enrolment's key, so that it is made once.
        key=uuid.uuid5(case.key, CODE),
        outside=None,
        attachments=[photo],
        now=now,
    )
    draft.delete()
    return making.to_confirm(card_case.first_card)
