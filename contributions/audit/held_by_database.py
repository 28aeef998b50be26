"""What the database itself forbids, whoever writes: unique indexes, exclusions and checks. A
session can switch off triggers, and foreign keys with them; these it cannot. While one stands as
the migrations made it no row breaks it, and no row need be asked.

Where an index itself may be damaged (a disk, a locale of the operating system that sorts
otherwise), ``pg_amcheck`` tells.
"""

from typing import Any

# The table and the definition, as PostgreSQL tells it. One that it tells otherwise counts as
# missing.
CONSTRAINTS = {
    "a_charge_is_drawn_once": "contributions_debitline CREATE UNIQUE INDEX a_charge_is_drawn_once"
    " ON contributions_debitline USING btree (charge_id) WHERE drawing",
    "a_charge_is_paid_once": "contributions_receipt CREATE UNIQUE INDEX a_charge_is_paid_once"
    " ON contributions_receipt USING btree (charge_id) WHERE applied",
    "a_payment_is_received_once": "contributions_receipt CREATE UNIQUE INDEX a_payment_is_received_once"
    " ON contributions_receipt USING btree (channel, provider_number)",
    "booked_once": "contributions_entry CREATE UNIQUE INDEX booked_once"
    " ON contributions_entry USING btree (kind, reference)",
    "charge_account_part_of_amount": "contributions_charge"
    " CHECK (((account_fen >= 0) AND (account_fen <= amount_fen)))",
    "charge_is_positive": "contributions_charge"
    " CHECK (((amount_fen > 0) AND (base > (0)::numeric) AND (employer_fen >= 0) AND (personal_fen >= 0)))",
    "charge_names_its_policy": "contributions_charge"
    " CHECK (((NOT ((policy)::text = ''::text)) AND (NOT ((basis)::text = ''::text))))",
    "charge_shares_make_the_amount": "contributions_charge"
    " CHECK ((amount_fen = (personal_fen + employer_fen)))",
    "line_drawing_unless_failed": "contributions_debitline"
    " CHECK (((drawing AND ((status)::text = ANY ((ARRAY['pending'::character varying, 'paid'::character varying,"
    " 'missing'::character varying])::text[]))) OR ((NOT drawing) AND ((status)::text = 'failed'::text))))",
    "no_two_live_coverages_share_a_month": "enrollment_coverage EXCLUDE USING gist"
    " (person_id WITH =, insurance WITH =, daterange(start, until, '[)'::text) WITH &&) WHERE (live)",
    "one_live_charge_per_insurance_and_month": "contributions_charge CREATE UNIQUE INDEX"
    " one_live_charge_per_insurance_and_month ON contributions_charge USING btree (person_id, insurance, month) WHERE live",
}


def standing(cursor: Any) -> set[str]:
    """The names of those that stand: valid, enforced at once for every row, and defined as here."""
    names = list(CONSTRAINTS)
    cursor.execute(_DEFINITIONS, [names, names])
    return {name for name, definition in cursor.fetchall() if definition == CONSTRAINTS[name]}


# An exclusion is an index and a constraint: the constraint tells what excludes what.
_DEFINITIONS = """
    SELECT found.relname, concat(found.indrelid::regclass, ' ', coalesce(
        pg_get_constraintdef(excluding.oid),
        replace(pg_get_indexdef(found.indexrelid), ' ON ' || current_schema() || '.', ' ON ')))
    FROM (
        SELECT pg_class.relname, pg_index.* FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relname = ANY (%s) AND relnamespace = current_schema()::regnamespace
            AND (indisunique OR indisexclusion) AND indisvalid AND indisready AND indislive AND indimmediate
    ) found
    LEFT JOIN pg_constraint excluding ON excluding.conindid = found.indexrelid AND excluding.contype = 'x'
    UNION ALL
    SELECT conname, concat(conrelid::regclass, ' ', pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conname = ANY (%s) AND connamespace = current_schema()::regnamespace
        AND contype = 'c' AND convalidated
"""
