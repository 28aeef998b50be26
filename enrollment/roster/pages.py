"""The roster of 申报缴费基数: wages filled in page by page, or by spreadsheet. Whatever is not the
clerk's own answers 404."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from enrollment import spreadsheets
from enrollment.models import Roster, RosterRow
from enrollment.roster import checking, drafting, overview, sheet
from enrollment.roster.overview import Limits
from portal.accounts import searching
from portal.accounts.models import User
from portal.accounts.permissions import clerk_required
from portal.hall import drafts
from portal.people.models import Employer
from portal.policy.book import City, Offer, book
from portal.policy.terms.contribution import ContributionYearTerms, contribution_year_terms
from portal.shared import money
from portal.shared.characters import narrow, whole_number
from portal.shared.insurance import INSURANCE_LABELS
from portal.shared.months import Month, month_in_china, today_in_china

SERVICE = "employer-bases"
ROWS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Errand:
    """Who declares for whom, and for which year (None outside the time for it)."""

    user: User
    employer: Employer
    city: City
    offer: Offer
    terms: ContributionYearTerms
    start: Month | None
    month: Month
    now: datetime

    def roster(self) -> Roster | None:
        """The roster that this clerk is filling in for the year."""
        if self.start is None:
            return None
        return Roster.objects.filter(
            draft__user=self.user,
            draft__city=self.offer.city,
            draft__service=SERVICE,
            employer=self.employer,
            start=self.start,
        ).first()


def _errand(request: HttpRequest) -> Errand:
    user = request.user
    if not isinstance(user, User) or user.employer is None:
        raise Http404
    city = book().city(user.employer.city)
    if SERVICE not in city.offers:
        raise Http404
    now = timezone.now()
    terms = contribution_year_terms(book(), city=city.slug, on=today_in_china(now))
    month = month_in_china(now)
    return Errand(user, user.employer, city, city.offers[SERVICE], terms, terms.open_year(month), month, now)


class WageField(forms.CharField):
    """A month's wage; cleaned to fen, None for nothing."""

    def clean(self, value: Any) -> int | None:
        try:
            return checking.parse_wage(str(value or "").replace("\0", ""))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class WagesForm(forms.Form):
    """The wages of one page of people."""

    def __init__(self, *args: Any, rows: Sequence[RosterRow], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in rows:
            self.fields[f"wage-{row.person_id}"] = WageField(
                label=row.person.name,
                required=False,
                initial="" if row.wage_fen is None else str(money.yuan(row.wage_fen)),
                widget=forms.TextInput(
                    attrs={"class": "w-11", "inputmode": "decimal", "autocomplete": "off"}
                ),
            )

    def wages(self) -> dict[int, int | None]:
        """What could be read, by person; what is wrong stays as it was."""
        return {
            int(name.removeprefix("wage-")): value
            for name, value in self.cleaned_data.items()
            if name not in self.errors and name in self.data
        }


class UploadForm(forms.Form):
    """One .xlsx file."""

    sheet = forms.FileField(
        label=gettext_lazy("填好的表格"),
        help_text=gettext_lazy(
            "只收 .xlsx 文件，不超过 5 MB、10,000 行。请先下载名单，在其中填写“月申报工资”。"
        ),
        allow_empty_file=True,
        widget=forms.FileInput(
            attrs={"accept": f".xlsx,{spreadsheets.XLSX}", "data-max-bytes": spreadsheets.MAX_BYTES}
        ),
        error_messages={"required": gettext_lazy("请选择填好的 .xlsx 表格。")},
    )


# One page of the roster


@never_cache
@searching.by_post
@require_http_methods(["GET", "HEAD", "POST"])
@clerk_required
def roster(request: HttpRequest) -> HttpResponse:
    """职工基数名册: begun, filled in page by page, and then sent by the service's own steps."""
    errand = _errand(request)
    found = errand.roster()
    if request.method != "POST":
        return _page(request, errand, found)
    if errand.start is None:
        return redirect("employer-bases")
    action = request.POST.get("action", "save")
    if found is None or action == "begin":
        _begin(errand)
        messages.success(request, _("名单已按现在的参保职工列出。"))
        return redirect("employer-bases")
    try:
        if action == "former":
            count = drafting.keep_former(found, now=errand.now)
            messages.success(
                request, _("已为 {count} 名还没有填写的职工填入现行申报工资。").format(count=count)
            )
            return redirect(_here(request))
        return _save(request, errand, found)
    except Roster.DoesNotExist:
        messages.warning(request, _("这份名册刚刚已经提交，不能再改。"))
        return redirect("cases")


def _begin(errand: Errand) -> Roster:
    draft = drafts.find(user=errand.user, offer=errand.offer)
    draft = drafts.keep(
        user=errand.user,
        offer=errand.offer,
        typed=draft.typed if draft else {},
        checked=False,
        now=errand.now,
    )
    if errand.start is None:
        raise Http404
    return drafting.begin(
        draft=draft,
        employer=errand.employer,
        city=errand.offer.city,
        start=errand.start,
        month=errand.month,
        now=errand.now,
    )


def _save(request: HttpRequest, errand: Errand, found: Roster) -> HttpResponse:
    people = [name.removeprefix("wage-") for name in request.POST if name.startswith("wage-")]
    asked = [pk for pk in map(whole_number, people) if pk is not None][:ROWS_PER_PAGE]
    rows = drafting.rows_of(found).filter(person_id__in=asked)
    form = WagesForm(request.POST, rows=list(rows))
    form.full_clean()
    drafting.fill_in(found, form.wages(), now=errand.now)
    if form.errors:
        return _page(request, errand, found, rows=list(rows.all()), form=form, status=422)
    messages.success(request, _("本页已保存。"))
    return redirect(_here(request))


def _here(request: HttpRequest) -> str:
    query = request.GET.urlencode()
    return f"{reverse('employer-bases')}{'?' if query else ''}{query}"


def _page(
    request: HttpRequest,
    errand: Errand,
    found: Roster | None,
    *,
    rows: Sequence[RosterRow] | None = None,
    form: WagesForm | None = None,
    upload_form: UploadForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "city": errand.city,
        "offer": errand.offer,
        "employer": errand.employer,
        "start": errand.start,
        "end": errand.start + 11 if errand.start else None,
        "next_open": errand.terms.next_open(errand.month),
        "terms": errand.terms,
        "roster": found,
        "upload_form": upload_form or UploadForm(),
        "sent": Roster.objects.filter(employer=errand.employer, case__isnull=False)
        .select_related("case")
        .order_by("-case__submitted_at", "-pk")[:5],
    }
    if found is not None:
        groups = overview.limits(found.city, found.start)
        listed = _asked(request, drafting.rows_of(found), errand.terms, groups)
        page = Paginator(listed, ROWS_PER_PAGE).get_page(request.GET.get("page"))
        shown = list(page.object_list) if rows is None else rows
        form = form or WagesForm(rows=shown)
        context |= {
            "overview": overview.overview(found, errand.terms),
            "groups": [_limits_row(one) for one in groups],
            "changed": drafting.staff_changed(found, errand.month),
            "tabs": _tabs(request),
            "query": searching.asked(request),
            "page_obj": page,
            "form": form,
            "rows": [(row, form[f"wage-{row.person_id}"], _bases(row, groups)) for row in shown],
            "problem_rows": len({one.row for one in sheet.problems_of(found)}),
            "apply_url": reverse("apply", args=[errand.city.slug, SERVICE]),
            "saves_to": _here(request),
        }
    return render(request, "enrollment/roster.html", context, status=status)


SHOWN = {
    "": gettext_lazy("全部"),
    "empty": gettext_lazy("未填写"),
    "low": gettext_lazy("低于下限"),
    "high": gettext_lazy("高于上限"),
    "far": gettext_lazy("变动较大"),
}


def _tabs(request: HttpRequest) -> list[dict[str, Any]]:
    asked = request.GET.get("show", "")
    return [
        {"label": label, "url": f"?show={name}#rows" if name else "?#rows", "current": name == asked}
        for name, label in SHOWN.items()
    ]


def _asked(
    request: HttpRequest, rows: QuerySet[RosterRow], terms: ContributionYearTerms, groups: Sequence[Limits]
) -> QuerySet[RosterRow]:
    """The rows that the address asks for: by state, by a name in part or a number in full."""
    match request.GET.get("show", ""):
        case "empty":
            rows = rows.filter(wage_fen=None)
        case "low":
            rows = rows.filter(_any([overview.below(one) for one in groups]))
        case "high":
            rows = rows.filter(_any([overview.above(one) for one in groups]))
        case "far":
            rows = rows.filter(overview.outlying(terms))
    return named(rows, searching.asked(request))


def named(rows: QuerySet[Any], words: str) -> QuerySet[Any]:
    """Rows whose ``person`` has these words in their name, or this number in full."""
    words = words.replace("\0", "").strip()[:60]
    if not words:
        return rows
    number = narrow(words).upper()[:18]
    return rows.filter(
        Q(person__name__contains=words)
        | Q(person__identity_number=number)
        | (Q(person__paper_number=number) & ~Q(person__paper_kind=""))
    )


def _any(conditions: Sequence[Q]) -> Q:
    found = Q(pk__in=[])
    for condition in conditions:
        found |= condition
    return found


def _limits_row(one: Limits) -> dict[str, Any]:
    return {
        "insurances": "、".join(str(_(INSURANCE_LABELS[insurance])) for insurance in one.insurances),
        "floor": money.round_fen(one.terms.floor),
        "ceiling": money.round_fen(one.terms.ceiling),
        "reference": one.terms.reference,
        "since": one.terms.since,
    }


def _bases(row: RosterRow, groups: Sequence[Limits]) -> list[dict[str, Any]]:
    """What the wage is clamped to, each amount once with the insurances that have it."""
    if row.wage_fen is None:
        return []
    wage = money.yuan(row.wage_fen)
    insured: dict[tuple[int, str], list[str]] = {}
    for one in groups:
        base = one.base(row.wage_fen)
        word = _("按下限") if base > wage else _("按上限") if base < wage else ""
        names = insured.setdefault((money.round_fen(base), word), [])
        names += [str(_(INSURANCE_LABELS[insurance])) for insurance in one.insurances]
    return [
        {"insurances": "、".join(names), "fen": fen, "word": word} for (fen, word), names in insured.items()
    ]


# Spreadsheets


@never_cache
@require_safe
@clerk_required
def download(request: HttpRequest) -> HttpResponse:
    """The list of current staff, to be filled in and uploaded."""
    found = _errand(request).roster()
    if found is None:
        raise Http404
    return as_file(sheet.to_fill_in(found), f"{found.start}-bases.xlsx")


def as_file(content: bytes, name: str) -> HttpResponse:
    """An .xlsx file for the browser to save."""
    response = HttpResponse(content, content_type=spreadsheets.XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@never_cache
@require_POST
@clerk_required
def upload(request: HttpRequest) -> HttpResponse:
    """A filled-in list: its good rows are kept, the others reported."""
    errand = _errand(request)
    found = errand.roster()
    if found is None:
        return redirect("employer-bases")
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["sheet"]
        try:
            if file.size > spreadsheets.MAX_BYTES:
                raise spreadsheets.SheetRefused(
                    _("文件超过 5 MB。请删去图片和多余的工作表，或分成几个文件上传。")
                )
            checked = sheet.upload(found, file.read(), name=str(file.name), now=errand.now)
        except spreadsheets.SheetRefused as refusal:
            form.add_error("sheet", str(refusal))
        except Roster.DoesNotExist:
            messages.warning(request, _("这份名册刚刚已经提交，不能再改。"))
            return redirect("cases")
        else:
            bad = len({one.row for one in checked.problems})
            if not bad:
                messages.success(
                    request, _("已从表格读入 {count} 名职工的工资。").format(count=len(checked.wages))
                )
                return redirect("employer-bases")
            messages.warning(
                request,
                _("已读入 {count} 名职工的工资；另有 {bad} 行有问题，没有采用，逐行列在下面。").format(
                    count=len(checked.wages), bad=bad
                ),
            )
            return redirect("employer-bases-problems")
    return _page(request, errand, found, upload_form=form, status=422)


@never_cache
@require_safe
@clerk_required
def problems(request: HttpRequest) -> HttpResponse:
    """What was wrong in the spreadsheet uploaded last, by row and column, with what to do."""
    found = _errand(request).roster()
    if found is None:
        raise Http404
    told = sheet.problems_of(found)
    page = Paginator(told, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "city": book().city(found.city),
        "roster": found,
        "page_obj": page,
        "bad_rows": len({one.row for one in told}),
    }
    return render(request, "enrollment/roster_problems.html", context)


# What was sent


@never_cache
@searching.by_post
@require_safe
@clerk_required
def sent(request: HttpRequest, pk: int) -> HttpResponse:
    """A roster as it was sent, to look up."""
    employer = _errand(request).employer
    found = get_object_or_404(
        Roster.objects.select_related("case"), pk=pk, employer=employer, case__isnull=False
    )
    groups = overview.limits(found.city, found.start)
    page = Paginator(named(drafting.rows_of(found), searching.asked(request)), ROWS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "city": book().city(found.city),
        "roster": found,
        "employer": employer,
        "groups": [_limits_row(one) for one in groups],
        "page_obj": page,
        "query": searching.asked(request),
        "rows": [(row, _bases(row, groups)) for row in page.object_list],
    }
    return render(request, "enrollment/roster_sent.html", context)
