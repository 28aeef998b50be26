"""The audit's checks of proofs: their facts agree with the ledger at the time of the freeze, and
their documents are unchanged."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from certificates import documents
from certificates.issuing import facts_digest
from certificates.models import Certificate, SealedVersion, Status
from contributions.audit.check import Check

_ROWS_AT_A_TIME = 500

# A booking in the last minute before the freeze may belong to a transaction that the freeze could
# not see yet. So the number must lie between the sure months and all months.
_TOTALS = """
    SELECT certificate.serial_number || '：' || total.key || ' 已缴 ' || (total.value ->> 'paid_months') || ' 个月、个人 '
        || coalesce(total.value ->> 'personal_fen', '—') || ' 分，账上为 ' || paid.months || ' 个月、' || paid.fen || ' 分'
    FROM certificates_certificate certificate
    CROSS JOIN LATERAL jsonb_each(
        CASE
            WHEN certificate.facts ->> 'schema' IN ('person-proof/1', 'person-proof/2') THEN certificate.facts -> 'totals'
            WHEN certificate.facts ->> 'schema' = 'pension-history/1' THEN jsonb_build_object('pension', jsonb_build_object(
                'paid_months', (certificate.facts -> 'totals' ->> 'months')::bigint
                    + coalesce((certificate.facts -> 'totals' -> 'left_out' ->> 'moved_out')::bigint, 0)))
        END
    ) total
    CROSS JOIN LATERAL (
        SELECT count(*) AS months, coalesce(sum(charge.personal_fen), 0) AS fen,
            count(*) FILTER (WHERE entry.at < certificate.frozen_at - interval '1 minute'
                AND coalesce(back.at, 'infinity') > certificate.frozen_at + interval '1 minute') AS sure_months,
            coalesce(sum(charge.personal_fen) FILTER (WHERE entry.at < certificate.frozen_at - interval '1 minute'
                AND coalesce(back.at, 'infinity') > certificate.frozen_at + interval '1 minute'), 0) AS sure_fen
        FROM contributions_charge charge
        JOIN contributions_receipt receipt ON receipt.charge_id = charge.id AND receipt.applied
        JOIN contributions_entry entry ON entry.id = receipt.entry_id AND entry.at <= certificate.frozen_at
        -- When the month no longer counted: taken back, or reversed by the partner that took the money.
        LEFT JOIN LATERAL (
            SELECT at FROM contributions_takenback WHERE receipt_id = receipt.id
            UNION ALL
            SELECT reversal.at FROM contributions_reversal reversal
            JOIN contributions_payment payment ON payment.id = reversal.payment_id WHERE payment.entry_id = receipt.entry_id
        ) back ON true
        WHERE charge.person_id = certificate.person_id AND charge.city = certificate.city AND charge.insurance = total.key
            -- What an employer asked for tells the months there.
            AND (certificate.facts ->> 'only_at' IS NULL OR charge.employer_id = (
                SELECT batch.employer_id FROM certificates_staffbatch batch
                JOIN certificates_staffbatchline line ON line.batch_id = batch.id AND line.certificate_id = certificate.id))
            AND coalesce(back.at, 'infinity') > certificate.frozen_at - interval '1 minute'
            AND charge.month >= to_date(certificate.facts -> 'period' ->> 'start', 'YYYY-MM')
            AND charge.month < to_date(certificate.facts -> 'period' ->> 'until', 'YYYY-MM')
    ) paid
    WHERE (total.value ->> 'paid_months')::bigint NOT BETWEEN paid.sure_months AND paid.months
        OR (total.value ->> 'personal_fen')::bigint NOT BETWEEN paid.sure_fen AND paid.fen
    ORDER BY certificate.id
