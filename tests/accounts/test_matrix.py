"""Every address × whoever may come: nobody, persons A and B, the clerks of employers A and B, a
reviewer.

A new page says here what each of them gets; an address that says nothing fails the test. For each
address there may be several samples, so that A's things are asked for by B too. What is not one's
own answers exactly as what does not exist.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from captcha.models import CaptchaStore
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.test import Client, override_settings
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker

from certificates import development_authority, issuing
from certificates.facts import person_facts
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from contributions.assessments.assessing import draw_up
from contributions.charges.charging import charge
from contributions.models import Assessment, Charge, LumpSum, Order
from contributions.orders.placing import place_charges
from portal.accounts.models import Notice, User
from portal.appointments.models import Appointment, Site
from portal.hall.models import Attachment, Case, Draft, WindowCheck
from portal.hall.routing import Status
from portal.policy.book import Mode, book
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import NOW, Cast, cover, moment
from tests.conftest import Clock
from tests.filing import file, standing_case
from tests.standing import standing
from transfers import agencies, steps
from transfers.models import Direction, Transfer

LOGINS = {
    "person A": "li_qiang_login",
    "person B": "wang_fang_login",
    "clerk A": "yongjiang_clerk",
    "clerk B": "zhaobao_clerk",
    "reviewer": "ningbo_reviewer",
}
VISITORS = ("nobody", *LOGINS)

# What an address may answer.
PAGE = "200"
NONE = "404"
TO_PERSONS = "to the persons' door"
TO_EMPLOYERS = "to the employers' door"
TO_STAFF = "to the staff's door"
TO_DESKS = "to the desks' door"
ON = "on to another page"
NOT_SO = "405"
NO_SESSION = "401"
WRONG = "422"
GONE = "410"
SERVED = "a file"
OVER = "286"
NOT_NOW = "503"


@dataclass(frozen=True)
class World:
    """What there is to ask for: things of A, which B and others must not see."""

    person_case: Case
    employer_case: Case
    pre_applied: Case
    attachment: Attachment
    draft_attachment: Attachment
    charge: Charge
    assessment: Assessment
    certificate: Certificate
    staff_case: Case
    captcha: str
    order: Order
    lump_sum: LumpSum
    transfer: Transfer
    appointment: Appointment


@dataclass(frozen=True)
class Sample:
    """One address with sample arguments, and what each visitor gets, in the order of VISITORS."""

    name: str
    gets: tuple[str, ...]
    kwargs: Callable[[World], dict[str, Any]] = lambda world: {}
    method: str = "GET"
    what: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.method, self.name, self.what) if part)


def visit_with(case: Case) -> WindowCheck:
    """A visit to the window with the case, at which something was missing."""
    staff = User.objects.filter(is_staff=True).earliest("pk")
    return WindowCheck.objects.create(case=case, at=NOW, by=staff, conclusion="lacking", words="户口簿")


def all_get(what: str) -> tuple[str, ...]:
    return (what,) * len(VISITORS)


def only(nobody: str, *allowed: str, what: str = PAGE, others: str = NONE) -> tuple[str, ...]:
    """``nobody`` for who is not logged in, ``what`` for those allowed, ``others`` for the rest."""
    return (nobody, *(what if visitor in allowed else others for visitor in VISITORS[1:]))


PERSONS = ("person A", "person B")
CLERKS = ("clerk A", "clerk B")
ANYONE = (*PERSONS, *CLERKS, "reviewer")


def number_of(which: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"number": getattr(world, which).number}


def no_such_case(world: World) -> dict[str, Any]:
    return {"number": "NB20991231000001"}


def serial_number(world: World) -> dict[str, Any]:
    return {"serial_number": world.certificate.serial_number}


def order_number(world: World) -> dict[str, Any]:
    return {"number": world.order.number}


def lump_sum_number(world: World) -> dict[str, Any]:
    return {"number": world.lump_sum.case.number}


def no_such_order(world: World) -> dict[str, Any]:
    return {"number": "320200-20991231-ABCDEFGH"}


def of_assessment(world: World) -> dict[str, Any]:
    return {"pk": world.assessment.pk}


def of_staff_charge(world: World) -> dict[str, Any]:
    return {"pk": world.assessment.last}


def in_ningbo(code: str = "") -> Callable[[World], dict[str, Any]]:
    return lambda world: {"city": "ningbo", **({"code": code} if code else {})}


def of_no_partner(**kwargs: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: kwargs


def notice_of_person(world: World) -> dict[str, Any]:
    notice, _made = Notice.objects.get_or_create(
        kind="debit-failed",
        reference="x",
        defaults={
            "person_id": world.charge.person_id,
            "title": "托收扣款失败",
            "text": "余额不足。",
            "at": NOW,
        },
    )
    return {"pk": notice.pk}


SAMPLES = [
    # portal.accounts
    Sample("login-person", only(PAGE, *ANYONE, what=ON)),
    Sample("login-employer", only(PAGE, *ANYONE, what=ON)),
    Sample("login-desk", only(PAGE, *ANYONE, what=ON)),
    Sample("register", only(PAGE, *ANYONE, what=ON)),
    Sample("register-prove", all_get(ON)),
    Sample("register-face", all_get(ON)),
    Sample("register-password", all_get(ON)),
    Sample("sign-on", all_get(NOT_SO), lambda world: {"city": "wuxi"}),
    Sample("sign-on", all_get(NONE), lambda world: {"city": "wuxi"}, "POST", "that is not set up"),
    Sample("sign-on-done", all_get(NONE), lambda world: {"city": "wuxi"}, what="that is not set up"),
    Sample("go-on", only(TO_PERSONS, *ANYONE, what=ON)),
    Sample("forgot", all_get(PAGE)),
    Sample("logout", all_get(NOT_SO)),
    Sample("logout", all_get(ON), method="POST"),
    Sample("session", all_get(NOT_SO)),
    Sample("session", only(NO_SESSION, *ANYONE), method="POST"),
    Sample("account", only(TO_PERSONS, *ANYONE)),
    Sample("first-password", only(NONE, *ANYONE, what=ON)),
    Sample("factor", only(NONE, "reviewer")),
    Sample("factor-enrol", only(NONE, "reviewer", what=ON)),
    Sample("factor-codes", only(NONE, "reviewer", what=ON)),
    Sample("factors", only(TO_PERSONS, "reviewer")),
    Sample("factors-no-authenticator", only(TO_PERSONS, "reviewer")),
    Sample("factors-no-passkey", only(TO_PERSONS), lambda world: {"pk": 1}, what="unknown"),
    *(Sample(name, all_get(NOT_SO)) for name in ("factors-new-codes", "passkey-ask", "passkey-begin")),
    Sample("factors-new-codes", only(TO_PERSONS, "reviewer", what=ON), method="POST"),
    Sample("passkey-ask", only(NONE, "reviewer", what=WRONG), method="POST"),
    Sample("passkey-begin", only(NONE, "reviewer"), method="POST"),
    Sample("account-phone", only(TO_PERSONS, *PERSONS, *CLERKS)),
    Sample("account-sessions-end", all_get(NOT_SO)),
    Sample("account-sessions-end", only(TO_PERSONS, *ANYONE, what=ON), method="POST"),
    Sample("account-verify", only(TO_PERSONS, *PERSONS, what=ON)),
    Sample("account-verify-face", only(TO_PERSONS, *PERSONS, what=ON)),
    Sample("clerks", only(TO_EMPLOYERS, *CLERKS)),
    Sample("invitation-withdraw", all_get(NOT_SO), lambda world: {"pk": 10**9}),
    Sample("invitation-withdraw", only(TO_EMPLOYERS), lambda world: {"pk": 10**9}, "POST", "unknown"),
    Sample("clerk-end", only(TO_EMPLOYERS), lambda world: {"pk": 10**9}, what="unknown"),
    Sample("join", all_get(GONE), lambda world: {"token": "no-such-link"}, what="unknown"),
    Sample("demo-messages", all_get(PAGE)),
    # captcha
    Sample("captcha-image", all_get(SERVED), lambda world: {"key": world.captcha}),
    Sample("captcha-image-2x", all_get(SERVED), lambda world: {"key": world.captcha}),
    Sample("captcha-audio", all_get(NONE), lambda world: {"key": world.captcha}),
    Sample("captcha-refresh", all_get(NONE)),
    Sample("captcha-question", all_get(NONE)),
    # portal.web
    Sample("index", all_get(ON)),
    Sample("healthz", all_get(PAGE)),
    Sample("robots", all_get(PAGE)),
    Sample("security", all_get(PAGE)),
    Sample("favicon", all_get(ON)),
    Sample("help", all_get(PAGE)),
    Sample("accessibility", all_get(PAGE)),
    Sample("elder", all_get(ON)),
    Sample("choose-city", all_get(ON), lambda world: {"slug": "wuhan"}),
    Sample("choose-city", all_get(NONE), lambda world: {"slug": "atlantis"}, what="unknown"),
    Sample("any-site", all_get(ON), lambda world: {"code": "pension-history"}),
    Sample("any-site", all_get(NONE), lambda world: {"code": "flexible-enroll"}, what="of a site"),
    Sample("windows", all_get(PAGE), in_ningbo()),
    Sample("home", all_get(PAGE), in_ningbo()),
    # A community desk's pages, and what a city without desks has not.
    Sample("desk", only(TO_DESKS)),
    Sample("desk-open", only(TO_DESKS)),
    Sample("desk-reset", only(TO_DESKS)),
    Sample("desk-visit", only(TO_DESKS)),
    Sample("desk-visit-end", only(TO_DESKS), method="POST"),
    Sample("desk-qualification", only(TO_DESKS), lambda world: {"pk": 1}),
    Sample("desk-letter", only(TO_DESKS), lambda world: {"pk": 1}),
    Sample("desks", all_get(NONE), in_ningbo()),
    Sample("letter", only(TO_PERSONS), in_ningbo()),
    Sample("search", all_get(PAGE), in_ningbo()),
    Sample("questions", all_get(PAGE), in_ningbo()),
    Sample("family", only(TO_PERSONS, *PERSONS)),
    Sample("quote", all_get(PAGE), in_ningbo()),
    Sample("services", all_get(PAGE), in_ningbo()),
    Sample("service", all_get(PAGE), in_ningbo("employer-add-staff"), what="for employers"),
    Sample("service", all_get(PAGE), in_ningbo("flexible-enroll"), what="for persons"),
    Sample("service", all_get(NONE), in_ningbo("no-such-service"), what="unknown"),
    Sample(
        "apply", only(TO_EMPLOYERS, *CLERKS, others=ON), in_ningbo("employer-add-staff"), what="for employers"
    ),
    Sample("apply", only(TO_PERSONS, *PERSONS, others=ON), in_ningbo("flexible-enroll"), what="for persons"),
    Sample(
        "materials",
        only(TO_EMPLOYERS, what=ON, others=ON),
        in_ningbo("employer-add-staff"),
        what="for employers",
    ),
    Sample(
        "materials", only(TO_PERSONS, what=ON, others=ON), in_ningbo("flexible-enroll"), what="for persons"
    ),
    Sample("cases", only(TO_PERSONS, *ANYONE)),
    Sample("messages", only(TO_PERSONS, *ANYONE)),
    Sample("messages-read", all_get(NOT_SO)),
    Sample("messages-read", only(TO_PERSONS, *ANYONE, what=ON), method="POST"),
    Sample("message-read", all_get(NOT_SO), notice_of_person),
    Sample("message-read", only(TO_PERSONS, "person A", what=ON), notice_of_person, "POST", "of person A"),
    Sample("message-read", only(TO_PERSONS), lambda world: {"pk": 10**9}, "POST", "unknown"),
    *(
        sample
        for name in ("case", "receipt")
        for sample in (
            Sample(
                name,
                only(TO_PERSONS, "person A"),
                number_of("person_case"),
                what="of person A, of another city",
            ),
            Sample(
                name,
                only(TO_PERSONS, "clerk A", "reviewer"),
                number_of("employer_case"),
                what="of employer A",
            ),
            Sample(name, only(TO_PERSONS), no_such_case, what="unknown"),
        )
    ),
    Sample(
        "case-form", only(TO_PERSONS, "person A", "reviewer"), number_of("pre_applied"), what="of person A"
    ),
    Sample("case-form", only(TO_PERSONS), number_of("person_case"), what="without one"),
    Sample("withdraw", only(TO_PERSONS, "person A"), number_of("pre_applied"), what="of person A"),
    Sample("withdraw", only(TO_PERSONS, "clerk A"), number_of("employer_case"), what="of employer A"),
    Sample("withdraw", only(TO_PERSONS), no_such_case, what="unknown"),
    Sample(
        "withdraw", only(TO_PERSONS, "clerk A", what=ON), number_of("employer_case"), "POST", "of employer A"
    ),
    Sample("case-amend", only(TO_PERSONS, "clerk A", what=ON), number_of("employer_case"), what="not asked"),
    Sample("case-amend", only(TO_PERSONS), no_such_case, what="unknown"),
    Sample("file-again", all_get(NOT_SO), number_of("person_case")),
    Sample("file-again", only(TO_PERSONS), number_of("person_case"), "POST", "that stands"),
    Sample(
        "attachment",
        only(TO_PERSONS, "clerk A", "reviewer", what=SERVED),
        lambda world: {"number": world.employer_case.number, "pk": world.attachment.pk},
        what="of employer A",
    ),
    Sample(
        "attachment",
        only(TO_PERSONS),
        lambda world: {"number": world.person_case.number, "pk": world.attachment.pk},
        what="under another's case",
    ),
    Sample(
        "draft-attachment",
        only(TO_PERSONS, "clerk A", what=SERVED),
        lambda world: {"pk": world.draft_attachment.pk},
        what="of clerk A",
    ),
    # enrollment: Ningbo's employers declare no wages, so there is nothing for their clerks
    Sample("employer-bases", only(TO_EMPLOYERS)),
    Sample("employer-bases-list", only(TO_EMPLOYERS)),
    Sample("employer-bases-upload", all_get(NOT_SO)),
    Sample("employer-bases-upload", only(TO_EMPLOYERS), method="POST"),
    Sample("employer-bases-problems", only(TO_EMPLOYERS)),
    Sample("employer-bases-sent", only(TO_EMPLOYERS), lambda world: {"pk": 1}),
    # contributions
    Sample("record", only(TO_PERSONS, *PERSONS)),
    Sample("record-account", only(TO_PERSONS, *PERSONS)),
    Sample(
        "record-charge",
        only(TO_PERSONS, "person A"),
        lambda world: {"pk": world.charge.pk},
        what="of person A",
    ),
    Sample("employer-charges", only(TO_EMPLOYERS, *CLERKS)),
    Sample("employer-assessments", only(TO_EMPLOYERS, *CLERKS)),
    *(
        Sample(name, only(TO_EMPLOYERS, "clerk A"), of_assessment, what="of employer A")
        for name in ("employer-assessment", "employer-assessment-csv", "employer-assessment-xlsx")
    ),
    *(
        sample
        for name in ("employer-confirm", "employer-order")
        for sample in (
            Sample(name, all_get(NOT_SO), of_assessment),
            Sample(name, only(TO_EMPLOYERS, "clerk A", what=ON), of_assessment, "POST", "of employer A"),
        )
    ),
    Sample("employer-charge", only(TO_EMPLOYERS, "clerk A"), of_staff_charge, what="of employer A"),
    Sample("employer-charge", only(TO_EMPLOYERS), lambda world: {"pk": world.charge.pk}, what="of person A"),
    Sample("employer-notice", only(TO_EMPLOYERS, "clerk A", what=ON), of_assessment, what="of employer A"),
    Sample("employer-bill-notice", only(TO_EMPLOYERS), lambda world: {"pk": 1}, what="unknown"),
    Sample("employer-bill", only(TO_EMPLOYERS), lambda world: {"pk": 1}, what="unknown"),
    # orders
    Sample("orders", only(TO_PERSONS, *PERSONS, *CLERKS)),
    Sample("paid-list", only(TO_PERSONS, *PERSONS)),
    Sample("order", only(TO_PERSONS, "person A"), order_number, what="of person A"),
    Sample("order", only(TO_PERSONS), no_such_order, what="unknown"),
    # No channel can be used here, so the card's page leads back; and nothing is under way, so the
    # payment's page does.
    Sample("lump-sum", only(TO_PERSONS, "person A"), lump_sum_number, what="of person A"),
    Sample("lump-sum", only(TO_PERSONS), no_such_order, what="unknown"),
    Sample("lump-sum-order", all_get(NOT_SO), lump_sum_number),
    Sample(
        "lump-sum-order", only(TO_PERSONS, "person A", what=WRONG), lump_sum_number, "POST", "of person A"
    ),
    Sample("order-card", only(TO_PERSONS, "person A", what=ON), order_number, what="of person A"),
    Sample("order-payment", only(TO_PERSONS, "person A", what=ON), order_number, what="of person A"),
    *(
        Sample(name, only(TO_PERSONS, "person A", what=ON), order_number, "POST", "of person A")
        for name in ("order-card", "order-payment")
    ),
    Sample("order-state", only(TO_PERSONS, "person A", what=OVER), order_number, what="of person A"),
    Sample("order-cancel", only(TO_PERSONS, "person A"), order_number, what="of person A"),
    Sample("order-pay", all_get(NOT_SO), order_number),
    Sample("order-pay", only(TO_PERSONS, "person A"), order_number, "POST", "of person A"),
    Sample("order-drop", all_get(NOT_SO), order_number),
    Sample("order-drop", only(TO_PERSONS, "person A", what=ON), order_number, "POST", "of person A"),
    Sample("order-cancel", only(TO_PERSONS, "person A", what=ON), order_number, "POST", "of person A"),
    Sample("payment-callback", all_get(NOT_SO), lambda world: {"channel": "wechat"}),
    Sample("payment-callback", all_get(NONE), lambda world: {"channel": "barter"}, "POST", "unknown"),
    Sample("payment-callback", all_get(NOT_NOW), lambda world: {"channel": "wechat"}, "POST", "without keys"),
    # transfers
    Sample("transfers", only(TO_PERSONS, *PERSONS)),
    *(
        sample
        for name in ("transfer", "transfer-cancel")
        for sample in (
            Sample(name, only(TO_PERSONS, "person A"), number_of("transfer"), what="of person A"),
            Sample(name, only(TO_PERSONS), no_such_case, what="unknown"),
        )
    ),
    Sample("transfer-again", all_get(NOT_SO), number_of("transfer")),
    Sample(
        "transfer-again", only(TO_PERSONS, "person A", what=ON), number_of("transfer"), "POST", "of person A"
    ),
    Sample(
        "transfer-cancel", only(TO_PERSONS, "person A", what=ON), number_of("transfer"), "POST", "of person A"
    ),
    # portal.appointments
    Sample("appointments", only(TO_PERSONS, *ANYONE)),
    *(
        sample
        for name in (
            "appointment",
            "appointment-slip",
            "appointment-calendar",
            "appointment-move",
            "appointment-cancel",
        )
        for sample in (
            Sample(name, only(TO_PERSONS, "person A"), number_of("appointment"), what="of person A"),
            Sample(name, only(TO_PERSONS), no_such_case, what="unknown"),
        )
    ),
    Sample("appointment-move", only(TO_PERSONS, "person A", what=ON), number_of("appointment"), "POST"),
    Sample(
        "appointment-cancel",
        only(TO_PERSONS, "person A", what=ON),
        number_of("appointment"),
        "POST",
        "of person A",
    ),
    Sample("appointment-times", all_get(NONE), in_ningbo("appointment"), what="not offered"),
    # portal.partners: signed requests only, whatever the session
    Sample("api-schema", all_get(PAGE)),
    Sample("api-keys", all_get(PAGE)),
    Sample("api-nowhere", all_get(NONE), of_no_partner(rest="v1/nothing/")),
    *(
        Sample(name, all_get(NO_SESSION), of_no_partner(**kwargs), method)
        for name, method, kwargs in (
            ("api-dues", "POST", {}),
            ("api-proof-by-code", "POST", {}),
            ("api-proof-by-digest", "POST", {}),
            ("api-proof-by-file", "POST", {}),
            ("api-orders", "POST", {}),
            ("api-order", "GET", {"number": "X"}),
            ("api-order-cancel", "POST", {"number": "X"}),
            ("api-order-payments", "POST", {"number": "X"}),
            ("api-payment", "GET", {"provider_number": "X"}),
            ("api-reversal", "POST", {"provider_number": "X"}),
            ("api-refund-request", "POST", {"provider_number": "X"}),
            ("api-day", "GET", {"day": dt.date(2026, 11, 16)}),
            ("api-day", "POST", {"day": dt.date(2026, 11, 16)}),
            ("api-differences", "GET", {"day": dt.date(2026, 11, 16)}),
            ("api-refunds", "GET", {}),
            ("api-refund-done", "POST", {"number": "X"}),
            ("api-transfer-messages", "POST", {}),
            ("api-transfer-document", "GET", {"serial_number": "X"}),
        )
    ),
    # certificates
    Sample("proofs", only(TO_PERSONS, *PERSONS, *CLERKS)),
    Sample("certificate", only(TO_PERSONS, "person A"), serial_number, what="of person A"),
    Sample(
        "certificate-download", only(TO_PERSONS, "person A", what=SERVED), serial_number, what="of person A"
    ),
    Sample(
        "certificate-take-back", only(TO_PERSONS, "person A", what=ON), serial_number, what="not issued yet"
    ),
    Sample(
        "case-paper",
        only(TO_PERSONS, "person A", what=ON),
        lambda world: {"number": world.person_case.number, "kind": "receipt"},
        method="POST",
        what="of person A",
    ),
    Sample(
        "window-paper",
        tuple(
            SERVED if visitor == "reviewer" else gets
            for visitor, gets in zip(VISITORS, only(TO_PERSONS, "person A", what=ON), strict=True)
        ),
        lambda world: {"number": world.pre_applied.number, "pk": visit_with(world.pre_applied).pk},
        method="POST",
        what="of person A",
    ),
    *(
        Sample(name, only(TO_PERSONS, "clerk A", what=gets), number_of("staff_case"), what="of employer A")
        for name, gets in (
            ("staff-batch", PAGE),
            ("staff-batch-state", PAGE),
            ("staff-batch-archive", ON),
        )
    ),
    Sample(
        "staff-batch-retry",
        only(TO_PERSONS, "clerk A", what=ON),
        number_of("staff_case"),
        method="POST",
        what="of employer A",
    ),
    Sample("verify", all_get(PAGE)),
    Sample("verify-offline", all_get(PAGE)),
    Sample("verify-code", all_get(PAGE), lambda world: {"code": world.certificate.code}),
    Sample("verify-code", all_get(PAGE), lambda world: {"code": "0"}, what="that is none"),
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the development authority's keys."""
    folder = tmp_path_factory.mktemp("keys")
    with override_settings(SEAL_DIR=folder):
        development_authority.make_development_ca(cities=development_authority.development_cities(), now=NOW)
    return folder


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, keys: Path
) -> Iterator[tuple[Cast, World]]:
    """Once for all tests: the people, and what is A's."""
    with override_settings(SEAL_DIR=keys), standing(django_db_blocker):
        cast = Cast()
        for login in LOGINS.values():
            getattr(cast, login)
        yield cast, things_of_a(cast)


