"""The schedule of the tasks about appointments, in China's time, with the reason for each time."""

from celery.schedules import crontab

SCHEDULE = {
    # At the end of an office day, when whoever cannot come may still say so.
    "remind-of-appointments": {
        "task": "portal.appointments.tasks.remind_of_appointments",
        "schedule": crontab(hour=17, minute=0),
    },
    # Twice an hour while places close, and once more in the evening.
    "note-missed-appointments": {
        "task": "portal.appointments.tasks.note_missed_appointments",
        "schedule": crontab(hour="11-21", minute="10,40"),
    },
}
