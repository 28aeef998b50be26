"""The rows of the local registers that stand in for the outside ones."""

from enum import StrEnum

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.columns import (
    BankField,
    CityField,
    MonthField,
    NameField,
    bank_titles,
    choices,
    first_of_month,
    name_in_form,
    one_of,
)
from portal.policy.book import book


class HouseholdRecord(models.Model):
    """An entry of the household register: where a person is registered, and since when."""

    identity_number = models.CharField(_("身份证号码"), max_length=18, unique=True)
    name = NameField(_("姓名"), max_length=60)
    place_code = models.CharField(_("户籍地区划代码"), max_length=6)
    settled_on = models.DateField(_("入户日期"), null=True, blank=True)
    # 户号: the same for all members of one household book.
    book_number = models.CharField(_("户号"), max_length=20, blank=True, default="", db_default="")
    father_number = models.CharField(
        _("父亲身份证号码"), max_length=18, blank=True, default="", db_default=""
    )
    mother_number = models.CharField(
        _("母亲身份证号码"), max_length=18, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = verbose_name_plural = _("户籍登记")
        constraints = [name_in_form("name", name="household_record_name_in_form")]

    def __str__(self) -> str:
        return self.name


class BirthRecord(models.Model):
    """A birth certificate (出生医学证明): the child, and the parents that it names."""

    certificate_number = models.CharField(_("出生医学证明编号"), max_length=10, unique=True)
    identity_number = models.CharField(_("身份证号码"), max_length=18)
    name = NameField(_("姓名"), max_length=60)
    father_number = models.CharField(
        _("父亲身份证号码"), max_length=18, blank=True, default="", db_default=""
    )
    mother_number = models.CharField(
        _("母亲身份证号码"), max_length=18, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = verbose_name_plural = _("出生登记")
        constraints = [
            models.CheckConstraint(
                condition=Q(certificate_number__regex=r"^[A-Z][0-9]{9}$"),
                name="birth_certificate_number_form",
            ),
            name_in_form("name", name="birth_record_name_in_form"),
        ]

    def __str__(self) -> str:
        return self.name


class AccountClass(StrEnum):
    """How an account was opened: as a card or in person (Ⅰ), or online with limits (Ⅱ, Ⅲ)."""

    FULL = "1"
    LIMITED = "2"
    SMALL = "3"


ACCOUNT_CLASS_LABELS = {
    AccountClass.FULL: "Ⅰ类账户或银行卡",
    AccountClass.LIMITED: "Ⅱ类账户",
    AccountClass.SMALL: "Ⅲ类账户",
}


class BankAccountRecord(models.Model):
    """An account as its bank knows it: number and holder, the phone that the holder left there,
    where (GB/T 2260) and how it was opened."""

    bank = BankField(_("银行代码"), max_length=20)
    number = models.CharField(_("账号"), max_length=32)
    holder = NameField(_("户名"), max_length=60)
    identity_number = models.CharField(_("身份证号码"), max_length=18)
    phone = models.CharField(_("预留手机号码"), max_length=20, blank=True, default="", db_default="")
    opened_in = models.CharField(_("开户地区划代码"), max_length=6, blank=True, default="", db_default="")
    account_class = models.CharField(
        _("账户类别"),
        max_length=1,
        choices=choices(ACCOUNT_CLASS_LABELS),
        default=AccountClass.FULL,
        db_default="1",
    )
    is_closed = models.BooleanField(_("已销户"), default=False, db_default=False)

    class Meta:
        verbose_name = verbose_name_plural = _("银行账户登记")
        constraints = [
            one_of("account_class", AccountClass, name="account_class_known"),
            models.CheckConstraint(
                condition=Q(opened_in__regex=r"^([0-9]{6})?$"), name="account_record_place_form"
            ),
            models.UniqueConstraint(fields=["bank", "number"], name="one_record_per_account"),
            models.CheckConstraint(
                condition=Q(number__regex=r"^[0-9]{8,32}$"), name="account_record_number_digits"
            ),
            name_in_form("holder", name="account_record_holder_in_form"),
        ]

    def __str__(self) -> str:
        return f"{bank_titles().get(self.bank, self.bank)} ····{self.number[-4:]}"


class SecurityCardRecord(models.Model):
    """A social-security card: its financial account, and whether that is activated."""

    identity_number = models.CharField(_("身份证号码"), max_length=18, unique=True)
    bank = BankField(_("银行代码"), max_length=20)
    number = models.CharField(_("卡号"), max_length=32, unique=True)
    activated = models.BooleanField(_("金融账户已激活"), default=False)
    holder = NameField(_("持卡人姓名"), max_length=60, blank=True, default="", db_default="")
    phone = models.CharField(_("预留手机号码"), max_length=20, blank=True, default="", db_default="")

    class Meta:
        verbose_name = verbose_name_plural = _("社会保障卡登记")
        constraints = [
            models.CheckConstraint(
                condition=Q(number__regex=r"^[0-9]{8,32}$"), name="card_record_number_digits"
            ),
            name_in_form("holder", name="card_record_holder_in_form"),
        ]

    def __str__(self) -> str:
        return f"{bank_titles().get(self.bank, self.bank)} ····{self.number[-4:]}"


class AccountState(StrEnum):
    OPEN = "open"
    FROZEN = "frozen"
    CLOSED = "closed"


ACCOUNT_STATE_LABELS = {
    AccountState.OPEN: "正常",
    AccountState.FROZEN: "冻结",
    AccountState.CLOSED: "已注销",
}


class MedicalAccountRecord(models.Model):
    """A medical personal account: whose, in which city, and the social-security card that it is
    used with."""

    identity_number = models.CharField(_("身份证号码"), max_length=18)
    city = CityField(_("城市"), max_length=30)
    number = models.CharField(_("社会保障卡卡号"), max_length=32)
    state = models.CharField(
        _("账户状态"), max_length=6, choices=choices(ACCOUNT_STATE_LABELS), default=AccountState.OPEN
    )

    class Meta:
        verbose_name = verbose_name_plural = _("医保个人账户登记")
        constraints = [
            one_of("state", AccountState, name="medical_account_state_known"),
            models.UniqueConstraint(fields=["identity_number", "city"], name="one_medical_account_per_city"),
            models.CheckConstraint(
                condition=Q(number__regex=r"^[0-9]{8,32}$"), name="medical_account_card_digits"
            ),
        ]

    def __str__(self) -> str:
        return f"{book().city(self.city).title} ····{self.number[-4:]}"


class BusinessState(StrEnum):
    STANDING = "standing"
    DISSOLVED = "dissolved"


BUSINESS_STATE_LABELS = {BusinessState.STANDING: "存续", BusinessState.DISSOLVED: "注销或吊销"}


class BusinessRecord(models.Model):
    """A legal entity as the register of market entities has it."""

    credit_code = models.CharField(_("统一社会信用代码"), max_length=18, unique=True)
    name = models.CharField(_("名称"), max_length=120)
    kind = models.CharField(_("类型"), max_length=60)
    address = models.CharField(_("住所"), max_length=200)
    place_code = models.CharField(_("住所区划代码"), max_length=6)
    founded_on = models.DateField(_("成立日期"))
    representative_name = NameField(_("法定代表人姓名"), max_length=60)
    representative_number = models.CharField(_("法定代表人身份证号码"), max_length=18)
    scope = models.CharField(_("经营范围"), max_length=1000)
    capital_fen = models.BigIntegerField(_("注册资本（分）"))
    state = models.CharField(
        _("登记状态"),
        max_length=10,
        choices=choices(BUSINESS_STATE_LABELS),
        default=BusinessState.STANDING,
    )

    class Meta:
        verbose_name = verbose_name_plural = _("经营主体登记")
        constraints = [
            one_of("state", BusinessState, name="business_state_known"),
            models.CheckConstraint(
                condition=Q(credit_code__regex=r"^[0-9A-Z]{18}$"), name="business_credit_code_form"
            ),
            models.CheckConstraint(condition=Q(place_code__regex=r"^[0-9]{6}$"), name="business_place_form"),
            models.CheckConstraint(condition=Q(capital_fen__gte=0), name="business_capital_not_negative"),
            name_in_form("representative_name", name="business_representative_in_form"),
        ]

    def __str__(self) -> str:
        return self.name


class PensionKind(StrEnum):
    EMPLOYEE = "employee"
    UNIT = "unit"
    RESIDENT = "resident"


PENSION_KIND_LABELS = {
    PensionKind.EMPLOYEE: "城镇职工养老保险待遇",
    PensionKind.UNIT: "机关事业单位退休待遇",
    PensionKind.RESIDENT: "城乡居民养老保险待遇",
}


@pghistory.track()
class PensionRecord(models.Model):
    """That a person draws a pension (待遇领取), over months [since, until): paid by the agency of
    which place, and how much a month (fen)."""

    identity_number = models.CharField(_("身份证号码"), max_length=18)
    name = NameField(_("姓名"), max_length=60)
    kind = models.CharField(_("待遇类别"), max_length=10, choices=choices(PENSION_KIND_LABELS))
    place_code = models.CharField(_("领取地区划代码"), max_length=6)
    payer = models.CharField(_("支付机构"), max_length=60)
    # In which month the age was reached; it says by which rule the years of insurance count.
    retired_in = MonthField(_("达到退休年龄的月份"))
    since = MonthField(_("开始领取的月份"))
    monthly_fen = models.BigIntegerField(_("每月待遇（分）"))
    until = MonthField(_("停止领取的月份（不含）"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("养老待遇领取登记")
        constraints = [
            one_of("kind", PensionKind, name="pension_kind_known"),
            models.CheckConstraint(condition=Q(place_code__regex=r"^[0-9]{6}$"), name="pension_place_form"),
            models.CheckConstraint(condition=Q(monthly_fen__gt=0), name="pension_is_positive"),
            first_of_month("retired_in", name="pension_retired_in_is_month"),
            first_of_month("since", name="pension_since_is_month"),
            first_of_month("until", name="pension_until_is_month"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("since")), name="pension_months_in_order"
            ),
            models.CheckConstraint(
                condition=Q(since__gte=F("retired_in")), name="pension_begins_after_retirement"
            ),
            models.UniqueConstraint(
                fields=["identity_number"],
                condition=Q(until__isnull=True),
                name="one_pension_is_drawn_at_a_time",
            ),
            name_in_form("name", name="pension_record_name_in_form"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.get_kind_display()}"
