"""What must hold of the monthly debit: batches, their lines, and what was received of them."""

from contributions.audit.check import Check
from contributions.models import BATCH_LIFE_CYCLE, BatchStatus

_BATCH_MOVES = BATCH_LIFE_CYCLE.moves_sql

CHECKS: tuple[Check, ...] = (
    Check(
        3,
        """
        SELECT format('批次 %s 开批 %s 笔 %s 分，明细 %s 笔 %s 分', batch.number, batch.line_count, batch.total_fen,
            coalesce(line.count, 0), coalesce(line.fen, 0))
        FROM contributions_debitbatch batch
        LEFT JOIN (
            SELECT batch_id, count(*), sum(amount_fen) AS fen, count(*) FILTER (WHERE status = 'pending') AS pending
            FROM contributions_debitline GROUP BY batch_id
        ) line ON line.batch_id = batch.id
        WHERE (batch.line_count, batch.total_fen) IS DISTINCT FROM (line.count, line.fen)
            OR (batch.status IN ('answered', 'posted', 'closed') AND line.pending > 0)
        """,
    ),
    Check(
        3,
        """
        SELECT format('批次 %s 扣款成功 %s 笔 %s 分，到账 %s 笔 %s 分', batch.number, line.count, line.fen,
            coalesce(received.count, 0), coalesce(received.fen, 0))
        FROM contributions_debitbatch batch
        JOIN (
            SELECT line.batch_id, sum(coalesce(assessment.charges, 1)) AS count, sum(line.amount_fen) AS fen
            FROM contributions_debitline line
            LEFT JOIN contributions_assessment assessment ON assessment.id = line.assessment_id
            WHERE line.status = 'paid' GROUP BY line.batch_id
        ) line ON line.batch_id = batch.id
        LEFT JOIN (
            SELECT line.batch_id, count(*), sum(receipt.amount_fen) AS fen
            FROM contributions_receipt receipt JOIN contributions_debitline line ON line.id = receipt.debit_line_id
            WHERE line.status = 'paid' GROUP BY line.batch_id
        ) received ON received.batch_id = batch.id
        WHERE batch.status IN ('posted', 'closed') AND (line.count, line.fen) IS DISTINCT FROM (received.count, received.fen)
        """,
        ("debitline of batches",),
    ),
    Check(
        3,
        """
        SELECT format('批次 %s 第 %s 笔为 %s 分，应缴为 %s 分', line.batch_id, line.sequence, line.amount_fen,
            charge.amount_fen + coalesce(surcharge.amount_fen, 0))
        FROM contributions_debitline line JOIN contributions_charge charge ON charge.id = line.charge_id
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = line.surcharge_id
        WHERE line.amount_fen <> charge.amount_fen + coalesce(surcharge.amount_fen, 0)
        """,
        ("debitline",),
    ),
    Check(
        6,
        f"""
        SELECT format('批次 %s：%s → %s 不在规定之内', batch_id, before, status) FROM (
            SELECT batch_id, status, lag(status) OVER (PARTITION BY batch_id ORDER BY id) AS before
            FROM contributions_batchevent
        ) event
        WHERE (before IS NULL AND status <> '{BatchStatus.OPENED}')
            OR (before IS NOT NULL AND (before, status) NOT IN ({_BATCH_MOVES}))
        """,  # noqa: S608 - the table of moves is a constant
    ),
    Check(
        6,
        """
        SELECT format('批次 %s 的状态 %s 没有经过记录', number, status) FROM contributions_debitbatch
        WHERE (id, status) NOT IN (SELECT batch_id, status FROM contributions_batchevent)
        """,
    ),
    Check(
        7,
        """
        SELECT format('应缴 %s 同时在 %s 笔扣款中', charge_id, count(*)) FROM contributions_debitline
        WHERE charge_id IS NOT NULL AND status IN ('pending', 'paid', 'missing') GROUP BY charge_id HAVING count(*) > 1
        """,
        held_by=("a_charge_is_drawn_once", "line_drawing_unless_failed"),
    ),
    Check(
        7,
        """
        SELECT format('核定单 %s 与 %s 的应缴同时在扣款中', one.id, other.id)
        FROM contributions_debitline line
        JOIN contributions_assessment one ON one.id = line.assessment_id
        JOIN contributions_assessment other ON other.employer_id = one.employer_id AND other.month = one.month
            AND other.after < one.last AND other.last > one.after
        JOIN contributions_debitline twin ON twin.assessment_id = other.id AND twin.drawing AND twin.id > line.id
        WHERE line.drawing
        """,
    ),
    Check(
        3,
        """
        SELECT format('核定单 %s 扣款 %s 分，到账 %s 分', line.assessment_id, line.amount_fen, coalesce(received.fen, 0))
        FROM contributions_debitline line JOIN contributions_debitbatch batch ON batch.id = line.batch_id
        LEFT JOIN (
            SELECT debit_line_id, sum(amount_fen) AS fen FROM contributions_receipt GROUP BY debit_line_id
        ) received ON received.debit_line_id = line.id
        WHERE line.assessment_id IS NOT NULL AND line.status = 'paid' AND batch.status IN ('posted', 'closed')
            AND received.fen IS DISTINCT FROM line.amount_fen
        """,
    ),
)
