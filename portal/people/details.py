"""What people tell about themselves besides who they are: address, education, marriage."""

from enum import StrEnum

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.columns import NameField, choices, name_in_form, one_of


class Education(StrEnum):
    PRIMARY = "primary"
    JUNIOR = "junior"
    SENIOR = "senior"
    COLLEGE = "college"
    BACHELOR = "bachelor"
    MASTER = "master"


EDUCATION_LABELS = {
    Education.PRIMARY: "小学及以下",
    Education.JUNIOR: "初中",
    Education.SENIOR: "高中、中专、技校",
    Education.COLLEGE: "大学专科",
    Education.BACHELOR: "大学本科",
    Education.MASTER: "硕士及以上",
}


class Marriage(StrEnum):
    SINGLE = "single"
    MARRIED = "married"
    DIVORCED = "divorced"
    WIDOWED = "widowed"


MARRIAGE_LABELS = {
    Marriage.SINGLE: "未婚",
    Marriage.MARRIED: "已婚",
    Marriage.DIVORCED: "离异",
    Marriage.WIDOWED: "丧偶",
}


class HouseholdKind(StrEnum):
    FARMING = "farming"
    TOWN = "town"


HOUSEHOLD_KIND_LABELS = {HouseholdKind.FARMING: "农业户口", HouseholdKind.TOWN: "非农业户口"}


@pghistory.track()
class Details(models.Model):
    """What a person told about themselves that no right depends on; "" where it was not told."""

    person = models.OneToOneField(
        "people.Person", models.PROTECT, related_name="details", verbose_name=_("人员")
    )
    address = models.CharField(_("通讯地址"), max_length=120, blank=True)
    postcode = models.CharField(_("邮政编码"), max_length=6, blank=True)
    email = models.CharField(_("电子邮箱"), max_length=100, blank=True)
    contact_name = NameField(_("联系人"), max_length=60, blank=True)
    education = models.CharField(_("文化程度"), max_length=8, blank=True, choices=choices(EDUCATION_LABELS))
    marriage = models.CharField(_("婚姻状况"), max_length=8, blank=True, choices=choices(MARRIAGE_LABELS))
    household_kind = models.CharField(
        _("户口性质"), max_length=8, blank=True, choices=choices(HOUSEHOLD_KIND_LABELS)
    )
    health_centre = models.CharField(_("社区健康服务中心"), max_length=60, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("人员其他信息")
        constraints = [
            one_of("education", ["", *map(str, Education)], name="details_education_known"),
            one_of("marriage", ["", *map(str, Marriage)], name="details_marriage_known"),
            one_of("household_kind", ["", *map(str, HouseholdKind)], name="details_household_kind_known"),
            models.CheckConstraint(
                condition=Q(postcode="") | Q(postcode__regex=r"^[0-9]{6}$"), name="details_postcode_form"
            ),
            name_in_form("contact_name", name="details_contact_name_in_form", unless=Q(contact_name="")),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}"
