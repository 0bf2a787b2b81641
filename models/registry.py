"""The model registry: one row of ``gold.models`` per night and role, written without Spark."""

import json
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, Field, QueryBuilder, Schema, write_deltalake

from contracts.places import Location, Place, table_below
from contracts.settings.models import HEAVY, ROLES
from storage.delta import delta_options, is_table, open_table
from storage.leases import leases_of_process

TABLE = "gold.models"
_NULLABLE = ("role", "reason")
"""``role`` is null in rows from before there were roles."""
_TYPES: dict[Any, Any] = {
    str: pa.string(),
    str | None: pa.string(),
    date: pa.date32(),
    int: pa.int64(),
    tuple[str, ...]: pa.list_(pa.string()),
}


@dataclass(frozen=True)
class ModelRow:
    """The model of a night and role; the columns of ``sql/gold/models/ddl.sql`` in order. ``metrics`` is JSON."""

    model_version: str
    ds: date
    preset: str
    stage: str
    feature_schema: str
    features: tuple[str, ...]
    examples_version: int
    training_partitions: tuple[str, ...]
    num_examples: int
    metrics: str
    code_revision: str
    path: str
    role: str
    reason: str | None = None


_SCHEMA = pa.schema(
    [pa.field(item.name, _TYPES[item.type], nullable=item.name in _NULLABLE) for item in fields(ModelRow)]
)


def register(lake: Location, row: ModelRow) -> bool:
    """Make ``row`` the only row of its night and role; False if they already have the same model version.

    Then nothing is written, so that a rerun of an unchanged night leaves the table unchanged.
    """
    json.loads(row.metrics, parse_constant=_refuse_constant)
    place = _place(lake)
    if not is_table(place):
        columns = Schema([Field.from_arrow(field) for field in _SCHEMA])
        with leases_of_process().writing(place):
            options = delta_options(place)
            DeltaTable.create(str(place), columns, partition_by=["ds"], name="models", storage_options=options)
    table = open_table(place)
    if [old["model_version"] for old in _rows_of(table, row.ds, row.role)] == [row.model_version]:
        return False
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(row).items()}
    _replace(place, table, row.ds, row.role, values)
    return True


def mark(lake: Location, ds: date, role: str, stage: str, reason: str | None) -> None:
    """Set the stage of the role's model of a night, and why it was rejected."""
    place = _place(lake)
    table = open_table(place)
    (row,) = _rows_of(table, ds, role)
    # The row is replaced, because an update would interpret the reason as SQL.
    _replace(place, table, ds, role, row | {"stage": stage, "reason": reason})


def forget(lake: Location, ds: date, role: str) -> None:
    """Remove the role's row of the night, if any: an earlier run of the night may have trained a model."""
    place = _place(lake)
    if is_table(place) and _rows_of(open_table(place), ds, role):
        with leases_of_process().writing(place):
            open_table(place).delete(_of(ds, role))


def _place(lake: Location) -> Place:
    return table_below(Place.parse(lake), TABLE)


def _of(ds: date, role: str) -> str:
    """Condition on a night's rows of a role; rows of nights before there were roles are heavy."""
    if role not in ROLES:
        raise ValueError(f"unknown role {role!r}; roles are {', '.join(ROLES)}")
    return f"ds = '{ds.isoformat()}' AND coalesce(role, '{HEAVY}') = '{role}'"


def _rows_of(table: DeltaTable, ds: date, role: str) -> list[dict[str, Any]]:
    query = f"SELECT * FROM models WHERE {_of(ds, role)}"  # noqa: S608 - a date and a known role
    rows = QueryBuilder().register("models", table).execute(query).read_all()
    columns = {name: rows.column(name).to_pylist() for name in rows.column_names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _replace(place: Place, table: DeltaTable, ds: date, role: str, values: dict[str, Any]) -> None:
    rows = pa.Table.from_pylist([values], schema=_SCHEMA)
    with leases_of_process().writing(place):
        write_deltalake(table, rows, mode="overwrite", predicate=_of(ds, role))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{TABLE}: metrics hold {name}, which is no JSON")
