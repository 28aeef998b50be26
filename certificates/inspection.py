"""Inspection of a PDF by itself: its signatures, its content, and the certificate number that it
names.

Anyone may upload anything, and a PDF can be built to use up memory or time. So ``inspect_apart``
reads files in a separate process with limits for both; ``python -m certificates.inspection`` is
that process. It uses neither Django nor the register.
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
# Our documents have one signature. A file with many is not ours and may be an attack.
MOST_SIGNATURES = 5
# A proof of thirty years has some hundred objects, besides those of its structure tree for screen
# readers.
MOST_OBJECTS = 2_000
# Many times the unpacked page content of a proof of thirty years, in bytes.
MOST_DRAWN = 64 * 1024 * 1024

_SERIAL = re.compile(rb"[0-9]{6}-[A-Z]{2}-[0-9]{8}-[0-9]{6,12}")


@dataclass(frozen=True)
class Signature:
    """One signature of a PDF."""

    # The signed bytes are unchanged, and the signature fits its certificate.
    intact: bool
    # The signature itself is valid for its certificate; it may have been made for another document.
    genuine: bool
    # The certificate leads to a trusted root, was valid at the time, and may seal. Not checked
    # where the signature is not genuine.
    trusted: bool
    # The file holds the chains and revocation lists that prove this without a network.
    evidenced: bool
    # One of our revocation lists names the certificate, revoked before the time of the seal.
    revoked: bool
    # The signature covers the whole file except itself; nothing follows it.
    whole: bool
    # The time (ISO) of a time stamp that leads to a trusted root; "" where there is none.
    stamped_at: str
    signer: str
    # SHA-256 of the signer's certificate.
    fingerprint: str
    # SHA-256 of the signature's bytes; different for every signature.
    identity: str


@dataclass(frozen=True)
class Makeup:
    """The content of a PDF, as digests to compare with another PDF."""

    # One digest for each page in order: its drawing, size and rotation.
    pages: list[str]
    # Title, author and the like.
    metadata: str
    # The file has scripts or actions that run when it is opened or clicked.
    scripts: bool
    # The file has attachments.
    attachments: bool
    # The file has certificate chains and revocation lists for checking its seal later.
    evidence: bool


@dataclass(frozen=True)
class Inspection:
    """The result; ``readable`` is False where the file is no PDF or exceeds the limits."""

    readable: bool
    serial_numbers: list[str] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    makeup: Makeup | None = None


def inspect_apart(document: bytes, *, keys: Path, room: Room) -> Inspection:
    """Inspects a PDF in a separate process, with the roots and revocation lists in the folder
    ``keys``.

    The result is not readable where that process dies or takes too long. Raises ``apart.Busy``
    where too many files are inspected already.
    """
    try:
        output = run_apart("certificates.inspection", [str(keys)], content=document, limits=LIMITS, room=room)
    except Ended:
        return Inspection(readable=False)
    report = json.loads(output)
    return Inspection(
        readable=report["readable"],
        serial_numbers=report["serial_numbers"],
        signatures=[Signature(**signature) for signature in report["signatures"]],
        makeup=Makeup(**report["makeup"]) if report["makeup"] else None,
    )


def inspect(document: bytes, *, roots: list[x509.Certificate], crls: list[crl.CertificateList]) -> Inspection:
    """Inspects a PDF in this process."""
    # This also works for unreadable files: the signature's reason holds our number in plain bytes,
    # with its dashes written as octal escapes.
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
    except Exception:  # a hostile file may raise any error in the reader; the file then counts as unreadable
        return Inspection(readable=False, serial_numbers=serial_numbers)
    return Inspection(readable=True, serial_numbers=serial_numbers, signatures=signatures, makeup=makeup)


def _look_at(
    signature: EmbeddedPdfSignature,
    roots: list[x509.Certificate],
    crls: list[crl.CertificateList],
    evidence: DocumentSecurityStore | None,
) -> Signature:
    # Checked at the time of the seal: a certificate that expired later is still good for what it
    # sealed before.
    moment = _stated_time(signature)
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=moment)
    # skip_diff: ``whole`` already shows appended content. To analyse the difference in the
    # structure tree would take longer than all other checks.
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
    """Whether signature and time stamp can be checked with the file's own evidence, revocation
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
    for revocation_list in crls:
        if revocation_list.issuer.hashable != certificate.issuer.hashable:
            continue
        for entry in revocation_list["tbs_cert_list"]["revoked_certificates"]:
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
    digests = _Drawn()
    return Makeup(
        pages=[digests.digest(page) for page in _pages(reader.root["/Pages"], 0)],
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
    """Digests of the drawing of pages. A stream that pages share is unpacked once, and all streams
    together within MOST_DRAWN: a small file can use one large stream on hundreds of pages."""

    def __init__(self) -> None:
        self.left = MOST_DRAWN
        self.of: dict[tuple[int, int], bytes] = {}

    def digest(self, page: generic.DictionaryObject) -> str:
        page_digest = hashlib.sha256()
        contents = page.raw_get("/Contents") if "/Contents" in page else generic.ArrayObject()
        resolved = contents.get_object() if isinstance(contents, generic.IndirectObject) else contents
        parts = (
            [resolved.raw_get(place) for place in range(len(resolved))]
            if isinstance(resolved, generic.ArrayObject)
            else [contents]
        )
        for part in parts:
            page_digest.update(self._stream(part))
        # The number of annotations; the seal's field is one.
        notes = len(page["/Annots"]) if "/Annots" in page else 0
        for shape in ("/MediaBox", "/CropBox", "/Rotate"):
            page_digest.update(f"{shape} {page.get(shape)}".encode())
        page_digest.update(str(notes).encode())
        return page_digest.hexdigest()

    def _stream(self, part: Any) -> bytes:
        place = (part.idnum, part.generation) if isinstance(part, generic.IndirectObject) else None
        if place in self.of:
            return self.of[place]
        stream = part.get_object()
        try:
            data = stream.data
        except Exception:  # a damaged stream cannot be unpacked: its packed bytes differ anyway
            data = stream.encoded_data
        self.left -= len(data)
        if self.left < 0:
            raise ValueError("more is drawn than on any proof")
        digest = hashlib.sha256(data).digest()
        if place:
            self.of[place] = digest
        return digest


def _stated_time(signature: EmbeddedPdfSignature) -> datetime | None:
    """The time in the signature's time stamp, unchecked; None where there is none."""
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
