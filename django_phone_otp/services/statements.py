"""Conditional UPDATEs, INSERTs, and a question, that Django compiles once, for where every message passes.

The ORM compiles a query anew each time, and right after a wait for a vendor that takes longer than the
statement itself. Here its own compiler writes the SQL once for each set of columns; after that only the
values are new. Nothing is written by hand, and every value is a parameter.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connections, router, transaction
from django.db.models import Field, Model
from django.db.models.signals import post_save, pre_save
from django.db.models.sql import InsertQuery, UpdateQuery

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


def insert(row: Model) -> None:
    """Insert a new ``row``, whose primary key is set; as ``row.save(force_insert=True)`` does, signals included."""
    model = type(row)
    using = router.db_for_write(model, instance=row)
    connection = connections[using]
    about: dict[str, Any] = {"sender": model, "instance": row, "raw": False, "using": using, "update_fields": None}
    pre_save.send(**about)
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in _fields_of(model)]
    with transaction.mark_for_rollback_on_error(using), connection.cursor() as cursor:
        cursor.execute(_compile_insert(model, using), values)
    row._state.db, row._state.adding = using, False
    post_save.send(created=True, **about)


def any_of(model: type[Model], using: str, name: str, values: Sequence[str]) -> bool:
    """Tell whether a row in the database ``using`` has one of ``values`` in the field ``name``, which holds text.

    Compiled once for each number of values: whoever asks often gives as many each time, some of them twice.
    """
    sql, before = _compile_any_of(model, using, name, len(values))
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [*before, *values])  # text needs no preparation
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


@cache
def _compile_insert(model: type[Model], using: str) -> str:
    """Return the SQL for all rows: an INSERT has the same places whatever the values are."""
    query: Any = InsertQuery(model)
    query.insert_values(_fields_of(model), [model()])
    ((sql, _),) = query.get_compiler(using).as_sql()
    return str(sql)


@cache
def _fields_of(model: type[Model]) -> "list[Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if not field.generated]


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    return model._meta.get_field(name)  # type: ignore[return-value]
