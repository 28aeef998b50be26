"""申报缴费基数（武汉）: an employer declares the yearly wages of all its staff. A roster beside the
draft holds each person's wage."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import CharField, F, Value
from django.db.models.functions import MD5, Cast, Concat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment.models import Roster, RosterRow
from enrollment.roster import approving, drafting, overview
from enrollment.roster.overview import Overview
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.models import Case, Draft
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.people.models import Employer
from portal.policy.book import book
from portal.policy.terms.contribution import ContributionYearTerms, contribution_year_terms
from portal.shared import money
from portal.shared.characters import whole_number
from portal.shared.insurance import INSURANCE_LABELS
from portal.shared.months import Month, today_in_china

CODE = "employer-bases"
SHOWN = 10


class BasesForm(ServiceForm):
    """Names the roster that is sent, with a digest of its content; the wages are in the roster."""

    wages = forms.CharField(label=gettext_lazy("职工工资"), disabled=True, required=False)
    roster = forms.CharField(
        label=gettext_lazy("名册编号"), disabled=True, required=False, widget=forms.HiddenInput
    )
    content = forms.CharField(
        label=gettext_lazy("名册内容摘要"), disabled=True, required=False, widget=forms.HiddenInput
    )

    def build(self) -> None:
        # A filed case shows the filed roster. An application that is not filed yet names the
        # draft's roster, whatever the request holds.
        self.named = dict(self.initial) if self.initial.get("roster") else self._of_draft()
        self.fields["wages"].help_text = format_html(
            '<a href="{}">{}</a>', reverse("employer-bases"), _("打开名册填写、上传或下载")
        )

    def _of_draft(self) -> dict[str, str]:
        draft = Draft.objects.filter(
            user=self.applicant.user, city=self.offer.city, service=self.offer.code
        ).first()
        roster = (
            Roster.objects.filter(draft=draft).first()
            # The roster was sent already, and the draft is about to be deleted.
            or Roster.objects.filter(case__key=draft.key).first()
            if draft
            else None
        )
        if roster is None:
            return {"wages": _("尚未填写"), "roster": "", "content": ""}
        rows = RosterRow.objects.filter(roster=roster)
        words = _("%(start)s起的缴费年度，应申报 %(total)s 人，已填写 %(filled)s 人") % {
            "start": roster.start.zh,
            "total": rows.count(),
            "filled": rows.filter(wage_fen__isnull=False).count(),
        }
        return {"wages": words, "roster": str(roster.pk), "content": approving.digest_of(roster)}

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """The roster's number comes from ``build``: a draft cannot change it."""
        return self.named.get(field_name) or super().get_initial_for_field(field, field_name)


@dataclass(frozen=True)
class BasesFacts:
    """The roster in numbers, and the facts that may bar it. Each month is the first of a
    contribution year."""

    open_year: Month | None
    next_open: Month
    start: Month | None
    sent: bool
    sent_otherwise: bool
    staff_changed: int
    digest: str
    overview: Overview | None
    roster: Roster | None
    terms: ContributionYearTerms

    def frozen(self) -> dict[str, Any]:
        numbers = self.overview
        return {
            "start": str(self.start or ""),
            "digest": self.digest,
            **(
                {
                    name: getattr(numbers, name)
                    for name in ("total", "filled", "raised", "lowered", "same", "new", "outliers", "sum_fen")
                }
                if numbers
                else {}
            ),
        }


