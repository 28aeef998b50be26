"""Loads the demo once: four cities, employers, people of each kind, history, open cases,
accounts."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from portal.accounts import factors
from portal.accounts.models import Kind, User
from portal.web.demo import cast, story


class Command(BaseCommand):
    help = "装入演示数据（只装一次；中断后再次运行会接着装完）。"

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("当前环境不是演示环境（DEMO 为 False），不装入演示数据。")
        if User.objects.filter(username=cast.ADMINISTRATOR).exists():
            self._enrol()
            self.stderr.write("演示数据已经装好。")
            return
        story.tell(now=timezone.now(), say=lambda line: self.stderr.write(f"  {line}"))
        password = make_password(cast.script()["password"])
        with transaction.atomic():
            # The administrator comes last: that account stands for "the demo is complete".
            User.objects.exclude(kind__in=[Kind.SYSTEM, Kind.PARTNER]).update(password=password)
            administrator = User.objects.create_superuser(cast.ADMINISTRATOR, None, name="系统管理员")
            User.objects.filter(pk=administrator.pk).update(password=password)
            self._enrol()
        self.stderr.write("演示数据装好了。")

    def _enrol(self) -> None:
        """The demo's staff have an authenticator each, whose code the page that asks for it
        tells."""
        for user in User.objects.filter(username__in=[cast.ADMINISTRATOR, *cast.script()["staff"]]):
            factors.demo_device(user)
