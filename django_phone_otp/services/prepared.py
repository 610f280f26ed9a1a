"""Queries that Django compiles once, for where every guess and every send passes.

What is compiled is a queryset, with a ``Given`` wherever a value comes later. The ORM compiles a query anew each
time, which takes several times as long as the database takes to answer it. Here its own compiler writes the SQL
once for each database; its own fields prepare each value, and its own converters read what comes back.
"""

from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections, transaction
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql import Query, UpdateQuery

_Row = TypeVar("_Row", bound=Model)


class Given(Expression):
    """Stands in a queryset for a value of a field that is given when it runs, by the field's name or by ``name``."""

    def __init__(self, model: type[Model], field: str, name: str = "") -> None:
        kept: Any = model._meta.get_field(field)
        super().__init__(output_field=kept)
        self.name = name or field

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return a placeholder, with this as its parameter."""
        return "%s", (self,)

    def prepare(self, given: dict[str, Any], connection: Any) -> Any:
        """Return the value for the database."""
        return self.output_field.get_db_prep_save(given[self.name], connection)


class _Compiled(NamedTuple):
    sql: str
    parameters: list[Any]
    columns: list[Any]


class _Prepared:
    """A query, and what it was compiled to for each database that it ran on."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._compiled: dict[str, _Compiled] = {}

    def _compile(self, using: str) -> _Compiled:
        # Compiling counts in the query itself which tables it needs: two threads must not share one.
        compiler = self._query.clone().get_compiler(using)
        sql, parameters = compiler.as_sql()
        columns = [expression for expression, _sql, _alias in getattr(compiler, "select", None) or ()]
        return self._compiled.setdefault(using, _Compiled(str(sql), list(parameters), columns))

    def _execute(self, cursor: Any, using: str, given: dict[str, Any]) -> _Compiled:
        compiled, connection = self._compiled.get(using) or self._compile(using), connections[using]
        values = [each.prepare(given, connection) if isinstance(each, Given) else each for each in compiled.parameters]
        cursor.execute(compiled.sql, values)
        return compiled


class Update(_Prepared):
    """``rows.update(**changes)``, compiled once for each database."""

    def __init__(self, rows: "QuerySet[Any]", **changes: Any) -> None:
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(changes)
        super().__init__(query)

    def run(self, using: str, **given: Any) -> int:
        """Change the rows in the database ``using``; return how many there were."""
        with transaction.mark_for_rollback_on_error(using), connections[using].cursor() as cursor:
            self._execute(cursor, using, given)
            return int(cursor.rowcount)


class Rows(_Prepared, Generic[_Row]):
    """The rows of a queryset, compiled once for each database."""

    def __init__(self, rows: "QuerySet[_Row, Any]") -> None:
        super().__init__(rows.query)
        self._model = rows.model

    def values(self, using: str, **given: Any) -> list[tuple[Any, ...]]:
        """Return the values of each row, in the order of the columns."""
        return self._read(using, given)[0]

    def objects(self, using: str, **given: Any) -> list[_Row]:
        """Return each row as its model; columns that were left out are deferred."""
        found, columns = self._read(using, given)
        names = [column.target.attname for column in columns]
        return [self._model.from_db(using, names, row) for row in found]

    def _read(self, using: str, given: dict[str, Any]) -> tuple[list[tuple[Any, ...]], list[Any]]:
        with connections[using].cursor() as cursor:
            columns = self._execute(cursor, using, given).columns
            found = cursor.fetchall()
        compiler = self._query.get_compiler(using)  # converters belong to this thread's connection
        converters = compiler.get_converters(columns)
        return [tuple(row) for row in (compiler.apply_converters(found, converters) if converters else found)], columns
