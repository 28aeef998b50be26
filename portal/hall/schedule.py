"""The schedule of the tasks of cases and drafts, in China's time, with the reasons."""

from celery.schedules import crontab

SCHEDULE = {
    # Drafts that nobody touched for weeks are dropped at an hour when nobody types.
    "forget-old-drafts": {
        "task": "portal.hall.tasks.forget_old_drafts",
        "schedule": crontab(hour=3, minute=10),
    },
    # Told in the morning, when the windows are open and there is a day to plan.
    "tell-ending-pre-applications": {
        "task": "portal.hall.tasks.tell_ending_pre_applications",
        "schedule": crontab(hour=9, minute=5),
    },
    "tell-ending-amendments": {
        "task": "portal.hall.tasks.tell_ending_amendments",
        "schedule": crontab(hour=9, minute=10),
    },
    # Ended after the last day is over, before the windows open.
    "end-unanswered-amendments": {
        "task": "portal.hall.tasks.end_unanswered_amendments",
        "schedule": crontab(hour=1, minute=25),
    },
    "end-unclaimed-pre-applications": {
        "task": "portal.hall.tasks.end_unclaimed_pre_applications",
        "schedule": crontab(hour=1, minute=20),
    },
}
