"""What must hold of orders and payments, as (number of the invariant, query for the rows that break
it); ``audit`` runs them."""

CHECKS: tuple[tuple[int, str], ...] = (
    (
        2,
        """
        SELECT format('支付 %s 到账 %s 分，到账记录合计 %s 分', payment.number, payment.received_fen, sum(booked.amount_fen))
        FROM contributions_payment payment
        LEFT JOIN (
            SELECT entry_id, amount_fen FROM contributions_receipt
            UNION ALL
            SELECT entry_id, amount_fen + pooled_fen FROM contributions_accountmovement WHERE kind IN ('top_up', 'lump_sum')
        ) booked ON booked.entry_id = payment.entry_id
        WHERE payment.entry_id IS NOT NULL
        GROUP BY payment.id HAVING sum(booked.amount_fen) IS DISTINCT FROM payment.received_fen
        """,
    ),
    (
        2,
        """
        SELECT format('支付 %s 已入账，金额 %s 分，订单 %s 为 %s 分（%s）', payment.number, payment.received_fen, orders.number,
            orders.sum_fen, orders.status)
        FROM contributions_payment payment JOIN contributions_order orders ON orders.id = payment.order_id
        WHERE payment.credited AND (orders.status NOT IN ('paid', 'reversed') OR payment.received_fen <> orders.sum_fen)
        """,
    ),
    (
        2,
        """
        SELECT format('支付 %s 没有入账，其到账记录 %s 却已入账', payment.number, receipt.id)
        FROM contributions_payment payment JOIN contributions_receipt receipt ON receipt.entry_id = payment.entry_id
        WHERE NOT payment.credited AND receipt.applied
        """,
    ),
    (
        6,
        """
        SELECT format('订单 %s 的状态 %s 没有经过记录', number, status) FROM contributions_order orders
        WHERE NOT EXISTS (
            SELECT 1 FROM contributions_orderevent event WHERE event.order_id = orders.id AND event.status = orders.status
        )
        """,
    ),
    (
        6,
        """
        SELECT format('办件 %s 为 %s，而它的订单 %s 为 %s', filed.number, filed.status, orders.number, orders.status)
        FROM hall_case filed JOIN contributions_order orders ON orders.key = filed.key
        WHERE filed.status <> CASE orders.status WHEN 'open' THEN 'to_pay' WHEN 'paid' THEN 'done' WHEN 'reversed' THEN 'done'
            ELSE 'lapsed' END
        """,
    ),
    (
        6,
        """
        SELECT format('办件 %s 待扣款，而没有等待中的扣款', filed.number) FROM hall_case filed
        WHERE filed.status = 'to_debit' AND NOT EXISTS (
            SELECT 1 FROM contributions_recollectrequest request
            JOIN contributions_charge charge ON charge.id = request.charge_id
            LEFT JOIN contributions_debitline line ON line.id = request.line_id
            WHERE request.case_id = filed.id
                AND (request.live OR line.status IN ('pending', 'missing') OR line.status = 'paid' AND charge.status = 'owed')
        )
        """,
    ),
    (
        6,
        """
        SELECT format('支付 %s 的状态 %s 没有经过记录', number, status) FROM contributions_payment payment
        WHERE NOT EXISTS (
            SELECT 1 FROM contributions_paymentevent event WHERE event.payment_id = payment.id AND event.status = payment.status
        )
        """,
    ),
    (
        6,
        """
        SELECT format('订单 %s 为 %s，而其明细 %s 与之不符', orders.number, orders.status, line.id)
        FROM contributions_orderline line JOIN contributions_order orders ON orders.id = line.order_id
        WHERE line.live <> (orders.status IN ('open', 'paid'))
        """,
    ),
    (
        7,
        """
        SELECT format('应缴 %s 同时在 %s 份订单中', charge_id, count(*)) FROM contributions_orderline
        WHERE live GROUP BY charge_id HAVING count(*) > 1
        """,
    ),
    (
        7,
        """
        SELECT format('应缴 %s 在订单 %s 中，同时在扣款', line.charge_id, orders.number)
        FROM contributions_orderline line
        JOIN contributions_order orders ON orders.id = line.order_id AND orders.status = 'open'
        JOIN contributions_debitline drawn ON drawn.charge_id = line.charge_id AND drawn.status IN ('pending', 'missing')
        WHERE line.live
        """,
    ),
    (
        7,
        """
        SELECT format('订单 %s 为 %s，入账 %s 次', orders.number, orders.status, count(payment.id))
        FROM contributions_order orders
        LEFT JOIN contributions_payment payment ON payment.order_id = orders.id AND payment.credited
        GROUP BY orders.id HAVING count(payment.id) <> (orders.status IN ('paid', 'reversed'))::int
        """,
    ),
    (
        8,
        """
        SELECT format('订单 %s 为 %s 笔 %s 分，明细为 %s 笔 %s 分', orders.number, orders.line_count, orders.sum_fen,
            count(line.id), sum(line.amount_fen))
        FROM contributions_order orders
        LEFT JOIN (
            SELECT id, order_id, amount_fen FROM contributions_orderline
            UNION ALL
            SELECT id, order_id, amount_fen FROM contributions_topup
            UNION ALL
            SELECT id, order_id, amount_fen FROM contributions_lumpsumpart
        ) line ON line.order_id = orders.id
        GROUP BY orders.id
        HAVING (count(line.id), coalesce(sum(line.amount_fen), 0)) <> (orders.line_count, orders.sum_fen)
        """,
    ),
    (
        8,
        """
        SELECT format('订单明细 %s 为 %s 分，应缴与利息为 %s 分', line.id, line.amount_fen,
            charge.amount_fen + coalesce(surcharge.amount_fen, 0))
        FROM contributions_orderline line JOIN contributions_charge charge ON charge.id = line.charge_id
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = line.surcharge_id
        WHERE line.amount_fen <> charge.amount_fen + coalesce(surcharge.amount_fen, 0)
        """,
    ),
    (
        2,
        """
        SELECT format('充值订单 %s 为 %s，个人账户变动 %s 分', orders.number, orders.status, coalesce(movement.amount_fen, 0))
        FROM contributions_topup top_up JOIN contributions_order orders ON orders.id = top_up.order_id
        LEFT JOIN contributions_accountmovement movement ON movement.id = top_up.movement_id
        LEFT JOIN contributions_payment payment ON payment.order_id = orders.id AND payment.credited
        WHERE CASE WHEN orders.status = 'paid'
            THEN (movement.kind, movement.insurance, movement.person_id, movement.city, movement.amount_fen, movement.entry_id)
                IS DISTINCT FROM ('top_up', top_up.insurance, orders.person_id, orders.city, top_up.amount_fen, payment.entry_id)
            ELSE top_up.movement_id IS NOT NULL END
        """,
    ),
    (
        2,
        """
        SELECT format('一次性缴费单 %s 为 %s，变动 %s 分，计入 %s 个月', bill.id, bill.status,
            coalesce(movement.amount_fen + movement.pooled_fen, 0), coalesce(came.months, 0))
        FROM contributions_lumpsum bill
        LEFT JOIN contributions_lumpsumpart part ON part.bill_id = bill.id AND part.live
        LEFT JOIN contributions_order orders ON orders.id = part.order_id
        LEFT JOIN contributions_payment payment ON payment.order_id = orders.id AND payment.credited
        LEFT JOIN contributions_accountmovement movement ON movement.id = bill.movement_id
        LEFT JOIN contributions_broughtin came ON came.id = bill.brought_in_id
        WHERE CASE WHEN bill.status = 'paid'
            THEN (movement.kind, movement.insurance, movement.person_id, movement.city, movement.amount_fen,
                    movement.amount_fen + movement.pooled_fen, movement.entry_id)
                IS DISTINCT FROM ('lump_sum', bill.insurance, bill.person_id, bill.city, bill.account_fen,
                    bill.amount_fen, payment.entry_id)
                OR came.id IS NOT NULL AND (came.origin, came.person_id, came.city, came.insurance, came.months)
                    IS DISTINCT FROM ('lump_sum', bill.person_id, bill.city, bill.insurance, bill.months)
            ELSE orders.status = 'paid' END
        """,
    ),
    (
        6,
        """
        SELECT format('订单 %s 为 %s，而其一次性缴费 %s 与之不符', orders.number, orders.status, part.id)
        FROM contributions_lumpsumpart part JOIN contributions_order orders ON orders.id = part.order_id
        WHERE part.live <> (orders.status IN ('open', 'paid'))
        """,
    ),
    (
        6,
        """
        SELECT format('办件 %s 为 %s，而它的一次性缴费单为 %s', filed.number, filed.status, bill.status)
        FROM contributions_lumpsum bill JOIN hall_case filed ON filed.id = bill.case_id
        WHERE filed.status <> CASE bill.status WHEN 'open' THEN 'to_pay' WHEN 'paid' THEN 'done' ELSE 'lapsed' END
        """,
    ),
    # What is reversed is so in order, payment, charges and money alike, and never in part.
    (
        6,
        """
        SELECT format('订单 %s 为 %s，支付 %s 为 %s，冲正记录 %s 条', orders.number, orders.status, payment.number,
            payment.status, (reversal.id IS NOT NULL)::int)
        FROM contributions_payment payment JOIN contributions_order orders ON orders.id = payment.order_id
        LEFT JOIN contributions_reversal reversal ON reversal.payment_id = payment.id
        LEFT JOIN contributions_difference asked ON asked.payment_id = payment.id AND asked.way = 'refund'
            AND asked.status = 'settled'
        WHERE payment.credited
            AND ((orders.status = 'reversed') <> (payment.status = 'reversed' OR asked.id IS NOT NULL)
                OR (payment.status = 'reversed') <> (reversal.id IS NOT NULL)
                OR (reversal.id IS NOT NULL AND asked.id IS NOT NULL))
        """,
    ),
    (
        2,
        """
        SELECT format('到账 %s %s 为 %s 分，应缴为 %s，冲正 %s 分', receipt.channel, receipt.provider_number,
            receipt.amount_fen, charge.status,
            coalesce(movement.amount_fen + movement.pooled_fen + movement.surcharge_fen, 0))
        FROM (
            -- Few; all receipts joined with all charges take seconds.
            SELECT receipt.id FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
            WHERE charge.status = 'reversed'
            UNION
            SELECT receipt.id FROM contributions_receipt receipt
            JOIN contributions_payment payment ON payment.entry_id = receipt.entry_id WHERE payment.status = 'reversed'
            UNION
            SELECT substring(key FROM '^reversal/([0-9]{1,18})$')::bigint FROM contributions_accountmovement
            WHERE kind = 'reversed'
        ) called
        JOIN contributions_receipt receipt ON receipt.id = called.id
        JOIN contributions_charge charge ON charge.id = receipt.charge_id
        LEFT JOIN contributions_payment payment ON payment.entry_id = receipt.entry_id
        LEFT JOIN contributions_accountmovement movement
            ON movement.kind = 'reversed' AND movement.key = 'reversal/' || receipt.id
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id
        LEFT JOIN contributions_takenback back ON back.receipt_id = receipt.id AND back.request_id IS NOT NULL
        WHERE receipt.applied
            AND (charge.status <> 'reversed'
                -- Just one of: reversed by its partner, undone at its request, booked wrongly by collectors and taken back.
                OR (payment.status IS NOT DISTINCT FROM 'reversed')::int + (back.id IS NOT NULL)::int + (
                    SELECT count(*) FROM contributions_arrivalstep booked
                    JOIN contributions_arrivalstep undone ON undone.arrival_id = booked.arrival_id AND undone.way = 'reverse'
                        AND undone.status = 'approved' AND undone.id > booked.id
                    WHERE booked.entry_id = receipt.entry_id
                        AND NOT EXISTS (
                            SELECT 1 FROM contributions_arrivalstep again
                            WHERE again.arrival_id = booked.arrival_id AND again.status = 'approved'
                                AND again.way = 'reverse' AND again.id > booked.id AND again.id < undone.id
                        )
                ) <> 1
                OR movement.amount_fen IS DISTINCT FROM -receipt.account_fen
                OR movement.surcharge_fen <> -coalesce(surcharge.amount_fen, 0)
                OR movement.amount_fen + movement.pooled_fen + movement.surcharge_fen IS DISTINCT FROM -receipt.amount_fen)
        """,
    ),
    (
        2,
        """
        SELECT format('充值订单 %s 充入 %s 个人账户，只能充入医疗保险', order_id, insurance) FROM contributions_topup
        WHERE insurance <> 'medical'
        """,
    ),
)
