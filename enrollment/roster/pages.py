"""The pages of the roster for 申报缴费基数: a clerk fills in wages page by page or by spreadsheet.
A roster of another clerk or employer is answered with 404."""

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
    """The clerk who declares, the employer, and the year's first month ``start`` (None outside the
    declaration period)."""

    user: User
    employer: Employer
    city: City
    offer: Offer
    terms: ContributionYearTerms
    start: Month | None
    month: Month
    now: datetime

    def roster(self) -> Roster | None:
        """The roster that this clerk fills in for the year."""
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
        """The valid wages of this page, by person id; a wrong field leaves the stored wage."""
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
    """职工基数名册: the clerk begins it and fills it in page by page; the service's own steps send
    it."""
    errand = _errand(request)
    roster = errand.roster()
    if request.method != "POST":
        return _page(request, errand, roster)
    if errand.start is None:
        return redirect("employer-bases")
    action = request.POST.get("action", "save")
    if roster is None or action == "begin":
        _begin(errand)
        messages.success(request, _("名单已按现在的参保职工列出。"))
        return redirect("employer-bases")
    try:
        if action == "former":
            count = drafting.keep_former(roster, now=errand.now)
            messages.success(
                request, _("已为 {count} 名还没有填写的职工填入现行申报工资。").format(count=count)
            )
            return redirect(_here(request))
        return _save(request, errand, roster)
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


def _save(request: HttpRequest, errand: Errand, roster: Roster) -> HttpResponse:
    people = [name.removeprefix("wage-") for name in request.POST if name.startswith("wage-")]
    people_on_page = [pk for pk in map(whole_number, people) if pk is not None][:ROWS_PER_PAGE]
    rows = drafting.rows_of(roster).filter(person_id__in=people_on_page)
    form = WagesForm(request.POST, rows=list(rows))
    form.full_clean()
    drafting.fill_in(roster, form.wages(), now=errand.now)
    if form.errors:
        return _page(request, errand, roster, rows=list(rows.all()), form=form, status=422)
    messages.success(request, _("本页已保存。"))
    return redirect(_here(request))


def _here(request: HttpRequest) -> str:
    query = request.GET.urlencode()
    return f"{reverse('employer-bases')}{'?' if query else ''}{query}"


def _page(
    request: HttpRequest,
    errand: Errand,
    roster: Roster | None,
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
        "roster": roster,
        "upload_form": upload_form or UploadForm(),
        "sent": Roster.objects.filter(employer=errand.employer, case__isnull=False)
        .select_related("case")
        .order_by("-case__submitted_at", "-pk")[:5],
    }
    if roster is not None:
        groups = overview.limits(roster.city, roster.start)
        listed = _asked(request, drafting.rows_of(roster), errand.terms, groups)
        page = Paginator(listed, ROWS_PER_PAGE).get_page(request.GET.get("page"))
        shown_rows = list(page.object_list) if rows is None else rows
        form = form or WagesForm(rows=shown_rows)
        context |= {
            "overview": overview.overview(roster, errand.terms),
            "groups": [_limits_row(one) for one in groups],
            "changed": drafting.staff_changed(roster, errand.month),
            "tabs": _tabs(request),
            "query": searching.asked(request),
            "page_obj": page,
            "form": form,
            "rows": [(row, form[f"wage-{row.person_id}"], _bases(row, groups)) for row in shown_rows],
            "problem_rows": len({one.row for one in sheet.problems_of(roster)}),
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
    state = request.GET.get("show", "")
    return [
        {"label": label, "url": f"?show={name}#rows" if name else "?#rows", "current": name == state}
        for name, label in SHOWN.items()
    ]


def _asked(
    request: HttpRequest, rows: QuerySet[RosterRow], terms: ContributionYearTerms, groups: Sequence[Limits]
) -> QuerySet[RosterRow]:
    """The rows that the request asks for: by state, by part of a name or by a whole number."""
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
    either = Q(pk__in=[])
    for condition in conditions:
        either |= condition
    return either


def _limits_row(limits: Limits) -> dict[str, Any]:
    return {
        "insurances": "、".join(str(_(INSURANCE_LABELS[insurance])) for insurance in limits.insurances),
        "floor": money.round_fen(limits.terms.floor),
        "ceiling": money.round_fen(limits.terms.ceiling),
        "reference": limits.terms.reference,
        "since": limits.terms.since,
    }


def _bases(row: RosterRow, groups: Sequence[Limits]) -> list[dict[str, Any]]:
    """The bases after the limits are applied: each amount once, with the insurances that have
    it."""
    if row.wage_fen is None:
        return []
    wage = money.yuan(row.wage_fen)
    insured: dict[tuple[int, str], list[str]] = {}
    for limits in groups:
        base = limits.base(row.wage_fen)
        word = _("按下限") if base > wage else _("按上限") if base < wage else ""
        names = insured.setdefault((money.round_fen(base), word), [])
        names += [str(_(INSURANCE_LABELS[insurance])) for insurance in limits.insurances]
    return [
        {"insurances": "、".join(names), "fen": fen, "word": word} for (fen, word), names in insured.items()
    ]


# Spreadsheets


@never_cache
@require_safe
@clerk_required
def download(request: HttpRequest) -> HttpResponse:
    """The list of current staff, to be filled in and uploaded."""
    roster = _errand(request).roster()
    if roster is None:
        raise Http404
    return as_file(sheet.to_fill_in(roster), f"{roster.start}-bases.xlsx")


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
    """Takes a filled-in list: valid rows are stored, the others are reported."""
    errand = _errand(request)
    roster = errand.roster()
    if roster is None:
        return redirect("employer-bases")
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["sheet"]
        try:
            if file.size > spreadsheets.MAX_BYTES:
                raise spreadsheets.SheetRefused(
                    _("文件超过 5 MB。请删去图片和多余的工作表，或分成几个文件上传。")
                )
            checked = sheet.upload(roster, file.read(), name=str(file.name), now=errand.now)
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
    return _page(request, errand, roster, upload_form=form, status=422)


@never_cache
@require_safe
@clerk_required
def problems(request: HttpRequest) -> HttpResponse:
    """The errors in the latest uploaded spreadsheet, by row and column, with what to do."""
    roster = _errand(request).roster()
    if roster is None:
        raise Http404
    sheet_problems = sheet.problems_of(roster)
    page = Paginator(sheet_problems, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "city": book().city(roster.city),
        "roster": roster,
        "page_obj": page,
        "bad_rows": len({one.row for one in sheet_problems}),
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
    roster = get_object_or_404(
        Roster.objects.select_related("case"), pk=pk, employer=employer, case__isnull=False
    )
    groups = overview.limits(roster.city, roster.start)
    page = Paginator(named(drafting.rows_of(roster), searching.asked(request)), ROWS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "city": book().city(roster.city),
        "roster": roster,
        "employer": employer,
        "groups": [_limits_row(one) for one in groups],
        "page_obj": page,
        "query": searching.asked(request),
        "rows": [(row, _bases(row, groups)) for row in page.object_list],
    }
    return render(request, "enrollment/roster_sent.html", context)
