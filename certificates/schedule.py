"""The schedule of the tasks about proofs, in China's time, with the reason for each time."""

from celery.schedules import crontab

SCHEDULE = {
    # A run begins within a minute; the task starts itself again while there is more.
    "go-on-resealing": {"task": "certificates.seal_tasks.go_on_resealing", "schedule": crontab()},
    # Authorities publish lists once a day or a week; a failed fetch is repeated before the old list
    # ends.
    "refresh-revocation-lists": {
        "task": "certificates.seal_tasks.refresh_revocation_lists",
        "schedule": crontab(minute=50),
    },
    # The clerk who asked for a batch watches its progress; between two runs other tasks can run.
    "make-staff-proofs": {"task": "certificates.tasks.make_staff_proofs", "schedule": 45.0},
    # Archives that can no longer be downloaded are deleted before offices open.
    "delete-expired-archives": {
        "task": "certificates.tasks.delete_expired_archives",
        "schedule": crontab(hour=3, minute=40),
    },
}
