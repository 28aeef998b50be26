"""What must hold of receipts: the books say what was received, and nothing counts twice."""

from contributions.audit.check import Check
from contributions.books import account_interest, day_sheets, personal_account

_ENTRIES = (
    "leg of entries",
    "receipt of entries",
    "refund of entries",
    "arrivalstep of entries",
    "accountmovement of entries",
)

CHECKS: tuple[Check, ...] = (
    *(Check(2, rows) for rows in day_sheets.CHECKS),
    Check(
        2,
        """
        SELECT format('%s %s 记了 %s 次', channel, provider_number, count(*)) FROM contributions_receipt
        GROUP BY channel, provider_number HAVING count(*) > 1
        """,
        held_by=("a_payment_is_received_once",),
    ),
    # What a set of receipts says, and what its entry booked: the clearing account took in their
    # sum, the personal accounts their account parts, suspense what was not applied. A refund takes
    # its sum out of suspense and the clearing account; a movement of a personal account is booked
    # against the account that it names.
    Check(
        2,
        """
        SELECT format('分录 %s 记账 %s 分，到账记录合计 %s 分', entry_id, booked.clearing, coalesce(received.amount, 0))
        FROM (
            SELECT leg.entry_id,
                coalesce(sum(leg.amount_fen) FILTER (WHERE account.kind = 'clearing'), 0) AS clearing,
                coalesce(sum(-leg.amount_fen) FILTER (WHERE account.kind = 'personal'), 0) AS personal,
                coalesce(sum(-leg.amount_fen) FILTER (WHERE account.kind = 'suspense'), 0) AS suspense
            FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
            GROUP BY leg.entry_id
        ) booked
        FULL JOIN (
            SELECT entry_id, sum(amount) AS amount, sum(personal) AS personal, sum(suspense) AS suspense
            FROM (
                SELECT entry_id, amount_fen AS amount, account_fen AS personal,
                    CASE WHEN applied THEN 0 ELSE amount_fen END AS suspense
                FROM contributions_receipt
                UNION ALL
                SELECT entry_id, -amount_fen, 0, -amount_fen FROM contributions_refund WHERE entry_id IS NOT NULL
                UNION ALL
                SELECT entry_id, suspense_fen, 0, suspense_fen FROM contributions_arrivalstep WHERE entry_id IS NOT NULL
                UNION ALL
                SELECT movement.entry_id,
                    CASE WHEN account.kind = 'clearing' THEN movement.amount_fen + movement.pooled_fen + movement.surcharge_fen
                        ELSE 0 END,
                    movement.amount_fen,
                    CASE WHEN account.kind = 'suspense' THEN -movement.amount_fen - movement.pooled_fen - movement.surcharge_fen
                        ELSE 0 END
                FROM contributions_accountmovement movement
                JOIN contributions_ledgeraccount account ON account.id = movement.against_id
            ) moved GROUP BY entry_id
        ) received USING (entry_id)
        WHERE (booked.clearing, booked.personal, booked.suspense)
            IS DISTINCT FROM (received.amount, received.personal, received.suspense)
        """,
        _ENTRIES,
    ),
    Check(
        2,
        """
        SELECT format('分录 %s 的 %s 记账 %s 分，应为 %s 分', entry_id, insurance, booked.fen, received.fen)
        FROM (
            SELECT leg.entry_id, account.insurance, -sum(leg.amount_fen) AS fen
            FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
            WHERE account.insurance <> '' GROUP BY leg.entry_id, account.insurance
        ) booked
        FULL JOIN (
            SELECT entry_id, insurance, sum(fen) AS fen
            FROM (
                SELECT receipt.entry_id, charge.insurance, receipt.amount_fen AS fen
                FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
                WHERE receipt.applied
                UNION ALL
                SELECT entry_id, insurance, amount_fen + pooled_fen + surcharge_fen FROM contributions_accountmovement
                UNION ALL
                SELECT movement.entry_id, account.insurance, -movement.amount_fen - movement.pooled_fen - movement.surcharge_fen
                FROM contributions_accountmovement movement
                JOIN contributions_ledgeraccount account ON account.id = movement.against_id
                WHERE account.insurance <> ''
            ) moved GROUP BY entry_id, insurance
        ) received USING (entry_id, insurance)
        WHERE booked.fen IS DISTINCT FROM received.fen
        """,
        _ENTRIES,
    ),
    Check(
        2,
        """
        SELECT format('到账 %s %s 为 %s 分，应缴 %s 为 %s 分', receipt.channel, receipt.provider_number, receipt.amount_fen,
            charge.id, charge.amount_fen + coalesce(surcharge.amount_fen, 0))
        FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id
        WHERE (receipt.applied AND receipt.amount_fen <> charge.amount_fen + coalesce(surcharge.amount_fen, 0))
            OR receipt.account_fen <> CASE WHEN receipt.applied THEN charge.account_fen ELSE 0 END
        """,
        ("receipt",),
    ),
    Check(2, personal_account.BOOKS_AND_RECEIPTS, _ENTRIES),
    *(Check(2, rows) for rows in (*personal_account.MOVEMENTS_AND_BOOKS, *account_interest.CHECKS)),
    Check(
        7,
        """
        SELECT format('应缴 %s 入账 %s 次', charge_id, count(*)) FROM contributions_receipt
        WHERE applied GROUP BY charge_id HAVING count(*) > 1
        """,
        held_by=("a_charge_is_paid_once",),
    ),
    Check(
        7,
        """
        SELECT format('扣款明细 %s 有 %s 条到账记录', debit_line_id, count(*)) FROM contributions_receipt
        WHERE debit_line_id IS NOT NULL GROUP BY debit_line_id
        HAVING count(*) > 1 AND (count(DISTINCT charge_id) < count(*) OR NOT EXISTS (
            SELECT 1 FROM contributions_debitline line WHERE line.id = debit_line_id AND line.assessment_id IS NOT NULL
        ))
        """,
        ("receipt of lines",),
    ),
    Check(
        7,
        """
        SELECT format('%s %s 记了 %s 次', kind, reference, count(*)) FROM contributions_entry
        GROUP BY kind, reference HAVING count(*) > 1
        """,
        held_by=("booked_once",),
    ),
)
