"""The rights of the database's two roles: the owner of the tables, which migrates, and the app's
role, which the hall works as.

The app's role gets for each table the rights that the triggers allow: where a ``pgtrigger.Protect``
without a condition forbids UPDATE or DELETE, that right is not granted either. So the model alone
says which tables are only appended to. The role owns nothing, makes nothing but temporary tables,
truncates no table, and cannot turn a trigger off.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pgtrigger
from django.apps import apps
from django.conf import settings
from django.db import connections, transaction

EVERYTHING = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
# Rights that only the owner needs.
_NEVER = ("TRUNCATE", "TRIGGER", "REFERENCES")
# PostgreSQL's own roles that can reach files and programs of the server.
_WAYS_OUT = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program")


def tables() -> dict[str, frozenset[str]]:
    """What the app's role may do to each table of a model."""
    stored = [model._meta for model in apps.get_models(include_auto_created=True)]
    granted = {meta.db_table: EVERYTHING for meta in stored if meta.managed and not meta.proxy}
    for model, trigger in pgtrigger.registered():
        if type(trigger) is pgtrigger.Protect and trigger.condition is None:
            granted[model._meta.db_table] -= set(str(trigger.operation).split(" OR "))
    return granted


def is_only_appended_to(table: str) -> bool:
    """Whether rows of the table are never changed or deleted."""
    return tables()[table] <= {"SELECT", "INSERT"}


def wanted(stored: Iterable[str]) -> dict[str, frozenset[str]]:
    """The rights of the app's role on these tables: only SELECT on a table without a model, such as
    Django's list of migrations."""
    of_models = tables()
    return {name: of_models.get(name, frozenset({"SELECT"})) for name in stored}


# ------------------------------------------------------------------------------------- as the owner


@contextmanager
def as_owner(alias: str) -> Iterator[None]:
    """Within the block the connection is the owner's (``DATABASE_OWNER_URL``); where the setting
    names none, it stays as it is."""
    connection, owner = connections[alias], settings.DATABASE_OWNER
    if not owner or connection.settings_dict["USER"] == owner["USER"]:
        yield
        return
    former = connection.settings_dict
    connection.close()
    connection.settings_dict = {
        **former,
        **{
            name: owner[name]
            for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
            if name in owner
        },
    }
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = former


def after_migrating(sender: object, using: str, **kwargs: Any) -> None:
    """After each migration: only the owner can turn triggers off, and the app's role has its rights
    and no others."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _guard_triggers(cursor)
        if settings.DATABASE_APP_ROLE:
            _grant(cursor, settings.DATABASE_APP_ROLE)


# pgtrigger lets any role pass that sets ``pgtrigger.ignore``; each migration with a trigger makes
# its function anew.
_ONLY_THE_OWNER_IGNORES = """
    CREATE OR REPLACE FUNCTION "public"._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN AS $$
        DECLARE
            named TEXT := current_setting('pgtrigger.ignore', true);
        BEGIN
            IF named IS NULL OR named = '' THEN
                RETURN FALSE;
            END IF;
            RETURN trigger_name::text = ANY(named::text[]) AND pg_has_role(
                current_user,
                (
                    SELECT proowner FROM pg_catalog.pg_proc
                    WHERE oid = '"public"._pgtrigger_should_ignore(name)'::regprocedure
                ),
                'USAGE'
            );
        END;
    $$ LANGUAGE plpgsql;
"""

# What a trigger reads and writes is found by name, and a temporary table of that name would come
# first.
_UNPINNED = """
    SELECT oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proconfig IS NULL
        AND (prorettype = 'trigger'::regtype OR proname = '_pgh_attach_context')
        AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
        )
