"""The schedule of the tasks about coverage, in China's time, with the reason for each time."""

from celery.schedules import crontab

SCHEDULE = {
    # In the morning, when whoever has not come to the window can still come that day.
    "remind-of-first-cards": {
        "task": "enrollment.tasks.remind_of_first_cards",
        "schedule": crontab(hour=8, minute=40),
    },
}
