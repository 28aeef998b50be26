"""The demo's people at the window: first cards on their way, and a pre-application that lacked a
paper."""

import datetime as dt
import io
import uuid
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from portal.hall import attachments, desk, drafts
from portal.hall.models import Case, Conclusion, WindowCheck
from portal.hall.routing import OPEN
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.web.demo import cast
from portal.web.demo.chapters import Say

ENROL, CARD = "flexible-enroll", "first-medical-card"


def tell(now: dt.datetime, say: Say) -> None:
    for number, entry in enumerate(cast.script()["first_cards"]):
        at = now - dt.timedelta(days=entry["days_ago"])
        _first_card(entry, uuid.uuid5(uuid.NAMESPACE_URL, f"demo-first-card-{number}"), at)
    for number, entry in enumerate(cast.script()["lacking"]):
        at = now - dt.timedelta(days=entry["days_ago"])
        _lacking(entry, uuid.uuid5(uuid.NAMESPACE_URL, f"demo-lacking-{number}"), at)


def _first_card(entry: dict[str, Any], key: uuid.UUID, at: dt.datetime) -> None:
    """A first medical enrolment with its photo; the card's application is accepted at the window
    the day after, where the entry says by whom."""
    login = cast.person_login(entry["person"])
    offer = book().city("wuhan").offers[ENROL]
    typed = {
        "tier_pension": "60",
        "tier_medical": "60",
        "account_number": cast.account_number("621799000000", ending=entry["account"]),
        "phone": login.phone,
    }
    if not Case.objects.filter(key=key).exists():
        draft = drafts.keep(user=login, offer=offer, typed={}, checked=False, now=at)
        paper = next(one for one in offer.papers if one.code == "photo")
        photo = attachments.keep_upload(
            home=draft, paper=paper, file=SimpleUploadedFile("照片.jpg", _portrait()), now=at
        )
        ask = desk.ask_for(offer=offer, applicant=Applicant.of(login), typed=typed, now=at)
        desk.submit(ask=ask, key=key, attachments=[photo], now=at)
        drafts.forget(draft)
    card = Case.objects.get(service=CARD, applicant_person=login.person)
    if "accepted_by" in entry and card.status in OPEN:
        _accept(card, entry["accepted_by"], at + dt.timedelta(days=1))


def _accept(case: Case, reviewer: str, at: dt.datetime) -> None:
    by = cast.staff(reviewer)
    papers = [
        {"code": paper.code, "title": paper.title, "seen": True, "agrees": True, "copied": False}
        for paper in case.offer.papers
    ]
    visit = WindowCheck(case=case, at=at, by=by, papers=papers, conclusion=Conclusion.ACCEPTED)
    desk.decide(case, approve=True, by=by, now=at, window=visit)


def _lacking(entry: dict[str, Any], key: uuid.UUID, at: dt.datetime) -> None:
    """A pre-application whose household did not match, and which lacked a paper at the window."""
    login = cast.person_login(entry["person"])
    offer = book().city("shenzhen").offers[ENROL]
    typed = {"household": "city", "tier_pension": "60", "tier_medical": "", "phone": login.phone}
    case = Case.objects.filter(key=key).first()
    if case is None:
        ask = desk.ask_for(offer=offer, applicant=Applicant.of(login), typed=typed, now=at)
        case = desk.submit(ask=ask, key=key, now=at)
    if case.status in OPEN and not case.window_checks.exists():
        visit = WindowCheck(
            case=case,
            at=at + dt.timedelta(days=1),
            by=cast.staff(entry["reviewer"]),
            conclusion=Conclusion.LACKING,
            words=entry["missing"],
        )
        desk.note_missing(visit)


def _portrait() -> bytes:
    """A drawn face with a camera's noise: a plain picture weighs less than the maker of cards
    takes."""
    picture = Image.effect_noise((358, 441), 16).convert("RGB")
    picture = Image.blend(picture, Image.new("RGB", picture.size, "white"), 0.6)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((109, 90, 249, 260), fill="#caa58a")
    draw.rectangle((70, 290, 288, 441), fill="#2f3b52")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()
