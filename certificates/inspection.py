"""What can be seen in a PDF alone: its signatures, what it is made of, and which certificate it
says it is.

Anyone may upload anything, and a PDF can be built to eat memory or time. So files are read in a
process of their own, with little of both, by ``inspect_apart``; ``python -m
certificates.inspection`` is that process. It knows no Django and no register.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from asn1crypto import crl, pem, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import ValidationContext

from portal.shared.apart import Ended, Limits, Room, run_apart
from portal.shared.pdf_parts import hidden

LIMITS = Limits(cpu_seconds=8, wall_seconds=20, memory_bytes=1 << 30)
# Our documents carry one. More than a few are somebody's game.
MOST_SIGNATURES = 5
# A proof of thirty years has some hundred objects beside those that tell a screen reader how it is
# built.
MOST_OBJECTS = 2_000
# What a proof of thirty years draws, unpacked, many times over.
MOST_DRAWN = 64 * 1024 * 1024

_SERIAL = re.compile(rb"[0-9]{6}-[A-Z]{2}-[0-9]{8}-[0-9]{6,12}")


@dataclass(frozen=True)
class Signature:
    """One signature of a PDF."""

    # The signed bytes are as they were signed, and the signature is that of the certificate in it.
    intact: bool
    # What was signed may be another document, but the signature's own parts fit one another and its
    # certificate.
    genuine: bool
    # The certificate leads to a root that we believe, was valid at the time, and may seal. Not
    # asked of what is not genuine.
    trusted: bool
    # The file brings the chains and revocation lists by which that can be told without asking
    # anybody.
    evidenced: bool
    # A revocation list that we have names the certificate, since before the time of the seal.
    revoked: bool
    # Nothing follows the signed bytes, nothing is left out but the signature itself.
    whole: bool
    # A time stamp that leads to a root that we believe; its time in ISO form.
    stamped_at: str
    signer: str
    # SHA-256 of the signer's certificate.
    fingerprint: str
    # SHA-256 of what was signed and how: tells one signature from every other.
    identity: str


@dataclass(frozen=True)
class Makeup:
    """What a PDF is made of, as digests to be compared with another's."""

    # One for each page in order: what is drawn on it, its size and how it is turned.
    pages: list[str]
    # Title, author and the like.
    metadata: str
    # Something in it runs or calls when it is opened or clicked.
    scripts: bool
    # Other files lie in it.
    attachments: bool
    # The certificate chains and revocation lists for judging its seal later.
    evidence: bool


@dataclass(frozen=True)
class Inspection:
    """What was found; ``readable`` is False where it is no PDF that could be read within the
    limits."""

    readable: bool
    serial_numbers: list[str] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    makeup: Makeup | None = None


def inspect_apart(document: bytes, *, keys: Path, room: Room) -> Inspection:
    """Looks at a PDF in a process of its own, with the roots and revocation lists in the folder
    ``keys``.

    Not readable where that process dies or takes too long. Raises ``apart.Busy`` where too many are
    looked at already.
    """
    try:
        told = run_apart("certificates.inspection", [str(keys)], content=document, limits=LIMITS, room=room)
    except Ended:
        return Inspection(readable=False)
    found = json.loads(told)
    return Inspection(
        readable=found["readable"],
        serial_numbers=found["serial_numbers"],
        signatures=[Signature(**signature) for signature in found["signatures"]],
        makeup=Makeup(**found["makeup"]) if found["makeup"] else None,
    )


