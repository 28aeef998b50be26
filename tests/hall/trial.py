"""A trial service, offered in every mode, so that the desk is tested without any real service's
rules."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

from django import forms

from portal.accounts.models import User
from portal.hall import desk
from portal.hall.models import Attachment, Case
from portal.hall.service import Applicant, Ask, Audience, Bar, Finding, Mismatch, Service, ServiceForm, Theme
from portal.policy.book import Mode, book
from portal.registers.models import HouseholdRecord
from tests.cast import Cast


class TrialForm(ServiceForm):
    number = forms.CharField(label="身份证号码")
    colour = forms.ChoiceField(label="证件颜色", choices=[("green", "绿色"), ("red", "红色")], required=False)
    start = forms.CharField(label="起始月份", required=False)


class Trial(Service):
    """Its rule says what the test puts into ``says``; its effect is one row in a table that takes
    each number once."""

    title = "试办事项"
    audience = Audience.EMPLOYER
    theme = Theme.ENROLLMENT
    form = TrialForm
    conflicts = {"registers_householdrecord_identity_number_key": ("number", "这个人刚刚已由别的办件登记。")}

    def __init__(self) -> None:
        self.says: list[Finding] = []
        self.wants: list[str] = []

    def subject(self, ask: Ask) -> str:
        return str(ask.answers["number"])

    def established(self, ask: Ask, facts: Any) -> set[str]:
        return set(self.wants)

    def facts(self, ask: Ask, outside: Any) -> list[Finding]:
        return list(self.says)

    def rule(self, ask: Ask, facts: Sequence[Finding]) -> Iterator[Finding]:
        yield from facts

    def effect(self, case: Case, ask: Ask, facts: Any, *, by: User, now: dt.datetime) -> dict[str, Any]:
        HouseholdRecord.objects.create(
            identity_number=ask.answers["number"], name="登记", place_code="330211"
        )
        return {"lines": [["登记", "已登记"]]}

    def summary(self, ask: Ask, facts: Any) -> list[tuple[str, str]]:
        return [("颜色", str(ask.answers.get("colour", "")))]

    def staff_facts(self, ask: Ask, facts: Any) -> list[tuple[str, list[tuple[str, str]]]]:
        return [
            ("现有登记", [("登记数", str(HouseholdRecord.objects.count()))]),
            *super().staff_facts(ask, facts),
        ]


class Desk:
    """Files at the trial service in the mode that the test asks for."""

    def __init__(self, cast: Cast, services: dict[Mode, Trial], now: dt.datetime) -> None:
        self.cast, self.services, self.now = cast, services, now

    def offer(self, mode: Mode, city: str = "ningbo") -> Any:
        return book().city(city).offers[f"trial-{mode}"]

    def ask(
        self,
        mode: Mode = Mode.REVIEW,
        *,
        by: User | None = None,
        number: str | None = None,
        city: str = "ningbo",
        at: dt.datetime | None = None,
        **answers: str,
    ) -> Ask:
        """An application of 甬江's clerk for 王芳, unless the test says otherwise."""
        return Ask(
            offer=self.offer(mode, city),
            applicant=Applicant.of(by or self.cast.yongjiang_clerk),
            answers={"number": number or self.cast.wang_fang.identity_number, "colour": "green", **answers},
            filed_at=at or self.now,
        )

    def file(
        self,
        mode: Mode = Mode.REVIEW,
        *,
        key: UUID | None = None,
        attachments: Sequence[Attachment] = (),
        **more: Any,
    ) -> Case:
        ask = self.ask(mode, **more)
        return desk.submit(ask=ask, key=key or uuid4(), attachments=attachments, now=ask.filed_at)

    def approve(self, case: Case, by: User | None = None, **more: Any) -> Case:
        return desk.decide(case, approve=True, by=by or self.cast.ningbo_reviewer, now=self.now, **more)

    def refuse(self, case: Case, by: User | None = None, reason: str = "材料不全") -> Case:
        return desk.decide(
            case, approve=False, by=by or self.cast.ningbo_reviewer, now=self.now, reason=reason
        )

    def says(self, *findings: Finding) -> None:
        """What the rule finds from now on, in every mode."""
        for service in self.services.values():
            service.says = list(findings)


BAR = Bar("number", "这个人已经参保。")
MISMATCH = Mismatch("colour", "颜色与登记不一致。")
