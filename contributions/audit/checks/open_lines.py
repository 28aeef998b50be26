"""What must hold of lines that a bank left open: a settlement that took effect and its lines
agree."""

CHECKS: tuple[tuple[int, str], ...] = (
    (
        3,
        """
        SELECT format('托收疑点处理 %s 为 %s 笔 %s 分，明细 %s 笔 %s 分', settlement.id, settlement.line_count,
            settlement.sum_fen, count(line.id), coalesce(sum(line.amount_fen), 0))
        FROM contributions_settlement settlement
        LEFT JOIN contributions_settledline settled ON settled.settlement_id = settlement.id
        LEFT JOIN contributions_debitline line ON line.id = settled.line_id AND line.batch_id = settlement.batch_id
        WHERE settlement.way IN ('paid', 'failed')
        GROUP BY settlement.id
        HAVING (count(line.id), coalesce(sum(line.amount_fen), 0)) <> (settlement.line_count, settlement.sum_fen)
            OR bool_or(settled.live) = (settlement.status = 'refused')
            OR (settlement.status = 'approved' AND bool_or(line.status <> settlement.way))
            OR (settlement.status = 'approved' AND bool_or(line.bank_reference <> settled.bank_number))
        """,
    ),
    (
        12,
        """
        SELECT format('托收疑点处理 %s 由经办人自己复核', id) FROM contributions_settlement WHERE decided_by_id = drafted_by_id
        """,
    ),
)
