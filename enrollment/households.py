"""Where a household is registered, as a city sorts them: in the city, elsewhere in its province,
outside."""

from django.utils.translation import gettext as _

from portal.policy.book import City


def category(city: City, place_code: str) -> str:
    """Where a household is registered, as the city sorts them; "" for an unknown place."""
    if not place_code:
        return ""
    if place_code[:4] == city.code[:4]:
        return "city"
    return "province" if place_code[:2] == city.code[:2] else "elsewhere"


def categories(city: City) -> dict[str, str]:
    """The places of household registration, as the city sorts them, in words."""
    return {
        "city": _("{city}户籍").format(city=city.title),
        "province": _("{province}内非{city}户籍").format(province=city.province, city=city.title),
        "elsewhere": _("{province}外户籍").format(province=city.province),
    }