class EmployerBases(Service):
    code = CODE
    title = gettext_lazy("申报缴费基数")
    audience = Audience.EMPLOYER
    theme = Theme.PAYMENT
    form = BasesForm
    needs = ("contribution_year",)
    also_known_as = ("缴费基数申报", "工资申报", "缴费工资申报", "年度基数")

    def facts(self, ask: Ask, outside: Any) -> BasesFacts:
        terms = contribution_year_terms(book(), city=ask.offer.city, on=today_in_china(ask.filed_at))
        pk = whole_number(str(ask.answers.get("roster", "")))
        roster = (
            Roster.objects.select_related("case").filter(pk=pk, employer=ask.employer).first()
            if pk is not None
            else None
        )
        sent = roster is not None and roster.case is not None
        return BasesFacts(
            open_year=terms.open_year(ask.month),
            next_open=terms.next_open(ask.month),
            start=roster.start if roster else None,
            sent=sent,
            sent_otherwise=bool(roster and roster.case and roster.case.submitted_at != ask.filed_at),
            staff_changed=drafting.staff_changed(roster, ask.month) if roster and not sent else 0,
            digest=approving.digest_of(roster) if roster else "",
            overview=overview.overview(roster, terms) if roster else None,
            roster=roster,
            terms=terms,
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._barred(ask, self.facts(ask, None))

    def _barred(self, ask: Ask, facts: BasesFacts) -> Iterator[Bar]:
        if facts.open_year is None:
            yield Bar(
                "",
                _("现在不在缴费基数申报期内。下一次申报从{month}开始。").format(month=facts.next_open.zh),
            )

    def rule(self, ask: Ask, facts: BasesFacts) -> Iterator[Finding]:
        barred = list(self._barred(ask, facts))
        if barred or facts.open_year is None:
            yield from barred
            return
        if facts.overview is None or facts.sent_otherwise:
            yield Bar("wages", _("还没有填写职工工资。请打开名册，逐人填写或上传表格。"))
            return
        if facts.start != facts.open_year:
            yield Bar(
                "wages",
                _("名册是{start}起的，现在应申报的是{year}起的缴费年度。请打开名册重新开始。").format(
                    start=facts.start.zh if facts.start else "", year=facts.open_year.zh
                ),
            )
        if facts.digest != ask.answers["content"]:
            yield Bar("wages", _("名册刚刚有改动。请打开名册核对后再提交。"))
        if not facts.overview.total:
            yield Bar("wages", _("本单位没有需要申报的职工。"))
        elif facts.overview.filled < facts.overview.total:
            yield Bar(
                "wages",
                _("还有 {count} 名职工没有填写工资。每名职工都要申报，请打开名册补填。").format(
                    count=facts.overview.total - facts.overview.filled
                ),
            )
        if facts.staff_changed:
            yield Bar(
                "wages",
                _("填写以后职工有变动（{count} 人）。请打开名册，更新名单后再提交。").format(
                    count=facts.staff_changed
                ),
            )

    def taken(self, case: Case, ask: Ask, facts: BasesFacts) -> None:
        roster = facts.roster
        if roster is None:
            raise NotAccepted([Bar("wages", _("还没有填写职工工资。请打开名册，逐人填写或上传表格。"))])
        # The lock lets one clerk send at a time, so that two clerks do not each send a declaration
        # of the same year.
        Employer.objects.select_for_update(no_key=True).get(pk=ask.employer.pk)
        if approving.another_open(roster):
            raise NotAccepted(
                [
                    Bar(
                        "",
                        _(
                            "本单位这一年度已有一份申报正在审核，请先在办件进度中查看；需要更正的，可撤回后重新申报。"
                        ),
                    )
                ]
            )
        if not approving.send(roster, case, digest=facts.digest):
            raise NotAccepted([Bar("wages", _("名册刚刚有改动。请打开名册核对后再提交。"))])

    def effect(self, case: Case, ask: Ask, facts: BasesFacts, *, by: User, now: datetime) -> dict[str, Any]:
        if facts.roster is None:
            raise NotAccepted([Bar("wages", _("还没有填写职工工资。请打开名册，逐人填写或上传表格。"))])
        applied = approving.apply(facts.roster, case=case)
        lines = [
            [_("起用月份"), facts.roster.start.zh],
            [_("按申报工资计缴"), _("{people} 人").format(people=applied.people)],
        ]
        if applied.left:
            lines.append([_("已不在本单位参保，未起用"), _("{people} 人").format(people=applied.left)])
        for month, count in sorted(applied.later.items()):
            lines.append(
                [
                    _("已核定的月份不变，从{month}起用").format(month=month.zh),
                    _("{count} 项参保关系").format(count=count),
                ]
            )
        return {
            "people": applied.people,
            "coverages": applied.coverages,
            "unchanged": applied.unchanged,
            "lines": lines,
            "links": [[_("查看申报的名册"), reverse("employer-bases-sent", args=[facts.roster.pk])]],
        }

    def summary(self, ask: Ask, facts: BasesFacts) -> list[tuple[str, str]]:
        numbers = facts.overview
        if numbers is None or facts.start is None:
            return []
        lines = [
            (_("缴费年度"), _("{start}至{end}").format(start=facts.start.zh, end=(facts.start + 11).zh)),
            (_("申报人数"), _("{count} 人").format(count=numbers.total)),
            (_("月申报工资合计"), _("{amount} 元").format(amount=money.format_yuan(numbers.sum_fen))),
            (
                _("与现行工资相比"),
                _("上调 {raised} 人，下调 {lowered} 人，不变 {same} 人，新申报 {new} 人").format(
                    raised=numbers.raised, lowered=numbers.lowered, same=numbers.same, new=numbers.new
                ),
            ),
        ]
        for limits, low, high in numbers.clamped:
            mark = f"，{limits.terms.reference.mark}" if limits.terms.reference.mark else ""
            lines.append(
                (
                    "、".join(INSURANCE_LABELS[one] for one in limits.insurances),
                    _(
                        "下限 {floor} 元，{low} 人按下限计缴；上限 {ceiling} 元，{high} 人按上限计缴（依据：{title}{mark}）"
                    ).format(
                        floor=_yuan(limits.terms.floor),
                        ceiling=_yuan(limits.terms.ceiling),
                        low=low,
                        high=high,
                        title=limits.terms.reference.basis,
                        mark=mark,
                    ),
                )
            )
        return lines

    def staff_facts(self, ask: Ask, facts: BasesFacts) -> list[tuple[str, list[tuple[str, str]]]]:
        sections = super().staff_facts(ask, facts)
        numbers, roster = facts.overview, facts.roster
        if numbers is None or roster is None:
            return sections
        rows = RosterRow.objects.filter(roster=roster).select_related("person")
        outliers = rows.filter(overview.outlying(facts.terms)).order_by("-wage_fen", "pk")[:SHOWN]
        # The roster's digest decides the sample: every reviewer sees the same people, and the clerk
        # who filled in the roster cannot choose them.
        sample = rows.order_by(
            MD5(Concat(Cast(F("person_id"), CharField()), Value(facts.digest), output_field=CharField()))
        )[:SHOWN]
        heading = _("涨幅超过 {rise}% 或跌幅超过 {fall}% 的，共 {count} 人").format(
            rise=_percent(facts.terms.review_rise),
            fall=_percent(facts.terms.review_fall),
            count=numbers.outliers,
        )
        return [
            (heading, [_change(row) for row in outliers] or [(_("没有"), "")]),
            (_("抽查 {count} 人").format(count=min(SHOWN, numbers.total)), [_change(row) for row in sample]),
            *sections,
        ]

    def staff_links(self, ask: Ask, facts: BasesFacts) -> list[tuple[str, str]]:
        if facts.roster is None:
            return []
        url = reverse("admin:enrollment_rosterrow_changelist")
        return [(_("逐页查看全部名册"), f"{url}?roster={facts.roster.pk}")]


def _change(row: RosterRow) -> tuple[str, str]:
    label = _("{name}（尾号 {tail}）").format(name=row.person.name, tail=row.person.identity_number[-4:])
    wage = money.format_yuan(row.wage_fen) if row.wage_fen is not None else "—"
    if row.former_fen is None:
        return label, _("新申报 {wage} 元").format(wage=wage)
    return label, _("{former} 元 → {wage} 元").format(former=money.format_yuan(row.former_fen), wage=wage)


def _percent(share: Any) -> str:
    return f"{(share * 100).normalize():f}"


def _yuan(amount: Any) -> str:
    return money.format_yuan(money.round_fen(amount))
