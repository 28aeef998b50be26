"""Papers from an outside agency, scanned by staff and stored with the transfer."""

from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile

from portal.accounts.models import User
from portal.hall.attachments import read_scan
from transfers.models import Transfer, TransferPaper


def keep(transfer: Transfer, file: UploadedFile, *, by: User, now: datetime) -> TransferPaper:
    """Stores the scan; for the same scan again, returns the stored one. Raises UploadRefused."""
    scan = read_scan(file)
    kept = TransferPaper.objects.filter(transfer=transfer, digest=scan.digest).first()
    if kept is not None:
        return kept
    paper = TransferPaper(
        transfer=transfer,
        name=scan.name,
        content_type=scan.content_type,
        size=len(scan.content),
        digest=scan.digest,
        by=by,
        at=now,
    )
    paper.file.save("", ContentFile(scan.content), save=True)
    return paper
