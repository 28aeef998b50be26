"""开办企业全程网上办（宁波）: a new company's account with its logins and first staff, in one case.

Filed by the legal representative's personal login, or by a handler's. What the register of market
entities and the bank say is compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import first_staff
from enrollment.first_staff import Checked
from enrollment.insurance_choice import chosen, start_field
from enrollment.ways import ADD_STAFF
from portal.accounts import openings
from portal.accounts.fields import CreditCodeField, IdentityNumberField, NameField, PhoneField
from portal.accounts.models import User
from portal.columns import bank_titles
from portal.hall.fields import CorporateAccountField
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Mismatch, Service, ServiceForm, Theme
from portal.people import persons
from portal.people.locks import lock_subjects
from portal.people.models import Employer
from portal.policy.book import City, book
from portal.policy.terms import industry, offers, people
from portal.registers.bank import Account, bank_register
from portal.registers.business import Business, business_register
from portal.shared import identity, money, names, numbers
from portal.shared.insurance import INSURANCE_LABELS
from portal.shared.months import today_in_china

_DIGITS = "0123456789"


class OpeningForm(ServiceForm):
    credit_code = CreditCodeField(help_text=gettext_lazy("营业执照上的 18 位代码，与经营主体登记比对。"))
    name = forms.CharField(
        label=gettext_lazy("单位名称"), max_length=120, help_text=gettext_lazy("按营业执照填写全称。")
    )
    handler_name = NameField(label=gettext_lazy("首名经办人姓名"))
    handler_number = IdentityNumberField(label=gettext_lazy("首名经办人身份证号码"))
    handler_phone = PhoneField(
        label=gettext_lazy("首名经办人手机号码"),
        help_text=gettext_lazy("开户后用这个手机号设置单位登录密码，请填经办人本人的。"),
    )
    representative_phone = PhoneField(
        label=gettext_lazy("法定代表人手机号码"),
        required=False,
        help_text=gettext_lazy("由受委托的人申报的须填写；法定代表人本人申报的不用填。"),
    )

    def build(self) -> None:
        city, today = book().city(self.offer.city), today_in_china(self.now)
        person = self.applicant.person
        if person:
            self.fields["handler_name"].initial = person.name
            self.fields["handler_number"].initial = person.identity_number
            self.fields["handler_phone"].initial = self.applicant.user.phone or person.phone
        please = [("", _("请选择"))]
        self.fields["district"] = forms.ChoiceField(
            label=_("参保区县"),
            choices=please + [(one.code, one.title) for one in city.districts],
            help_text=_("选择登记住所所在的区县。"),
        )
        self.fields["district_reason"] = forms.CharField(
            label=_("不选登记住所所在区县的原因"), max_length=100, required=False
        )
        self.fields["industry"] = forms.ChoiceField(
            label=_("所属行业（大类）"),
            choices=please
            + [
                (one.code, f"{one.code} {one.title}（{one.grade} 类）")
                for one in industry.divisions(book(), on=today)
            ],
            help_text=_(
                "按国民经济行业分类选择，由此确定工伤保险费率；劳务派遣单位按主要用工单位的行业选择。"
            ),
        )
        self.fields["bank"] = forms.ChoiceField(
            label=_("开户银行"), choices=please + list(bank_titles().items())
        )
        self.fields["account_number"] = CorporateAccountField(
            label=_("单位银行账号（对公）"), help_text=_("户名必须是本单位全称，与开户银行比对。")
        )
        self.fields["staff"] = forms.CharField(
            label=_("首批职工"),
            required=False,
            widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
            max_length=40_000,
            help_text=_(
                "没有职工的不用填。每行一名，最多 {most} 名，可从表格粘贴："
                "身份证号码、姓名、用工起始日期、月申报工资；需要时再加参保月份（如 2026-10）和女职工岗位（工人或管理）。"
            ).format(most=first_staff.MOST),
        )
        for insurance in offers.offered_insurances(self.offer):
            field = start_field(self.offer, insurance, self.month, required=True)
            field.help_text = _("首批职工都从这个月参保；养老、失业可以在名单中另写月份。")
            self.fields[f"start_{insurance}"] = field

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())

    def clean_staff(self) -> list[dict[str, str]]:
        return first_staff.parse(str(self.cleaned_data["staff"]), today=today_in_china(self.now))

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        for insurance in offers.offered_insurances(self.offer):
            name = f"start_{insurance}"
            if told.get("staff") and not told.get(name) and name not in self.errors:
                self.add_error(name, _("请选择首批职工的参保月份。"))
        return told


@dataclass(frozen=True)
class Outside:
    """What the register of market entities and the bank answered."""

    business: Business | None
    account: Account | None


@dataclass(frozen=True)
class OpeningFacts:
    """Plain values: what was answered outside, who files, and where an account stands already."""

    business: Business | None
    account_holder: str | None
    applicant: tuple[str, str]
    opened_in: str
    grade: int
    within_days: int
    founded_days_ago: int
    # Empty where the applicant is not the registered legal representative: then the list is
    # compared with the register only by staff, when they decide.
    staff: tuple[Checked, ...]

    @property
    def by_representative(self) -> bool:
        business = self.business
        return business is not None and (
            self.applicant[0] == business.representative_number
            and names.agree(self.applicant[1], business.representative_name)
        )

    @property
    def late(self) -> bool:
        return self.founded_days_ago > self.within_days

    def frozen(self) -> dict[str, Any]:
        return {
            "grade": self.grade,
            "founded_days_ago": self.founded_days_ago,
            "opened_in": self.opened_in,
            "by_representative": self.by_representative,
            "refused_rows": sum(bool(one.bars) for one in self.staff),
        }


class EmployerOpening(Service):
    code = "employer-opening"
    title = gettext_lazy("开办企业全程网上办")
    audience = Audience.EMPLOYER
    filed_by = Audience.PERSON
    not_amended = ("staff",)
    theme = Theme.ENROLLMENT
    form = OpeningForm
    also_known_as = ("单位开户", "企业开户", "新办企业", "单位参保登记", "开公司")
    conflicts = {
        "people_employer_credit_code_key": (
            "credit_code",
            gettext_lazy("单位已开户，请直接办理职工参保登记。"),
        ),
        "people_employer_insurance_number_key": ("", gettext_lazy("编号刚刚已被使用，请再提交一次。")),
        "no_two_live_coverages_share_a_month": (
            "staff",
            gettext_lazy("名单中有人刚刚已在别处参保，请再提交一次，系统会把这一行分开。"),
        ),
    }

    def outside(self, ask: Ask) -> Outside:
        return Outside(
            business=business_register().find(str(ask.answers["credit_code"])),
            account=bank_register().account(str(ask.answers["bank"]), str(ask.answers["account_number"])),
        )

    def facts(self, ask: Ask, outside: Outside) -> OpeningFacts:
        today, business = today_in_china(ask.filed_at), outside.business
        standing = Employer.objects.filter(credit_code=ask.answers["credit_code"]).first()
        facts = OpeningFacts(
            business=business,
            account_holder=outside.account.holder if outside.account else None,
            applicant=(ask.person.identity_number, ask.person.name),
            opened_in=standing.city if standing else "",
            grade=industry.division(book(), str(ask.answers["industry"]), on=today).grade,
            within_days=people.register_within_days(book(), on=today),
            founded_days_ago=(today - business.founded_on).days if business else 0,
            staff=(),
        )
        if not facts.by_representative:
            return facts
        return OpeningFacts(**{**vars(facts), "staff": tuple(first_staff.check(ask))})

    def rule(self, ask: Ask, facts: OpeningFacts) -> Iterator[Finding]:
        if facts.opened_in:
            way = ADD_STAFF.at(facts.opened_in)
            yield Bar("credit_code", _("单位已开户，请直接{add}。").format(add=way), (way,))
            return
        city, business = book().city(ask.offer.city), facts.business
        if business is None:
            yield Bar(
                "credit_code", _("经营主体登记中没有查到这个代码。请先办理设立登记；已登记的，请核对代码。")
            )
            return
        if not business.standing:
            yield Bar("credit_code", _("经营主体登记显示这个单位已注销或吊销，不能开户。"))
        if business.place_code[:4] != city.code[:4]:
            yield Bar(
                "credit_code",
                _("这个单位的登记住所不在{city}（{address}），请在登记地开户。").format(
                    city=city.title, address=business.address
                ),
            )
        elif ask.answers["district"] != business.place_code and not ask.answers["district_reason"]:
            yield Bar(
                "district_reason",
                _("登记住所在{district}（{address}）。选择其他区县的，请写明原因。").format(
                    district=_district(city, business.place_code), address=business.address
                ),
            )
        yield from _handler_bars(ask, facts, business)
        if not _same_text(str(ask.answers["name"]), business.name):
            yield Mismatch("name", _("经营主体登记的名称是“{name}”。").format(name=business.name))
        if not facts.by_representative:
            yield Mismatch(
                "credit_code",
                _("经营主体登记的法定代表人不是您本人。受委托申报的，请上传授权委托书，由工作人员核对。"),
            )
        if facts.account_holder is None:
            yield Mismatch(
                "account_number", _("开户银行没有查到这个账号，请核对；核对无误的，由工作人员处理。")
            )
        elif not _same_text(facts.account_holder, business.name):
            yield Mismatch("account_number", _("这个账户的户名不是本单位名称，须为单位的对公账户。"))

    def established(self, ask: Ask, facts: OpeningFacts) -> set[str]:
        found = {one.field for one in self.rule(ask, facts) if isinstance(one, Mismatch)}
        return {
            *({"account-mismatch"} if "account_number" in found else ()),
            *({"representative-mismatch"} if found & {"credit_code", "name"} else ()),
        }

    def effect(self, case: Case, ask: Ask, facts: OpeningFacts, *, by: User, now: datetime) -> dict[str, Any]:
        answers, business = ask.answers, facts.business
        if business is None:
            raise ValueError("opened without an entry in the register")
        lock_subjects(row["identity_number"] for row in answers["staff"])
        checked = first_staff.check(ask)
        taken = [one for one in checked if not one.bars]
        employer = Employer.objects.create(
            credit_code=business.credit_code,
            name=business.name,
            city=ask.offer.city,
            insurance_number=f"{answers['district']}{numbers.random_text(8, _DIGITS)}",
            industry_grade=facts.grade,
            contact_name=str(answers["handler_name"]),
            contact_phone=str(answers["handler_phone"]),
            district=str(answers["district"]),
            industry=str(answers["industry"]),
            bank=str(answers["bank"]),
            account_number=str(answers["account_number"]),
        )
        logins = _open_logins(case, ask, business, employer, now=now)
        opened = first_staff.insure(employer, taken, case=case, now=now)
        refused = [one for one in checked if one.bars]
        return {
            "employer": employer.pk,
            "logins": [login.pk for login in logins],
            "coverages": [one.pk for one in opened],
            "refused": [one.row["identity_number"] for one in refused],
            "lines": [
                [_("单位社保编号"), employer.insurance_number],
                [_("工伤保险"), _grade(facts.grade, ask)],
                *(
                    [
                        _("单位登录"),
                        _("{name}（{phone}）").format(name=one.name, phone=identity.mask_phone(one.phone)),
                    ]
                    for one in logins
                ),
                [_("登录密码"), _("已发短信：在单位登录页选择“忘记密码”，用单位代码和本人手机号设置。")],
                [_("已参保职工"), _("{count} 名").format(count=len(taken))],
                *([one.about, "；".join(one.bars)] for one in refused),
                *([[_("首个缴费月份"), min(one.start for one in opened).zh]] if opened else []),
                [_("下一步"), _("开户后每月须申报；没有职工的，请按期零申报。职工医疗保险不在本大厅申报。")],
            ],
            "links": [[_("去单位登录"), reverse("login-employer")]],
        }

    def summary(self, ask: Ask, facts: OpeningFacts) -> list[tuple[str, str]]:
        answers, city, business = ask.answers, book().city(ask.offer.city), facts.business
        lines = [(_("单位名称"), str(answers["name"])), (_("统一社会信用代码"), str(answers["credit_code"]))]
        if business:
            founded = business.founded_on.isoformat()
            if facts.late:
                founded += _("（已超过成立之日起 {days} 日内登记的期限，请尽快办理；不影响开户）").format(
                    days=facts.within_days
                )
            lines += [
                (_("法定代表人"), identity.mask_name(business.representative_name)),
                (_("登记住所"), business.address),
                (_("成立日期"), founded),
                (_("单位类型"), business.kind),
                (_("经营范围"), business.scope),
                (_("注册资本"), _("{amount} 元").format(amount=money.format_yuan(business.capital_fen))),
            ]
        division = industry.division(book(), str(answers["industry"]), on=today_in_china(ask.filed_at))
        lines += [
            (
                _("首名经办人"),
                " ".join(
                    (
                        str(answers["handler_name"]),
                        identity.mask(str(answers["handler_number"])),
                        identity.mask_phone(str(answers["handler_phone"])),
                    )
                ),
            ),
            (_("参保区县"), _district(city, str(answers["district"]))),
            *(
                [(_("选择其他区县的原因"), str(answers["district_reason"]))]
                if answers["district_reason"]
                else []
            ),
            (_("所属行业"), f"{division.code} {division.title}"),
            (_("工伤保险费率"), _grade(facts.grade, ask)),
            (
                _("单位账户"),
                f"{bank_titles()[str(answers['bank'])]} {identity.mask_account(str(answers['account_number']))}",
            ),
        ]
        return [*lines, *_of_staff(ask, facts)]

    def staff_facts(self, ask: Ask, facts: OpeningFacts) -> list[tuple[str, list[tuple[str, str]]]]:
        rows = [(one.about, "；".join(one.bars) or _("可以参保")) for one in first_staff.check(ask)]
        return [
            (_("首批职工（不能参保的行不影响开户）"), rows or [(_("首批职工"), _("无"))]),
            *super().staff_facts(ask, facts),
        ]


def _of_staff(ask: Ask, facts: OpeningFacts) -> list[tuple[str, str]]:
    """The list as it is checked before sending: who is taken, and who is not and why."""
    rows: Sequence[Any] = ask.answers["staff"]
    lines = [(_("首批职工"), _("{count} 名").format(count=len(rows)))]
    if rows:
        lines += [
            (str(INSURANCE_LABELS[insurance]), _("{month}起参保").format(month=start.zh))
            for insurance, start in chosen(ask, "start").items()
        ]
    if rows and not facts.by_representative:
        lines.append((_("职工名单"), _("由工作人员审核时逐行核对。")))
    for one in facts.staff:
        what = (
            _("不能参保：{why} 开户不受影响。").format(why="；".join(one.bars))
            if one.bars
            else _("{day} 入职，月申报工资 {wage} 元").format(day=one.row["hired_on"], wage=one.row["wage"])
            + (_("，养老、失业{month}起").format(month=_month_zh(one)) if one.row["month"] else "")
        )
        lines.append((one.about, what))
    lines += [
        (
            str(INSURANCE_LABELS[other.insurance]),
            _("不在本事项办理，请到{where}申报").format(where=other.where),
        )
        for other in offers.elsewhere(ask.offer)
    ]
    return lines


def _month_zh(one: Checked) -> str:
    return min(one.starts.values()).zh


def _open_logins(
    case: Case, ask: Ask, business: Business, employer: Employer, *, now: datetime
) -> list[User]:
    """The logins of the first clerk and, where that is another, of the legal representative. Each
    is told how to set a password; none is set for them."""
    answers = ask.answers
    clerks = [(str(answers["handler_number"]), str(answers["handler_name"]), str(answers["handler_phone"]))]
    if answers["handler_number"] != business.representative_number:
        own = ask.applicant.user.phone if ask.person.identity_number == business.representative_number else ""
        phone = own or str(answers["representative_phone"])
        clerks.insert(0, (business.representative_number, business.representative_name, phone))
    logins = []
    for number, name, phone in clerks:
        person = persons.find(number)
        login = User.objects.create_clerk(
            employer,
            name=name,
            phone=phone,
            password=None,
            manages_clerks=True,
            person=person if person and names.agree(person.name, name) else None,
        )
        openings.tell_clerk(login, employer, reference=f"{case.number} {login.pk}", now=now)
        logins.append(login)
    return logins


def _handler_bars(ask: Ask, facts: OpeningFacts, business: Business) -> Iterator[Bar]:
    """What keeps the logins from being opened."""
    answers = ask.answers
    is_representative = answers["handler_number"] == business.representative_number
    if is_representative:
        if not names.agree(str(answers["handler_name"]), business.representative_name):
            yield Bar("handler_name", _("姓名与经营主体登记的法定代表人不一致，请核对。"))
        return
    filed_by_representative = facts.applicant[0] == business.representative_number
    phone = ask.applicant.user.phone if filed_by_representative else ""
    phone = phone or str(answers["representative_phone"])
    if not phone:
        yield Bar("representative_phone", _("请填写法定代表人的手机号码，用于开通其单位登录。"))
    elif phone == answers["handler_phone"]:
        yield Bar("handler_phone", _("经办人与法定代表人不能用同一个手机号码，请填经办人本人的。"))
    if names.agree(str(answers["handler_name"]), business.representative_name):
        yield Bar("handler_name", _("经办人与法定代表人同名，登录时无法区分，请改由另一名经办人办理。"))


def _district(city: City, code: str) -> str:
    return next((one.title for one in city.places if one.code == code), code)


def _grade(grade: int, ask: Ask) -> str:
    rate = industry.base_rate(book(), grade, on=ask.month.first_day)
    return _("{grade} 类，单位费率 {rate}%").format(grade=grade, rate=f"{rate * 100:.1f}")


def _same_text(one: str, other: str) -> bool:
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()