"""


def _guard_triggers(cursor: Any) -> None:
    cursor.execute("SELECT to_regprocedure('\"public\"._pgtrigger_should_ignore(name)') IS NOT NULL")
    if cursor.fetchone()[0]:
        cursor.execute(_ONLY_THE_OWNER_IGNORES)
    cursor.execute("SELECT current_schema()")
    [schema] = cursor.fetchone()
    cursor.execute(_UNPINNED)
    for (function,) in cursor.fetchall():
        cursor.execute(f"ALTER FUNCTION {function} SET search_path = {_quoted(schema)}, pg_temp")


_HELD = """
    SELECT relname, ARRAY(
        SELECT acl.privilege_type FROM aclexplode(relacl) acl WHERE acl.grantee = %(role)s::regrole
        UNION ALL
        SELECT 'COLUMN' FROM pg_attribute, aclexplode(attacl) acl
        WHERE attrelid = pg_class.oid AND acl.grantee = %(role)s::regrole
    )
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
"""


def _grant(cursor: Any, role: str) -> None:
    """Gives the role its rights, and takes away all others. Where nothing differs, nothing is
    written."""
    to, (database, schema) = _quoted(role), _place(cursor)
    for privilege in ("CONNECT", "TEMPORARY"):
        cursor.execute("SELECT has_database_privilege(%s, current_database(), %s)", [role, privilege])
        if not cursor.fetchone()[0]:
            cursor.execute(f"GRANT {privilege} ON DATABASE {database} TO {to}")
    cursor.execute(
        "SELECT has_schema_privilege(role, current_schema(), 'USAGE'), has_schema_privilege(role, current_schema(), 'CREATE')"
        " FROM (SELECT %s::name AS role) AS of",
        [role],
    )
    [uses, makes] = cursor.fetchone()
    if not uses:
        cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO {to}")
    if makes:
        cursor.execute(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {to}")

    cursor.execute(_HELD, {"role": to})
    held_rights = {name: frozenset(privileges) for name, privileges in cursor.fetchall()}
    differing: dict[frozenset[str], list[str]] = {}
    for name, privileges in wanted(held_rights).items():
        if held_rights[name] != privileges:
            differing.setdefault(privileges, []).append(_quoted(name))
    for privileges, names in differing.items():
        cursor.execute(f"REVOKE ALL ON {', '.join(names)} FROM {to}")
        cursor.execute(f"GRANT {', '.join(sorted(privileges))} ON {', '.join(names)} TO {to}")

    cursor.execute(
        """
        SELECT seqrelid::regclass::text FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid
        WHERE relnamespace = current_schema()::regnamespace AND NOT has_sequence_privilege(%s, seqrelid, 'USAGE')
        """,
        [role],
    )
    if sequences := [name for (name,) in cursor.fetchall()]:
        cursor.execute(f"GRANT USAGE ON SEQUENCE {', '.join(sequences)} TO {to}")
    # Functions that run with the owner's rights (SECURITY DEFINER).
    cursor.execute(
        """
        SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND prosecdef AND NOT has_function_privilege(%s, oid, 'EXECUTE')
        """,
        [role],
    )
    for (function,) in cursor.fetchall():
        cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {to}")
    # A new table can only be read and appended to until the end of the migration that makes it.
    cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT ON TABLES TO {to}")
    cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {to}")


def _place(cursor: Any) -> tuple[str, str]:
    cursor.execute("SELECT current_database(), current_schema()")
    database, schema = cursor.fetchone()
    return _quoted(database), _quoted(schema)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# ---------------------------------------------------------------------------------------- looked at


def excess(cursor: Any) -> list[str]:
    """The rights of this connection's role beyond those of the app's role, in sentences for staff.
    Empty where there are none."""
    cursor.execute(
        """
        SELECT current_user, rolsuper, rolcreaterole,
            has_schema_privilege(current_schema(), 'CREATE') OR has_database_privilege(current_database(), 'CREATE'),
            has_parameter_privilege('session_replication_role', 'SET'),
            EXISTS (SELECT FROM pg_roles way WHERE way.rolname = ANY(%s) AND pg_has_role(way.oid, 'MEMBER'))
        FROM pg_roles WHERE rolname = current_user
        """,
        [list(_WAYS_OUT)],
    )
    role, superuser, makes_roles, makes, turns_off, leaves = cursor.fetchone()
    if superuser:
        return [f"角色 {role} 是超级用户"]
    sentences = [f"角色 {role} 可以管理角色"] if makes_roles else []
    if makes:
        sentences.append(f"角色 {role} 可以建表（CREATE）")
    if turns_off:
        sentences.append(f"角色 {role} 可以设置 session_replication_role，由此绕过触发器")
    if leaves:
        sentences.append(f"角色 {role} 可以读写服务器上的文件或在服务器上执行程序")
    cursor.execute(
        """
        SELECT relname, pg_has_role(relowner, 'MEMBER'), has_table_privilege(oid, %s),
            has_any_column_privilege(oid, 'UPDATE'), has_table_privilege(oid, 'DELETE')
        FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
        """,
        [", ".join(_NEVER)],
    )
    rows = cursor.fetchall()
    may = wanted(row[0] for row in rows)
    owned = [name for name, owns, *_rights in rows if owns]
    if owned:
        # The owner of a table has all other rights, too.
        return [*sentences, f"角色 {role} 拥有数据表（{_some(owned)}）"]
    for right, names in (
        ("清空表或给表加触发器、外键", [row[0] for row in rows if row[2]]),
        ("改动只增不改的表", [row[0] for row in rows if row[3] and "UPDATE" not in may[row[0]]]),
        ("删除不许删除的行", [row[0] for row in rows if row[4] and "DELETE" not in may[row[0]]]),
    ):
        if names:
            sentences.append(f"角色 {role} 可以{right}（{_some(names)}）")
    return sentences


def lacking(cursor: Any) -> list[str]:
    """The tables on which this connection's role lacks a right that the hall needs."""
    cursor.execute(
        "SELECT relname, oid FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY relname"
    )
    oids = dict(cursor.fetchall())
    needed = [(oids[name], one) for name, may in wanted(oids).items() for one in sorted(may)]
    cursor.execute(
        """
        SELECT DISTINCT oid FROM unnest(%s::oid[], %s::text[]) AS asked (oid, privilege)
        WHERE NOT has_table_privilege(oid, privilege)
        """,
        [[oid for oid, _one in needed], [one for _oid, one in needed]],
    )
    without = {oid for (oid,) in cursor.fetchall()}
    return [name for name, oid in oids.items() if oid in without]


def _some(names: list[str]) -> str:
    shown = "、".join(names[:3])
    return f"{shown} 等 {len(names)} 张" if len(names) > 3 else shown
