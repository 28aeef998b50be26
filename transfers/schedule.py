"""What the clock rings for about transfers, and why then. Times are China's."""

from celery.schedules import crontab

SCHEDULE = {
    # Before offices open: who lets a transfer lie finds the reminder in the morning.
    "chase-late-transfers": {
        "task": "transfers.tasks.chase_late",
        "schedule": crontab(hour=7, minute=30),
    },
}