@pytest.fixture
def cast(made: tuple[Cast, World], db: None) -> Cast:
    return made[0]


@pytest.fixture
def world(made: tuple[Cast, World], clock: Clock, keys: Path, settings: Any) -> World:
    settings.SEAL_DIR = keys
    return made[1]


def things_of_a(cast: Cast) -> World:
    """Made at the desk where a test can."""
    person, clerk = cast.li_qiang_login, cast.yongjiang_clerk
    flexible = {
        "tier_pension": "60",
        "tier_medical": "",
        "account_number": "6217990000000000014",
        "phone": "13800000002",
    }
    staff = {
        "identity_number": cast.newcomer_number,
        "name": cast.newcomer_name,
        "phone": "13800000009",
        "hired_on": "2026-11-02",
        "wage": "6500",
        "start_pension": "2026-10",
        "start_unemployment": "2026-11",
        "start_work_injury": "2026-11",
    }
    person_case = file(person, "wuhan", "flexible-enroll", flexible, NOW)
    employer_case = file(clerk, "ningbo", "employer-add-staff", staff, NOW)
    pre_applied = Case.objects.create(
        number="NB20261117000099",
        city="ningbo",
        service="flexible-enroll",
        mode=Mode.MATCH,
        status=Status.PRE_APPLIED,
        filed_by=person,
        applicant_person=person.person,
        answers={},
        key=uuid4(),
        digest="0" * 64,
        submitted_at=NOW,
    )
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2026-11", at=cast.yongjiang, wage_fen=600000)
    charge(city="ningbo", month=Month(2026, 11), by=User.objects.system(), now=NOW)
    draw_up(city="ningbo", month=Month(2026, 11), by=User.objects.system(), now=NOW)
    charge(city="wuhan", month=Month(2026, 12), by=User.objects.system(), now=moment("2026-12-01 01:10"))
    owed = Charge.objects.get(person=cast.li_qiang)
    proofs = {
        "who": "all",
        "numbers": "",
        "months": "1",
        "insurances": ["pension"],
        "reveal": "months",
    }
    facts = person_facts(
        cast.li_qiang, city=book().city("wuhan"), insurances=[Insurance.PENSION], month_count=12, now=NOW
    )
    certificate = issuing.freeze(
        kind=CertificateKind.PERSON, city="wuhan", person=cast.li_qiang, facts=facts, by=person, now=NOW
    )
    draft = Draft.objects.create(user=clerk, city="ningbo", service="employer-stop-staff", updated_at=NOW)
    paper: dict[str, Any] = {
        "paper": "contract",
        "name": "劳动合同.jpg",
        "content_type": "image/jpeg",
        "size": 5,
        "uploaded_at": NOW,
    }
    transfer = steps.apply(
        person=cast.li_qiang,
        insurance=Insurance.PENSION,
        old=agencies.of_city("wuhan"),
        new=agencies.of_city("shenzhen"),
        direction=Direction.OUT,
        case=None,
        by=person,
        now=NOW,
    )
    return World(
        person_case=person_case,
        employer_case=employer_case,
        pre_applied=pre_applied,
        attachment=Attachment.objects.create(
            case=employer_case, digest="a" * 64, file=ContentFile(b"paper", "paper"), **paper
        ),
        draft_attachment=Attachment.objects.create(
            draft=draft, digest="b" * 64, file=ContentFile(b"paper", "paper"), **paper
        ),
        charge=owed,
        assessment=Assessment.objects.get(),
        certificate=certificate,
        staff_case=file(clerk, "ningbo", "staff-proofs", proofs, NOW),
        captcha=CaptchaStore.generate_key(),
        transfer=transfer,
        appointment=_appointment(cast),
        order=place_charges(
            city="wuhan", charges=[owed], person=cast.li_qiang, key=uuid4(), by=person, now=NOW
        ),
        lump_sum=LumpSum.objects.create(
            case=standing_case(person, status=Status.TO_PAY, city="shenzhen", service="lump-sum"),
            city="shenzhen",
            person=cast.li_qiang,
            insurance=Insurance.PENSION,
            capacity=Capacity.RESIDENT,
            months=12,
            amount_fen=18000,
            account_fen=18000,
            derivation={
                "lines": [],
                "since": "2026-01-01",
                "reference": "",
                "illustrative": True,
                "mark": "",
            },
            pay_by=dt.date(2099, 1, 1),
            drawn_at=NOW,
            drawn_by=person,
        ),
    )


