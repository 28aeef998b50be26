"""All that beat does, and why then. Times are China's; the tasks read in the database what is left to do, so that a missed
slot is caught up at the next."""

from celery.schedules import crontab

BEAT_SCHEDULE = {
    # Before offices open, every day: cities have their own charging days, and late registrations are charged the next morning.
    "charge-due": {"task": "contributions.tasks.debit.charge_due", "schedule": crontab(hour=1, minute=10)},
    # After the night's charges, and every hour besides: what was paid by other roads or registered late shows the same day.
    "draw-up-assessments": {
        "task": "contributions.tasks.assessments.draw_up_assessments",
        "schedule": crontab(minute=40),
    },
    # Bills end by the day; nobody waits for it.
    "lapse-bills": {
        "task": "contributions.tasks.assessments.lapse_bills",
        "schedule": crontab(hour=0, minute=20),
    },
    # Whoever settles what they owe learns the same hour that it goes on.
    "resume-settled": {"task": "contributions.tasks.debit.resume_settled", "schedule": crontab(minute=20)},
    # After midnight the day's deposits are in the accounts, and the banks take files until the evening.
    "open-due-batches": {
        "task": "contributions.tasks.debit.open_due_batches",
        "schedule": crontab(hour=2, minute=10),
    },
    # A batch that was released leaves within a minute; one that could not be written is tried again.
    "send-batches": {"task": "contributions.tasks.debit.send_batches", "schedule": crontab()},
    # Banks answer when they please.
    "read-answers": {"task": "contributions.tasks.debit.read_answers", "schedule": crontab()},
    # People look for 已缴 soon after the bank has answered.
    "post-answers": {"task": "contributions.tasks.debit.post_answers", "schedule": crontab()},
    # Whoever has paid waits before the page: what a provider did not tell by itself is asked for soon.
    "ask-payments": {"task": "contributions.tasks.orders.ask_payments", "schedule": 20.0},
    # An order that is over holds its months for nobody; a minute late harms no one.
    "end-overdue-orders": {"task": "contributions.tasks.orders.end_overdue_orders", "schedule": crontab()},
    # Banks open at full hours of the day, some at half: within a minute after, what waited is started.
    "start-queued-payments": {
        "task": "contributions.tasks.orders.start_queued_payments",
        "schedule": crontab(),
    },
    # Whoever is given money back waits for days at their bank; a minute here harms no one.
    "send-refunds": {"task": "contributions.tasks.orders.send_refunds", "schedule": crontab()},
    # After the night's postings: what was paid twice lies in the collectors' queue in the morning.
    "draft-refunds": {
        "task": "contributions.tasks.orders.draft_refunds",
        "schedule": crontab(hour=4, minute=40),
    },
    # The day is over, and what was booked at its last minute has been committed; a month can be closed the same morning.
    "make-day-sheets": {
        "task": "contributions.tasks.books.make_day_sheets",
        "schedule": crontab(hour=0, minute=40),
    },
    # A rate comes with a new version of the policy, once a year; at night nobody waits for the books.
    "credit-account-interest": {
        "task": "contributions.tasks.books.credit_account_interest",
        "schedule": crontab(hour=4, minute=10),
    },
    # After the night's charges, interest and refunds, before the offices open: what is amiss stands there in the morning.
    "audit-books": {
        "task": "contributions.tasks.books.audit_books",
        "schedule": crontab(hour=5, minute=10),
    },
    # A day's file is due at half past midnight; what was missed is made at the next ring.
    "make-day-files": {
        "task": "contributions.tasks.partners.make_day_files",
        "schedule": crontab(minute="*/15"),
    },
    # Who has to do something learns it within the hour; what is many is spread over minutes.
    "send-text-messages": {"task": "portal.accounts.tasks.send_text_messages", "schedule": crontab()},
    # Sessions that are over, and forms that waited for the next one: personal data that nobody comes back for.
    "forget-ended-sessions": {
        "task": "portal.accounts.tasks.forget_ended_sessions",
        "schedule": crontab(minute=20),
    },
    # Whoever asks for pictures without end fills no table.
    "forget-captchas": {"task": "portal.accounts.tasks.forget_captchas", "schedule": crontab()},
    # What failed in spring is no help in autumn.
    "forget-resolved-failures": {
        "task": "portal.watch.tasks.forget_resolved",
        "schedule": crontab(hour=3, minute=50),
    },
    # Nonces of signatures that are over, when few partners ask.
    "forget-nonces": {"task": "portal.partners.tasks.forget_nonces", "schedule": crontab(hour=3, minute=25)},
    # A run over proofs begins within a minute; it rings by itself while there is more.
    "go-on-resealing": {"task": "certificates.seal_tasks.go_on_resealing", "schedule": crontab()},
    # Authorities publish lists once a day or a week; whoever fails is asked again before the old one ends.
    "refresh-revocation-lists": {
        "task": "certificates.seal_tasks.refresh_revocation_lists",
        "schedule": crontab(minute=50),
    },
    # Before offices open: who lets a transfer lie finds the reminder in the morning.
    "chase-late-transfers": {
        "task": "transfers.tasks.chase_late",
        "schedule": crontab(hour=7, minute=30),
    },
    # Drafts that nobody touched for weeks are dropped at an hour when nobody types.
    "forget-old-drafts": {
        "task": "portal.hall.tasks.forget_old_drafts",
        "schedule": crontab(hour=3, minute=10),
    },
    # Whoever asked for proofs of all their staff watches the bar; between two rings others have their turn.
    "make-staff-proofs": {"task": "certificates.tasks.make_staff_proofs", "schedule": 45.0},
    # What may be downloaded no more is deleted before the offices open.
    "delete-expired-archives": {
        "task": "certificates.tasks.delete_expired_archives",
        "schedule": crontab(hour=3, minute=40),
    },
}
