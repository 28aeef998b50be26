"""社区: the pages of a community desk's clerks. They open qualifications, give first passwords,
keep signed letters and help to file; they decide nothing, and see what they did today."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts.lookups import TooManyLookups, look_up
from portal.accounts.models import User
from portal.accounts.permissions import desk_required
from portal.hall import attachments, drafts
from portal.hall.models import Case, Draft
from portal.people.models import Person
from portal.qualifications import opening, rights
from portal.qualifications.models import Qualification, Right
from portal.shared import names
from portal.shared.months import today_in_china
from portal.web.cases.titles import title_of
from portal.web.context import login_of
from portal.web.desks.forms import OpeningForm, ResidentForm, ScanForm

_page = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@require_safe
@desk_required
def home(request: HttpRequest) -> HttpResponse:
    """The desk's own page: who stands there, what it can do, and what this clerk did today."""
    clerk, now = login_of(request), timezone.now()
    try:
        desk = opening.desk_of(clerk)
    except opening.Refused as why:
        return render(request, "web/desks/none.html", {"why": str(why)}, status=403)
    visit = opening.visit_of(clerk, now)
    opened, slips, visits = opening.today_of(clerk, now)
    filed = Case.objects.filter(filed_by=clerk, submitted_at__date=today_in_china(now))
    cases = [
        (case, title_of(case)) for case in filed.select_related("applicant_person").order_by("-submitted_at")
    ]
    context = {
        "desk": desk,
        "visit": visit,
        "standing": rights.of(visit.resident, desk.city, now) if visit else None,
        "opened": opened,
        "slips": slips,
        "visits": visits,
        "cases": cases,
    }
    return render(request, "web/desks/home.html", context)


@never_cache
@sensitive_variables("done")
@_page
@desk_required
def open_qualification(request: HttpRequest) -> HttpResponse:
    """开通网上办事资格: the form; then the slip, shown once, and the letter to sign."""
    form = OpeningForm(request.POST or None)
    done: opening.Opened | None = None

    def act(person: Person, clerk: User) -> None:
        nonlocal done
        typed = form.cleaned_data
        done = opening.open_qualification(
            person,
            right=Right(typed["right"]),
            phone=typed["phone"],
            seen=typed["seen"],
            by=clerk,
            now=timezone.now(),
        )

    if _acted(request, form, _("开通网上办事资格"), act) and done:
        return _slip(request, done)
    return _form_page(request, form, _("开通网上办事资格"), _("核对证件并开通"))


@never_cache
@sensitive_variables("done")
@_page
@desk_required
def reset(request: HttpRequest) -> HttpResponse:
    """密码重置: a new slip for who has a qualification here."""
    form = ResidentForm(request.POST or None)
    done: opening.Opened | None = None

    def act(person: Person, clerk: User) -> None:
        nonlocal done
        done = opening.reset_password(person, by=clerk, now=timezone.now())

    if _acted(request, form, _("重置网上办事密码"), act) and done:
        return _slip(request, done)
    return _form_page(request, form, _("重置网上办事密码"), _("核对证件并重置"))


@never_cache
@_page
@desk_required
def begin_visit(request: HttpRequest) -> HttpResponse:
    """帮办: from now on the clerk files for the resident who stands here."""
    form = ResidentForm(request.POST or None)

    def act(person: Person, clerk: User) -> None:
        opening.begin_visit(person, seen=form.cleaned_data["seen"], by=clerk, now=timezone.now())
        _forget_drafts(clerk)

    if _acted(request, form, _("社区帮办"), act):
        return redirect("desk")
    return _form_page(request, form, _("为到场居民帮办"), _("核对证件并开始"))


@require_POST
@desk_required
def end_visit(request: HttpRequest) -> HttpResponse:
    """The resident has left: nothing more is filed for them, and what was begun is dropped."""
    clerk = login_of(request)
    opening.end_visits(clerk, now=timezone.now())
    _forget_drafts(clerk)
    messages.success(request, _("帮办已结束。"))
    return redirect("desk")


