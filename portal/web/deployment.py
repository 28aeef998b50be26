"""What ``check --deploy`` checks besides Django: each class outside the hall is named, can be
loaded, and is not the demo's own.

``check --deploy --database default`` checks the database, too; rooms add checks of their own (the
seals: certificates/deployment.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.checks import Error
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from portal import rights


@dataclass(frozen=True, slots=True)
class Outside:
    """A class outside the hall that a setting names: the methods that it must have, and the demo's
    own classes, which are refused."""

    setting: str
    methods: tuple[str, ...]
    own: tuple[str, ...] = ()


OUTSIDE = (
    Outside("TEXT_MESSAGE_BACKEND", ("send",), ("portal.accounts.messages.OutboxPage",)),
    Outside("HOUSEHOLD_REGISTER", ("find",), ("portal.registers.household.LocalRegister",)),
    Outside("BIRTH_REGISTER", ("find",), ("portal.registers.birth.LocalRegister",)),
    Outside("BUSINESS_REGISTER", ("find",), ("portal.registers.business.LocalRegister",)),
    Outside("PENSION_REGISTER", ("find",), ("portal.registers.pension.LocalRegister",)),
    Outside(
        "BANK_REGISTER",
        ("account", "card", "account_agrees", "card_agrees"),
        ("portal.registers.bank.LocalRegister",),
    ),
    Outside("MEDICAL_ACCOUNT_REGISTER", ("account",), ("portal.registers.medical.LocalRegister",)),
)
FACE_CHECK = Outside("FACE_CHECK", ("begin", "state"))


def what_stands_outside_can_be_used(app_configs: object, **kwargs: object) -> list[Error]:
    """Reports each setting of OUTSIDE whose class is not named, cannot be loaded, is the demo's own
    or lacks a method."""
    outside = [*OUTSIDE, *([FACE_CHECK] if settings.FACE_CHECK else [])]
    return [error for one in outside for error in _wrong(one)]


def _wrong(outside: Outside) -> Iterator[Error]:
    path = getattr(settings, outside.setting)
    if not path:
        yield Error(f"{outside.setting} 未设置。", hint="见 docs/operations.md。", id="hall.E101")
        return
    if path in outside.own:
        hint = "它读写大厅自己的表，只供演示；正式部署须指向外部系统的类。"
        yield Error(f"{outside.setting} 是演示用的 {path}。", hint=hint, id="hall.E102")
        return
    try:
        backend = import_string(path)()
    except Exception as error:  # whatever the class says of itself, it cannot be used
        yield Error(f"{outside.setting} 指向的 {path} 不能装入：{error!r}", id="hall.E101")
        return
    missing = [name for name in outside.methods if not callable(getattr(backend, name, None))]
    if missing:
        yield Error(f"{outside.setting} 指向的 {path} 没有 {'、'.join(missing)}。", id="hall.E101")


def database_is_ready(
    app_configs: object, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[Error]:
    """Migrations that are not applied, and a role with other rights than the hall's."""
    if not databases:
        return []
    errors: list[Error] = []
    for alias in databases:
        try:
            executor = MigrationExecutor(connections[alias])
            waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as error:
            errors.append(Error(f"数据库 {alias} 不能使用：{error}", id="hall.E103"))
            continue
        if waiting:
            first = f"{waiting[0][0].app_label}.{waiting[0][0].name}"
            why = f"数据库 {alias} 有 {len(waiting)} 个迁移没有执行，第一个是 {first}。"
            errors.append(Error(why, hint="先运行 manage.py migrate。", id="hall.E104"))
        errors += _rights(alias)
    return errors


def _rights(alias: str) -> Iterator[Error]:
    with connections[alias].cursor() as cursor:
        excess, lacking = rights.excess(cursor), rights.lacking(cursor)
    if excess:
        hint = (
            "另建一个只供大厅使用的角色，DATABASE_URL 用它连接，DATABASE_OWNER_URL 用拥有数据表的角色，"
            "然后运行 manage.py migrate；多出的权限由数据库管理员收回。见 docs/operations.md 的 Two roles。"
        )
        yield Error(f"大厅连接数据库 {alias} 的权限过大：{'；'.join(excess)}。", hint=hint, id="hall.E106")
    if lacking:
        yield Error(
            f"大厅连接数据库 {alias} 的角色缺少对 {len(lacking)} 张表的权限，第一张是 {lacking[0]}。",
            hint="以 DATABASE_OWNER_URL 指明拥有数据表的角色，运行 manage.py migrate，权限随之授予。",
            id="hall.E107",
        )
