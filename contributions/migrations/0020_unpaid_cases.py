from django.db import migrations

# What was called done when it was filed, and waits for money or never got it. The history keeps that it was called done once, and
# says beneath it how it stands.
_TRIGGER = "pgtrigger_case_moves_by_the_table_0f443"

STANDS = f"""
ALTER TABLE hall_case DISABLE TRIGGER {_TRIGGER};

UPDATE hall_case filed
SET status = CASE WHEN orders.status = 'open' THEN 'to_pay' ELSE 'lapsed' END,
    decided_at = CASE WHEN orders.status = 'open' THEN NULL ELSE orders.ended_at END,
    reason = CASE orders.status WHEN 'open' THEN filed.reason WHEN 'expired' THEN '订单超过支付时间没有支付，已自动取消。'
        ELSE '订单已取消，没有支付。' END
FROM contributions_order orders
WHERE orders.key = filed.key AND filed.status = 'done' AND orders.status IN ('open', 'cancelled', 'expired');

UPDATE hall_case filed
SET status = CASE WHEN bill.status = 'open' THEN 'to_pay' ELSE 'lapsed' END,
    decided_at = CASE WHEN bill.status = 'open' THEN NULL ELSE bill.ended_at END,
    reason = CASE WHEN bill.status = 'open' THEN filed.reason ELSE '没有在最后缴款日期前汇足，补缴单已失效。' END
FROM contributions_arrearsbill bill
WHERE bill.case_id = filed.id AND filed.status = 'done' AND bill.status IN ('open', 'lapsed');

UPDATE hall_case filed
SET status = CASE WHEN asked.under_way THEN 'to_debit' ELSE 'lapsed' END,
    decided_at = CASE WHEN asked.under_way THEN NULL ELSE asked.ended_at END,
    reason = CASE WHEN asked.under_way THEN filed.reason ELSE '没有全部扣到款，可以重新申报。' END
FROM (
    SELECT request.case_id, max(request.ended_at) AS ended_at, bool_and(charge.status = 'paid') AS paid,
        bool_or(
            request.live OR coalesce(line.status IN ('pending', 'missing'), false)
            OR coalesce(line.status = 'paid' AND charge.status = 'owed', false)
        ) AS under_way
    FROM contributions_recollectrequest request
    JOIN contributions_charge charge ON charge.id = request.charge_id
    LEFT JOIN contributions_debitline line ON line.id = request.line_id
    WHERE request.case_id IS NOT NULL
    GROUP BY request.case_id
) asked
WHERE asked.case_id = filed.id AND filed.status = 'done' AND (asked.under_way OR NOT asked.paid);

ALTER TABLE hall_case ENABLE TRIGGER {_TRIGGER};

INSERT INTO hall_caseevent (case_id, at, actor_id, from_status, to_status, note)
SELECT filed.id, now(), coalesce((SELECT id FROM accounts_user WHERE username = 'system'), filed.filed_by_id), 'submitted', waited.status,
    '更正：款项到账后才办结'
FROM hall_case filed
CROSS JOIN LATERAL (
    SELECT CASE WHEN filed.status <> 'lapsed' THEN filed.status
        WHEN EXISTS (SELECT 1 FROM contributions_recollectrequest request WHERE request.case_id = filed.id) THEN 'to_debit'
        ELSE 'to_pay' END AS status
) waited
WHERE filed.status IN ('to_pay', 'to_debit', 'lapsed');

INSERT INTO hall_caseevent (case_id, at, actor_id, from_status, to_status, note)
SELECT event.case_id, event.at, event.actor_id, event.to_status, 'lapsed', filed.reason
FROM hall_case filed JOIN hall_caseevent event ON event.case_id = filed.id AND event.to_status IN ('to_pay', 'to_debit')
WHERE filed.status = 'lapsed';
"""  # noqa: S608 - the trigger's name is a constant


class Migration(migrations.Migration):
    """Cases that ask for money are done when the money is there: those that stand are set right."""

    dependencies = [
        ("accounts", "0001_initial"),
        ("contributions", "0019_refunds_of_a_payment"),
        ("hall", "0004_money_is_waited_for"),
    ]

    operations = [migrations.RunSQL(STANDS, migrations.RunSQL.noop)]
