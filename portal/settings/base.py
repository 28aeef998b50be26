"""What every environment shares. A missing secret or database address fails loudly at start."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from portal.settings import payment
from portal.shared.apart import Room
from portal.shared.logs import as_log_line

ROOT = Path(__file__).resolve().parents[2]


def required(name: str) -> str:
    """The environment variable ``name``; ImproperlyConfigured where it is missing or empty."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(
            f"环境变量 {name} 未设置。script/manage 会为本机设置它；正式部署见 docs/operations.md。"
        )
    return value


DATA_DIR = Path(os.environ.get("HALL_DATA_DIR") or ROOT / ".data")

SECRET_KEY = required("SECRET_KEY")
DATABASES = {
    "default": dj_database_url.parse(required("DATABASE_URL"), conn_max_age=60, conn_health_checks=True)
}
# The role that owns the tables: migrate and flush connect as it, and each migration gives the app's
# role its rights (portal/rights.py). Without it the hall owns the tables that it works on.
_owner = os.environ.get("DATABASE_OWNER_URL", "")
DATABASE_OWNER: dict[str, Any] = dict(dj_database_url.parse(_owner)) if _owner else {}
DATABASE_APP_ROLE = ""
if DATABASE_OWNER and DATABASE_OWNER["USER"] != DATABASES["default"]["USER"]:
    DATABASE_APP_ROLE = DATABASES["default"]["USER"]
# Where it is, nobody minds a server that forgets what it has confirmed
# (contributions/audit/durability.py).
DATABASE_IS_THROWN_AWAY = False
REDIS_URL = required("REDIS_URL")

DEBUG = False
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host]

INSTALLED_APPS = [
    "portal.accounts.workbench.WorkbenchConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "rest_framework",
    "drf_spectacular",
    "portal.accounts.lockout_apps.LockoutConfig",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "captcha",
    "pgtrigger",
    "pghistory",
    "portal.watch",
    "portal.people",
    "portal.accounts",
    # Its models look for the account's as soon as they are read.
    "django_otp_webauthn",
    "portal.registers",
    "portal.partners",
    "portal.qualifications",
    "portal.hall",
    "portal.appointments",
    "enrollment",
    "contributions",
    "transfers",
    "certificates",
    "portal.web",
]

MIDDLEWARE = [
    # A load balancer asks by address, over plain HTTP.
    "portal.web.health.HealthAnswers",
    "django.middleware.security.SecurityMiddleware",
    "portal.web.limits.BodyLimit",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "portal.accounts.browsers.BrowserCookie",
    "portal.accounts.sliding.SlidingSession",
    "portal.web.headers.ResponseHeaders",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.qualifications.gate.Gate",
    "portal.accounts.halfway.Halfway",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.web.access_log.AccessLog",
    "pghistory.middleware.HistoryMiddleware",
    "axes.middleware.AxesMiddleware",
    "portal.web.limits.NoNul",
]

# Reading changes nothing whose history is kept, so that only the others need to say who asked.
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")
# Histories are only appended to.
PGHISTORY_APPEND_ONLY = True

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.web.context.hall",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "portal.accounts.doors.PersonDoor",
    "portal.accounts.doors.EmployerDoor",
    "portal.accounts.doors.DeskDoor",
    "portal.accounts.doors.StaffDoor",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "name", "phone")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
LOGIN_URL = "login-person"
LOGIN_REDIRECT_URL = "/"