def _appointment(cast: Cast) -> Appointment:
    """李强's at a place in Wuhan."""
    site = Site.objects.create(city="wuhan", title="江岸区经办大厅", address="京汉大道一号", windows=3)
    slot = f"{site.pk}-202611200900"
    typed = {"slot": slot, "matter": "payment", "phone": "13800000002"}
    case = file(cast.li_qiang_login, "wuhan", "appointment", typed, NOW)
    return Appointment.objects.get(case=case)


def visit(visitor: str, cast: Cast) -> Client:
    """A browser of its own for the visitor."""
    client = Client(raise_request_exception=True)
    if visitor in LOGINS:
        client.force_login(getattr(cast, LOGINS[visitor]))
    return client


def answer(response: Any) -> str:
    """What a response is, in the words of the table."""
    if response.status_code in (301, 302):
        doors = {
            "/login/person/": TO_PERSONS,
            "/login/employer/": TO_EMPLOYERS,
            "/login/desk/": TO_DESKS,
            "/admin/login/": TO_STAFF,
        }
        return doors.get(response["Location"].partition("?")[0], ON)
    if response.status_code == 200 and response["Content-Type"].startswith(("image/", "application/pdf")):
        return SERVED
    return str(response.status_code)


def text(response: Any) -> str:
    """A page without what differs at every visit."""
    return re.sub(r'csrfmiddlewaretoken" value="\w+|next=[^"&]*', "", response.content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_everyone_gets_what_is_theirs(sample: Sample, world: World, cast: Cast) -> None:
    address = reverse(sample.name, kwargs=sample.kwargs(world))
    given = {visitor: answer(visit(visitor, cast).generic(sample.method, address)) for visitor in VISITORS}
    assert given == dict(zip(VISITORS, sample.gets, strict=True))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "of_a", "of_nobody"),
    [
        ("case", number_of("person_case"), no_such_case),
        ("receipt", number_of("person_case"), no_such_case),
        ("case-form", number_of("pre_applied"), no_such_case),
        ("withdraw", number_of("person_case"), no_such_case),
        ("case-amend", number_of("person_case"), no_such_case),
        ("draft-attachment", lambda world: {"pk": world.draft_attachment.pk}, lambda world: {"pk": 999999}),
        ("certificate", serial_number, lambda world: {"serial_number": "420100-PP-20991231-000001"}),
        ("certificate-download", serial_number, lambda world: {"serial_number": "420100-PP-20991231-000001"}),
        ("record-charge", lambda world: {"pk": world.charge.pk}, lambda world: {"pk": 999999}),
        ("employer-assessment", of_assessment, lambda world: {"pk": 999999}),
        ("employer-charge", of_staff_charge, lambda world: {"pk": 999999}),
        ("order", order_number, no_such_order),
        ("lump-sum", lump_sum_number, no_such_order),
        ("order-payment", order_number, no_such_order),
        ("order-cancel", order_number, no_such_order),
    ],
)
def test_anothers_thing_looks_like_no_thing(
    name: str,
    of_a: Callable[[World], dict[str, Any]],
    of_nobody: Callable[[World], dict[str, Any]],
    world: World,
    cast: Cast,
) -> None:
    for visitor in ("person B", "clerk B"):
        client = visit(visitor, cast)
        pages = [client.get(reverse(name, kwargs=which(world))) for which in (of_a, of_nobody)]
        assert [page.status_code for page in pages] == [404, 404]
        assert text(pages[0]) == text(pages[1])


