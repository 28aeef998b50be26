"""The digital seal: PAdES with a timestamp, over the whole file, allowing no later change."""

from datetime import datetime
from io import BytesIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

from certificates import authority
from certificates.authority import Seal

FIELD = "AgencySeal"

# Room for signature, timestamp and both chains; named, so that pyHanko need not sign once to measure it.
_RESERVED = 12 * 1024


def seal_document(document: bytes, *, seal: Seal, reason: str, now: datetime) -> bytes:
    """The document under the seal, as an incremental update of the bytes given. SealUnavailable without a key valid now.

    ``reason`` stands in the file as plain bytes where it is ASCII.
    """
    seal.check_valid(now)
    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        reason=reason,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        subfilter=SigSeedSubFilter.PADES,
    )
    signer = PdfSigner(
        metadata,
        signer=seal.signer,
        timestamper=authority.time_stamper(now),
        new_field_spec=SigFieldSpec(FIELD),
    )
    output = BytesIO()
    signer.sign_pdf(IncrementalPdfFileWriter(BytesIO(document)), bytes_reserved=_RESERVED, output=output)
    return output.getvalue()
