"""The model registry: one row of ``gold.models`` per night and role, written without Spark."""

import json
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, Field, QueryBuilder, Schema, write_deltalake

from contracts.settings.models import HEAVY, ROLES

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


def register(lake_root: Path, row: ModelRow) -> bool:
    """Make ``row`` the only row of its night and role; False where they already have the same model version.

    The row is then left alone, so that a rerun of an unchanged night leaves the table unchanged.
    """
    json.loads(row.metrics, parse_constant=_refuse_constant)
    path = _path(lake_root)
    if not DeltaTable.is_deltatable(path):
        columns = [Field.from_arrow(field) for field in _SCHEMA]
        DeltaTable.create(path, Schema(columns), partition_by=["ds"], name="models")
    table = DeltaTable(path)
    if [old["model_version"] for old in _rows_of(table, row.ds, row.role)] == [row.model_version]:
        return False
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(row).items()}
    _replace(table, row.ds, row.role, values)
    return True


def mark(lake_root: Path, ds: date, role: str, stage: str, reason: str | None) -> None:
    """Set the stage of the role's model of a night, and why it was rejected."""
    table = DeltaTable(_path(lake_root))
    (row,) = _rows_of(table, ds, role)
    # Written anew like any row: an update would take the reason for a piece of SQL.
    _replace(table, ds, role, row | {"stage": stage, "reason": reason})


def forget(lake_root: Path, ds: date, role: str) -> None:
    """Remove the role's row of the night, where there is one: an earlier run of the night may have trained a model."""
    path = _path(lake_root)
    if DeltaTable.is_deltatable(path) and _rows_of(DeltaTable(path), ds, role):
        DeltaTable(path).delete(_of(ds, role))


def _path(lake_root: Path) -> str:
    return str(lake_root / TABLE.replace(".", "/"))


def _of(ds: date, role: str) -> str:
    """Condition on a night's rows of a role; rows of nights before there were roles are heavy."""
    if role not in ROLES:
        raise ValueError(f"unknown role {role!r}; roles are {', '.join(ROLES)}")
    return f"ds = '{ds.isoformat()}' AND coalesce(role, '{HEAVY}') = '{role}'"


def _rows_of(table: DeltaTable, ds: date, role: str) -> list[dict[str, Any]]:
    query = f"SELECT * FROM models WHERE {_of(ds, role)}"  # noqa: S608 - a date and a known role
    found = QueryBuilder().register("models", table).execute(query).read_all()
    columns = {name: found.column(name).to_pylist() for name in found.column_names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _replace(table: DeltaTable, ds: date, role: str, values: dict[str, Any]) -> None:
    write_deltalake(table, pa.Table.from_pylist([values], schema=_SCHEMA), mode="overwrite", predicate=_of(ds, role))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{TABLE}: metrics hold {name}, which is no JSON")
