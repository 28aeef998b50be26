"""What must hold of employers' assessments and their bills of late months."""

from contributions.audit.check import Check

CHECKS: tuple[Check, ...] = (
    Check(
        8,
        """
        WITH charged AS (
            SELECT assessment.id, count(charge.id) AS charges, sum(charge.amount_fen) AS sum_fen
            FROM contributions_assessment assessment
            LEFT JOIN contributions_charge charge ON charge.employer_id = assessment.employer_id
                AND charge.month = assessment.month AND charge.city = assessment.city AND charge.live
                AND charge.id > assessment.after AND charge.id <= assessment.last
            WHERE assessment.status = 'paid' GROUP BY assessment.id
        )
        SELECT format('核定单 %s 已缴清：%s 笔 %s 分，应缴 %s 笔 %s 分', assessment.id, assessment.charges, assessment.sum_fen,
            charged.charges, charged.sum_fen)
        FROM contributions_assessment assessment JOIN charged ON charged.id = assessment.id
        WHERE (assessment.charges, assessment.sum_fen) IS DISTINCT FROM (charged.charges, charged.sum_fen::bigint)
        """,
    ),
    Check(
        8,
        """
        WITH line AS (
            SELECT line.bill_id, count(*) AS charges, sum(charge.amount_fen) AS principal_fen,
                coalesce(sum(surcharge.amount_fen), 0) AS surcharge_fen,
                count(*) FILTER (WHERE charge.status <> 'paid' OR surcharge.status <> 'paid') AS unpaid
            FROM contributions_arrearsline line
            JOIN contributions_charge charge ON charge.id = line.charge_id
            LEFT JOIN contributions_surcharge surcharge ON surcharge.id = line.surcharge_id
            GROUP BY line.bill_id
        )
        SELECT format('补缴单 %s 与明细不符', bill.id) FROM contributions_arrearsbill bill
        LEFT JOIN line ON line.bill_id = bill.id
        WHERE (bill.charges, bill.principal_fen, bill.surcharge_fen) IS DISTINCT FROM
            (line.charges::int, line.principal_fen::bigint, line.surcharge_fen::bigint)
            OR (bill.status = 'paid' AND line.unpaid > 0)
        """,
    ),
)