# Thirty minutes without a request end a session, and twelve hours in any case; the page warns
# before, and a draft keeps what was typed.
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 30 * 60
SESSION_ABSOLUTE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
# What an authenticator app shows beside the code.
OTP_TOTP_ISSUER = "社会保险经办工作台"
# Passkeys: what the browser calls us beside one. They are bound to PUBLIC_URL, which later settings
# may name, so it is read when it is needed (portal/accounts/passkeys.py), and the library's check
# for a fixed list of addresses (E030) has nothing to read.
OTP_WEBAUTHN_RP_NAME = "社会保险网上办事大厅"
OTP_WEBAUTHN_RP_ID_CALLABLE = "portal.accounts.passkeys.domain"
OTP_WEBAUTHN_HELPER_CLASS = "portal.accounts.passkeys.Ceremony"
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False
OTP_WEBAUTHN_TIMEOUT_SECONDS = 5 * 60
SILENCED_SYSTEM_CHECKS = ["otp_webauthn.E030"]
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.web.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Lockout, for fifteen minutes: portal/accounts/lockout.py says when. Its handler answers 1 where
# the door is closed.
AXES_FAILURE_LIMIT = 1
AXES_LOCKOUT_PARAMETERS = ["ip_address", "username"]
AXES_COOLOFF_TIME = 0.25
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_HANDLER = "portal.accounts.lockout.Handler"
AXES_USERNAME_CALLABLE = "portal.accounts.lockout.counted_as"
AXES_CLIENT_IP_CALLABLE = "portal.accounts.lockout.client_address"
# What it keeps is for the log of the operator; the workbench shows nothing that is not under its
# own rules.
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_CALLABLE = "portal.accounts.lockout.locked_out"
AXES_SENSITIVE_PARAMETERS = ["password", "login", "clerk", "credit_code", "captcha_1", "csrfmiddlewaretoken"]
# How many reverse proxies of our own stand before the hall; X-Forwarded-For is read only that deep.
TRUSTED_PROXY_COUNT = int(os.environ.get("TRUSTED_PROXY_COUNT", "0"))

CAPTCHA_LENGTH = 4
CAPTCHA_TIMEOUT = 5
# Twice as fine as it is shown, for dense screens.
CAPTCHA_FONT_SIZE = 68
CAPTCHA_IMAGE_SIZE = (264, 96)
CAPTCHA_CHALLENGE_FUNCT = "portal.accounts.captcha.challenge"

CACHES = {
    "default": {
        "BACKEND": "portal.caching.Cache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "hall",
        # Seconds; what does not come in time is not in the cache (portal/caching.py).
        "OPTIONS": {"socket_connect_timeout": 0.3, "socket_timeout": 0.3},
    }
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A page that starts a task does not wait for a Redis that is gone: the schedule starts it, too.
CELERY_BROKER_CONNECTION_TIMEOUT = 1.0
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1.0, "socket_timeout": 30.0}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "portal.watch.pulses:WatchedScheduler"

# By how much time may jump from one ring of a task to the next before it is not believed
# (portal/watch/clock.py): tasks ring several times a minute.
CLOCK_LEAP: timedelta | None = timedelta(hours=36)

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("简体中文"))]
LOCALE_PATHS = [ROOT / "templates" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
FORMAT_MODULE_PATH = "portal.settings.formats"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_FINDERS = [
    "portal.web.stylesheets.JoiningFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
JOINED_STYLESHEETS = DATA_DIR / "stylesheets"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "uploads"},
    },
    "documents": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "documents"},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
# Where files of strangers are read: so many at once on this machine, and so many waiting.
ROOM_FOR_FILES = Room(DATA_DIR / "apart")

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Where files for the banks are put, and where their answers arrive.
BANK_EXCHANGE_DIR = Path(os.environ.get("BANK_EXCHANGE_DIR") or DATA_DIR / "exchange")

# Payment channels, and how many seconds to wait for a connection to a provider and for its whole
# answer.
PAYMENT_CHANNELS = payment.from_environment()
PAYMENT_TIMEOUTS = (3.0, 10.0)
# Where development keys are made, for the hall and for the gateway that stands in.
CHANNEL_KEYS_DIR = DATA_DIR / "keys" / "channels"

# The seal: key and certificates from files. Without a key no document leaves the hall.
SEAL_DIR = Path(os.environ.get("SEAL_DIR") or DATA_DIR / "keys")
# A token that holds the keys instead: its library (PKCS #11), its label and its PIN.
SEAL_PKCS11_MODULE = os.environ.get("SEAL_PKCS11_MODULE", "")
SEAL_PKCS11_TOKEN = os.environ.get("SEAL_PKCS11_TOKEN", "")
SEAL_PKCS11_PIN = os.environ.get("SEAL_PKCS11_PIN", "")
# The time stamp service (RFC 3161) of the seals; without one the hall states the time itself, with
# the key in time.pem.
TSA_URL = os.environ.get("TSA_URL", "")

# How many different people a login may look up by identity number in an hour; each look-up is
# recorded.
PERSON_LOOKUPS_PER_HOUR = int(os.environ.get("PERSON_LOOKUPS_PER_HOUR", "120"))

