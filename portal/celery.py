"""The Celery application. A task only starts work: the truth, and what is left to do, is
in PostgreSQL."""

import os

from celery import Celery

from portal.schedule import slots
from portal.watch.pulses import WorkerPulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")

app = Celery("portal")
# In every thread, whatever asked for an application before this one was there.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = slots()
app.steps["worker"].add(WorkerPulse)
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="seal_tasks")