def inspect(document: bytes, *, roots: list[x509.Certificate], crls: list[crl.CertificateList]) -> Inspection:
    """Looks at a PDF here and now."""
    # Also where the file cannot be read any more: our number is the reason of the signature, in
    # plain bytes, its dashes octal.
    plain = document.replace(rb"\055", b"-")
    serial_numbers = sorted({found.decode() for found in _SERIAL.findall(plain)})
    try:
        reader = PdfFileReader(BytesIO(document), strict=False)
        info = reader.trailer["/Info"] if "/Info" in reader.trailer else {}  # noqa: SIM401 -- a trailer has no get
        words = " ".join(str(value) for value in info.values())
        serial_numbers = sorted(
            {
                *serial_numbers,
                *(found.decode() for found in _SERIAL.findall(words.encode("utf-8", "replace"))),
            }
        )
        evidence = _evidence(reader)
        signatures = [
            _look_at(signature, roots, crls, evidence)
            for signature in reader.embedded_regular_signatures[:MOST_SIGNATURES]
        ]
        makeup = _makeup_if_plain(reader, evidence is not None)
    except (
        Exception
    ):  # a hostile file may break the reader in any way; whatever it is, the file cannot be read
        return Inspection(readable=False, serial_numbers=serial_numbers)
    return Inspection(readable=True, serial_numbers=serial_numbers, signatures=signatures, makeup=makeup)


def _look_at(
    signature: EmbeddedPdfSignature,
    roots: list[x509.Certificate],
    crls: list[crl.CertificateList],
    evidence: DocumentSecurityStore | None,
) -> Signature:
    # Judged by the time of the seal: a certificate that expired since still vouches for what it
    # sealed.
    moment = _stated_time(signature)
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=moment)
    # Whatever was appended is told by how far the seal reaches; to reason out what it changes in a
    # tree for screen readers takes longer than all else.
    status = validate_pdf_signature(
        signature, signer_validation_context=context, ts_validation_context=context, skip_diff=True
    )
    stamped = status.timestamp_validity
    certificate = signature.signer_cert
    return Signature(
        intact=bool(status.intact and status.valid),
        genuine=bool(status.valid),
        trusted=bool(status.trusted),
        evidenced=evidence is not None and _evidenced(signature, roots, evidence, moment),
        revoked=_revoked(certificate, crls, moment),
        whole=status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
        stamped_at=stamped.timestamp.isoformat()
        if stamped and stamped.valid and stamped.intact and stamped.trusted
        else "",
        signer=str(certificate.subject.native.get("common_name", "")),
        fingerprint=certificate.sha256.hex(),
        identity=hashlib.sha256(signature.signer_info["signature"].native).hexdigest(),
    )


def _evidence(reader: PdfFileReader) -> DocumentSecurityStore | None:
    try:
        return DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return None


def _evidenced(
    signature: EmbeddedPdfSignature,
    roots: list[x509.Certificate],
    evidence: DocumentSecurityStore,
    moment: datetime | None,
) -> bool:
    """Whether signature and time stamp can be judged by what the file brings along, revocation
    included."""
    context = evidence.as_validation_context(
        {
            "trust_roots": roots,
            "allow_fetching": False,
            "revocation_mode": "require",
            "moment": moment,
        }
    )
    status = validate_pdf_signature(
        signature, signer_validation_context=context, ts_validation_context=context, skip_diff=True
    )
    stamped = status.timestamp_validity
    return bool(status.trusted and stamped and stamped.trusted)


def _revoked(certificate: x509.Certificate, crls: list[crl.CertificateList], moment: datetime | None) -> bool:
    for one in crls:
        if one.issuer.hashable != certificate.issuer.hashable:
            continue
        for entry in one["tbs_cert_list"]["revoked_certificates"]:
            if entry["user_certificate"].native == certificate.serial_number:
                return moment is None or bool(entry["revocation_date"].native <= moment)
    return False


def _makeup_if_plain(reader: PdfFileReader, evidence: bool) -> Makeup | None:
    try:
        return _makeup(reader, evidence)
    except Exception:  # a hostile file again; its signatures could be read
        return None


