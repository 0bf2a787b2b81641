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
_TYPES: dict[type, Any] = {str: pa.string(), date: pa.date32(), int: pa.int64(), tuple[str, ...]: pa.list_(pa.string())}


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


def register(lake_root: Path, row: ModelRow) -> bool:
    """Make ``row`` the only row of its night and role; False where they already have the same model version.

    The row is then left alone, so that a rerun of an unchanged night leaves the table unchanged.
    """
    json.loads(row.metrics, parse_constant=_refuse_constant)
    path = str(lake_root / TABLE.replace(".", "/"))
    # Tables from before there were roles have none, so the column may be null.
    types = {item.name: _TYPES[item.type] for item in fields(ModelRow)}  # type: ignore[index]
    schema = pa.schema([pa.field(name, kind, nullable=name == "role") for name, kind in types.items()])
    if not DeltaTable.is_deltatable(path):
        columns = [Field.from_arrow(field) for field in schema]
        DeltaTable.create(path, Schema(columns), partition_by=["ds"], name="models")
    table = DeltaTable(path)
    if _versions_of(table, row.ds, row.role) == [row.model_version]:
        return False
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(row).items()}
    data = pa.Table.from_pylist([values], schema=schema)
    write_deltalake(table, data, mode="overwrite", predicate=_of(row.ds, row.role))
    return True


def forget(lake_root: Path, ds: date, role: str) -> None:
    """Remove the role's row of the night, where there is one: an earlier run of the night may have trained a model."""
    path = str(lake_root / TABLE.replace(".", "/"))
    if DeltaTable.is_deltatable(path) and _versions_of(DeltaTable(path), ds, role):
        DeltaTable(path).delete(_of(ds, role))


def _of(ds: date, role: str) -> str:
    """Condition on a night's rows of a role; rows of nights before there were roles are heavy."""
    if role not in ROLES:
        raise ValueError(f"unknown role {role!r}; roles are {', '.join(ROLES)}")
    return f"ds = '{ds.isoformat()}' AND coalesce(role, '{HEAVY}') = '{role}'"


def _versions_of(table: DeltaTable, ds: date, role: str) -> list[str]:
    query = f"SELECT model_version FROM models WHERE {_of(ds, role)}"  # noqa: S608 - a date and a known role
    found = QueryBuilder().register("models", table).execute(query).read_all()
    return [str(version) for version in found.column("model_version").to_pylist()]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{TABLE}: metrics hold {name}, which is no JSON")
