"""居民停保(深圳):城乡居民停缴医疗保险、养老保险."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy

from enrollment import enrolling
from enrollment.own_stop import OwnStop, OwnStopFacts
from enrollment.queries import Held
from enrollment.residents import is_supported, supported_bar
from enrollment.tiers import tier_of
from portal.hall.service import Ask, Bar, Finding
from portal.shared.insurance import Capacity


class ResidentStop(OwnStop):
    code = "resident-stop"
    title = gettext_lazy("居民停保")
    capacity = Capacity.RESIDENT
    also_known_as = ("居民医保停保", "居民养老停保", "城乡居民停保")

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        held = self.running(ask.person, ask.offer.city, ask.month)
        if held and len(list(self._supported(ask, held))) == len(held):
            yield supported_bar()
        else:
            yield from super().beforehand(ask)

    def rule(self, ask: Ask, facts: OwnStopFacts) -> Iterator[Finding]:
        yield from super().rule(ask, facts)
        chosen_by_them = [one for one in facts.held if ask.answers.get(f"stop_{one.insurance}")]
        yield from self._supported(ask, chosen_by_them)

    def _supported(self, ask: Ask, held: list[Held]) -> Iterator[Bar]:
        """Bars to stopping what public money pays."""
        for one in held:
            month = max(ask.month, one.start)
            terms = enrolling.terms_of(one.city, one.capacity, one.insurance, month)
            if is_supported(tier_of(one.pk, month), terms):
                yield supported_bar(field=f"stop_{one.insurance}")
