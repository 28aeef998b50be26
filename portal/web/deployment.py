"""What ``check --deploy`` asks beside Django: that whatever stands outside is named, can be loaded, and is not the demo's own.

``check --deploy --database default`` asks the database and the seals, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.checks import Error
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.module_loading import import_string

from certificates import authority
from portal.policy.book import book


@dataclass(frozen=True, slots=True)
class Outside:
    """A class outside the hall that a setting names: what it must be able to do, and the demo's own, which must not serve."""

    setting: str
    methods: tuple[str, ...]
    own: tuple[str, ...] = ()


OUTSIDE = (
    Outside("TEXT_MESSAGE_BACKEND", ("send",), ("portal.accounts.messages.OutboxPage",)),
    Outside("HOUSEHOLD_REGISTER", ("find",), ("portal.registers.household.LocalRegister",)),
    Outside("BANK_REGISTER", ("account", "card"), ("portal.registers.bank.LocalRegister",)),
    Outside("MEDICAL_ACCOUNT_REGISTER", ("account",), ("portal.registers.medical.LocalRegister",)),
)
FACE_CHECK = Outside("FACE_CHECK", ("begin", "state"))


def what_stands_outside_can_be_used(app_configs: object, **kwargs: object) -> list[Error]:
    """A message, a comparison or a face check that fails for want of its class is found here, not by a user."""
    asked = [*OUTSIDE, *([FACE_CHECK] if settings.FACE_CHECK else [])]
    return [error for one in asked for error in _wrong(one)]


def _wrong(one: Outside) -> Iterator[Error]:
    named = getattr(settings, one.setting)
    if not named:
        yield Error(f"{one.setting} 未设置。", hint="见 docs/operations.md。", id="hall.E101")
        return
    if named in one.own:
        hint = "它读写大厅自己的表，只供演示；正式部署须指向外部系统的类。"
        yield Error(f"{one.setting} 是演示用的 {named}。", hint=hint, id="hall.E102")
        return
    try:
        backend = import_string(named)()
    except Exception as error:  # whatever the class says of itself, it cannot be used
        yield Error(f"{one.setting} 指向的 {named} 不能装入：{error!r}", id="hall.E101")
        return
    missing = [name for name in one.methods if not callable(getattr(backend, name, None))]
    if missing:
        yield Error(f"{one.setting} 指向的 {named} 没有 {'、'.join(missing)}。", id="hall.E101")


def database_and_seals_are_ready(
    app_configs: object, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[Error]:
    """Migrations that are not applied, and cities that issue proofs and have no seal."""
    if not databases:
        return []
    found: list[Error] = []
    for alias in databases:
        try:
            executor = MigrationExecutor(connections[alias])
            waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as error:
            found.append(Error(f"数据库 {alias} 不能使用：{error}", id="hall.E103"))
            continue
        if waiting:
            first = f"{waiting[0][0].app_label}.{waiting[0][0].name}"
            why = f"数据库 {alias} 有 {len(waiting)} 个迁移没有执行，第一个是 {first}。"
            found.append(Error(why, hint="先运行 manage.py migrate。", id="hall.E104"))
    now = timezone.now()
    for city in book().cities:
        if not authority.available(city.slug, now=now):
            why = f"{city.title}没有可用的电子印章，证明和回执不能出具。"
            found.append(Error(why, hint="见 docs/certificates.md。", id="hall.E105"))
    return found
