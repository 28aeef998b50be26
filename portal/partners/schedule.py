"""The schedule of the tasks about partners, in China's time, with the reason for each time."""

from celery.schedules import crontab

SCHEDULE = {
    # Nonces of signatures that are over, when few partners ask.
    "forget-nonces": {"task": "portal.partners.tasks.forget_nonces", "schedule": crontab(hour=3, minute=25)},
}
