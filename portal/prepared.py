"""Querysets whose SQL is put together once: the ORM takes several times as long for that as the
database for the answer."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)


class _Statement(NamedTuple):
    sql: str
    values: int
    compiler: SQLCompiler
    converters: dict[int, Any]


class Prepared(Generic[M]):
    """A queryset of whole rows, with whatever it selects as related, to be asked with other values.

    It is built once for the process, when it is first asked, with values that only stand for those
    that are asked with: one for each placeholder of its SQL, in their order and as the database
    takes them (ids, text, dates).
    """

    def __init__(self, build: Callable[[], "QuerySet[M]"]) -> None:
        self._build = build

    def __call__(self, *values: Any) -> list[M]:
        """Its rows for these values. One query. TypeError where there are more or fewer values than
        placeholders."""
        said = self._statement
        if len(values) != said.values:
            raise TypeError(f"{said.values} values are asked for, not {len(values)}")
        with connection.cursor() as cursor:
            cursor.execute(said.sql, values)
            rows = cursor.fetchall()
        if said.converters:
            rows = list(said.compiler.apply_converters(rows, said.converters))
        return [self._model(row) for row in rows]

    def first(self, *values: Any) -> M | None:
        """Its first row for these values, if there is one. One query."""
        return next(iter(self(*values)), None)

    @cached_property
    def _statement(self) -> _Statement:
        compiler = self._build().query.get_compiler(connection=connection)
        sql, values = compiler.as_sql()
        return _Statement(
            sql, len(values), compiler, compiler.get_converters([one[0] for one in compiler.select])
        )

    @cached_property
    def _model(self) -> Callable[[Any], M]:
        compiler, known = self._statement.compiler, connection.alias
        described = compiler.klass_info
        places = described["select_fields"]
        start, end = places[0], places[-1] + 1
        names = [one[0].target.attname for one in compiler.select[start:end]]
        # The stubs are of a later Django, which is told one thing more.
        related = get_related_populators(described, compiler.select, known)  # type: ignore[call-arg]

        def model(row: Any) -> M:
            made = described["model"].from_db(known, names, row[start:end])
            for one in related:
                one.populate(row, made)
            return made

        return model
