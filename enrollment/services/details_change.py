"""部分信息变更（武汉）、个人参保信息变更（深圳）: what a person tells about themselves, and an
individual payer's tiers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import consequences, queries, tiers
from enrollment.about_coverage import AboutCoverage
from enrollment.models import Coverage
from enrollment.queries import Held
from portal.accounts import notices
from portal.accounts.fields import NameField, PhoneField
from portal.accounts.models import User
from portal.hall import phone_proof
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.hall.ways import to_page
from portal.people.details import EDUCATION_LABELS, HOUSEHOLD_KIND_LABELS, MARRIAGE_LABELS, Details
from portal.people.models import Person
from portal.policy.book import Offer
from portal.policy.terms import offers
from portal.shared import identity
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, today_in_china

NOTICE_KIND = "details-change"
_CHOICES: dict[str, Mapping[Any, str]] = {
    "education": EDUCATION_LABELS,
    "marriage": MARRIAGE_LABELS,
    "household_kind": HOUSEHOLD_KIND_LABELS,
}
CODE = "code"


def known_details(person: Person, names: tuple[str, ...]) -> dict[str, str]:
    """What is on file of these details, "" for nothing."""
    details = Details.objects.filter(person=person).first() or Details(person=person)
    return {name: person.phone if name == "phone" else str(getattr(details, name)) for name in names}


def details_of(offer: Offer) -> tuple[str, ...]:
    """The details that the city lets people change, in its order."""
    return tuple(offer.options["details"])


def _tier_name(insurance: Insurance) -> str:
    return f"tier_{insurance}"


def _label(name: str) -> str:
    return str(_("手机号码") if name == "phone" else Details._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


class DetailsForm(ServiceForm):
    gate = (CODE,)
    proves = "phone"

    def build(self) -> None:
        person = self.applicant.person
        if person is None:
            return
        self.on_file = known_details(person, details_of(self.offer))
        for name, value in self.on_file.items():
            self.fields[name] = _field(name, required=name == "phone" and bool(value))
            self.fields[name].initial = value
            if name == "phone":
                self.fields[CODE] = phone_proof.code_field()
        for insurance in _payable(self):
            self._add_tier(person, insurance)

    def _add_tier(self, person: Person, insurance: Insurance) -> None:
        """The tiers of an individual payer; those of an employer's staff are shown, and cannot be
        chosen."""
        changeable = tiers.changeable(person, self.offer, self.month, insurance)
        employed = _employed(person, self.month)
        if changeable is None and not employed:
            return
        held, start = changeable or (None, offers.counts_from(self.offer, filed_in=self.month))
        field = tiers.tier_field(
            city=self.offer.city,
            insurance=insurance,
            start=start,
            tier_now=tiers.tier_of(held.pk, start) if held else "",
            now=self.now,
            label=_("{insurance}缴费档次").format(insurance=INSURANCE_LABELS[insurance]),
            required=False,
            initial=tiers.tier_of(held.pk, start) if held else "",
        )
        if held is None:
            field.not_allowed = dict.fromkeys((code for code, _title in field.choices), _by_employer())  # type: ignore[attr-defined, misc, union-attr]
        self.fields[_tier_name(insurance)] = field

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        phone, by = cleaned.get("phone", ""), self.applicant.user
        changes = bool(phone) and phone != self.on_file.get("phone")
        if self.errors or not changes or CODE not in self.fields:
            return cleaned
        if phone_proof.is_proved(phone, by=by, now=self.now):
            return cleaned
        if not cleaned.get(CODE):
            self.add_error(CODE, str(phone_proof.WANTED))
        elif not phone_proof.spend(phone=phone, code=cleaned[CODE], by=by, now=self.now):
            self.add_error(CODE, str(phone_proof.WRONG))
        return cleaned


def _payable(form: DetailsForm) -> tuple[Insurance, ...]:
    """The insurances whose tier this form asks for: never a ward's."""
    return () if form.applicant.ward else tuple(form.offer.options.get("tiers", ()))


def _employed(person: Person, month: Month) -> bool:
    held = queries.held(person.identity_number)
    return bool(queries.to_go_on(held, month=month, capacity=Capacity.EMPLOYEE))


def _by_employer() -> str:
    return _("您由单位参保，本业务由所在单位申报；您可以查询参保缴费记录。")


