"""What the clock rings for about partners, and why then. Times are China's."""

from celery.schedules import crontab

SCHEDULE = {
    # Nonces of signatures that are over, when few partners ask.
    "forget-nonces": {"task": "portal.partners.tasks.forget_nonces", "schedule": crontab(hour=3, minute=25)},
}
