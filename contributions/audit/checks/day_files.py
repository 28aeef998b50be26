"""What must hold of partners' days: files, and differences that were settled."""

CHECKS: tuple[tuple[int, str], ...] = (
    (
        3,
        """
        SELECT format('对账文件 %s 记 %s 笔 %s 分，明细为 %s 笔 %s 分', file.id, file.line_count, file.sum_fen,
            count(line.id), coalesce(sum(CASE line.deed WHEN 'payment' THEN line.amount_fen ELSE -line.amount_fen END), 0))
        FROM contributions_dayfile file LEFT JOIN contributions_dayrow line ON line.file_id = file.id
        GROUP BY file.id
        HAVING (count(line.id),
            coalesce(sum(CASE line.deed WHEN 'payment' THEN line.amount_fen ELSE -line.amount_fen END), 0))
            <> (file.line_count, file.sum_fen)
        """,
    ),
    # What we told a partner that we booked of a day is what stands booked of it.
    (
        2,
        """
        SELECT format('合作方 %s %s：对账文件净额 %s 分，账上 %s 分', partner.code, file.day, file.sum_fen, booked.fen)
        FROM contributions_dayfile file JOIN partners_partner partner ON partner.id = file.partner_id
        CROSS JOIN LATERAL (
            SELECT coalesce((
                SELECT sum(payment.received_fen) FROM contributions_payment payment
                JOIN contributions_entry entry ON entry.id = payment.entry_id
                WHERE payment.channel = 'partner-' || partner.code
                    AND (entry.at AT TIME ZONE 'Asia/Shanghai')::date = file.day
            ), 0) - coalesce((
                SELECT sum(payment.received_fen) FROM contributions_reversal reversal
                JOIN contributions_payment payment ON payment.id = reversal.payment_id
                WHERE reversal.channel = 'partner-' || partner.code AND reversal.business_day = file.day
            ), 0) AS fen
        ) booked
        WHERE file.side = 'ours' AND booked.fen <> file.sum_fen
        """,
    ),
    (
        2,
        """
        SELECT format('对账差异 %s（%s）按“%s”处理，账上没有相应的记录', difference.id, difference.provider_number,
            difference.way)
        FROM contributions_difference difference
        LEFT JOIN contributions_payment payment ON payment.id = difference.payment_id
        LEFT JOIN contributions_reversal reversal ON reversal.id = difference.reversal_id
        LEFT JOIN contributions_payment undone ON undone.id = reversal.payment_id
        WHERE difference.status = 'settled' AND CASE difference.way
            WHEN 'book' THEN payment.entry_id IS NULL OR payment.provider_number <> difference.provider_number
                OR payment.received_fen IS DISTINCT FROM difference.theirs_fen
            WHEN 'reverse' THEN undone.status IS DISTINCT FROM 'reversed'
                OR undone.provider_number IS DISTINCT FROM difference.provider_number
            WHEN 'refund' THEN payment.provider_number IS DISTINCT FROM difference.provider_number
                OR (
                    SELECT sum(back.amount_fen) FROM contributions_takenback back WHERE back.request_id = difference.id
                ) IS DISTINCT FROM payment.received_fen
            ELSE payment.id IS NOT NULL OR reversal.id IS NOT NULL
        END
        """,
    ),
    (
        12,
        """
        SELECT format('对账差异 %s 由提出人自己复核', id) FROM contributions_difference
        WHERE status = 'settled' AND way IN ('book', 'reverse', 'refund') AND settled_by_id = proposed_by_id
        """,
    ),
)
