"""Countries and regions by their code of three letters (ISO 3166-1 alpha-3), with their Chinese
names."""

from __future__ import annotations

import gettext
from functools import cache

import pycountry

# Whose citizens have papers with a number of 18 digits here, or get one: no foreigners.
_CHINA = {"CHN", "HKG", "MAC", "TWN"}


@cache
def foreign_countries() -> dict[str, str]:
    """Every country and region but China's, code → Chinese name, by code."""
    words = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["zh_CN"])
    named = {country.alpha_3: words.gettext(country.name) for country in pycountry.countries}
    return {code: named[code] for code in sorted(named) if code not in _CHINA}


def country_name(code: str) -> str:
    """The Chinese name of the country with that code; the code itself where there is none."""
    return foreign_countries().get(code, code)
