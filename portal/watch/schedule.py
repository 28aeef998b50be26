"""The schedule of the tasks about failures, in China's time, with the reason for each time."""

from celery.schedules import crontab

SCHEDULE = {
    # What failed in spring is no help in autumn.
    "forget-resolved-failures": {
        "task": "portal.watch.tasks.forget_resolved",
        "schedule": crontab(hour=3, minute=50),
    },
}
