"""What the clock rings for about failures, and why then. Times are China's."""

from celery.schedules import crontab

SCHEDULE = {
    # What failed in spring is no help in autumn.
    "forget-resolved-failures": {
        "task": "portal.watch.tasks.forget_resolved",
        "schedule": crontab(hour=3, minute=50),
    },
}
