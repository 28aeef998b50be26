"""The schedule of the tasks about logins, in China's time, with the reason for each time."""

from celery.schedules import crontab

SCHEDULE = {
    # Who has to do something learns it within the hour; what is many is spread over minutes.
    "send-text-messages": {"task": "portal.accounts.tasks.send_text_messages", "schedule": crontab()},
    # Once a day, at an hour when a text message wakes nobody.
    "tell-who-comes-of-age": {
        "task": "portal.accounts.tasks.tell_who_comes_of_age",
        "schedule": crontab(hour=9, minute=5),
    },
    # Sessions that are over, and forms that waited for the next one: personal data that nobody
    # comes back for.
    "forget-ended-sessions": {
        "task": "portal.accounts.tasks.forget_ended_sessions",
        "schedule": crontab(minute=20),
    },
    # Whoever asks for pictures without end fills no table.
    "forget-captchas": {"task": "portal.accounts.tasks.forget_captchas", "schedule": crontab()},
}
