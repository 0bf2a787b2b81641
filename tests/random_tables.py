"""Tables of the lake with random rows: every rule of a gate meets rows that keep it and rows that break it."""

import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from contracts.pipeline import BY_NAME
from contracts.pipeline.table import Table
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.gate.suites import load_suite

ODD_TEXTS = ("", "1", "2", "a\tb", "NaN", "und", "x" * 300, "ä" * 70_000)
NUMBERS = (0, 1, 2, 3, 5, 7, 11, 40, 2**31 - 1)
FEWEST_NUMBERS = 3
"""Each column has a choice of them, so that ids of one table lack in another."""

WRITERS = ("bronze.events", "silver.sessions", "silver.impressions", "silver.engagements", "?")
FRACTIONS = (-5.0, -0.5, 0.0, 0.0, 0.25, 0.5, 1.0, 1.0, 7.0, 1e9)
LENGTHS = (0, 1, 2, 6, 8, 10, 50)
NULL_SHARE = 0.15


def random_table(name: str, ds: date, num_rows: int, seed: int) -> pa.Table:
    """``num_rows`` rows of the table's columns, as its DDL has them; one seed draws other rows for another table."""
    table, generator = BY_NAME[name], np.random.default_rng([seed, zlib.crc32(name.encode())])
    fields = read_schema(name)
    schema = to_arrow_schema(fields)
    columns = {}
    for field in fields:
        choices = _choices(table, field, ds, generator)
        drawn = [choices[at] for at in generator.integers(0, len(choices), num_rows)]
        if field.nullable:
            drawn = [None if generator.random() < NULL_SHARE else value for value in drawn]
        columns[field.name] = pa.array(drawn, schema.field(field.name).type)
    return pa.table(columns, schema=schema)


def write_table(path: str, table: pa.Table, name: str) -> None:
    """As one version of a Delta table."""
    column = BY_NAME[name].partition
    write_deltalake(path, table, partition_by=[column] if column else None, mode="overwrite")


def _choices(table: Table, field: T.StructField, ds: date, generator: np.random.Generator) -> Sequence[Any]:
    kind = field.dataType
    if isinstance(kind, T.ArrayType):
        some = [*_choices(table, T.StructField(field.name, kind.elementType), ds, generator)]
        some += [float("nan"), float("inf")] if isinstance(kind.elementType, T.FloatType) else []
        return [[some[at] for at in generator.integers(0, len(some), size)] for size in LENGTHS for _ in range(3)]
    if isinstance(kind, T.StructType):
        return [{inner.name: _choices(table, inner, ds, generator)[0] for inner in kind}]
    if isinstance(kind, T.StringType):
        return _texts(table, field.name)
    if isinstance(kind, T.IntegerType | T.LongType):
        size = generator.integers(FEWEST_NUMBERS, len(NUMBERS))
        return [-3, *generator.choice(NUMBERS, size, replace=False)]
    midnight = datetime.combine(ds + timedelta(1), datetime.min.time(), UTC)
    near = [midnight + timedelta(seconds=s) for s in (-200_000, -90_000, -1, 0, 1)]
    # One partition is one file, which has one order.
    days = [ds] if field.name == table.partition else [ds, ds, ds, ds - timedelta(1), ds - timedelta(4)]
    plain: dict[type[T.DataType], Sequence[Any]] = {
        T.BooleanType: [True, False],
        T.DateType: days,
        T.TimestampType: [datetime(1970, 1, 1, tzinfo=UTC), *near, datetime(2090, 1, 1, tzinfo=UTC)],
        T.DoubleType: FRACTIONS,
        T.FloatType: FRACTIONS,
    }
    return plain[type(kind)]


def _texts(table: Table, column: str) -> Sequence[str]:
    if column == "writer":
        return WRITERS
    if column == "language":
        return ["und"] * 20 + ["en", "?"]
    if column == "example_id":
        return [f"e{number}" for number in range(100)]
    sets = [item["kwargs"].get("value_set", []) for item in load_suite(table) if item["kwargs"].get("column") == column]
    return [*ODD_TEXTS, table.full_name, *(str(value) for values in sets for value in values)]
