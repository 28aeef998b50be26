"""The addresses of the pages that all services share. Templates rely on the names."""

from django.urls import path

from portal.web import cities, family, health, home, notices, search, statements
from portal.web.application import form, materials, notice
from portal.web.cases import amending, case, listing
from portal.web.desks import public
from portal.web.desks import views as desk_views

urlpatterns = [
    path("", home.index, name="index"),
    path("robots.txt", statements.robots, name="robots"),
    path(".well-known/security.txt", statements.security, name="security"),
    path("favicon.ico", statements.favicon, name="favicon"),
    path("healthz", health.healthz, name="healthz"),
    path("help/", statements.help_page, name="help"),
    path("accessibility/", statements.accessibility, name="accessibility"),
    path("elder/", cities.elder, name="elder"),
    path("city/<slug:slug>/", cities.choose_city, name="choose-city"),
    path("family/", family.family, name="family"),
    path("messages/", notices.messages, name="messages"),
    path("messages/read/", notices.read_all, name="messages-read"),
    path("messages/<int:pk>/read/", notices.read, name="message-read"),
    path("cases/", listing.cases, name="cases"),
    path("cases/<slug:number>/", case.case, name="case"),
    path("cases/<slug:number>/receipt/", case.receipt, name="receipt"),
    path("cases/<slug:number>/form/", case.form_to_print, name="case-form"),
    path("cases/<slug:number>/amend/", amending.amend, name="case-amend"),
    path("cases/<slug:number>/withdraw/", case.withdraw, name="withdraw"),
    path("cases/<slug:number>/again/", case.file_again, name="file-again"),
    path("cases/<slug:number>/attachments/<int:pk>/", case.attachment, name="attachment"),
    path("drafts/attachments/<int:pk>/", case.draft_attachment, name="draft-attachment"),
    path("services/<slug:code>/", cities.any_site, name="any-site"),
    path("desk/", desk_views.home, name="desk"),
    path("desk/open/", desk_views.open_qualification, name="desk-open"),
    path("desk/reset/", desk_views.reset, name="desk-reset"),
    path("desk/visit/", desk_views.begin_visit, name="desk-visit"),
    path("desk/visit/end/", desk_views.end_visit, name="desk-visit-end"),
    path("desk/qualifications/<int:pk>/", desk_views.qualification, name="desk-qualification"),
    path("desk/qualifications/<int:pk>/letter/", desk_views.letter_to_print, name="desk-letter"),
    path("<city:city>/", home.home, name="home"),
    path("<city:city>/desks/", public.desks, name="desks"),
    path("<city:city>/letter/", public.letter, name="letter"),
    path("<city:city>/search/", search.search, name="search"),
    path("<city:city>/questions/", home.questions, name="questions"),
    path("<city:city>/services/", home.services, name="services"),
    path("<city:city>/services/<slug:code>/", notice.service, name="service"),
    path("<city:city>/services/<slug:code>/apply/", form.apply, name="apply"),
    path("<city:city>/services/<slug:code>/materials/", materials.materials, name="materials"),
]