def _field(name: str, *, required: bool) -> forms.Field:
    label = _label(name)
    if name == "phone":
        return PhoneField(
            label=label,
            required=required,
            help_text=_("变更后，验证码和扣款提醒发往新号码，原号码会收到通知。"),
        )
    if name == "contact_name":
        return NameField(label=label, required=False)
    if name == "email":
        return forms.EmailField(label=label, required=False, max_length=100)
    if name == "postcode":
        return forms.RegexField(
            r"^[0-9]{6}$",
            label=label,
            required=False,
            error_messages={"invalid": _("邮政编码是 6 位数字，例如 430071。")},
            widget=forms.TextInput(attrs={"class": "w-6", "inputmode": "numeric"}),
        )
    if name in _CHOICES:
        choices = [("", _("未填写")), *((str(code), _(title)) for code, title in _CHOICES[name].items())]
        return forms.ChoiceField(label=label, choices=choices, required=False)
    longest = Details._meta.get_field(name).max_length  # type: ignore[union-attr]
    return forms.CharField(label=label, required=False, max_length=longest)


@dataclass(frozen=True)
class Tier:
    """A running insurance of an individual payer: the tier from ``start`` on, and what stands
    against another."""

    held: Held
    start: Month
    now: str
    barriers: tuple[str, ...]


@dataclass(frozen=True)
class DetailsFacts:
    """What is on file, the tiers that can be changed, and whether the new phone was proved."""

    on_file: dict[str, str]
    tiers: dict[Insurance, Tier]
    employed: bool
    proved: bool

    def frozen(self) -> dict[str, Any]:
        return {
            "on_file": {
                name: identity.mask_phone(value) if name == "phone" else value
                for name, value in self.on_file.items()
            },
            "tiers": {str(insurance): tier.now for insurance, tier in self.tiers.items()},
            "employed": self.employed,
        }