"""

# Proofs that state only a minimum number of paid months.
_AT_LEAST = """
    SELECT certificate.serial_number || '：' || chosen.name || ' 证明不少于 ' || (certificate.facts ->> 'at_least')
        || ' 个月，账上为 ' || paid.months || ' 个月'
    FROM certificates_certificate certificate
    CROSS JOIN LATERAL jsonb_array_elements_text(certificate.facts -> 'insurances') chosen(name)
    CROSS JOIN LATERAL (
        SELECT count(*) AS months
        FROM contributions_charge charge
        JOIN contributions_receipt receipt ON receipt.charge_id = charge.id AND receipt.applied
        JOIN contributions_entry entry ON entry.id = receipt.entry_id AND entry.at <= certificate.frozen_at
        -- When the month no longer counted: taken back, or reversed by the partner that took the money.
        LEFT JOIN LATERAL (
            SELECT at FROM contributions_takenback WHERE receipt_id = receipt.id
            UNION ALL
            SELECT reversal.at FROM contributions_reversal reversal
            JOIN contributions_payment payment ON payment.id = reversal.payment_id WHERE payment.entry_id = receipt.entry_id
        ) back ON true
        WHERE charge.person_id = certificate.person_id AND charge.city = certificate.city AND charge.insurance = chosen.name
            AND coalesce(back.at, 'infinity') > certificate.frozen_at - interval '1 minute'
            AND charge.month >= to_date(certificate.facts -> 'period' ->> 'start', 'YYYY-MM')
            AND charge.month < to_date(certificate.facts -> 'period' ->> 'until', 'YYYY-MM')
    ) paid
    WHERE certificate.facts ->> 'reveals' = 'at_least' AND paid.months < (certificate.facts ->> 'at_least')::int
    ORDER BY certificate.id
"""


def _facts() -> Iterator[str]:
    """The certificates whose facts do not match their digest."""
    rows = Certificate.objects.order_by("pk").values_list("serial_number", "facts", "facts_digest")
    for serial_number, facts, digest in rows.iterator(_ROWS_AT_A_TIME):
        if facts_digest(facts) != digest:
            yield serial_number + _("：内容与登记的摘要不符")


def _documents() -> Iterator[str]:
    """The certificates whose sealed document is missing or changed."""
    sealed = Certificate.objects.exclude(status=str(Status.FROZEN)).order_by("pk")
    for serial_number, name, digest in sealed.values_list(
        "serial_number", "document", "document_digest"
    ).iterator(_ROWS_AT_A_TIME):
        try:
            documents.load(name, digest=digest)
        except documents.DocumentDamaged:
            yield serial_number + _("：文件缺失或与登记的摘要不符")


def _versions() -> Iterator[str]:
    """The later versions whose sealed document is missing or changed."""
    later = SealedVersion.objects.order_by("certificate", "version")
    for serial_number, version, name, digest in later.values_list(
        "certificate__serial_number", "version", "document", "document_digest"
    ).iterator(_ROWS_AT_A_TIME):
        try:
            documents.load(name, digest=digest)
        except documents.DocumentDamaged:
            yield _("{number}（第 {version} 版）：文件缺失或与登记的摘要不符").format(
                number=serial_number, version=version
            )


_GAPS = """
    SELECT certificate.serial_number || '：版本不连续'
    FROM certificates_sealedversion version
    JOIN certificates_certificate certificate ON certificate.id = version.certificate_id
    GROUP BY certificate.id
    HAVING min(version.version) <> 2 OR max(version.version) <> count(*) + 1
    ORDER BY certificate.id
"""

_REPLACED = """
    SELECT old.serial_number || '：替换它的证明 ' || made.serial_number || ' 不是同一人同一种证明，或早于它'
    FROM certificates_certificate old
    JOIN certificates_certificate made ON made.id = old.superseded_by_id
    WHERE (old.kind, old.city) <> (made.kind, made.city) OR old.person_id IS DISTINCT FROM made.person_id
        OR old.employer_id IS DISTINCT FROM made.employer_id OR made.id <= old.id OR made.frozen_at < old.frozen_at
    ORDER BY old.id
"""

CHECKS = (
    Check(11, _TOTALS),
    Check(11, _AT_LEAST),
    Check(11, _facts),
    Check(11, _documents),
    Check(11, _versions),
    Check(11, _GAPS),
    Check(11, _REPLACED),
)
