"""The audit's checks of transfers: what left one city arrived in another or is under way, to the
month and to the fen; no month counts twice; each move is in the life cycle and has its event."""

from contributions.audit.check import Check
from transfers.machine import TRANSFER_LIFE_CYCLE

# Each release booked out what its record says; each return booked back the whole of it.
_OUT = """
    SELECT format('转出记录 %s：记账与记录不符', gone.key)
    FROM contributions_movedout gone
    LEFT JOIN contributions_accountmovement took ON took.key = gone.key
    LEFT JOIN contributions_accountmovement back ON back.key = replace(gone.key, 'transfer-out/', 'transfer-back/')
    WHERE (coalesce(-took.amount_fen, 0), coalesce(-took.pooled_fen, 0)) <> (gone.account_fen, gone.pooled_fen)
        OR (gone.live AND back.id IS NOT NULL)
        OR (NOT gone.live
            AND (coalesce(back.amount_fen, 0), coalesce(back.pooled_fen, 0)) <> (gone.account_fen, gone.pooled_fen))
"""

# The sum booked in equals the sum that left; a transfer before its receipt has no booking.
_IN = """
    SELECT format('转移 %s：转入记账与转出不符', transfer.number)
    FROM transfers_transfer transfer
    LEFT JOIN contributions_accountmovement came
        ON came.key = 'transfer-in/' || transfer.number || '/' || transfer.releases
    LEFT JOIN contributions_movedout gone ON gone.id = transfer.moved_out_id
    WHERE (transfer.status IN ('received', 'merged') AND transfer.to_city <> ''
            AND (coalesce(came.amount_fen, 0), coalesce(came.pooled_fen, 0)) <>
                (coalesce(gone.account_fen, (transfer.information ->> 'account_fen')::bigint),
                 coalesce(gone.pooled_fen, (transfer.information ->> 'pooled_fen')::bigint)))
        OR ((transfer.status NOT IN ('received', 'merged') OR transfer.to_city = '') AND came.id IS NOT NULL)
"""

# The clearing accounts of two cities add up to the money under way between them.
_CLEARING = """
    SELECT format('%s 与 %s 的%s转移清算合计 %s 分，在途 %s 分', one, other, insurance, coalesce(booked.fen, 0),
        coalesce(away.fen, 0))
    FROM (
        SELECT least(account.city, account.channel) AS one, greatest(account.city, account.channel) AS other,
            account.insurance, -sum(leg.amount_fen) AS fen
        FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
        WHERE account.kind = 'transfer' AND account.channel <> 'outside'
        GROUP BY least(account.city, account.channel), greatest(account.city, account.channel), account.insurance
    ) booked
    FULL JOIN (
        SELECT least(gone.city, gone.to_city) AS one, greatest(gone.city, gone.to_city) AS other, gone.insurance,
            sum(gone.account_fen + gone.pooled_fen) AS fen
        FROM transfers_transfer transfer JOIN contributions_movedout gone ON gone.id = transfer.moved_out_id
        WHERE transfer.status = 'released' AND gone.to_city <> ''
        GROUP BY least(gone.city, gone.to_city), greatest(gone.city, gone.to_city), gone.insurance
    ) away USING (one, other, insurance)
    WHERE coalesce(booked.fen, 0) <> coalesce(away.fen, 0)
"""

# The months that left are paid months of the city and months that were brought in there before.
_MONTHS_OUT = """
    SELECT format('转出记录 %s：记 %s 个月，实有 %s 个月', gone.key, gone.months,
        coalesce(own.months, 0) + coalesce(along.months, 0))
    FROM contributions_movedout gone
    LEFT JOIN LATERAL (
        SELECT count(charge.id) AS months
        FROM contributions_movedoutperiod period
        JOIN contributions_charge charge ON charge.person_id = gone.person_id AND charge.insurance = gone.insurance
            AND charge.city = gone.city AND charge.live AND charge.status = 'paid'
            AND charge.month >= period.start AND charge.month < period.until
        WHERE period.moved_out_id = gone.id AND period.person_id = gone.person_id AND period.insurance = gone.insurance
    ) own ON true
    LEFT JOIN LATERAL (
        SELECT sum(came.months) AS months FROM contributions_broughtin came
        WHERE came.moved_on_id = gone.id AND came.city = gone.city
    ) along ON true
    WHERE gone.live AND gone.months <> coalesce(own.months, 0) + coalesce(along.months, 0)
"""

