"""居民恢复参保(深圳): who was insured as a resident here is so again."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment.residents import ELDER, ResidentEnrol, ResidentFacts, earlier_tier
from enrollment.ways import RESIDENT_MEDICAL, RESIDENT_PENSION
from portal.hall.service import Ask, Bar
from portal.policy.terms.contribution import ContributionTerms
from portal.shared.insurance import Insurance


class ResidentResume(ResidentEnrol):
    code = "resident-resume"
    title = gettext_lazy("居民恢复参保")
    also_known_as = ("居民续保", "恢复居民医保", "恢复居民养老")

    def bars_of(self, ask: Ask, facts: ResidentFacts, insurance: Insurance) -> Iterator[Bar]:
        if earlier_tier(facts, ask.offer.city, insurance) is not None:
            yield from super().bars_of(ask, facts, insurance)
            return
        if insurance == Insurance.PENSION:
            way = RESIDENT_PENSION.at(ask.offer.city)
            why = _("您没有居民参保记录：养老请{way}。")
        else:
            way = RESIDENT_MEDICAL.at(ask.offer.city)
            why = _("您没有居民参保记录：首次参加居民医疗保险的，请{way}。")
        yield Bar(f"tier_{insurance}", why.format(way=way), (way,))

    def whose(self, ask: Ask, facts: ResidentFacts, terms: ContributionTerms) -> tuple[str, ...]:
        """Who paid as an elder goes on as one, as long as others join."""
        earlier = earlier_tier(facts, ask.offer.city, terms.insurance)
        return (ELDER,) if any(tier.only_for == ELDER for tier in terms.tiers if tier.code == earlier) else ()

    def about_the_rest(self, ask: Ask, facts: ResidentFacts) -> Iterator[tuple[str, str]]:
        yield _("提示"), _("中断的月份不补。")
