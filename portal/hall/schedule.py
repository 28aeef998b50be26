"""The schedule of the tasks of cases and drafts, in China's time, with the reasons."""

from celery.schedules import crontab

SCHEDULE = {
    # Drafts that nobody touched for weeks are dropped at an hour when nobody types.
    "forget-old-drafts": {
        "task": "portal.hall.tasks.forget_old_drafts",
        "schedule": crontab(hour=3, minute=10),
    },
}
