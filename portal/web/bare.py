"""The page that the hall's pages are measured against: bare Django with a session, on the same
database and cache.

A project in one file, for ``gunicorn portal.web.bare``; nothing of the hall is imported.
"""

import os

import dj_database_url
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>页面</title></head>
<body><h1>页面</h1><p>{{ visits }}</p><ul>{% for number in numbers %}<li>{{ number }}</li>{% endfor %}</ul></body></html>"""


def page(request: HttpRequest) -> HttpResponse:
    request.session["visits"] = request.session.get("visits", 0) + 1
    context = {"visits": request.session["visits"], "numbers": range(10)}
    return HttpResponse(engines["django"].from_string(PAGE).render(context, request))


urlpatterns = [path("", page)]

if not settings.configured:
    settings.configure(
        SECRET_KEY=os.environ["SECRET_KEY"],
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        DATABASES={"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=60)},
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": os.environ["REDIS_URL"],
                "KEY_PREFIX": "bare",
            }
        },
        SESSION_ENGINE="django.contrib.sessions.backends.cached_db",
        INSTALLED_APPS=["django.contrib.sessions"],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        USE_TZ=True,
    )
    application = get_wsgi_application()