# Text messages: the class that sends them.
TEXT_MESSAGE_BACKEND = os.environ.get("TEXT_MESSAGE_BACKEND", "")

# The face check for whoever opens an account: the class that asks the provider ("" where there is
# none), the provider's address, and the secret that both sides sign with.
FACE_CHECK = os.environ.get("FACE_CHECK", "")
FACE_CHECK_URL = os.environ.get("FACE_CHECK_URL", "").rstrip("/")
FACE_CHECK_SECRET = os.environ.get("FACE_CHECK_SECRET", "")

# The single sign-on providers by city, as JSON: {"wuxi": {"issuer": "https://…", "client_id": "…",
# "client_secret": "…"}}; a city whose data name one shows its door only where it stands here.
SINGLE_SIGN_ON: dict[str, dict[str, str]] = json.loads(os.environ.get("SINGLE_SIGN_ON") or "{}")

# The household register that applications are compared against.
HOUSEHOLD_REGISTER = os.environ.get("HOUSEHOLD_REGISTER", "portal.registers.household.LocalRegister")
BIRTH_REGISTER = os.environ.get("BIRTH_REGISTER", "portal.registers.birth.LocalRegister")
BUSINESS_REGISTER = os.environ.get("BUSINESS_REGISTER", "portal.registers.business.LocalRegister")
PENSION_REGISTER = os.environ.get("PENSION_REGISTER", "portal.registers.pension.LocalRegister")
BANK_REGISTER = os.environ.get("BANK_REGISTER", "portal.registers.bank.LocalRegister")
MEDICAL_ACCOUNT_REGISTER = os.environ.get(
    "MEDICAL_ACCOUNT_REGISTER", "portal.registers.medical.LocalRegister"
)

# The address that people reach the hall by; it is printed in proofs and in their QR codes.
PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
# Whom security.txt names: a mailto: or https: address.
SECURITY_CONTACT = os.environ.get("SECURITY_CONTACT", "")

# A demo shows text messages on a page and names its accounts.
DEMO = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "portal.shared.logs.MaskingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    # It tells of every step of every page at INFO.
    "loggers": {"weasyprint.progress": {"level": "WARNING"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
}

# Requests are logged through the same handlers, so that what they say is masked too.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        as_log_line,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

# The API: partners sign their requests, nothing in it goes by a session. What a view of it is,
# PartnerView says.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.partners.problems.answer",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "社保网上办事大厅接口",
    "DESCRIPTION": "供银行、城市服务和学校等合作方调用。每个请求按 RFC 9421 签名，签名方法、错误代码和示例见 docs/api.md。",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": PUBLIC_URL}],
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "COMPONENT_SPLIT_REQUEST": True,
    # Other rooms know fewer insurances; these have the plain name.
    "ENUM_NAME_OVERRIDES": {"InsuranceEnum": "portal.shared.insurance.INSURANCE_CHOICES"},
}
# The hall's own key, by which it signs its answers; without it they are not signed.
API_KEY_FILE = Path(os.environ.get("API_KEY_FILE") or DATA_DIR / "keys" / "api.pem")

UNFOLD = {
    "SITE_TITLE": _("社会保险经办工作台"),
    "SITE_HEADER": _("社会保险经办工作台"),
    "SITE_SUBHEADER": _("办件、参保、征缴与证明"),
    "SITE_URL": "/",
    "SHOW_HISTORY": False,
    "THEME": "light",
    "DASHBOARD_CALLBACK": "portal.hall.workbench.front",
    "SIDEBAR": {"navigation": "portal.hall.workbench.navigation"},
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/favicon.svg")}
    ],
    "TABS": "portal.hall.workbench.tabs",
    "STYLES": [lambda request: static("css/workbench.css")],
    "SCRIPTS": [lambda request: static("js/workbench.js")],
    "COLORS": {
        "primary": {
            "50": "239 244 251",
            "100": "219 231 246",
            "200": "185 208 237",
            "300": "139 175 222",
            "400": "84 133 200",
            "500": "42 96 170",
            "600": "18 71 140",
            "700": "14 58 116",
            "800": "12 48 96",
            "900": "10 38 76",
            "950": "6 25 50",
        }
    },
}
