"""The fields of an identity paper in forms: its kind, its number, and what that number does not
say."""

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.fields import IDENTITY_MISTAKES, IdentityNumberField
from portal.people import papers
from portal.people.models import OTHER_PAPERS
from portal.people.papers import Paper
from portal.people.persons import find
from portal.shared import foreigners, identity
from portal.shared.countries import foreign_countries
from portal.shared.identity import SEX_LABELS, Document
from portal.shared.months import today_in_china

# Stands for every paper with a number of 18 digits, which says itself which it is.
OF_18 = ""
KINDS = [
    (OF_18, gettext_lazy("居民身份证、居住证等（18 位号码）")),
    (str(Document.PASSPORT), gettext_lazy("外国护照")),
    (
        str(Document.FOREIGN_RESIDENT_BEFORE),
        gettext_lazy("外国人永久居留身份证（旧版 15 位）"),
    ),
]
_BORN_AFTER = dt.date(1900, 1, 1)


def _countries() -> list[tuple[str, str]]:
    return [("", _("请选择")), *((code, f"{code} {name}") for code, name in foreign_countries().items())]


def _sexes() -> list[tuple[str, str]]:
    return [("", _("请选择")), *((str(sex), _(label)) for sex, label in SEX_LABELS.items())]


def _shown_for(*kinds: Document) -> dict[str, str]:
    """That a page shows the field only while one of these kinds is chosen."""
    return {"data-shown-for": " ".join(kinds), "data-shown-by": "document"}


