"""What must hold of cases: they move along their table, and nobody decides their own."""

from contributions.audit.check import Check
from portal.hall.routing import CASE_LIFE_CYCLE, Status

_CASE_MOVES = CASE_LIFE_CYCLE.moves_sql

CHECKS: tuple[Check, ...] = (
    Check(
        6,
        f"""
        SELECT format('办件 %s：%s → %s 不在规定之内', entry.case_id, entry.from_status, entry.to_status)
        FROM hall_caseevent entry
        WHERE entry.from_status <> '' AND (entry.from_status, entry.to_status) NOT IN ({_CASE_MOVES})
            OR entry.from_status = '' AND entry.to_status <> '{Status.SUBMITTED}'
        """,  # noqa: S608 - the table of moves is a constant
    ),
    Check(
        6,
        """
        SELECT format('办件 %s 的状态 %s 没有经过记录', number, status) FROM hall_case
        WHERE (id, status) NOT IN (SELECT case_id, to_status FROM hall_caseevent)
        """,
    ),
    Check(
        12,
        """
        SELECT format('办件 %s 由申报人自己审核', number) FROM hall_case
        WHERE decided_by_id = filed_by_id
        """,
    ),
    Check(
        12,
        """
        SELECT format('办件 %s 与登记不一致仍予办理，由提出人自己确认', case_id) FROM hall_overruling
        WHERE status = 'confirmed' AND ended_by_id = proposed_by_id
        """,
    ),
)
