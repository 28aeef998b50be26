"""Where a household is registered, as a city sorts them: in the city, elsewhere in its province,
outside."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from portal.hall.service import Mismatch
from portal.policy.book import City
from portal.registers.household import Household
from portal.shared import names


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


def differences(
    city: City, registered: Household | None, name: str, *, field: str = "household"
) -> Iterator[Mismatch]:
    """How the household register's entry of a person of that name differs from a household in the
    city; the first difference, beside ``field``."""
    if registered is None:
        yield Mismatch(field, _("户籍登记中没有查到您的信息。"))
    elif category(city, registered.place_code) != "city":
        yield Mismatch(field, _("户籍登记显示您的户籍不在{city}。").format(city=city.title))
    elif not names.agree(registered.name, name):
        yield Mismatch(field, _("户籍登记中的姓名与您的参保登记不一致。"))
