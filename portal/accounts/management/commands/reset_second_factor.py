"""Forgets the second factors of a member of staff, where no two colleagues are left who could."""

import logging
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts import factors
from portal.accounts.models import Kind, User

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "清除一名工作人员的身份验证器、通行密钥和恢复码，下次登录时重新绑定。仅在工作台中没有两名人员可办理时使用。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="写入日志的原因")

    def handle(self, *args: Any, username: str, reason: str, **options: Any) -> None:
        user = User.objects.filter(username=username, kind=Kind.STAFF).first()
        if user is None:
            raise CommandError(f"没有用户名为 {username} 的工作人员。")
        factors.reset(user)
        log.warning("the second factor of %s was reset by command: %s", username, reason)
        self.stdout.write(f"已清除 {username} 的身份验证器、通行密钥和恢复码，下次登录时重新绑定。")
