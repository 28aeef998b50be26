"""What must hold of charges and surcharges: covered, one a month, priced by the rule."""

from collections.abc import Iterator

from django.db import connection
from django.db.models import F, Min
from django.utils.translation import gettext as _

from contributions.audit.check import Check
from contributions.charges import public_shares, surcharges
from contributions.models import Charge, PublicShare, Repricing, Surcharge
from contributions.prices.formula import reckon_again
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

_ROWS_AT_A_TIME = 2000


def _prices(before: str) -> Iterator[str]:
    """Every distinct price of live charges, reckoned again from the leaf that it names."""
    columns = (
        "city",
        "capacity",
        "insurance",
        "month",
        "basis",
        "policy",
        "policy_since",
        "base",
        "personal_fen",
        "employer_fen",
        "account_fen",
    )
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"{before}SELECT {', '.join(columns)}, min(id) FROM contributions_charge WHERE live GROUP BY {', '.join(columns)}"  # noqa: S608
        )
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            for *values, first in rows:
                said = dict(zip(columns, values, strict=True))
                charge = Charge(**{**said, "month": Month.of(said["month"])})
                try:
                    reckon_again(charge)
                except PolicyMissing as missing:
                    yield _("应缴 {charge}：{why}").format(charge=first, why=missing)


def _public_shares() -> Iterator[str]:
    """What public money pays beside what residents, children and students owe, reckoned again; it
    is neither missing nor another's."""
    said = ("city", "capacity", "insurance", "month", "basis", "policy", "policy_since")
    sums = ("base", "personal_fen", "employer_fen", "account_fen")
    priced = Charge.objects.filter(live=True, capacity__in=public_shares.SUBSIDISED)
    for one in (
        priced.values(*said, *sums, share=F("public_share__amount_fen"))
        .annotate(first=Min("pk"))
        .order_by("first")
        .iterator()
    ):
        try:
            fen = reckon_again(Charge(**{key: one[key] for key in (*said, *sums)})).public_fen
        except PolicyMissing:
            continue  # told by _prices
        if fen != (one["share"] or 0):
            yield _("应缴 {charge} 的财政补助是 {share} 分，应为 {fen} 分").format(
                charge=one["first"], share=one["share"] or 0, fen=fen
            )
    alone = PublicShare.objects.filter(live=True, charge=None)
    for share in alone.values(*said, "base", "amount_fen").annotate(first=Min("pk")).iterator():
        month = Charge(
            **{key: share[key] for key in (*said, "base")}, personal_fen=0, employer_fen=0, account_fen=0
        )
        try:
            fen = reckon_again(month).public_fen
        except PolicyMissing:
            fen = 0
        if fen != share["amount_fen"]:
            yield _("财政补助 {share} 与标准不符").format(share=share["first"])


def _later_prices() -> Iterator[str]:
    """A charge priced by a later rule than its month's names the one in force in the month in which
    it was priced."""
    for one in Repricing.objects.select_related("charge").filter(charge__live=True).iterator():
        charge = one.charge
        try:
            terms = contribution_terms(
                book(),
                city=charge.city,
                capacity=Capacity(charge.capacity),
                insurance=Insurance(charge.insurance),
                month=one.priced_in,
            )
            in_force = (terms.path, terms.since) == (charge.policy, charge.policy_since)
        except PolicyMissing:
            in_force = False
        if not in_force or one.priced_in < charge.month:
            yield _("应缴 %(charge)s 不是按%(month)s的标准核定") % {
                "charge": charge.pk,
                "month": one.priced_in.zh,
            }


def _surcharges() -> Iterator[str]:
    """What is paid on top of a charge, reckoned again."""
    for one in Surcharge.objects.select_related("charge").filter(live=True).iterator():
        charge = one.charge
        priced = surcharges.price(
            city=charge.city,
            capacity=Capacity(charge.capacity),
            principal_fen=charge.amount_fen,
            since=one.since,
            paid_on=one.paid_on,
        )
        if priced is None or (priced[0], priced[1].amount_fen) != (one.kind, one.amount_fen):
            yield _("应缴 %(charge)s 的利息或滞纳金 %(fen)s 分与规定不符") % {
                "charge": charge.pk,
                "fen": one.amount_fen,
            }


