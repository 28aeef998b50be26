"""职工参保登记(宁波:社会保险职工参保登记;武汉:增员). One service handles new enrolment and
resumption, and records which of the two it is."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import actions, queries
from enrollment.adding_staff import (
    MANAGEMENT,
    STOP,
    WORKER,
    AddStaffFacts,
    facts_about,
    named_otherwise,
    why_not,
)
from enrollment.insurance_choice import chosen, start_field
from portal.accounts.fields import IdentityNumberField, NameField, PhoneField
from portal.accounts.identity_corrections import was_corrected
from portal.accounts.lookups import look_up
from portal.accounts.models import User
from portal.accounts.paper_forms import StatesPaper
from portal.hall.fields import YuanField
from portal.hall.models import Case
from portal.hall.queries import open_about
from portal.hall.service import COMPARED, Applicant, Ask, Audience, Finding, Service, ServiceForm, Theme
from portal.people import papers, persons
from portal.policy.book import Offer
from portal.policy.terms import offers
from portal.shared import foreigners, identity, money, names
from portal.shared.countries import foreign_countries
from portal.shared.identity import Document
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import today_in_china

POSTS = [
    ("", gettext_lazy("请选择")),
    (WORKER, gettext_lazy("生产、操作等工人岗位")),
    (MANAGEMENT, gettext_lazy("管理或专业技术岗位")),
]


class AddStaffForm(StatesPaper, ServiceForm):
    field_order = (
        "document",
        "identity_number",
        "name",
        "nationality",
        "sex",
        "birth_date",
        "paper_expires_on",
    )

    identity_number = IdentityNumberField(
        stated=True,
        label=gettext_lazy("社会保障号（身份证件号码）"),
        help_text=gettext_lazy("输入后点“搜索”，核对这个号码是否已有登记。护照填护照号码。"),
    )
    name = NameField()
    phone = PhoneField(label=gettext_lazy("职工手机号码"), required=False)
    post = forms.ChoiceField(
        label=gettext_lazy("女职工的岗位"),
        choices=POSTS,
        required=False,
        help_text=gettext_lazy("法定退休年龄按岗位不同；50 周岁上下的女职工请选择，男职工不用选。"),
    )
    hired_on = forms.DateField(
        label=gettext_lazy("用工起始日期"),
        help_text=gettext_lazy("劳动合同开始的日期，例如 2026-11-02。"),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    wage = YuanField(
        label=gettext_lazy("月申报工资"),
        help_text=gettext_lazy("上年度月平均工资，新职工填首月工资。低于下限按下限、高于上限按上限计缴。"),
        at_least=Decimal("1.00"),
    )

    def build(self) -> None:
        if self.only_compared("name"):
            self.fields["name"].help_text = _(
                "这个号码已有登记（{name}）。请按身份证填写完整的姓名，与登记一致才能申报。"
            ).format(name=identity.mask_name(self.known["name"]))
        for insurance in offers.offered_insurances(self.offer):
            self.fields[f"start_{insurance}"] = start_field(self.offer, insurance, self.month)

    def clean_hired_on(self) -> Any:
        hired_on = self.cleaned_data["hired_on"]
        if hired_on > today_in_china(self.now):
            raise forms.ValidationError(_("用工起始日期在今天之后，请在职工入职后再申报。"))
        return hired_on

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not any(
            cleaned.get(f"start_{insurance}") for insurance in offers.offered_insurances(self.offer)
        ) and not any(name.startswith("start_") for name in self.errors):
            first = offers.offered_insurances(self.offer)[0]
            self.add_error(f"start_{first}", _("请至少选择一个险种的参保月份。"))
        return cleaned

    def answers(self) -> dict[str, Any]:
        """Without the empty fields of the paper: a number of 18 digits says what they would."""
        answers = super().answers()
        return {name: value for name, value in answers.items() if value or name not in papers.FIELDS}

    def _compare(self, cleaned: dict[str, Any], person: Any) -> None:
        """Compares the rest only where the name is right: otherwise a clerk who does not know the
        person could find the date of birth by trying one day after another."""
        if person is not None and names.agree(str(cleaned.get("name") or ""), person.name):
            super()._compare(cleaned, person)

    def agrees(self, name: str, typed: Any) -> bool:
        return names.agree(str(typed), str(self.known[name]))

    def contradiction(self, name: str) -> str:
        return named_otherwise(str(self.known[name]))


class EmployerAddStaff(Service):
    code = "employer-add-staff"
    title = gettext_lazy("职工参保登记")
    audience = Audience.EMPLOYER
    theme = Theme.ENROLLMENT
    form = AddStaffForm
    searches = "identity_number"
    also_known_as = ("增员", "新增职工", "职工增加", "续保")
    conflicts = {
        "no_two_live_coverages_share_a_month": (
            "identity_number",
            gettext_lazy("这名人员在所选月份刚刚已由其他单位或本人参保，不能重复参保。请刷新后核对。"),
        )
    }

    def subject(self, ask: Ask) -> str:
        return str(ask.answers["identity_number"])

    def sought(self, typed: Mapping[str, Any], *, now: datetime) -> str:
        """The number to search for; a passport's number identifies a person only together with its
        country."""
        number, country = super().sought(typed, now=now), str(typed.get("nationality", ""))
        if typed.get("document") != Document.PASSPORT or country not in foreign_countries():
            return number
        try:
            passport = foreigners.parse_passport(number)
        except foreigners.InvalidPaper:
            return number
        return papers.number_of(Document.PASSPORT, passport, country, on=today_in_china(now))

    def known(self, *, offer: Offer, applicant: Applicant, sought: str, now: datetime) -> dict[str, Any]:
        try:
            number = IdentityNumberField().clean(sought)
        except forms.ValidationError:
            return {}
        person = look_up(user=applicant.user, identity_number=number, purpose=str(self.title), now=now)
        if person is None:
            return {}
        # An employer that enters a number sees the name only of people whom it insures or insured.
        # For others the clerk types the name from the card, and it is compared.
        insured_here = applicant.employer and any(
            one.employer_id == applicant.employer.pk for one in queries.held(number)
        )
        return {"name": person.name} if insured_here else {"name": person.name, COMPARED: ("name",)}

    def facts(self, ask: Ask, outside: Any) -> AddStaffFacts:
        number, name = papers.of_told(ask.answers).identity_number, str(ask.answers["name"])
        person = persons.find(number)
        return facts_about(
            ask,
            person=person,
            held=queries.held(number),
            stopping=open_about(number, STOP),
            corrected=person is None and was_corrected(number, name),
            employer_id=ask.employer.pk,
        )

    def rule(self, ask: Ask, facts: AddStaffFacts) -> Iterator[Finding]:
        return why_not(ask, facts)

    def effect(
        self, case: Case, ask: Ask, facts: AddStaffFacts, *, by: User, now: datetime
    ) -> dict[str, Any]:
        answers = ask.answers
        person = persons.record(
            paper=papers.of_told(answers),
            name=str(answers["name"]),
            phone=str(answers.get("phone", "")),
        )
        opened = [
            actions.open_coverage(
                person=person,
                insurance=insurance,
                capacity=Capacity.EMPLOYEE,
                city=ask.offer.city,
                district=ask.employer.district,
                employer=ask.employer,
                start=start,
                wage_fen=money.to_fen(Decimal(str(answers["wage"]))),
                case=case,
                now=now,
            )
            for insurance, start in chosen(ask, "start").items()
        ]
        return {
            "coverages": [coverage.pk for coverage in opened],
            "lines": [
                [INSURANCE_LABELS[Insurance(one.insurance)], _("{month}起参保").format(month=one.start.zh)]
                for one in opened
            ],
        }

    def summary(self, ask: Ask, facts: AddStaffFacts) -> list[tuple[str, str]]:
        answers, paper = ask.answers, papers.of_told(ask.answers)
        late = facts.hired_days_ago > facts.register_within_days
        lines = [
            (_("办理类别"), _("续保") if facts.resumes else _("新增")),
            (_("姓名"), str(answers["name"])),
            (_("社会保障号"), identity.mask(str(answers["identity_number"])) + _made(paper, ask.filed_at)),
            *paper.lines(),
            (
                _("用工起始日期"),
                str(answers["hired_on"])
                + (
                    _("（已超过用工之日起 {days} 日内登记的期限）").format(days=facts.register_within_days)
                    if late
                    else ""
                ),
            ),
            (
                _("月申报工资"),
                _("{amount} 元").format(
                    amount=money.format_yuan(money.to_fen(Decimal(str(answers["wage"]))))
                ),
            ),
        ]
        if answers.get("post"):
            lines.append((_("岗位"), str(dict(POSTS)[str(answers["post"])])))
        if answers.get("phone"):
            lines.append((_("职工手机号码"), identity.mask_phone(str(answers["phone"]))))
        lines += [
            (INSURANCE_LABELS[i], _("{month}起参保").format(month=start.zh))
            for i, start in chosen(ask, "start").items()
        ]
        lines += [
            (
                INSURANCE_LABELS[other.insurance],
                _("不在本事项办理，请到{where}申报").format(where=other.where),
            )
            for other in offers.elsewhere(ask.offer)
        ]
        return lines

    def staff_facts(self, ask: Ask, facts: AddStaffFacts) -> list[tuple[str, list[tuple[str, str]]]]:
        held = (_("这名人员现有和曾有的参保关系"), queries.as_lines(facts.held))
        return [held, *super().staff_facts(ask, facts)]


def _made(paper: papers.Paper, at: datetime) -> str:
    """The rule by which a foreigner's number is made; "" for other papers."""
    if not paper.nationality:
        return ""
    return _("（按{rule}编制）").format(rule=papers.made_as(today_in_china(at)))
