"""The yearly interest of personal accounts in the workbench."""

from django.contrib import admin
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from contributions.models import InterestRun
from contributions.prices.reckoned import percent_text
from enrollment.admin import CityFilter, LookUpAdmin
from portal.policy.book import book
from portal.shared import money


@admin.register(InterestRun)
class InterestRunAdmin(LookUpAdmin):
    """The years whose interest was credited. The schedule credits them once the rate is
    published."""

    search_fields = ()
    list_display = ("year", "place", "insurance", "percent", "people", "amount", "begun_at", "finished_at")
    list_display_links = None
    list_filter = ("year", CityFilter)
    ordering = ("-year", "city")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("", view(self.changelist_view), name="contributions_interestrun_changelist")]

    @admin.display(description=gettext_lazy("城市"))
    def place(self, run: InterestRun) -> str:
        return book().city(run.city).title

    @admin.display(description=gettext_lazy("记账利率"))
    def percent(self, run: InterestRun) -> str:
        return percent_text(run.rate)

    @admin.display(description=gettext_lazy("利息合计（元）"))
    def amount(self, run: InterestRun) -> str:
        return money.format_yuan(run.amount_fen)