CHECKS: tuple[Check, ...] = (
    Check(
        4,
        """
        SELECT format('参保关系 %s 与 %s 重叠', earlier, id) FROM (
            SELECT id, start, lag(id) OVER same AS earlier,
                max(coalesce(until, 'infinity')) OVER (same ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered_until
            FROM enrollment_coverage WHERE live
            WINDOW same AS (PARTITION BY person_id, insurance ORDER BY start, id)
        ) coverage WHERE start < covered_until
        """,
        held_by=("no_two_live_coverages_share_a_month",),
    ),
    Check(
        5,
        """
        SELECT format('应缴 %s（%s）不在参保关系 %s 之内', charge.id, to_char(charge.month, 'YYYY-MM'), charge.coverage_id)
        FROM contributions_charge charge LEFT JOIN enrollment_coverage coverage ON coverage.id = charge.coverage_id
        WHERE charge.live AND (
            coverage.id IS NULL OR NOT coverage.live OR charge.month < coverage.start
            OR charge.month >= coalesce(coverage.until, 'infinity')
            OR (charge.person_id, charge.insurance, charge.city, charge.capacity)
                <> (coverage.person_id, coverage.insurance, coverage.city, coverage.capacity)
            OR charge.employer_id IS DISTINCT FROM coverage.employer_id
        )
        """,
        ("charge",),
    ),
    Check(
        5,
        """
        SELECT format('应缴 %s（%s）在暂停缴费期间', charge.id, to_char(charge.month, 'YYYY-MM'))
        FROM contributions_charge charge JOIN contributions_suspension suspension ON suspension.coverage_id = charge.coverage_id
        WHERE charge.live AND charge.month >= suspension.start AND charge.month < coalesce(suspension.until, 'infinity')
        """,
        ("charge",),
    ),
    Check(
        5,
        """
        SELECT format('人员 %s 的 %s %s 有 %s 笔应缴', person_id, insurance, to_char(month, 'YYYY-MM'), count(*))
        FROM contributions_charge WHERE live GROUP BY person_id, insurance, month HAVING count(*) > 1
        """,
        held_by=("one_live_charge_per_insurance_and_month",),
    ),
    Check(
        6,
        """
        SELECT format('应缴 %s 为 %s，没有相应的到账或注销记录', charge.id, charge.status)
        FROM contributions_charge charge
        LEFT JOIN contributions_receipt receipt ON receipt.charge_id = charge.id AND receipt.applied
        LEFT JOIN contributions_cancellation cancellation ON cancellation.charge_id = charge.id
        WHERE CASE charge.status
            WHEN 'paid' THEN receipt.id IS NULL OR cancellation.id IS NOT NULL
            WHEN 'owed' THEN receipt.id IS NOT NULL OR cancellation.id IS NOT NULL
            WHEN 'reversed' THEN cancellation.id IS NOT NULL OR receipt.id IS NULL
            WHEN 'taken_back' THEN cancellation.id IS NOT NULL
                OR NOT EXISTS (SELECT 1 FROM contributions_takenback back WHERE back.receipt_id = receipt.id)
            ELSE receipt.id IS NOT NULL OR cancellation.kind IS DISTINCT FROM charge.status
        END
        """,
        ("charge",),
    ),
    Check(
        8,
        """
        SELECT format('应缴 %s：个人 %s＋单位 %s≠%s 分', id, personal_fen, employer_fen, amount_fen) FROM contributions_charge
        WHERE amount_fen <> personal_fen + employer_fen OR amount_fen <= 0 OR personal_fen < 0 OR employer_fen < 0
            OR account_fen < 0 OR account_fen > amount_fen OR policy = '' OR basis = ''
        """,
        held_by=(
            "charge_shares_make_the_amount",
            "charge_is_positive",
            "charge_account_part_of_amount",
            "charge_names_its_policy",
        ),
    ),
    Check(8, _prices, ("charge",)),
    Check(8, _surcharges),
    Check(8, _public_shares),
    Check(
        8,
        """
        SELECT format('财政补助 %s 不是其应缴 %s 的', share.id, share.charge_id)
        FROM contributions_publicshare share LEFT JOIN contributions_charge charge ON charge.id = share.charge_id
        JOIN enrollment_coverage coverage ON coverage.id = share.coverage_id
        WHERE share.live AND (
            (share.person_id, share.city, share.insurance, share.capacity)
                <> (coverage.person_id, coverage.city, coverage.insurance, coverage.capacity)
            OR (share.coverage_id, share.month, share.policy, share.policy_since, share.basis)
                <> (charge.coverage_id, charge.month, charge.policy, charge.policy_since, charge.basis)
        )
        """,
    ),
    Check(
        8,
        """
        SELECT format('到账 %s 的利息 %s 不是其应缴 %s 的', receipt.id, surcharge.id, receipt.charge_id)
        FROM contributions_receipt receipt JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id
        JOIN contributions_charge charge ON charge.id = surcharge.charge_id
        WHERE surcharge.charge_id <> receipt.charge_id
            OR (receipt.applied AND surcharge.status <> CASE charge.status WHEN 'reversed' THEN 'reversed' ELSE 'paid' END)
        """,
    ),
    Check(
        8,
        """
        SELECT format('利息 %s 已缴，而没有到账记录', surcharge.id) FROM contributions_surcharge surcharge
        WHERE surcharge.status IN ('paid', 'reversed') AND surcharge.id NOT IN (
            SELECT surcharge_id FROM contributions_receipt WHERE applied AND surcharge_id IS NOT NULL
        )
        """,
    ),
    # A charge that is owed or paid is live: by that it is found in the index.
    Check(
        9,
        """
        WITH old AS MATERIALIZED (
            SELECT id, person_id, insurance, month, live FROM contributions_charge WHERE status = 'written_off'
        )
        SELECT format('应缴 %s 已注销，而同月有应缴 %s（%s）', old.id, new.id, new.status)
        FROM old
        JOIN contributions_charge new ON new.id <> old.id AND new.live
            AND (new.person_id, new.insurance, new.month) = (old.person_id, old.insurance, old.month)
        LEFT JOIN contributions_repricing later ON later.charge_id = new.id AND later.replaces_id = old.id
        WHERE new.status IN ('owed', 'paid') AND (old.insurance <> 'pension' OR later.id IS NULL)
        UNION ALL
        SELECT format('应缴 %s 已注销而不计，却没有替代它的应缴', old.id) FROM old
        WHERE NOT old.live AND old.id NOT IN (
            SELECT later.replaces_id FROM contributions_repricing later
            JOIN contributions_charge charge ON charge.id = later.charge_id
            WHERE charge.live AND later.replaces_id IS NOT NULL
        )
        """,
    ),
    Check(
        9,
        """
        SELECT format('应缴 %s 是注销后再缴的，入账时没有计利息', charge.id)
        FROM contributions_repricing later
        JOIN contributions_charge charge ON charge.id = later.charge_id
        JOIN contributions_charge old ON old.id = later.replaces_id
        LEFT JOIN contributions_receipt receipt ON receipt.charge_id = charge.id AND receipt.applied
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id
        WHERE charge.status = 'paid'
            AND (surcharge.since, surcharge.principal_fen) IS DISTINCT FROM (old.due_on, charge.amount_fen)
        """,
    ),
    Check(
        9,
        """
        SELECT format('应缴 %s 按晚于当月的标准核定，而没有补缴记录', id) FROM contributions_charge
        WHERE live AND policy_since > month AND id NOT IN (SELECT charge_id FROM contributions_repricing)
        """,
        ("charge",),
    ),
    Check(9, _later_prices),
)
