"""Prints the accounts of the demo."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.web.demo import cast


class Command(BaseCommand):
    help = "列出演示账号。"

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("当前环境不是演示环境（DEMO 为 False），没有演示账号。")
        lines = [f"演示账号（密码都是 {cast.script()['password']}）："]
        door = ""
        for account in cast.accounts():
            if account.door != door:
                door = account.door
                lines += ["", door]
            lines.append(f"  {account.login:<44}{account.about}")
        lines += ["", "经办工作台登录后还要动态验证码：演示环境中，要求输入的页面会显示现在的验证码。"]
        self.stdout.write("\n".join(lines))
