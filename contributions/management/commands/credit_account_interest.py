from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from contributions.books import account_interest
from portal.accounts.models import User
from portal.policy.book import book
from portal.shared import money
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import today_in_china


class Command(BaseCommand):
    help = "个人账户年度结息：不指明城市和年度时，办理所有利率已公布而未结息的；--preview 只测算不记账。可以重复执行。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--city", choices=[city.slug for city in book().cities])
        parser.add_argument("--insurance", choices=["pension", "medical"], default="pension")
        parser.add_argument("--year", type=int)
        parser.add_argument("--preview", action="store_true", help="只显示账户数和金额")

    def handle(
        self, *args: Any, city: str | None, insurance: str, year: int | None, preview: bool, **options: Any
    ) -> None:
        now = timezone.now()
        if (city is None) != (year is None):
            raise CommandError(_("请同时指明城市和年度。"))
        if city and year:
            wanted = [(city, Insurance(insurance), year)]
        else:
            wanted = account_interest.due(on=today_in_china(now))
        for place, of, which in wanted:
            head = f"{book().city(place).title} {_(INSURANCE_LABELS[of])} {which}"
            try:
                if preview:
                    seen = account_interest.preview(city=place, insurance=of, year=which, now=now)
                    people, fen = seen.people, seen.amount_fen
                else:
                    done = account_interest.credit(
                        city=place, insurance=of, year=which, by=User.objects.system(), now=now
                    )
                    people, fen = done.people, done.amount_fen
            except account_interest.CannotCredit as why:
                raise CommandError(str(why)) from why
            self.stdout.write(
                _("%(head)s：%(people)s 户，利息 %(yuan)s 元")
                % {"head": head, "people": f"{people:,}", "yuan": money.format_yuan(fen)}
            )
