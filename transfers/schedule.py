"""The schedule of the tasks about transfers, in China's time, with the reason for each time."""

from celery.schedules import crontab

SCHEDULE = {
    # Before offices open, so that staff find the reminder in the morning.
    "chase-late-transfers": {
        "task": "transfers.tasks.chase_late",
        "schedule": crontab(hour=7, minute=30),
    },
}
