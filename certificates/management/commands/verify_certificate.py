"""Verifies one PDF, or one QR code, on the command line: exit 0 where it is valid, 1 where not."""

from pathlib import Path
from typing import Any

import zxingcpp
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from PIL import Image, UnidentifiedImageError

from certificates import offline, summaries
from certificates.authority import SealUnavailable
from certificates.kinds import KIND_LABELS
from certificates.models import RESULT_LABELS
from certificates.verifying import NotVerifiable
from certificates.verifying_files import MOST_BYTES, verify_pdf
from portal.shared.months import today_in_china

_TITLES = {str(kind): title for kind, title in KIND_LABELS.items()}
_SIGNS = {True: "通过", False: "不通过", None: "未检查"}


class Command(BaseCommand):
    help = "核验一份证明文件（PDF），或者证明上的二维码（--qr，不需要数据库）：有效时退出码为 0，否则为 1，并列出所作的检查。"
    # What a QR code says is checked without the database.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("file", type=Path, nargs="?", metavar="FILE", help="PDF 文件")
        what.add_argument("--qr", metavar="TEXT|IMAGE", help="二维码的内容，或二维码的图片文件")
        parser.add_argument(
            "--keys",
            type=Path,
            metavar="FILE",
            help="export_offline_verifier --keys 导出的公钥；默认读取本机的印章目录",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        genuine = self._qr(options["qr"], options["keys"]) if options["qr"] else self._file(options["file"])
        if not genuine:
            raise SystemExit(1)

    def _file(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                document = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise CommandError(f"无法读取 {path}：{error.strerror}") from error
        try:
            verdict = verify_pdf(document, now=timezone.now())
        except NotVerifiable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{RESULT_LABELS[verdict.result]}：{verdict.why}")
        for check in verdict.checks:
            self.stdout.write(f"  [{_SIGNS[check.passed]}] {check.label}：{check.text}")
        for label, value in verdict.shown:
            self.stdout.write(f"  {label}：{value}")
        return verdict.genuine

    def _qr(self, source: str, keys: Path | None) -> bool:
        try:
            summary = summaries.read(_text(source))
        except summaries.InvalidSummary as error:
            raise CommandError("没有可核验的内容：这不是证明二维码的完整内容。") from error
        if not summary.signed_by(_keys(keys)):
            self.stdout.write("签名无效：二维码的内容不是由这些公钥签名的，或者已被改动，请勿采信。")
            return False
        ended = summary.ended(today_in_china(timezone.now()))
        if ended:
            self.stdout.write("已过有效期：二维码的内容由本平台签名，但证明已过有效期。")
        else:
            self.stdout.write(
                "签名有效：二维码的内容由本平台签名，没有被改动。是否已被撤销或替换，只有联网核验才能知道。"
            )
        for label, value in (
            ("证明名称", _TITLES.get(summary.kind, summary.kind)),
            ("证明编号", summary.serial_number),
            ("姓名或单位", summary.name),
            ("号码后四位", summary.last_four),
            ("出具日期", summary.issued_on),
            ("有效期至", summary.valid_until or "未规定"),
            ("内容摘要（前 128 位）", summary.facts_digest),
        ):
            self.stdout.write(f"  {label}：{value}")
        return not ended


def _text(source: str) -> str:
    """The text of the QR code: ``source`` itself, or from the picture at that path."""
    if "#" in source or source.isdigit():
        return source
    try:
        with Image.open(source) as picture:
            barcodes = zxingcpp.read_barcodes(picture.convert("L"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise CommandError(f"无法读取图片 {source}。") from error
    texts = [one.text for one in barcodes]
    if not texts:
        raise CommandError("图片中没有找到二维码。")
    return max(texts, key=len)


def _keys(path: Path | None) -> list[summaries.PublicKey]:
    try:
        return offline.read_keys(path.read_text()) if path else summaries.public_keys()
    except (OSError, ValueError, SealUnavailable) as error:
        raise CommandError(f"无法读取公钥：{error}") from error