# The record brought in equals the record moved out in months and fen; its periods have its months.
_MONTHS_IN = """
    SELECT format('转入记录 %s：与转出记录或逐月记录不符', came.key)
    FROM contributions_broughtin came
    LEFT JOIN contributions_movedout gone ON gone.id = came.moved_out_id
    LEFT JOIN LATERAL (
        SELECT count(*) AS periods, bool_and(period.live = (came.moved_on_id IS NULL)) AS alike,
            bool_and(period.person_id = came.person_id AND period.insurance = came.insurance) AS own,
            sum((date_part('year', age(period.until, period.start)) * 12
                + date_part('month', age(period.until, period.start)))::bigint) AS months,
            min(period.start) AS start, max(period.until) AS until
        FROM contributions_broughtinperiod period WHERE period.brought_in_id = came.id
    ) told ON true
    WHERE told.months IS DISTINCT FROM came.months OR NOT told.alike OR NOT told.own
        OR (told.start, told.until) <> (came.start, came.until)
        OR (gone.id IS NOT NULL AND (
            NOT gone.live
            OR (gone.person_id, gone.insurance, gone.city, gone.to_city, gone.months, gone.account_fen, gone.pooled_fen)
                <> (came.person_id, came.insurance, came.from_city, came.city, came.months, came.account_fen, came.pooled_fen)
            OR gone.wages <> came.wages))
"""

_TWICE = """
    SELECT format('%s 的 %s %s：既在转入记录中，又有没有转出的缴费', charge.person_id, charge.insurance,
        to_char(charge.month, 'YYYY-MM'))
    FROM contributions_broughtinperiod came
    JOIN contributions_charge charge ON charge.person_id = came.person_id AND charge.insurance = came.insurance
        AND charge.month >= came.start AND charge.month < came.until AND charge.live AND charge.status = 'paid'
    WHERE came.live AND NOT EXISTS (
        SELECT 1 FROM contributions_movedoutperiod gone
        WHERE gone.person_id = charge.person_id AND gone.insurance = charge.insurance AND gone.live
            AND gone.start <= charge.month AND charge.month < gone.until
    )
    UNION ALL
    SELECT format('%s 的 %s：转入月份重叠', one.person_id, one.insurance)
    FROM contributions_broughtinperiod one
    JOIN contributions_broughtinperiod other ON other.person_id = one.person_id AND other.insurance = one.insurance
        AND other.id > one.id AND other.live AND other.start < one.until AND one.start < other.until
    WHERE one.live
"""

# A record moved out belongs to a transfer exactly while it is live. Between two cities of the hall
# the record brought in exists exactly when the transfer is merged.
_UNDER_WAY = """
    SELECT format('转出记录 %s：没有在途或办结的转移与之对应', gone.key)
    FROM contributions_movedout gone LEFT JOIN transfers_transfer transfer ON transfer.moved_out_id = gone.id
    LEFT JOIN contributions_broughtin came ON came.moved_out_id = gone.id
    WHERE gone.live IS DISTINCT FROM (transfer.id IS NOT NULL)
        OR (gone.live AND gone.to_city <> '' AND (came.id IS NOT NULL) <> (transfer.status = 'merged'))
"""

_TABLE = TRANSFER_LIFE_CYCLE.moves_sql

_EVENTS = f"""
    SELECT format('转移 %s：状态与经过不符', transfer.number)
    FROM transfers_transfer transfer
    LEFT JOIN LATERAL (
        SELECT event.to_status FROM transfers_transferevent event
        WHERE event.transfer_id = transfer.id ORDER BY event.id DESC LIMIT 1
    ) last ON true
    WHERE last.to_status IS DISTINCT FROM transfer.status
    UNION ALL
    SELECT format('转移 %s：%s → %s 不在规定之内', event.transfer_id, event.from_status, event.to_status)
    FROM (
        SELECT transfer_id, from_status, to_status,
            coalesce(lag(to_status) OVER (PARTITION BY transfer_id ORDER BY id), '') AS before
        FROM transfers_transferevent
    ) event
    WHERE event.from_status <> event.before
        OR (event.before = '' AND event.to_status <> 'applied')
        OR (event.before <> '' AND (event.from_status, event.to_status) NOT IN ({_TABLE}))
"""  # noqa: S608 - the statuses are constants

_BY_TWO = """
    SELECT format('转移 %s 的转出由提出人自己复核', transfer_id) FROM transfers_release
    WHERE status = 'approved' AND ended_by_id = proposed_by_id
"""

CHECKS = (
    *(Check(14, rows) for rows in (_OUT, _IN, _CLEARING, _MONTHS_OUT, _MONTHS_IN, _TWICE, _UNDER_WAY)),
    Check(6, _EVENTS),
    Check(12, _BY_TWO),
)
