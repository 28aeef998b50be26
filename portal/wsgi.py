"""The WSGI entrance, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")

application = get_wsgi_application()

# Pages ring for tasks, too: without the application they would look for a broker at Celery's
# default address.
import portal.celery  # noqa: E402, F401
