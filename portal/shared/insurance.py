"""The words of social insurance: which insurance, and in which capacity a person is covered."""

from __future__ import annotations

from enum import StrEnum


class Insurance(StrEnum):
    PENSION = "pension"
    MEDICAL = "medical"
    UNEMPLOYMENT = "unemployment"
    WORK_INJURY = "work_injury"
    MATERNITY = "maternity"


class Capacity(StrEnum):
    EMPLOYEE = "employee"
    FLEXIBLE = "flexible"
    RESIDENT = "resident"
    CHILD = "child"
    STUDENT = "student"
    RETIREE = "retiree"
    DEFERRED = "deferred"


INSURANCE_LABELS = {
    Insurance.PENSION: "养老保险",
    Insurance.MEDICAL: "医疗保险",
    Insurance.UNEMPLOYMENT: "失业保险",
    Insurance.WORK_INJURY: "工伤保险",
    Insurance.MATERNITY: "生育保险",
}
INSURANCE_CHOICES = [(str(insurance), label) for insurance, label in INSURANCE_LABELS.items()]

CAPACITY_LABELS = {
    Capacity.EMPLOYEE: "单位职工",
    Capacity.FLEXIBLE: "灵活就业人员",
    Capacity.RESIDENT: "城乡居民",
    Capacity.CHILD: "少儿",
    Capacity.STUDENT: "学生",
    Capacity.RETIREE: "退休人员",
    Capacity.DEFERRED: "延缴人员",
}
