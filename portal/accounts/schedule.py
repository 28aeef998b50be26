"""The schedule of the tasks about logins, in China's time, with the reason for each time."""

from celery.schedules import crontab

SCHEDULE = {
    # Who has to do something learns it within the hour; what is many is spread over minutes.
    "send-text-messages": {"task": "portal.accounts.tasks.send_text_messages", "schedule": crontab()},
    # Sessions that are over, and forms that waited for the next one: personal data that nobody
    # comes back for.
    "forget-ended-sessions": {
        "task": "portal.accounts.tasks.forget_ended_sessions",
        "schedule": crontab(minute=20),
    },
    # Whoever asks for pictures without end fills no table.
    "forget-captchas": {"task": "portal.accounts.tasks.forget_captchas", "schedule": crontab()},
}
