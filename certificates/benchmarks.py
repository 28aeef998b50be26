"""Measures how many proofs a minute one core draws, seals and stores, in turn with WeasyPrint and
pyHanko in their default use."""

import base64
import math
import re
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.template.loader import render_to_string
from django.utils import timezone
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from weasyprint import HTML

from certificates import authority, development_authority, documents, rendering, sealing
from certificates.codes import new_code
from certificates.facts import PERSON_SCHEMA
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.measuring import Goal
from portal.shared.months import month_in_china, today_in_china

PAGE_STOCK = "page: stock WeasyPrint with Noto"
PAGE = "page: the hall"
SEAL_STOCK = "seal: stock pyHanko with RSA"
SEAL = "seal: the hall, with time stamp"


def certificate(*, rounds: int = 5) -> dict[str, list[float]]:
    """Proofs per minute and core in each round, of a year in five insurances.

    First the page alone, in stock WeasyPrint (the reference) and ours; then the seal alone, by
    stock pyHanko with RSA (the reference) and ours; then the whole proof: drawn, sealed and stored.
    """
    now = timezone.now()
    city = book().cities[0]
    development_authority.make_development_ca(cities=[(city.slug, city.agency)], now=now)
    proof = _proof(now)
    page = rendering.render(proof, development=True)
    stock_html = _in_the_ordinary_way(proof)
    with tempfile.TemporaryDirectory() as folder:
        key, certificate_file = _rsa_key(Path(folder), now)

        def whole() -> None:
            sealed = _sealed(rendering.render(proof, development=True), city.slug, now)
            documents.drop(documents.store(proof.serial_number, sealed))

        sides: dict[str, Callable[[], Any]] = {
            PAGE_STOCK: lambda: HTML(string=stock_html).write_pdf(),
            PAGE: lambda: rendering.render(proof, development=True),
            SEAL_STOCK: lambda: _stock_seal(page, key, certificate_file),
            SEAL: lambda: _sealed(page, city.slug, now),
            "drawn, sealed and stored": whole,
        }
        for side in sides.values():
            side()
        measured: dict[str, list[float]] = {name: [] for name in sides}
        for _round in range(rounds):
            for name, side in sides.items():
                # Process time: the load of other processes must not count.
                start = time.process_time()
                side()
                measured[name].append(60 / (time.process_time() - start))
    return measured


BENCHES = {"certificate": certificate}

GOALS = {
    "certificate": (
        Goal(PAGE, PAGE_STOCK, at_least=1 / 0.7),
        Goal(SEAL, SEAL_STOCK, at_least=1 / 0.25),
    )
}


def _sealed(page: bytes, city: str, now: datetime) -> bytes:
    return sealing.seal_document(page, seal=authority.seal_for(city), reason="benchmark", now=now)


def _proof(now: datetime) -> Certificate:
    """A certificate of a year in five insurances, of an invented person; not in the register."""
    city, month = book().cities[0], month_in_china(now)
    insurances = [str(insurance) for insurance in Insurance]
    cell = {"base": "4812", "personal_fen": 38496, "employer_fen": 76992, "state": "paid"}
    facts = {
        "schema": PERSON_SCHEMA,
        "agency": city.agency,
        "city": city.full_title,
        "as_of": str(today_in_china(now)),
        "frozen_at": now.isoformat(),
        "person": {"name": "测速", "identity_number": "990000199001010016"},
        "period": {"start": str(month - 11), "until": str(month + 1)},
        "insurances": insurances,
        "status": {insurance: {"capacity": "employee", "since": str(month - 11)} for insurance in insurances},
        "months": [
            {"month": str(month - back), "employer": 1, "cells": dict.fromkeys(insurances, cell)}
            for back in range(12)
        ],
        "employers": [
            {"name": "测速有限公司", "credit_code": "", "first": str(month - 11), "last": str(month)}
        ],
        "totals": {
            insurance: {"paid_months": 12, "personal_fen": 461952, "left_out": {}} for insurance in insurances
        },
    }
    return Certificate(
        serial_number="990000-PP-20260101-000000",
        code=new_code(),
        kind=CertificateKind.PERSON,
        city=city.slug,
        facts=facts,
        frozen_at=now,
    )


def _in_the_ordinary_way(proof: Certificate) -> str:
    """The same page with the system's fonts, its style sheet within, and the seal as an SVG
    picture."""
    html = rendering.document_html(proof, development=True)
    style = re.sub(
        r'"Hall \w+", ', "", render_to_string("certificates/documents/document.css", {"faces": []})
    )
    picture = base64.b64encode(_seal_svg(proof.facts["agency"]).encode()).decode()
    html = html.replace("</head>", f"<style>{style}</style></head>")
    return html.replace('<div id="seal"></div>', f'<img id="seal" src="data:image/svg+xml;base64,{picture}">')


def _seal_svg(agency: str) -> str:
    middle = (len(agency) - 1) / 2
    letters = "".join(
        f'<text transform="rotate({16.5 * (place - middle):.2f}) translate(0 -13.5)" text-anchor="middle">{letter}</text>'
        for place, letter in enumerate(agency)
    )
    corners = " ".join(
        f"{radius * math.sin(math.pi * corner / 5):.2f},{-radius * math.cos(math.pi * corner / 5):.2f}"
        for corner in range(10)
        for radius in [2.4 if corner % 2 else 6.2]
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-21 -21 42 42" fill="#c8161d" font-size="4" '
        'font-family="Noto Serif CJK SC" font-weight="bold"><circle r="20" fill="none" stroke="#c8161d"/>'
        f'<polygon points="{corners}"/>{letters}</svg>'
    )


def _rsa_key(folder: Path, now: datetime) -> tuple[Path, Path]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    certificate_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file


def _stock_seal(page: bytes, key: Path, certificate_file: Path) -> None:
    signer = signers.SimpleSigner.load(str(key), str(certificate_file))
    metadata = signers.PdfSignatureMetadata(field_name="Seal")
    signers.sign_pdf(IncrementalPdfFileWriter(BytesIO(page)), metadata, signer=signer, output=BytesIO())
