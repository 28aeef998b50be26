"""The schedule of the tasks of money, in China's time, with the reason for each time."""

from celery.schedules import crontab

SCHEDULE = {
    # Before offices open, every day: cities have their own charging days, and late registrations
    # are charged the next morning.
    "charge-due": {"task": "contributions.tasks.debit.charge_due", "schedule": crontab(hour=1, minute=10)},
    # After the night's charges, and every hour besides: what was paid by other roads or registered
    # late shows the same day.
    "draw-up-assessments": {
        "task": "contributions.tasks.assessments.draw_up_assessments",
        "schedule": crontab(minute=40),
    },
    # Bills end by the day; nobody waits for it.
    "lapse-bills": {
        "task": "contributions.tasks.assessments.lapse_bills",
        "schedule": crontab(hour=0, minute=20),
    },
    # The day is over, and an order of its last minutes has ended.
    "lapse-lump-sums": {
        "task": "contributions.tasks.orders.lapse_lump_sums",
        "schedule": crontab(hour=1, minute=20),
    },
    # On the first of a month the last one is over; nobody is woken by the message.
    "tell-finished-deferrals": {
        "task": "contributions.tasks.orders.tell_finished_deferrals",
        "schedule": crontab(hour=9, minute=50),
    },
    # Nobody is woken by the message.
    "tell-ending-lump-sums": {
        "task": "contributions.tasks.orders.tell_ending_lump_sums",
        "schedule": crontab(hour=9, minute=40),
    },
    # Whoever settles what they owe learns the same hour that it goes on.
    "resume-settled": {"task": "contributions.tasks.debit.resume_settled", "schedule": crontab(minute=20)},
    # After midnight the day's deposits are in the accounts, and the banks take files until the
    # evening.
    "open-due-batches": {
        "task": "contributions.tasks.debit.open_due_batches",
        "schedule": crontab(hour=2, minute=10),
    },
    # A batch that was released leaves within a minute; one that could not be written is tried
    # again.
    "send-batches": {"task": "contributions.tasks.debit.send_batches", "schedule": crontab()},
    # Banks answer when they please.
    "read-answers": {"task": "contributions.tasks.debit.read_answers", "schedule": crontab()},
    # People look for 已缴 soon after the bank has answered.
    "post-answers": {"task": "contributions.tasks.debit.post_answers", "schedule": crontab()},
    # Whoever has paid waits before the page: what a provider did not tell by itself is asked for
    # soon.
    "ask-payments": {"task": "contributions.tasks.orders.ask_payments", "schedule": 20.0},
    # An order that is over holds its months for nobody; a minute late harms no one.
    "end-overdue-orders": {"task": "contributions.tasks.orders.end_overdue_orders", "schedule": crontab()},
    # Banks open at full hours of the day, some at half: within a minute after, what waited is
    # started.
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
    # The day is over, and what was booked at its last minute has been committed; a month can be
    # closed the same morning.
    "make-day-sheets": {
        "task": "contributions.tasks.books.make_day_sheets",
        "schedule": crontab(hour=0, minute=40),
    },
    # A rate comes with a new version of the policy, once a year; at night nobody waits for the
    # books.
    "credit-account-interest": {
        "task": "contributions.tasks.books.credit_account_interest",
        "schedule": crontab(hour=4, minute=10),
    },
    # After the night's charges, interest and refunds, before the offices open: what is amiss stands
    # there in the morning.
    "audit-books": {
        "task": "contributions.tasks.books.audit_books",
        "schedule": crontab(hour=5, minute=10),
    },
    # A day's file is due at half past midnight; what was missed is made at the next ring.
    "make-day-files": {
        "task": "contributions.tasks.partners.make_day_files",
        "schedule": crontab(minute="*/15"),
    },
}
