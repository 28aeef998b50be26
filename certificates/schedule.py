"""What the clock rings for about proofs, and why then. Times are China's."""

from celery.schedules import crontab

SCHEDULE = {
    # A run over proofs begins within a minute; it rings by itself while there is more.
    "go-on-resealing": {"task": "certificates.seal_tasks.go_on_resealing", "schedule": crontab()},
    # Authorities publish lists once a day or a week; whoever fails is asked again before the old
    # one ends.
    "refresh-revocation-lists": {
        "task": "certificates.seal_tasks.refresh_revocation_lists",
        "schedule": crontab(minute=50),
    },
    # Whoever asked for proofs of all their staff watches the bar; between two rings others have
    # their turn.
    "make-staff-proofs": {"task": "certificates.tasks.make_staff_proofs", "schedule": 45.0},
    # What may be downloaded no more is deleted before the offices open.
    "delete-expired-archives": {
        "task": "certificates.tasks.delete_expired_archives",
        "schedule": crontab(hour=3, minute=40),
    },
}
