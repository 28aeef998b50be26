"""What whoever asks the debit for money reads where there is no account to draw on: what to do, by
when, and how much."""

from django.utils.translation import gettext as _

from contributions.debit import recollecting
from contributions.ways import ACCOUNT
from portal.hall.service import Bar
from portal.shared import money
from portal.shared.months import Month, day_zh


def no_account(city: str, debit: Month | None, *, sum_fen: int = 0) -> Bar:
    """Barred until an account is on file: where that is done, and when the next debit comes;
    ``sum_fen`` is what it takes."""
    way = ACCOUNT.at(city)
    why = _("您还没有可以扣款的缴费账户，请先{account}，再办理本事项。").format(account=way)
    terms = recollecting.terms_of(city, debit) if debit else None
    if debit and terms:
        day = day_zh(terms.debit_on(debit))
        why += (
            _("下一次从{bank}账户扣款是{day}，届时共 {yuan} 元，请在此之前足额存款。").format(
                bank=terms.bank_title, day=day, yuan=money.format_yuan(sum_fen)
            )
            if sum_fen
            else _("下一次从{bank}账户扣款是{day}，请在此之前足额存款。").format(
                bank=terms.bank_title, day=day
            )
        )
    return Bar("", why, (way,))