def _makeup(reader: PdfFileReader, evidence: bool) -> Makeup:
    info = reader.trailer["/Info"] if "/Info" in reader.trailer else {}  # noqa: SIM401 -- a trailer has no get
    words = sorted((str(key), str(value)) for key, value in info.items())
    described = reader.root.get("/Metadata")
    if isinstance(described, generic.StreamObject):
        words.append(("/Metadata", hashlib.sha256(described.data).hexdigest()))
    scripts, attachments = hidden(reader, most_objects=MOST_OBJECTS)
    drawn = _Drawn()
    return Makeup(
        pages=[drawn.digest(page) for page in _pages(reader.root["/Pages"], 0)],
        metadata=hashlib.sha256(repr(words).encode()).hexdigest(),
        scripts=scripts,
        attachments=attachments,
        evidence=evidence,
    )


def _pages(node: generic.DictionaryObject, depth: int) -> Iterator[generic.DictionaryObject]:
    if "/Kids" not in node:
        yield node
        return
    if depth > 20:
        raise ValueError("a tree of pages that has no end")
    for kid in node["/Kids"]:
        yield from _pages(kid.get_object(), depth + 1)


class _Drawn:
    """Digests of what is drawn on pages. What pages share is unpacked once, and all of it within
    MOST_DRAWN: a small file can name one large stream on hundreds of pages."""

    def __init__(self) -> None:
        self.left = MOST_DRAWN
        self.of: dict[tuple[int, int], bytes] = {}

    def digest(self, page: generic.DictionaryObject) -> str:
        drawn = hashlib.sha256()
        contents = page.raw_get("/Contents") if "/Contents" in page else generic.ArrayObject()
        held = contents.get_object() if isinstance(contents, generic.IndirectObject) else contents
        parts = (
            [held.raw_get(place) for place in range(len(held))]
            if isinstance(held, generic.ArrayObject)
            else [contents]
        )
        for part in parts:
            drawn.update(self._stream(part))
        # How many notes lie on it; the seal's field is one.
        notes = len(page["/Annots"]) if "/Annots" in page else 0
        for shape in ("/MediaBox", "/CropBox", "/Rotate"):
            drawn.update(f"{shape} {page.get(shape)}".encode())
        drawn.update(str(notes).encode())
        return drawn.hexdigest()

    def _stream(self, part: Any) -> bytes:
        place = (part.idnum, part.generation) if isinstance(part, generic.IndirectObject) else None
        if place in self.of:
            return self.of[place]
        stream = part.get_object()
        try:
            data = stream.data
        except Exception:  # what was damaged cannot be unpacked: it differs as it stands
            data = stream.encoded_data
        self.left -= len(data)
        if self.left < 0:
            raise ValueError("more is drawn than on any proof")
        digest = hashlib.sha256(data).digest()
        if place:
            self.of[place] = digest
        return digest


def _stated_time(signature: EmbeddedPdfSignature) -> datetime | None:
    """The time in the signature's time stamp, not yet checked; None where it has none."""
    for attribute in signature.signer_info["unsigned_attrs"]:
        if attribute["type"].native == "signature_time_stamp_token":
            token: datetime = (
                attribute["values"][0]["content"]["encap_content_info"]["content"].parsed["gen_time"].native
            )
            return token
    return None


def read_keys(folder: Path) -> tuple[list[x509.Certificate], list[crl.CertificateList]]:
    """The roots in the folder's ``trust`` and the revocation lists in its ``crls``."""
    roots = [
        x509.Certificate.load(content)
        for path in sorted((folder / "trust").glob("*.pem"))
        for _name, _headers, content in pem.unarmor(path.read_bytes(), multiple=True)
    ]
    lists = [path.read_bytes() for path in sorted((folder / "crls").glob("*.crl"))]
    return roots, [
        crl.CertificateList.load(pem.unarmor(content)[2] if pem.detect(content) else content)
        for content in lists
    ]


def _main(arguments: list[str]) -> None:
    roots, crls = read_keys(Path(arguments[0]))
    found: dict[str, Any] = asdict(inspect(sys.stdin.buffer.read(), roots=roots, crls=crls))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1:])
