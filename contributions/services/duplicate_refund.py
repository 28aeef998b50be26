"""养老保险重复缴费退费: months paid twice, by this hall's record or by a paper from elsewhere;
staff confirm at the counter, and the money goes back by two hands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.refunds import insured_twice, refund_lifecycle
from contributions.refunds.insured_twice import Duplicate, Found, Proof
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.fields import MonthsField
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.policy.book import Reference, book
from portal.policy.terms.payment import duplicate_refund_terms
from portal.shared import money
from portal.shared.months import Month, today_in_china

# The circumstance under which a paper from the other place is wanted.
BY_PAPER = "paid-elsewhere"

PROOF_LABELS = {
    Proof.HALL: gettext_lazy("同月有两笔到账，这一笔没有入账"),
    Proof.RECORD: gettext_lazy("与转入记录的月份重复"),
    Proof.PAPER: gettext_lazy("以外地缴费凭证核实"),
}


class DuplicateForm(ServiceForm):
    def build(self) -> None:
        person = self.applicant.person
        if person is None:
            return
        found = insured_twice.find(person, self.offer.city, now=self.now)
        if not found.months:
            return
        known = [month for month, one in found.months.items() if one.proof != Proof.PAPER]
        self.fields["months"] = MonthsField(
            label=_("重复缴费的月份"),
            months=list(found.months),
            not_allowed=found.barred,
            initial=[str(month) for month in known],
            help_text=_("系统查到重复的月份已选好：{months}。").format(
                months="、".join(month.zh for month in known)
            )
            if known
            else _("请选择在其他地方也缴了养老保险的月份。"),
            error_messages={"required": _("请至少选择一个月份。")},
        )
        self.fields["elsewhere"] = forms.CharField(
            label=_("这些月份还在哪里缴费"),
            required=not known,
            max_length=60,
            help_text=_(
                "填写参保地和单位或缴费身份，例如“湖南省长沙市，灵活就业”。系统已查到的月份不必填写。"
            )
            if known
            else _("填写参保地和单位或缴费身份，例如“湖南省长沙市，灵活就业”。"),
            error_messages={"required": _("请填写所选月份还在哪里缴费。")},
        )


@dataclass(frozen=True)
class DuplicateFacts:
    """What may go back, and what of it was asked for."""

    found: Found
    asked: tuple[Duplicate, ...]

    @property
    def refund_fen(self) -> int:
        return sum(one.refund_fen for one in self.asked)

    def frozen(self) -> dict[str, Any]:
        return {
            "asked": [
                {
                    "month": str(one.month),
                    "receipt": one.receipt_id,
                    "proof": str(one.proof),
                    "elsewhere": one.elsewhere,
                    "refund_fen": one.refund_fen,
                    "account_fen": one.account_fen,
                }
                for one in self.asked
            ]
        }


class DuplicateRefund(Service):
    code = "duplicate-refund"
    title = gettext_lazy("养老保险重复缴费退费")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = DuplicateForm
    needs = ("duplicate_refund",)
    also_known_as = ("重复缴费退费", "多缴退款", "养老保险退费", "重复参保清退")
    conflicts = {
        "one_open_case_per_applicant_and_subject": (
            "",
            gettext_lazy("您已有一份重复缴费退费申请正在办理，办结或撤回后才能再次申请。"),
        ),
        "takenback_receipt_id_key": ("months", gettext_lazy("所选月份刚刚已按重复缴费清退。")),
    }

    def facts(self, ask: Ask, outside: Any) -> DuplicateFacts:
        found = insured_twice.find(ask.person, ask.offer.city, now=ask.filed_at)
        asked = [found.months[month] for month in _months(ask) if month in found.months]
        return DuplicateFacts(found, tuple(asked))

    def rule(self, ask: Ask, facts: DuplicateFacts) -> Iterator[Finding]:
        months = _months(ask)
        if not facts.found.months and not months:
            yield Bar("", _nothing(facts.found))
        for month in months:
            if month not in facts.found.months:
                why = facts.found.barred.get(month) or _("不是您在本市自行缴费的月份")
                yield Bar("months", _("%(month)s：%(why)s。") % {"month": month.zh, "why": why})
        if BY_PAPER in self.established(ask, facts) and not _elsewhere(ask):
            yield Bar("elsewhere", _("请填写所选月份还在哪里缴费。"))

    def established(self, ask: Ask, facts: DuplicateFacts) -> set[str]:
        return {BY_PAPER} if any(one.proof == Proof.PAPER for one in facts.asked) else set()

    def effect(
        self, case: Case, ask: Ask, facts: DuplicateFacts, *, by: User, now: datetime
    ) -> dict[str, Any]:
        try:
            drafted = [
                insured_twice.give_back(one, elsewhere=_elsewhere(ask), case=case, by=by, now=now)
                for one in facts.asked
            ]
        except (insured_twice.CannotTakeBack, refund_lifecycle.CannotRefund) as why:
            raise NotAccepted([Bar("months", str(why))]) from why
        return {
            "refunds": [one.number for one in drafted],
            "lines": [
                *[
                    [
                        one.month.zh,
                        str(
                            _("退 %(yuan)s 元，退款号 %(number)s")
                            % {"yuan": money.format_yuan(one.refund_fen), "number": refund.number}
                        ),
                    ]
                    for one, refund in zip(facts.asked, drafted, strict=True)
                ],
                [
                    str(_("退费合计")),
                    str(
                        _("%(yuan)s 元，经另一名工作人员复核后退回原付款账户")
                        % {"yuan": money.format_yuan(facts.refund_fen)}
                    ),
                ],
            ],
        }

    def summary(self, ask: Ask, facts: DuplicateFacts) -> list[tuple[str, str]]:
        lines = [
            (
                one.month.zh,
                _("退 %(yuan)s 元（%(parts)s）；%(proof)s")
                % {
                    "yuan": money.format_yuan(one.refund_fen),
                    "parts": parts_of(one),
                    "proof": _place(one, ask),
                },
            )
            for one in facts.asked
        ]
        total = _("%(yuan)s 元") % {"yuan": money.format_yuan(facts.refund_fen)}
        return [*lines, (_("退费合计"), total), (_("退回账户"), _("原付款账户"))]

    def preview(self, ask: Ask, facts: DuplicateFacts) -> dict[str, Any]:
        terms = duplicate_refund_terms(book(), city=ask.offer.city, on=today_in_china(ask.filed_at))
        reference: Reference = terms.leaf.reference
        return {
            "template": "contributions/duplicate_refund_last_look.html",
            "rows": [{"one": one, "proof": _place(one, ask)} for one in facts.asked],
            "total_fen": facts.refund_fen,
            "account_fen": sum(one.account_fen for one in facts.asked),
            "reference": reference,
            "months_back": terms.months_back,
        }


def parts_of(one: Duplicate) -> str:
    """Where the money comes from: 个人账户 359.52 元、统筹基金 539.28 元."""
    if one.proof == Proof.HALL:
        return _("没有入账的款项，全额退回")
    return _("个人账户扣回 %(account)s 元、统筹基金扣回 %(pooled)s 元") % {
        "account": money.format_yuan(one.account_fen),
        "pooled": money.format_yuan(one.pooled_fen),
    }


def _nothing(found: Found) -> str:
    """Why nothing can be asked for: the reason of each month, where there are any, latest first."""
    if not found.barred:
        return _("没有查到您在本市自行缴纳、可以退费的养老保险月份；由单位缴纳的，请由单位办理。")
    whys = "；".join(f"{month.zh}：{why}" for month, why in list(found.barred.items())[:-4:-1])
    return _("目前没有可以申请退费的月份。%(whys)s。") % {"whys": whys}


def _place(one: Duplicate, ask: Ask) -> str:
    place = one.elsewhere or _elsewhere(ask)
    label = str(PROOF_LABELS[one.proof])
    return _("%(label)s：%(place)s") % {"label": label, "place": place} if place else label


def _months(ask: Ask) -> Sequence[Month]:
    return [Month.parse(text) for text in ask.answers.get("months", [])]


def _elsewhere(ask: Ask) -> str:
    return str(ask.answers.get("elsewhere", "")).strip()