@never_cache
@_page
@desk_required
def qualification(request: HttpRequest, pk: int) -> HttpResponse:
    """One qualification that this clerk opened today, or of who stands here: the letter to print
    and its scan to keep."""
    clerk, now = login_of(request), timezone.now()
    row = _qualification(request, pk)
    form = ScanForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            scan = attachments.read_scan(form.cleaned_data["scan"])
            opening.raise_to_file(row, by=clerk, now=now)
            row.refresh_from_db()
            opening.sign_on_paper(
                row, content=scan.content, content_type=scan.content_type, by=clerk, now=now
            )
        except attachments.UploadRefused as why:
            form.add_error("scan", str(why))
        except opening.Refused as why:
            form.add_error(None, str(why))
        else:
            messages.success(request, _("承诺书已存档，可以网上办理。"))
            return redirect("desk-qualification", pk)
    context = {
        "qualification": row,
        "standing": rights.of(row.person, row.city, now).standing,
        "letters": row.letters.all(),
        "form": form,
        "submit_label": _("存档承诺书"),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "web/desks/qualification.html", context, status=status)


@never_cache
@require_safe
@desk_required
def letter_to_print(request: HttpRequest, pk: int) -> HttpResponse:
    """《承诺书》 to sign on paper."""
    row, now = _qualification(request, pk), timezone.now()
    terms = rights.terms_of(row.city, now)
    if terms is None:
        raise Http404
    context = {"qualification": row, "letter": terms.letter, "today": today_in_china(now)}
    return render(request, "web/desks/letter_to_print.html", context)


def _acted(
    request: HttpRequest, form: ResidentForm, purpose: str, act: Callable[[Person, User], None]
) -> bool:
    """Whether the form named somebody on file, by their name, and the desk did it; else the form
    has the error."""
    if request.method != "POST" or not form.is_valid():
        return False
    clerk, typed = login_of(request), form.cleaned_data
    try:
        opening.desk_of(clerk)
        person = look_up(
            user=clerk, identity_number=typed["identity_number"], purpose=purpose, now=timezone.now()
        )
        if person is None:
            raise opening.Refused("identity_number", _("没有在本市参保，请先办理参保登记。"))
        if not names.agree(person.name, typed["name"]):
            why = _("与登记的姓名不一致，请核对证件；姓名已变更的，请到经办机构更正。")
            raise opening.Refused("name", why)
        act(person, clerk)
    except TooManyLookups:
        form.add_error("identity_number", _("本小时查询人数已达上限，请稍后再查。"))
    except opening.Refused as why:
        form.add_error(why.field if why.field in form.fields else None, str(why))
    return not form.errors


def _form_page(request: HttpRequest, form: ResidentForm, title: str, submit_label: str) -> HttpResponse:
    context = {"form": form, "title": title, "submit_label": submit_label}
    return render(
        request, "web/desks/form.html", context, status=422 if form.is_bound and form.errors else 200
    )


@sensitive_variables()
def _slip(request: HttpRequest, done: opening.Opened) -> HttpResponse:
    context = {
        "done": done,
        "person": done.qualification.person,
        "to_sign": done.qualification.right == Right.FILE,
        "login_url": request.build_absolute_uri(reverse("login-person")),
    }
    return render(request, "web/desks/slip.html", context)


def _qualification(request: HttpRequest, pk: int) -> Qualification:
    """Http404 for any that this clerk did not open today, and is not of who stands here."""
    clerk, now = login_of(request), timezone.now()
    try:
        desk = opening.desk_of(clerk)
    except opening.Refused as why:
        raise Http404 from why
    rows = Qualification.objects.filter(pk=pk, city=desk.city, ended_at=None).select_related("person")
    row = rows.first()
    visit = opening.visit_of(clerk, now)
    if row is None or not (
        (row.opened_by_id == clerk.pk and today_in_china(row.opened_at) == today_in_china(now))
        or (visit is not None and visit.resident_id == row.person_id)
    ):
        raise Http404
    return row


def _forget_drafts(clerk: User) -> None:
    for draft in Draft.objects.filter(user=clerk):
        drafts.forget(draft)