class StatesPaper(forms.Form):
    """The fields of a paper. Cleaned, ``identity_number`` is the social-security number, and all
    together say ``stated_paper``.

    What only other papers need is dropped where the number has 18 digits.
    """

    document = forms.ChoiceField(
        label=gettext_lazy("证件类型"),
        choices=KINDS,
        required=False,
        help_text=gettext_lazy("港澳台居民居住证、2023 年起的外国人永久居留身份证也是 18 位号码。"),
    )
    identity_number = IdentityNumberField(stated=True, label=gettext_lazy("证件号码"))
    nationality = forms.ChoiceField(
        label=gettext_lazy("国籍"),
        choices=_countries,
        required=False,
        help_text=gettext_lazy("护照资料页上的 3 位国家代码。"),
        widget=forms.Select(attrs=_shown_for(Document.PASSPORT)),
    )
    sex = forms.ChoiceField(
        label=gettext_lazy("性别"),
        choices=_sexes,
        required=False,
        help_text=gettext_lazy("护照和旧版外国人永久居留身份证填写；其他证件的号码已含性别和出生日期。"),
        widget=forms.Select(attrs=_shown_for(*OTHER_PAPERS)),
    )
    birth_date = forms.DateField(
        label=gettext_lazy("出生日期"),
        required=False,
        help_text=gettext_lazy("与证件一致，例如 1985-01-01。"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **_shown_for(*OTHER_PAPERS)}),
    )
    paper_expires_on = forms.DateField(
        label=gettext_lazy("证件有效期至"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **_shown_for(*OTHER_PAPERS)}),
    )
    # As it stands on the paper; told by ``identity_number`` as typed, and by nothing else.
    paper_number = forms.CharField(
        label=gettext_lazy("证件号码"), required=False, disabled=True, widget=forms.HiddenInput
    )

    # Whether the login that fills it in may see what is on file of the person.
    knows_file = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The kind of paper decides which are needed, so none is marked as optional.
        for name in ("document", "nationality", "sex", "birth_date"):
            self.fields[name].always_answered = True  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        cleaned["paper_number"] = ""
        document = cleaned.get("document")
        typed = foreigners.as_typed(str(self.data.get(self.add_prefix("identity_number"), "")))
        if document == OF_18 and cleaned.get("identity_number"):
            self._of_18(cleaned, cleaned["identity_number"])
        elif document and typed:
            # Its own kind gives the error.
            self.errors.pop("identity_number", None)
            self._of_another(cleaned, Document(document), typed)
        return cleaned

    def stated_paper(self) -> Paper:
        """The paper that was stated; only of a form that is valid."""
        return papers.of_told(self.cleaned_data)

    def _of_18(self, cleaned: dict[str, Any], number: str) -> None:
        for name in ("nationality", "sex", "birth_date", "paper_expires_on"):
            self.errors.pop(name, None)
            cleaned[name] = "" if name in ("nationality", "sex") else None
        if foreigners.is_made(number) and self.knows_file and (person := find(number)):
            self._as_on_file(cleaned, papers.of_person(person))
        elif foreigners.is_made(number):
            self.add_error(
                "document",
                _("这是外国人的证件号码。请选择证件类型，并填写证件上的号码、性别和出生日期。"),
            )
        elif len(number) != 18:
            if number.isdigit():
                self.add_error("identity_number", IDENTITY_MISTAKES["length"])
            else:
                self.add_error(
                    "document",
                    _(
                        "这不是 18 位的号码。持护照的，请在这里选择“外国护照”；港澳台居民填居住证上的号码，"
                        "只有通行证的，请带证件到参保地社保经办窗口。"
                    ),
                )
        elif identity.parse(number).birth_date > self._today():
            self.add_error("identity_number", IDENTITY_MISTAKES["date"])

    def _as_on_file(self, cleaned: dict[str, Any], paper: Paper) -> None:
        cleaned |= {
            "document": str(paper.document),
            "paper_number": paper.paper_number,
            "nationality": paper.nationality,
            "sex": str(paper.sex),
            "birth_date": paper.birth_date,
            "paper_expires_on": paper.expires_on,
        }

    def _of_another(self, cleaned: dict[str, Any], document: Document, typed: str) -> None:
        try:
            if document == Document.PASSPORT:
                cleaned["paper_number"] = foreigners.parse_passport(typed)
                country = cleaned.get("nationality") or ""
            else:
                country, cleaned["paper_number"] = foreigners.parse_card(typed)
                cleaned["nationality"] = country
                self.errors.pop("nationality", None)
        except foreigners.InvalidPaper as mistake:
            self.add_error(*_mistake(mistake.code, typed))
            return
        if not country and "nationality" not in self.errors:
            self.add_error("nationality", _("请选择护照的签发国家。"))
        if not cleaned.get("sex") and "sex" not in self.errors:
            self.add_error("sex", _("请选择证件上的性别。"))
        self._check_days(cleaned)
        if country:
            cleaned["identity_number"] = papers.number_of(
                document, cleaned["paper_number"], country, on=self._today()
            )
            if self.knows_file:
                self._compare(cleaned, find(cleaned["identity_number"]))

    def _check_days(self, cleaned: dict[str, Any]) -> None:
        born, ends = cleaned.get("birth_date"), cleaned.get("paper_expires_on")
        if "birth_date" not in self.errors:
            if born is None:
                self.add_error("birth_date", _("请填写证件上的出生日期。"))
            elif not _BORN_AFTER <= born <= self._today():
                self.add_error("birth_date", _("出生日期应在 1900 年之后、今天之前，请核对。"))
        if ends and ends < self._today():
            self.add_error("paper_expires_on", _("这个证件已经过期，请换发新证件后再办理。"))

    def _compare(self, cleaned: dict[str, Any], person: Any) -> None:
        """What is stated of somebody on file is what stands there: the register overwrites nobody's
        word."""
        if person is None:
            return
        differ = _("与这个证件登记的不一致，请核对证件号码和填写的内容。")
        if "sex" not in self.errors and cleaned.get("sex") != person.sex:
            self.add_error("sex", differ)
        if "birth_date" not in self.errors and cleaned.get("birth_date") != person.birth_date:
            self.add_error("birth_date", differ)

    def _today(self) -> dt.date:
        return today_in_china(getattr(self, "now", None) or timezone.now())


def _mistake(code: str, typed: str) -> tuple[str, str]:
    """The field and the error of a number that does not fit the kind of paper that was chosen."""
    if code == "country":
        return "identity_number", _("证件号码开头的国家代码“{code}”不正确，请核对。").format(code=typed[:3])
    if code == "card":
        return "identity_number", _("旧版外国人永久居留身份证的号码是 3 位字母加 12 位数字，请核对。")
    if len(typed) == 18:
        return "document", _("填写的是 18 位号码，请选择与号码相符的证件类型。")
    return "identity_number", _("护照号码是 5 至 14 位字母和数字，请核对。")
