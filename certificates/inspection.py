"""What can be seen in a PDF alone: its signatures, and which certificate it says it is.

Anyone may upload anything, and a PDF can be built to eat memory or time. So files are read in a process of their own, with little
of both, by ``inspect_apart``; ``python -m certificates.inspection`` is that process. It knows no Django and no register.
"""

import json
import os
import re
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import ValidationContext

CPU_SECONDS = 8
WALL_SECONDS = 20
MEMORY_BYTES = 1 << 30
# Our documents carry one. More than a few are somebody's game.
MOST_SIGNATURES = 5

_SERIAL = re.compile(rb"[0-9]{6}-[A-Z]{2}-[0-9]{8}-[0-9]{6,12}")


@dataclass(frozen=True)
class Signature:
    """One signature of a PDF."""

    # The signed bytes are as they were signed, and the signature is that of the certificate in it.
    intact: bool
    # The certificate leads to a root that we believe, was valid at the time, and may seal. Not asked of what is not intact.
    trusted: bool
    # Nothing follows the signed bytes, nothing is left out but the signature itself.
    whole: bool
    # A time stamp that leads to a root that we believe; its time in ISO form.
    stamped_at: str
    signer: str
    # SHA-256 of the signer's certificate.
    fingerprint: str


@dataclass(frozen=True)
class Inspection:
    """What was found; ``readable`` is False where it is no PDF that could be read within the limits."""

    readable: bool
    serial_numbers: list[str] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)


def inspect_apart(document: bytes, *, trust: Path) -> Inspection:
    """Looks at a PDF in a process of its own, with the roots in the folder ``trust``.

    Not readable where that process dies or takes too long.
    """
    home = Path(__file__).resolve().parents[1]
    try:
        done = subprocess.run(  # noqa: S603 -- our own module, no shell, nothing from the file among the arguments
            [sys.executable, "-m", "certificates.inspection", str(trust)],
            input=document,
            capture_output=True,
            timeout=WALL_SECONDS,
            cwd=home,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(home)},
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return Inspection(readable=False)
    found = json.loads(done.stdout)
    return Inspection(
        readable=found["readable"],
        serial_numbers=found["serial_numbers"],
        signatures=[Signature(**signature) for signature in found["signatures"]],
    )


def inspect(document: bytes, *, roots: list[x509.Certificate]) -> Inspection:
    """Looks at a PDF here and now."""
    # Also where the file cannot be read any more: our number stands in plain bytes, as the reason of the signature.
    serial_numbers = sorted({found.decode() for found in _SERIAL.findall(document)})
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
        signatures = [
            _look_at(signature, roots) for signature in reader.embedded_regular_signatures[:MOST_SIGNATURES]
        ]
    except (
        Exception
    ):  # a hostile file may break the reader in any way; whatever it is, the file cannot be read
        return Inspection(readable=False, serial_numbers=serial_numbers)
    return Inspection(readable=True, serial_numbers=serial_numbers, signatures=signatures)


def _look_at(signature: EmbeddedPdfSignature, roots: list[x509.Certificate]) -> Signature:
    # Judged by the time of the seal: a certificate that expired since still vouches for what it sealed.
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=_stated_time(signature))
    status = validate_pdf_signature(
        signature, signer_validation_context=context, ts_validation_context=context
    )
    stamped = status.timestamp_validity
    certificate = signature.signer_cert
    return Signature(
        intact=bool(status.intact and status.valid),
        trusted=bool(status.trusted),
        whole=status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
        stamped_at=stamped.timestamp.isoformat()
        if stamped and stamped.valid and stamped.intact and stamped.trusted
        else "",
        signer=str(certificate.subject.native.get("common_name", "")),
        fingerprint=certificate.sha256.hex(),
    )


def _stated_time(signature: EmbeddedPdfSignature) -> datetime | None:
    """The time in the signature's time stamp, not yet checked; None where it has none."""
    for attribute in signature.signer_info["unsigned_attrs"]:
        if attribute["type"].native == "signature_time_stamp_token":
            token: datetime = (
                attribute["values"][0]["content"]["encap_content_info"]["content"].parsed["gen_time"].native
            )
            return token
    return None


def read_roots(folder: Path) -> list[x509.Certificate]:
    """The certificates in the .pem files of a folder."""
    return [
        x509.Certificate.load(content)
        for path in sorted(folder.glob("*.pem"))
        for _name, _headers, content in pem.unarmor(path.read_bytes(), multiple=True)
    ]


def _main(arguments: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found: dict[str, Any] = asdict(inspect(sys.stdin.buffer.read(), roots=read_roots(Path(arguments[0]))))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1:])
