"""What must hold of employers' bank transfers: suspense, bookings and reversals are just their
sum."""

CHECKS: tuple[tuple[int, str], ...] = (
    (
        2,
        """
        SELECT format('单位汇款 %s 为 %s %s 分，暂收款中为 %s 分', arrival.bank_number, arrival.status, arrival.amount_fen,
            coalesce(sum(step.suspense_fen), 0))
        FROM contributions_arrival arrival
        LEFT JOIN contributions_arrivalstep step ON step.arrival_id = arrival.id AND step.status = 'approved'
        GROUP BY arrival.id
        HAVING coalesce(sum(step.suspense_fen), 0) <> CASE arrival.status WHEN 'held' THEN arrival.amount_fen ELSE 0 END
            OR (arrival.status IN ('entered', 'struck')) <> (count(step.id) = 0)
        """,
    ),
    (
        2,
        """
        SELECT format('单位汇款 %s 入账 %s 分，到账记录 %s 分', arrival.bank_number, arrival.amount_fen,
            coalesce(received.fen, 0))
        FROM contributions_arrivalstep step JOIN contributions_arrival arrival ON arrival.id = step.arrival_id
        CROSS JOIN LATERAL (
            SELECT sum(receipt.amount_fen) FILTER (WHERE receipt.applied) AS fen
            FROM contributions_receipt receipt WHERE receipt.entry_id = step.entry_id
        ) received
        WHERE step.way = 'book' AND step.status = 'approved' AND received.fen IS DISTINCT FROM arrival.amount_fen
        """,
    ),
    (
        2,
        """
        SELECT format('单位汇款 %s 冲正 %s 分，账上转回 %s 分', arrival.bank_number, arrival.amount_fen, coalesce(back.fen, 0))
        FROM contributions_arrivalstep step JOIN contributions_arrival arrival ON arrival.id = step.arrival_id
        LEFT JOIN (
            SELECT split_part(entry.reference, '/', 1) AS step,
                -sum(movement.amount_fen + movement.pooled_fen + movement.surcharge_fen) AS fen
            FROM contributions_entry entry JOIN contributions_accountmovement movement ON movement.entry_id = entry.id
            WHERE entry.kind = 'arrival_reversal' GROUP BY 1
        ) back ON back.step = step.id::text
        WHERE step.way = 'reverse' AND step.status = 'approved' AND back.fen IS DISTINCT FROM arrival.amount_fen
        """,
    ),
    (
        12,
        """
        SELECT format('单位汇款 %s 的处理由经办人自己复核', arrival_id) FROM contributions_arrivalstep
        WHERE decided_by_id = proposed_by_id
        """,
    ),
)