class DetailsChange(AboutCoverage):
    code = "details-change"
    title = gettext_lazy("个人参保信息变更")
    audience = Audience.PERSON
    theme = Theme.DETAILS
    form = DetailsForm
    for_wards = True
    submit_label = gettext_lazy("变更信息")
    also_known_as = ("改手机号", "换手机号", "改地址", "联系方式变更", "部分信息变更")
    conflicts = {
        "one_personal_login_per_phone": (
            "phone",
            gettext_lazy("这个手机号码已是另一账号的登录号码，请换一个手机号码。"),
        )
    }

    def facts(self, ask: Ask, outside: Any) -> DetailsFacts:
        phone = str(ask.answers.get("phone", ""))
        running: dict[Insurance, Tier] = {}
        for insurance in () if ask.applicant.ward else ask.offer.options.get("tiers", ()):
            changeable = tiers.changeable(ask.person, ask.offer, ask.month, insurance)
            if changeable is None:
                continue
            held, start = changeable
            barriers = consequences.base_barriers(Coverage.objects.get(pk=held.pk), start)
            running[insurance] = Tier(held, start, tiers.tier_of(held.pk, start), tuple(barriers))
        return DetailsFacts(
            on_file=known_details(Person.objects.get(pk=ask.person.pk), details_of(ask.offer)),
            tiers=running,
            employed=_employed(ask.person, ask.month),
            proved=bool(phone) and phone_proof.is_proved(phone, by=ask.applicant.user, now=ask.filed_at),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._not_now(ask, employed=_employed(ask.person, ask.month))

    def rule(self, ask: Ask, facts: DetailsFacts) -> Iterator[Finding]:
        yield from self._not_now(ask, employed=facts.employed)
        changed = _changed(ask, facts)
        new_tiers = _new_tiers(ask, facts)
        if not changed and not new_tiers:
            yield Bar("", _("与现在的登记相同，不需要变更。"))
        if "phone" in changed and not facts.proved:
            yield Bar("phone", str(phone_proof.WANTED))
        for insurance in new_tiers:
            tier = facts.tiers.get(insurance)
            if tier is None:
                record = to_page("record")
                yield Bar(_tier_name(insurance), _by_employer(), (record,))
            else:
                yield from (Bar(_tier_name(insurance), why) for why in tier.barriers)

    def _not_now(self, ask: Ask, *, employed: bool) -> Iterator[Bar]:
        if ask.offer.options.get("not_for_employees") and employed:
            record = to_page("record")
            why = _("您由单位参保，信息由所在单位申报变更；您可以查看{record}。").format(record=record)
            yield Bar("", why, (record,))
        days = offers.missed_filing_days(ask.offer, today_in_china(ask.filed_at))
        if days:
            yield Bar("", _("每月{first}日至{last}日办理，请下月办理。").format(first=days[0], last=days[1]))

    def effect(self, case: Case, ask: Ask, facts: DetailsFacts, *, by: User, now: datetime) -> dict[str, Any]:
        lines = [list(line) for line in self.summary(ask, facts)]
        changed = _changed(ask, facts)
        phone = changed.pop("phone", None)
        if changed:
            Details.objects.update_or_create(person=ask.person, defaults=changed)
        if phone is not None:
            self._give_phone(case, ask, phone, former=facts.on_file["phone"], now=now)
        for insurance, code in _new_tiers(ask, facts).items():
            tier, field = facts.tiers[insurance], _tier_name(insurance)
            tiers.take(tier.held, tier=code, start=tier.start, case=case, field=field, by=by, now=now)
        return {"lines": lines}

    def _give_phone(self, case: Case, ask: Ask, phone: str, *, former: str, now: datetime) -> None:
        """Puts the number on file and, where people change their own, on their login; both numbers
        are told."""
        Person.objects.filter(pk=ask.person.pk).update(phone=phone)
        told = [former, phone]
        if ask.applicant.ward is None:
            told.insert(0, ask.applicant.user.phone)
            User.objects.filter(pk=ask.applicant.user.pk).update(phone=phone)
        text = _("您在社保登记的手机号码已变更为 {phone}，验证码和扣款提醒今后发往新号码。").format(
            phone=identity.mask_phone(phone)
        ) + _("不是您本人要求的，请立即拨打 12333 或到窗口核实。")
        for number in dict.fromkeys(one for one in told if one):
            notices.tell(
                ask.person,
                kind=NOTICE_KIND,
                reference=f"{case.number} {number}",
                title=_("您的手机号码已变更"),
                text=text,
                now=now,
                phone=number,
            )

    def summary(self, ask: Ask, facts: DetailsFacts) -> list[tuple[str, str]]:
        lines = [
            (
                _label(name),
                _("{before} → {after}").format(
                    before=_told(name, facts.on_file[name]), after=_told(name, value)
                ),
            )
            for name, value in _changed(ask, facts).items()
        ]
        for insurance, code in _new_tiers(ask, facts).items():
            tier = facts.tiers.get(insurance)
            if tier is None:
                continue
            city = ask.offer.city
            lines += [
                (
                    _("{insurance}原缴费档次").format(insurance=INSURANCE_LABELS[insurance]),
                    tiers.described(city, tier.now, tier.start, insurance),
                ),
                (
                    _("{insurance}新缴费档次").format(insurance=INSURANCE_LABELS[insurance]),
                    _("{tier}，从{month}起").format(
                        tier=tiers.described(city, code, tier.start, insurance), month=tier.start.zh
                    ),
                ),
            ]
            if insurance == Insurance.MEDICAL and _loses_account(city, tier, code):
                lines.append((_("请注意"), _("医保由一档改二档后不再计入个人账户，退休时一档年限可能不足。")))
        return lines


def _changed(ask: Ask, facts: DetailsFacts) -> dict[str, str]:
    """The details that differ from what is on file, with their new values."""
    return {
        name: str(ask.answers[name])
        for name, value in facts.on_file.items()
        if name in ask.answers and str(ask.answers[name]) != value
    }


def _new_tiers(ask: Ask, facts: DetailsFacts) -> dict[Insurance, str]:
    """The tiers that differ from the present ones, by insurance."""
    asked = {one: str(ask.answers.get(_tier_name(one), "")) for one in ask.offer.options.get("tiers", ())}
    return {
        one: code
        for one, code in asked.items()
        if code and (one not in facts.tiers or code != facts.tiers[one].now)
    }


def _loses_account(city: str, tier: Tier, code: str) -> bool:
    """Whether the present tier pays into a personal account and the new one does not."""
    by_code = {one.code: one for one in tiers.tiers_in(city, tier.start, Insurance.MEDICAL)}
    return by_code[code].account_rate == 0 and by_code[tier.now].account_rate != 0


def _told(name: str, value: str) -> str:
    if not value:
        return _("未填写")
    if name in _CHOICES:
        return _({str(code): title for code, title in _CHOICES[name].items()}[value])
    return identity.mask_phone(value) if name == "phone" else value
