"""Conditional UPDATEs, and a question, that Django compiles once, for where every message passes.

The ORM compiles a query anew each time, and right after a wait for a vendor that takes longer than the
statement itself. Here its own compiler writes the SQL once for each set of columns; after that only the
values are new. Nothing is written by hand, and every value is a parameter.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connections, router, transaction
from django.db.models import Field, Model
from django.db.models.sql import UpdateQuery

Shape = tuple[type[Model], str, tuple[str, ...], tuple[tuple[str, bool], ...]]

_compiled: dict[Shape, str] = {}


def update(model: type[Model], where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
    """Set ``changes`` in the rows that have all values of ``where``; return how many there were.

    Both map names of fields to values: no expressions, no lookups, and no None in ``where``.
    """
    using = router.db_for_write(model)
    connection = connections[using]
    shape = (model, using, tuple(where), tuple((name, value is None) for name, value in changes.items()))
    sql = _compiled.get(shape)
    if sql is None:
        sql = _compiled[shape] = _compile(model, using, where, changes)
    given = [*changes.items(), *where.items()]
    all_are_given = sql.count("%s") == len(given)  # before Django 6.1, None is no parameter
    parameters = [
        _field(model, name).get_db_prep_save(value, connection)
        for name, value in given
        if all_are_given or value is not None
    ]
    with transaction.mark_for_rollback_on_error(using), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def any_of(model: type[Model], using: str, name: str, values: Sequence[str]) -> bool:
    """Tell whether a row in the database ``using`` has one of ``values`` in the field ``name``, which holds text.

    Compiled once for each number of values: whoever asks often gives as many each time, some of them twice.
    """
    connection = connections[using]
    sql, before = _compile_any_of(model, using, name, len(values))
    field = _field(model, name)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*before, *(field.get_db_prep_save(value, connection) for value in values)])
        return cursor.fetchone() is not None


@cache
def _compile_any_of(model: type[Model], using: str, name: str, count: int) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL, and the parameters that it has before those of the values."""
    different = [str(position) for position in range(count)]  # the ORM leaves out what comes twice
    query: Any = model._base_manager.using(using).filter(**{f"{name}__in": different}).query.exists()
    sql, parameters = query.get_compiler(using).as_sql()
    return str(sql), tuple(parameters[: len(parameters) - count])


def _compile(model: type[Model], using: str, where: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    query: Any = model._base_manager.using(using).filter(**where).query.chain(UpdateQuery)
    query.add_update_values(dict(changes))
    sql, _ = query.get_compiler(using).as_sql()
    return str(sql)


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    return model._meta.get_field(name)  # type: ignore[return-value]
