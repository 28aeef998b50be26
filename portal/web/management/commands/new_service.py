"""Writes the three files of a new service, which pass at once: what is special about it is then
written into them."""

import re
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal import rooms
from portal.hall.catalogue import services
from portal.policy.book import DATA, book
from portal.shared.months import today_in_china

TEMPLATES = Path(__file__).parents[2] / "new_service"


class Command(BaseCommand):
    help = "新建一个事项：服务、所在城市的办理条目和测试三个文件，写好即可通过；再按办事指南改写。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="事项代号，如 details-change")
        parser.add_argument("--city", required=True, choices=[city.slug for city in book().cities])
        parser.add_argument("--title", required=True, help="事项名称，如 个人参保信息变更")
        parser.add_argument(
            "--app", default="enrollment", choices=[name for name in rooms.names() if "." not in name]
        )
        parser.add_argument("--root", type=Path, default=settings.ROOT, help="写到哪个项目目录，默认为本项目")
        parser.add_argument("--data", type=Path, default=DATA, help="数据目录，默认为本项目的")

    def handle(
        self, *args: Any, code: str, city: str, title: str, app: str, root: Path, data: Path, **options: Any
    ) -> None:
        if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code):
            raise CommandError("事项代号只用小写字母和连字符，如 details-change。")
        if code in services():
            raise CommandError(f"已有代号为 {code} 的事项，请换一个代号，或在 {city}/offers.yaml 中开办它。")
        offers, elsewhere = data / city / "offers.yaml", data / city / "elsewhere.yaml"
        if elsewhere.exists() and re.search(
            rf"^{code}:", elsewhere.read_text(encoding="utf-8"), re.MULTILINE
        ):
            raise CommandError(f"{elsewhere} 写着 {code} 在窗口办理；先把那一条删去。")
        module = code.replace("-", "_")
        words = {
            "code": code,
            "city": city,
            "title": title,
            "name": code.title().replace("-", ""),
            "since": today_in_china(timezone.now()).isoformat(),
        }
        files = {
            root / app / "services" / f"{module}.py": _filled("service.py.txt", words),
            root / "tests" / app / f"test_{module}.py": _filled("test.py.txt", words),
        }
        existing = [str(file) for file in files if file.exists()]
        if existing:
            raise CommandError("已有文件：" + "、".join(existing))
        for file, content in files.items():
            file.write_text(content, encoding="utf-8")
        with offers.open("a", encoding="utf-8") as file_of_offers:
            file_of_offers.write(_filled("offer.yaml.txt", words))
        for file in (*files, offers):
            self.stdout.write(str(file))


def _filled(name: str, words: dict[str, str]) -> str:
    return Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(words)
