"""The hall in service: behind TLS, several machines, secrets from the environment."""

from .base import *

ALLOWED_HOSTS = [host for host in required("ALLOWED_HOSTS").split(",") if host]
TEXT_MESSAGE_BACKEND = required("TEXT_MESSAGE_BACKEND")
# Registers outside; the hall's own tables stand in for them in a demo only
# (portal/web/deployment.py).
HOUSEHOLD_REGISTER = required("HOUSEHOLD_REGISTER")
BIRTH_REGISTER = required("BIRTH_REGISTER")
BUSINESS_REGISTER = required("BUSINESS_REGISTER")
PENSION_REGISTER = required("PENSION_REGISTER")
BANK_REGISTER = required("BANK_REGISTER")
MEDICAL_ACCOUNT_REGISTER = required("MEDICAL_ACCOUNT_REGISTER")
PUBLIC_URL = required("PUBLIC_URL").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
