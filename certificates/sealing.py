"""The digital seal: PAdES (B-LT) with a time stamp, over the whole file, allowing no later change.

The chains and revocation lists for later checks (DSS) are written before the signature and are
signed with the rest. To remove them breaks the seal, and nothing follows the signed bytes.
"""

from datetime import datetime
from io import BytesIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.timestamps import TimestampRequestError
from pyhanko.sign.validation.dss import DocumentSecurityStore

from certificates import authority, seal_evidence, time_stamps
from certificates.authority import Seal, SealUnavailable
from certificates.tokens import TokenUnavailable

FIELD = "AgencySeal"

# Bytes for signature, time stamp and both chains, in hexadecimal. With a fixed number pyHanko need
# not sign once more to measure them.
_RESERVED = 24 * 1024


class _Signer(PdfSigner):
    """Keeps the file's version at PDF 1.7, on which PDF/UA-1 is based, with the extension for
    PAdES.

    pyHanko would raise it to PDF 2.0 because of the key's curve (ISO/TS 32002).
    """

    def register_extensions(self, pdf_out: BasePdfFileWriter, *, md_algorithm: str) -> None:
        pdf_out.register_extension(ESIC_EXTENSION_1)


def seal_document(document: bytes, *, seal: Seal, reason: str, now: datetime) -> bytes:
    """The sealed document, as an incremental update of ``document``. Raises SealUnavailable without
    a valid key, its revocation lists, or a time stamp.

    An ASCII ``reason`` is in the file as plain bytes.
    """
    seal.check_valid(now)
    evidence = seal_evidence.evidence(seal, now=now)
    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        reason=reason,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        subfilter=SigSeedSubFilter.PADES,
    )
    signer = _Signer(
        metadata,
        signer=seal.signer,
        timestamper=time_stamps.time_stamper(now),
        # Our documents already have the field, with its element in the structure tree.
        new_field_spec=SigFieldSpec(FIELD),
    )
    writer = IncrementalPdfFileWriter(BytesIO(document))
    DocumentSecurityStore.supply_dss_in_writer(writer, None, certs=evidence.certificates, crls=evidence.crls)
    output = BytesIO()
    try:
        authority.wait_for(signer.async_sign_pdf(writer, bytes_reserved=_RESERVED, output=output))
    except (TimestampRequestError, TokenUnavailable) as error:
        raise SealUnavailable(str(error)) from error
    return output.getvalue()
