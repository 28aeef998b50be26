"""Querysets whose SQL is built once: to build it takes the ORM several times as long as the
database needs to answer."""

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
    """A queryset of whole rows, with the rows that it selects as related, to be run with different
    values.

    ``build`` is called once in the process, at the first call, with stand-in values. Each call
    gives one value for each placeholder of the SQL, in their order and as the database takes them
    (ids, text, dates).
    """

    def __init__(self, build: Callable[[], "QuerySet[M]"]) -> None:
        self._build = build

    def __call__(self, *values: Any) -> list[M]:
        """Its rows for these values. One query. TypeError where there are more or fewer values than
        placeholders."""
        statement = self._statement
        if len(values) != statement.values:
            raise TypeError(f"{statement.values} values are asked for, not {len(values)}")
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, values)
            rows = cursor.fetchall()
        if statement.converters:
            rows = list(statement.compiler.apply_converters(rows, statement.converters))
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
        compiler, alias = self._statement.compiler, connection.alias
        class_info = compiler.klass_info
        places = class_info["select_fields"]
        start, end = places[0], places[-1] + 1
        names = [entry[0].target.attname for entry in compiler.select[start:end]]
        # The stubs are of a later Django, whose function has one more parameter.
        related = get_related_populators(class_info, compiler.select, alias)  # type: ignore[call-arg]

        def model(row: Any) -> M:
            instance = class_info["model"].from_db(alias, names, row[start:end])
            for populator in related:
                populator.populate(row, instance)
            return instance

        return model
