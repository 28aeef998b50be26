"""The part that the transfer services of both insurances share: applying at the old or at the new
place, and cancelling."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.prices.formula import Derivation
from contributions.prices.reckoned import fen_text
from contributions.ways import TAKE_BACK
from enrollment.about_coverage import AboutCoverage
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.hall.ways import linked
from portal.policy.book import UnknownCity, book
from portal.shared.characters import whole_number
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import periods_zh
from transfers import agencies, relation, steps
from transfers.agencies import Agency
from transfers.amounts import Moving
from transfers.machine import OPEN, TRANSFER_LIFE_CYCLE, Status
from transfers.models import Direction, OutsideAgency, Transfer
from transfers.relation import Relation
from transfers.ways import OTHER_PLACES

CONFLICTS = {
    "one_open_transfer_of_a_relation": (
        "",
        gettext_lazy("这一关系刚刚已经申请转移，不能重复申请；请在关系转移页查看进度。"),
    )
}


# So many places are shown as buttons; more are a list to choose from.
_AS_BUTTONS = 8


class WhitherForm(ServiceForm):
    """Asks for the place that the relation goes to."""

    to = forms.ChoiceField(
        label=gettext_lazy("转到哪里"),
        widget=forms.RadioSelect,
        help_text=gettext_lazy("新参保地。请先在新参保地参保。"),
        error_messages={
            "required": gettext_lazy("请选择转到哪里。"),
            "invalid_choice": gettext_lazy("请从列出的城市中选择。"),
        },
    )

    def build(self) -> None:
        insurance = Insurance(self.offer.code.partition("-")[0])
        _offer_places(self, "to", agencies.taking(insurance, but=self.offer.city))


class WhenceForm(ServiceForm):
    """Asks for the place that the relation comes from."""

    origin = forms.ChoiceField(
        label=gettext_lazy("从哪里转入"),
        widget=forms.RadioSelect,
        help_text=gettext_lazy("原参保地。在原参保地的参保应已终止，欠费应已结清。"),
        error_messages={
            "required": gettext_lazy("请选择从哪里转入。"),
            "invalid_choice": gettext_lazy("请从列出的城市中选择。"),
        },
    )

    def build(self) -> None:
        insurance = Insurance(self.offer.code.partition("-")[0])
        _offer_places(self, "origin", agencies.giving(insurance, but=self.offer.city))


def _offer_places(form: ServiceForm, name: str, places: list[Agency]) -> None:
    outside = [_outside(agency) for agency in OutsideAgency.objects.filter(active=True)]
    field = form.fields[name]
    here, there = ([(place.key, place.title) for place in some] for some in (places, outside))
    if len(here) + len(there) <= _AS_BUTTONS:
        field.choices = [*here, *there]  # type: ignore[attr-defined]
    else:
        groups = [(_("本大厅的城市"), here), (_("其他地区"), there)]
        field.widget = forms.Select()
        field.choices = [("", _("请选择")), *(group for group in groups if group[1])]  # type: ignore[attr-defined]
    other = OTHER_PLACES.at(form.offer.city)
    field.help_text = str(field.help_text) + linked(
        _("没有您要的城市的，请{other}。").format(other=other), [other]
    )


def _outside(agency: OutsideAgency) -> Agency:
    return agency.place


@dataclass(frozen=True)
class MoveFacts:
    """The present state of the relation, and the two places."""

    relation: Relation
    old: Agency
    new: Agency

    def frozen(self) -> dict[str, Any]:
        """The information form of what would move."""
        moving = self.relation.moving
        return {"moving": moving.information() if moving else {}}


class _Move(AboutCoverage):
    """The base of services that apply for a transfer of one insurance."""

    audience = Audience.PERSON
    theme = Theme.TRANSFER
    for_wards = True
    conflicts = CONFLICTS
    insurance: ClassVar[Insurance]
    direction: ClassVar[Direction]

    def places(self, ask: Ask) -> tuple[Agency, Agency]:
        """The old place and the new place."""
        raise NotImplementedError

    def facts(self, ask: Ask, outside: Any) -> MoveFacts:
        old, new = self.places(ask)
        current_relation = self.relation(ask, from_city=old.city, to_city=new.city, to_place=new.title)
        return MoveFacts(current_relation, old, new)

    def relation(self, ask: Ask, *, from_city: str = "", to_city: str = "", to_place: str = "") -> Relation:
        """The present state of the relation, as far as the places are known."""
        return relation.read(
            ask.person,
            insurance=self.insurance,
            from_city=from_city,
            to_city=to_city,
            to_place=to_place,
            now=ask.filed_at,
        )

    def rule(self, ask: Ask, facts: MoveFacts) -> Iterator[Finding]:
        yield from relation.barriers(facts.relation)

    def effect(self, case: Case, ask: Ask, facts: MoveFacts, *, by: User, now: datetime) -> dict[str, Any]:
        transfer = steps.apply(
            person=ask.person,
            insurance=self.insurance,
            old=facts.old,
            new=facts.new,
            direction=self.direction,
            case=case,
            by=by,
            now=now,
        )
        return {
            "transfer": transfer.number,
            "lines": [[_("转移编号"), transfer.number], *(list(line) for line in self.summary(ask, facts))],
            "links": [[_("查看转移进度"), reverse("transfer", args=[transfer.number])]],
        }

    def summary(self, ask: Ask, facts: MoveFacts) -> list[tuple[str, str]]:
        moving = facts.relation.moving
        lines = [
            (_("险种"), str(_(INSURANCE_LABELS[self.insurance]))),
            (_("转出地"), facts.old.name),
            (_("转入地"), facts.new.name),
        ]
        if moving is not None and moving.months:
            lines += [
                (
                    _("转移月数"),
                    _("{count} 个月（{periods}）").format(
                        count=moving.months, periods=periods_zh(moving.periods)
                    ),
                ),
                (_("个人账户"), fen_text(moving.account_fen)),
            ]
            if self.insurance == Insurance.PENSION:
                lines += [
                    (_("统筹基金"), fen_text(moving.pooled_fen)),
                    (_("转移金额合计"), fen_text(moving.sum_fen)),
                ]
        if facts.relation.place is not None:
            lines.append((_("待遇领取地（按目前的缴费）"), facts.relation.place.title))
        return lines

    def preview(self, ask: Ask, facts: MoveFacts) -> dict[str, Any]:
        return {"template": "transfers/preview.html", **shown(facts.relation, facts.old, facts.new)}


class MoveOut(_Move):
    """Applies at the old place."""

    form = WhitherForm
    direction = Direction.OUT

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """The bars at the old place, which hold for every new place."""
        yield from relation.barriers(self.relation(ask, from_city=ask.offer.city))

    def places(self, ask: Ask) -> tuple[Agency, Agency]:
        return agencies.of_city(ask.offer.city), _chosen(ask, "to")


class MoveIn(_Move):
    """Applies at the new place."""

    form = WhenceForm
    direction = Direction.IN

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """The bars at the new place, which hold for every old place."""
        here = agencies.of_city(ask.offer.city)
        yield from relation.barriers(self.relation(ask, to_city=here.city, to_place=here.title))

    def places(self, ask: Ask) -> tuple[Agency, Agency]:
        return _chosen(ask, "origin"), agencies.of_city(ask.offer.city)


def _chosen(ask: Ask, name: str) -> Agency:
    key = str(ask.answers[name])
    kind, _dash, pk = key.partition("-")
    if kind == "outside" and (named := whole_number(pk)) is not None:
        return _outside(OutsideAgency.objects.get(pk=named))
    try:
        return agencies.of_city(key)
    except UnknownCity as error:
        raise ValueError(f"no such city: {key}") from error


def shown(current_relation: Relation, old: Agency, new: Agency) -> dict[str, Any]:
    """Context for transfers/preview.html: what moves and why, the record afterwards, and the place
    where the pension will be drawn."""
    moving = current_relation.moving
    place = current_relation.place
    return {
        "insurance": _(INSURANCE_LABELS[current_relation.insurance]),
        "is_pension": current_relation.insurance == Insurance.PENSION,
        "old": old,
        "new": new,
        "moving": moving,
        "after": _after(current_relation) if moving else [],
        "doubled": _doubled(moving, old) if moving and moving.doubled else "",
        "doubles": current_relation.doubles,
        "place": place,
        "place_derivation": Derivation(
            lines=(),
            since=place.leaf.since,
            reference=place.leaf.reference,
            illustrative=place.leaf.reference.illustrative,
            mark=place.leaf.reference.mark,
            age="",
        )
        if place
        else None,
    }


def _doubled(moving: Moving, old: Agency) -> str:
    """The message about months that were brought in and also paid at the old place: they do not
    move, and their money is refunded."""
    back = TAKE_BACK.at(old.city)
    text = _("这些月份已由外地转入，又在{place}重复缴费：{months}。重复的部分不转移，请{back}。").format(
        place=old.title, months=periods_zh(moving.doubled), back=back
    )
    return linked(text, [back])


def _after(current_relation: Relation) -> list[tuple[str, str, str]]:
    """The record at both places as (label, now, after the transfer)."""
    moving = current_relation.moving
    if moving is None:
        return []
    stays = sum(until - start for start, until in moving.doubled)
    months_there = current_relation.months_there + moving.months
    return [
        (
            _("转出地的缴费月数"),
            _("{count} 个月").format(count=moving.months + stays),
            _("{count} 个月").format(count=stays),
        ),
        (
            _("转入地的缴费月数"),
            _("{count} 个月").format(count=current_relation.months_there),
            _("{count} 个月").format(count=months_there),
        ),
        (
            _("转入地的个人账户"),
            fen_text(current_relation.balance_there_fen),
            fen_text(current_relation.balance_there_fen + moving.account_fen),
        ),
    ]


# Cancelling


class CancelForm(ServiceForm):
    """Asks only for confirmation."""

    sure = forms.BooleanField(
        label=gettext_lazy("我确认撤销这次转移"),
        help_text=gettext_lazy("撤销后关系仍在本市；需要时可以重新申请转出。"),
        error_messages={"required": gettext_lazy("请勾选确认撤销。")},
    )


@dataclass(frozen=True)
class CancelFacts:
    """The transfer to cancel; None where no open transfer leaves this city."""

    transfer: Transfer | None

    def frozen(self) -> dict[str, Any]:
        return {"transfer": self.transfer.number if self.transfer else ""}


class CancelOut(Service):
    """撤销转出: the person cancels a transfer before the old place releases it."""

    audience = Audience.PERSON
    theme = Theme.TRANSFER
    for_wards = True
    form = CancelForm
    insurance: ClassVar[Insurance]

    def facts(self, ask: Ask, outside: Any) -> CancelFacts:
        return CancelFacts(
            Transfer.objects.filter(
                person=ask.person,
                insurance=self.insurance,
                from_city=ask.offer.city,
                status__in=[str(status) for status in OPEN],
            ).first()
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self.rule(ask, self.facts(ask, None))

    def rule(self, ask: Ask, facts: CancelFacts) -> Iterator[Bar]:
        name, city = _(INSURANCE_LABELS[self.insurance]), book().city(ask.offer.city).title
        if facts.transfer is None:
            yield Bar("", _("您没有正在从{city}转出的{name}关系，不需要撤销。").format(city=city, name=name))
        elif Status.CANCELLED not in TRANSFER_LIFE_CYCLE.moves_from(facts.transfer.status):
            yield Bar(
                "",
                _("您的{name}关系{status}，不能撤销。请等新参保地接收并合并。").format(
                    name=name, status=TRANSFER_LIFE_CYCLE.label(facts.transfer.status)
                ),
            )

    def effect(self, case: Case, ask: Ask, facts: CancelFacts, *, by: User, now: datetime) -> dict[str, Any]:
        if facts.transfer is None:
            raise ValueError(f"{case.number}: nothing to cancel; the rule was not applied")
        transfer = steps.cancel(
            facts.transfer,
            by=by,
            now=now,
            reason=_("本人申请撤销（办件 {number}）").format(number=case.number),
        )
        return {
            "transfer": transfer.number,
            "lines": [list(line) for line in self.summary(ask, CancelFacts(transfer))],
            "links": [[_("查看转移进度"), reverse("transfer", args=[transfer.number])]],
        }

    def summary(self, ask: Ask, facts: CancelFacts) -> list[tuple[str, str]]:
        if facts.transfer is None:
            return []
        return [
            (_("转移编号"), facts.transfer.number),
            (_("险种"), str(_(INSURANCE_LABELS[self.insurance]))),
            (_("转出地"), facts.transfer.from_place),
            (_("转入地"), facts.transfer.to_place),
        ]
