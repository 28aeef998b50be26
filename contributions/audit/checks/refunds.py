"""What must hold of refunds, as (number of the invariant, query for the rows that break it);
``audit`` runs them."""

from contributions.models import REFUND_LIFE_CYCLE, RefundStatus

_MOVES = REFUND_LIFE_CYCLE.moves_sql

CHECKS: tuple[tuple[int, str], ...] = (
    (
        2,
        """
        SELECT format('退款 %s 为 %s，没有分录或流水号', number, status) FROM contributions_refund
        WHERE (status = 'succeeded') <> (entry_id IS NOT NULL AND provider_number <> '')
        """,
    ),
    (
        2,
        """
        SELECT format('%s %s 登记了 %s 笔退款', channel, provider_number, count(*)) FROM contributions_refund
        WHERE provider_number <> '' GROUP BY channel, provider_number HAVING count(*) > 1
        """,
    ),
    (
        6,
        f"""
        SELECT format('退款 %s：%s → %s 不在规定之内', refund_id, before, status) FROM (
            SELECT refund_id, status, lag(status) OVER (PARTITION BY refund_id ORDER BY id) AS before
            FROM contributions_refundevent
        ) event
        WHERE (before IS NULL AND status <> '{RefundStatus.DRAFTED}')
            OR (before IS NOT NULL AND (before, status) NOT IN ({_MOVES}))
        """,  # noqa: S608 - the table of moves is a constant
    ),
    (
        6,
        """
        SELECT format('退款 %s 的状态 %s 没有经过记录', number, status) FROM contributions_refund refund
        WHERE NOT EXISTS (
            SELECT 1 FROM contributions_refundevent event WHERE event.refund_id = refund.id AND event.status = refund.status
        )
        """,
    ),
    (
        10,
        """
        SELECT format('到账 %s %s 为 %s 分（%s），退款合计 %s 分', receipt.channel, receipt.provider_number,
            receipt.amount_fen, CASE WHEN receipt.applied THEN '已入账' ELSE '未入账' END, sum(part.amount_fen))
        FROM contributions_receipt receipt JOIN contributions_refundpart part ON part.receipt_id = receipt.id
        JOIN contributions_refund refund ON refund.id = part.refund_id
        LEFT JOIN contributions_takenback taken_back ON taken_back.receipt_id = receipt.id
        WHERE refund.status NOT IN ('refused', 'failed')
        GROUP BY receipt.id, taken_back.amount_fen HAVING sum(part.amount_fen) >
            CASE WHEN receipt.applied THEN coalesce(taken_back.amount_fen, 0) ELSE receipt.amount_fen END
        """,
    ),
    (
        10,
        """
        SELECT format('退款 %s 为 %s 分，明细合计 %s 分', refund.number, refund.amount_fen, coalesce(sum(part.amount_fen), 0))
        FROM contributions_refund refund LEFT JOIN contributions_refundpart part ON part.refund_id = refund.id
        LEFT JOIN contributions_receipt receipt ON receipt.id = part.receipt_id
        GROUP BY refund.id HAVING coalesce(sum(part.amount_fen), 0) <> refund.amount_fen
            OR bool_or(receipt.channel <> refund.channel) OR count(DISTINCT (receipt.entry_id, receipt.debit_line_id)) > 1
        """,
    ),
    (
        10,
        """
        SELECT format('支付 %s 到账 %s 分，退款合计 %s 分', payment.number, payment.received_fen, sum(refund.amount_fen))
        FROM contributions_payment payment JOIN contributions_refund refund ON refund.payment_id = payment.id
        WHERE refund.status NOT IN ('refused', 'failed')
        GROUP BY payment.id HAVING sum(refund.amount_fen) > coalesce(payment.received_fen, 0)
        """,
    ),
    (
        12,
        """
        SELECT format('退款 %s 由经办人自己复核', number) FROM contributions_refund WHERE decided_by_id = drafted_by_id
        """,
    ),
    (
        10,
        """
        SELECT format('应缴 %s 为 %s，扣回 %s 分', charge.id, charge.status, back.amount_fen)
        FROM contributions_takenback back
        JOIN contributions_receipt receipt ON receipt.id = back.receipt_id
        JOIN contributions_charge charge ON charge.id = receipt.charge_id
        JOIN contributions_accountmovement movement ON movement.id = back.movement_id
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id AND back.request_id IS NOT NULL
        WHERE NOT receipt.applied
            OR (charge.status, back.amount_fen) <> CASE WHEN back.request_id IS NULL
                THEN ('taken_back'::varchar, charge.personal_fen) ELSE ('reversed'::varchar, receipt.amount_fen) END
            OR (movement.person_id, movement.city, movement.insurance, movement.amount_fen, movement.pooled_fen,
                    movement.surcharge_fen)
                <> (charge.person_id, charge.city, charge.insurance, -charge.account_fen,
                    charge.account_fen + coalesce(surcharge.amount_fen, 0) - back.amount_fen,
                    -coalesce(surcharge.amount_fen, 0))
        """,
    ),
)
