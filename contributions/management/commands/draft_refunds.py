from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from contributions.refunds import doubled
from portal.accounts.models import User


class Command(BaseCommand):
    help = "查找重复或逾期到账、没有入账的款项，逐笔发起退款（待征缴人员复核）并通知缴费人；重复运行不会重复发起。"

    def handle(self, *args: Any, **options: Any) -> None:
        drafted = doubled.draft_refunds(by=User.objects.system(), now=timezone.now())
        self.stdout.write(_("发起退款 {count} 笔，待复核。").format(count=drafted))
