"""What the clock rings for about cases and drafts, and why then. Times are China's."""

from celery.schedules import crontab

SCHEDULE = {
    # Drafts that nobody touched for weeks are dropped at an hour when nobody types.
    "forget-old-drafts": {
        "task": "portal.hall.tasks.forget_old_drafts",
        "schedule": crontab(hour=3, minute=10),
    },
}
