"""The addresses of the pages that all services share. Templates rely on the names."""

from django.urls import path

from portal.web import cities, family, health, home, notices, search, statements
from portal.web.application import form, materials, notice
from portal.web.cases import amending, case, listing

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
    path("<city:city>/", home.home, name="home"),
    path("<city:city>/search/", search.search, name="search"),
    path("<city:city>/questions/", home.questions, name="questions"),
    path("<city:city>/services/", home.services, name="services"),
    path("<city:city>/services/<slug:code>/", notice.service, name="service"),
    path("<city:city>/services/<slug:code>/apply/", form.apply, name="apply"),
    path("<city:city>/services/<slug:code>/materials/", materials.materials, name="materials"),
]
