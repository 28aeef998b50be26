"""What the local register that stands in for the outside ones holds."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class HouseholdRecord(models.Model):
    """An entry of the household register: where a person is registered, and since when."""

    identity_number = models.CharField(_("身份证号码"), max_length=18, unique=True)
    name = models.CharField(_("姓名"), max_length=60)
    place_code = models.CharField(_("户籍地区划代码"), max_length=6)
    settled_on = models.DateField(_("入户日期"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("户籍登记")

    def __str__(self) -> str:
        return self.name
