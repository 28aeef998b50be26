"""Persons, employers and bank accounts, as the agency's register knows them."""

from datetime import date
from enum import StrEnum

import pghistory
import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.columns import (
    BankField,
    CityField,
    MonthField,
    NameField,
    bank_titles,
    choices,
    first_of_month,
    months_in_order,
    name_in_form,
    one_of,
)
from portal.people.contact_models import EmployerContact as EmployerContact  # a model of this app, too
from portal.people.details import Details as Details  # a model of this app, kept in a file of its own
from portal.people.former_numbers import FormerNumber as FormerNumber  # likewise
from portal.shared import foreigners, identity
from portal.shared.countries import country_name
from portal.shared.identity import DOCUMENT_LABELS, SEX_LABELS, Document, Sex
from portal.shared.months import OverMonths

# The papers whose number is not the person's social-security number.
OTHER_PAPERS = (Document.PASSPORT, Document.FOREIGN_RESIDENT_BEFORE)
# The numbers of papers whose number is the social-security number.
_OF_18 = r"^[0-9]{17}[0-9X]$"


@pghistory.track()
class Person(models.Model):
    """A natural person. The social-security number is the key of the person in every part of the
    hall: the identity number of 18 digits; for foreigners without one, the number that was made
    from country and paper (``foreigners``)."""

    identity_number = models.CharField(_("社会保障号码"), max_length=18, unique=True)
    name = NameField(_("姓名"), max_length=60)
    sex = models.CharField(_("性别"), max_length=6, choices=choices(SEX_LABELS))
    birth_date = models.DateField(_("出生日期"))
    # Where the archive from the first job gives another date, the archive's counts for retirement
    # (seed 001).
    archive_birth_date = models.DateField(_("档案出生日期"), null=True, blank=True)
    # For a person without a number of 18 digits: which paper, its present number, and the country
    # (ISO 3166-1 alpha-3).
    paper_kind = models.CharField(
        _("证件类型"),
        max_length=24,
        blank=True,
        db_default="",
        default="",
        choices=choices({kind: DOCUMENT_LABELS[kind] for kind in OTHER_PAPERS}),
    )
    paper_number = models.CharField(_("证件号码"), max_length=15, blank=True, db_default="", default="")
    nationality = models.CharField(_("国籍"), max_length=3, blank=True, db_default="", default="")
    paper_expires_on = models.DateField(_("证件有效期至"), null=True, blank=True)
    phone = models.CharField(_("手机号码"), max_length=20, blank=True)
    # GB/T 2260 code of the city or district of household registration, as the person stated it.
    household_code = models.CharField(_("户籍所在地"), max_length=6, blank=True)
    created_at = models.DateTimeField(_("建档时间"), auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = _("人员")
        constraints = [
            models.CheckConstraint(
                condition=Q(paper_kind="", paper_number="", nationality="", identity_number__regex=_OF_18)
                | Q(
                    paper_kind=str(Document.PASSPORT),
                    paper_number__regex=r"^[0-9A-Z]{5,14}$",
                    nationality__regex=r"^[A-Z]{3}$",
                    identity_number__regex=f"^{foreigners.NUMBER}$",
                )
                | Q(
                    paper_kind=str(Document.FOREIGN_RESIDENT_BEFORE),
                    paper_number__regex=f"^{foreigners.CARD}$",
                    paper_number__startswith=F("nationality"),
                    nationality__regex=r"^[A-Z]{3}$",
                    identity_number__regex=f"^{foreigners.NUMBER}$",
                ),
                name="person_identity_number_form",
            ),
            models.UniqueConstraint(
                fields=["paper_kind", "paper_number", "nationality"],
                condition=~Q(paper_kind=""),
                name="one_person_of_a_paper",
            ),
            one_of("sex", Sex, name="person_sex_known"),
            models.CheckConstraint(condition=~Q(name=""), name="person_has_name"),
            name_in_form("name", name="person_name_in_form"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def document(self) -> Document:
        """Which identity paper they have."""
        return Document(self.paper_kind) if self.paper_kind else identity.document_of(self.identity_number)

    @property
    def number_on_paper(self) -> str:
        """The number that stands on their paper."""
        return self.paper_number or self.identity_number

    @property
    def masked_paper(self) -> str:
        """The number that stands on their paper, masked."""
        return foreigners.mask(self.paper_number) if self.paper_kind else identity.mask(self.identity_number)

    @property
    def country(self) -> str:
        """The country in words, where their paper is a foreigner's without a number of 18 digits;
        else ""."""
        return country_name(self.nationality) if self.nationality else ""

    def named(self) -> dict[str, str]:
        """The person as documents keep them: name and social-security number; also the paper, where
        it has another number."""
        values = {"name": self.name, "identity_number": self.identity_number}
        if self.paper_kind:
            values |= {
                "document": self.paper_kind,
                "paper_number": self.paper_number,
                "nationality": self.nationality,
            }
        return values


@pghistory.track()
class Employer(models.Model):
    """A legal entity that insures its staff in one city."""

    credit_code = models.CharField(_("统一社会信用代码"), max_length=18, unique=True)
    name = models.CharField(_("单位名称"), max_length=120)
    city = CityField(_("参保地"), max_length=30)
    # 社保编号: the number that the agency gave the employer.
    insurance_number = models.CharField(_("单位社保编号"), max_length=20, unique=True)
    industry_grade = models.PositiveSmallIntegerField(_("行业工伤风险类别"))
    contact_name = NameField(_("专管员姓名"), max_length=60)
    contact_phone = models.CharField(_("专管员手机号"), max_length=20)
    # The district where it insures (GB/T 2260), its division by GB/T 4754, and its own account;
    # empty where the account was opened without them.
    district = models.CharField(_("参保区县"), max_length=6, blank=True, default="", db_default="")
    industry = models.CharField(_("行业大类"), max_length=2, blank=True, default="", db_default="")
    bank = BankField(_("开户银行"), max_length=20, blank=True, default="", db_default="")
    account_number = models.CharField(_("单位账号"), max_length=32, blank=True, default="", db_default="")
    created_at = models.DateTimeField(_("开户时间"), auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = _("单位")
        constraints = [
            models.CheckConstraint(
                condition=Q(credit_code__regex=r"^[0-9A-Z]{18}$"), name="employer_credit_code_form"
            ),
            models.CheckConstraint(
                condition=Q(industry_grade__range=(1, 8)), name="employer_industry_grade_1_to_8"
            ),
            models.CheckConstraint(
                condition=Q(bank="", account_number="")
                | (~Q(bank="") & Q(account_number__regex=r"^[0-9]{8,32}$")),
                name="employer_account_is_whole",
            ),
            name_in_form("contact_name", name="employer_contact_name_in_form"),
        ]
        # An employer that moves to another city opens a second account there: months and money of
        # this one stay in its city.
        triggers = [pgtrigger.ReadOnly(name="an_employers_city_stays", fields=["city"])]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class BankAccount(OverMonths, models.Model):
    """An account that a city's monthly debit draws on, from ``start`` until ``until`` (months,
    [start, until))."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="bank_accounts", verbose_name=_("人员"))
    city = CityField(_("扣款城市"), max_length=30)
    bank = BankField(_("银行代码"), max_length=20)
    number = models.CharField(_("账号"), max_length=32)
    holder = NameField(_("户名"), max_length=60)
    start = MonthField(_("起用月份"))
    until = MonthField(_("停用月份"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("缴费账户")
        constraints = [
            first_of_month("start", name="bank_account_start_is_month"),
            first_of_month("until", name="bank_account_until_is_month"),
            months_in_order(name="bank_account_months_in_order"),
            models.UniqueConstraint(
                fields=["person", "city"],
                condition=Q(until__isnull=True),
                name="one_current_account_per_person_and_city",
            ),
            models.CheckConstraint(
                condition=Q(number__regex=r"^[0-9]{8,32}$"), name="bank_account_number_digits"
            ),
            name_in_form("holder", name="bank_account_holder_in_form"),
        ]

    def __str__(self) -> str:
        return f"{bank_titles().get(self.bank, self.bank)} ····{self.number[-4:]}"


class Relation(StrEnum):
    PARENT = "parent"
    GRANDPARENT = "grandparent"
    SPOUSE = "spouse"
    OTHER = "other"


RELATION_LABELS = {
    Relation.PARENT: "父母",
    Relation.GRANDPARENT: "祖父母或外祖父母",
    Relation.SPOUSE: "配偶",
    Relation.OTHER: "其他监护人",
}


class Proof(StrEnum):
    HOUSEHOLD = "household"
    BIRTH = "birth"
    ADOPTION = "adoption"
    APPOINTED = "appointed"
    INCAPACITY = "incapacity"


PROOF_LABELS = {
    Proof.HOUSEHOLD: "同一户口簿登记的父母",
    Proof.BIRTH: "出生医学证明",
    Proof.ADOPTION: "收养登记证",
    Proof.APPOINTED: "指定或约定监护的文书",
    Proof.INCAPACITY: "认定无民事行为能力或限制民事行为能力的判决书",
}

# 监护人1 and 监护人2: so many guardians has a ward at the same time.
PLACES = (1, 2)
PLACE_LABELS = {1: "监护人1", 2: "监护人2"}


class Days(Func):
    """The days [start, ends_on) of a row, as a range of the database."""

    function = "DATERANGE"
    output_field = DateRangeField()

    def __init__(self) -> None:
        super().__init__(F("start"), F("ends_on"))


@pghistory.track()
class Guardianship(models.Model):
    """That a guardian files for a ward, on the days [start, ends_on); ``proof`` names the paper or
    the register's entry that shows it.

    The database gives each of a ward's two places to one guardian at a time, and lets no guardian
    hold both. A minor's guardianship has an end; only that of an adult who cannot act for
    themselves may go on.
    """

    guardian = models.ForeignKey(
        Person, models.PROTECT, related_name="guardianships", verbose_name=_("监护人")
    )
    ward = models.ForeignKey(Person, models.PROTECT, related_name="guarded_by", verbose_name=_("被监护人"))
    place = models.PositiveSmallIntegerField(
        _("监护人位次"), choices=choices(PLACE_LABELS), default=1, db_default=1
    )
    relation = models.CharField(_("监护关系"), max_length=12, choices=choices(RELATION_LABELS))
    proof_kind = models.CharField(_("依据种类"), max_length=10, choices=choices(PROOF_LABELS))
    proof = models.CharField(_("依据"), max_length=200)
    start = models.DateField(_("开始日期"))
    ends_on = models.DateField(_("终止日期"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("监护关系")
        constraints = [
            one_of("relation", Relation, name="guardianship_relation_known"),
            one_of("proof_kind", Proof, name="guardianship_proof_known"),
            models.CheckConstraint(condition=Q(place__in=PLACES), name="guardianship_place_known"),
            models.CheckConstraint(condition=~Q(guardian=F("ward")), name="guardian_of_another"),
            models.CheckConstraint(condition=~Q(proof=""), name="guardianship_has_proof"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("start")),
                name="guardianship_days_in_order",
            ),
            models.CheckConstraint(
                condition=Q(proof_kind=str(Proof.INCAPACITY)) | Q(ends_on__isnull=False),
                name="guardianship_of_a_minor_ends",
            ),
            models.UniqueConstraint(
                fields=["guardian", "ward", "start"], name="one_guardianship_of_a_pair_a_day"
            ),
            ExclusionConstraint(
                name="one_guardian_in_a_place",
                expressions=[
                    (F("ward"), RangeOperators.EQUAL),
                    (F("place"), RangeOperators.EQUAL),
                    (Days(), RangeOperators.OVERLAPS),
                ],
            ),
            ExclusionConstraint(
                name="a_guardian_has_one_place",
                expressions=[
                    (F("ward"), RangeOperators.EQUAL),
                    (F("guardian"), RangeOperators.EQUAL),
                    (Days(), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [models.Index(fields=["guardian", "ward"], name="guardianship_by_guardian")]
        triggers = [pgtrigger.Protect(name="guardianships_are_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.guardian_id} → {self.ward_id}"


def standing(*, on: date) -> QuerySet[Guardianship]:
    """The guardianships that hold on a day."""
    return Guardianship.objects.filter(start__lte=on).exclude(ends_on__lte=on)


def wards_of(guardian: Person, *, on: date) -> QuerySet[Person]:
    """The persons whose guardian this person is on a day."""
    of_guardian = standing(on=on).filter(guardian=guardian)
    return Person.objects.filter(pk__in=of_guardian.values("ward")).order_by("birth_date", "pk")