def addresses(patterns: list[Any], namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """The name ("" where it has none) and the pattern of every address that the resolver knows."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, pattern.namespace or namespace)
        else:
            prefix = f"{namespace}:" if namespace else ""
            yield (prefix + pattern.name if pattern.name else ""), pattern


def test_every_address_says_what_each_visitor_gets() -> None:
    public = [
        one
        for one in addresses(get_resolver().url_patterns)
        if one[1].lookup_str.partition(".")[0] not in STAFF_CODE
    ]
    assert not [str(pattern.pattern) for name, pattern in public if not name], "addresses without a name"
    names = {name for name, _pattern in public if not name.startswith("admin:")}
    assert not names - {sample.name for sample in SAMPLES}, "say in SAMPLES what each visitor gets there"
    assert not {sample.name for sample in SAMPLES} - names, "these addresses are gone"


# The workbench: whoever is not staff finds nothing, whatever the page; who is, what their roles
# allow.

STAFF_CODE = ("django", "unfold")

# What a reviewer may open of the lists; every other list answers 403.
REVIEWERS_LISTS = {
    "accounts_activationcode",
    "hall_case",
    "hall_workdayoverride",
    "accounts_proposal",
    "people_person",
    "people_employer",
    "people_guardianship",
    "people_bankaccount",
    "qualifications_desk",
    "qualifications_qualification",
    "registers_birthrecord",
    "registers_businessrecord",
    "registers_householdrecord",
    "registers_bankaccountrecord",
    "registers_securitycardrecord",
    "registers_medicalaccountrecord",
    "registers_pensionrecord",
    "enrollment_coverage",
    "enrollment_firstcard",
    "enrollment_contributionbase",
    "enrollment_rosterrow",
    "transfers_transfer",
    "watch_failure",
    "appointments_appointment",
    "appointments_site",
    "appointments_closure",
}


def admin_addresses() -> Iterator[tuple[str, str]]:
    """Every address of the workbench, with sample arguments."""
    samples = {
        "object_id": "1",
        "app_label": "people",
        "url": "nothing-here",
        "id": "1",
    }
    samples["content_type_id"] = str(ContentType.objects.get_for_model(Case).pk)
    for name, pattern in addresses(get_resolver().url_patterns):
        if not name.startswith("admin:"):
            continue
        wanted = pattern.pattern.converters if hasattr(pattern.pattern, "converters") else {}
        groups = getattr(pattern.pattern, "regex", None)
        keys = set(wanted) | set(groups.groupindex if groups else ())
        arguments = {key: samples.get(key, "1") for key in keys}
        try:
            yield name, reverse(name, kwargs=arguments)
        except NoReverseMatch:
            yield name, reverse(name, args=list(arguments.values()))


@pytest.mark.django_db
def test_the_workbench_is_for_staff(world: World, cast: Cast) -> None:
    found = dict(admin_addresses())
    assert "admin:index" in found
    assert len(found) > 50
    open_to_all = {"admin:login", "admin:jsi18n"}
    for visitor in VISITORS[:-1]:
        client = visit(visitor, cast)
        for name, address in found.items():
            if name in open_to_all or name == "admin:logout":
                continue
            given = answer(client.get(address))
            assert given == (TO_STAFF if visitor == "nobody" else NONE), f"{visitor} at {name}"


@pytest.mark.django_db
def test_a_reviewer_opens_the_lists_of_the_role(world: World, cast: Cast) -> None:
    client = visit("reviewer", cast)
    lists = {
        name.removeprefix("admin:").removesuffix("_changelist"): address
        for name, address in admin_addresses()
        if name.endswith("_changelist")
    }
    given = {name: client.get(address).status_code for name, address in lists.items()}
    assert {name for name, status in given.items() if status == 200} == REVIEWERS_LISTS
    assert {status for name, status in given.items() if name not in REVIEWERS_LISTS} <= {403, 404}


@pytest.mark.django_db
def test_no_page_of_the_workbench_breaks_for_a_reviewer(world: World, cast: Cast) -> None:
    client = visit("reviewer", cast)
    for name, address in admin_addresses():
        if name != "admin:logout":
            assert client.get(address).status_code in (200, 302, 403, 404), name
