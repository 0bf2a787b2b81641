"""The rows that a gate judges, as a Spark frame or as columns in this process; both answer the same questions."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Any, Protocol

import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, FloatType


class Rows(Protocol):
    """Rows of one table."""

    def count_repeated(self, keys: Sequence[str]) -> tuple[int, int]:
        """How many rows there are, and how many of them repeat the ``keys`` of another."""

    @property
    def fractions(self) -> list[str]:
        """The columns of fractions."""

    @property
    def non_numbers(self) -> tuple[list[str], int]:
        """Columns of fractions with a NaN or an infinity, and how many rows have one."""

    @property
    def rules_at_once(self) -> int:
        """How many rules of a suite may share a pass over the rows."""

    def asset(self, context: Any) -> Any:
        """An asset of Great Expectations for frames of the kind that ``columns`` returns."""

    def columns(self, names: Sequence[str]) -> Any:
        """The frame of the columns ``names`` of all rows; of every column if ``names`` is empty."""


@dataclass(frozen=True)
class OnSpark:
    """Any number of rows: every method is a query."""

    frame: DataFrame

    def count_repeated(self, keys: Sequence[str]) -> tuple[int, int]:
        """Count hashes of 64 bits first.

        Keys with different hashes differ, so the keys themselves, which take several times as long, are counted only
        if two hashes are equal.
        """
        total = repeated = 0
        for key in (F.xxhash64(*keys), F.struct(*keys)):
            total, distinct = self.frame.select(F.count("*"), F.countDistinct(key)).first() or (0, 0)
            repeated = int(total - distinct)
            if repeated == 0:
                break
        return int(total), repeated

    @property
    def fractions(self) -> list[str]:
        """By the schema."""
        return [field.name for field in self.frame.schema if isinstance(field.dataType, FloatType | DoubleType)]

    @property
    def non_numbers(self) -> tuple[list[str], int]:
        """Sum each column times zero: a finite number gives zero, any other NaN, which a sum keeps."""
        names = self.fractions
        if not names:
            return [], 0
        sums = self.frame.agg(*(F.sum(F.col(name) * F.lit(0.0)) for name in names)).first() or ()
        wrong = [name for name, total in zip(names, sums, strict=True) if total is not None and math.isnan(total)]
        is_wrong = reduce(or_, (F.isnan(F.col(name) * F.lit(0.0)) for name in wrong), F.lit(col=False))
        return wrong, self.frame.where(is_wrong).count() if wrong else 0

    @property
    def rules_at_once(self) -> int:
        """All: a pass reads every row."""
        return 1_000_000

    def asset(self, context: Any) -> Any:
        """Not persisted: reading the columns twice is cheaper than a copy of them."""
        return context.data_sources.add_spark(name="lake", persist=False).add_dataframe_asset(name="table")

    def columns(self, names: Sequence[str]) -> Any:
        """A selection."""
        return self.frame.select(*names) if names else self.frame


@dataclass(frozen=True)
class InMemory:
    """Rows that fit this process."""

    table: pa.Table

    @classmethod
    def read(cls, dataset: Any, columns: Collection[str]) -> "InMemory":
        """The named ``columns`` of an Arrow dataset, and every column of fractions."""
        schema = dataset.schema
        kept = [field.name for field in schema if field.name in columns or pa.types.is_floating(field.type)]
        return cls(dataset.to_table(columns=kept))

    def count_repeated(self, keys: Sequence[str]) -> tuple[int, int]:
        """Group by the keys; null equals null."""
        distinct = self.table.group_by(list(keys)).aggregate([]).num_rows
        return self.table.num_rows, self.table.num_rows - distinct

    @property
    def fractions(self) -> list[str]:
        """By the schema."""
        return [field.name for field in self.table.schema if pa.types.is_floating(field.type)]

    @cached_property
    def non_numbers(self) -> tuple[list[str], int]:
        """Check each column of fractions; a null is not counted."""
        wrong = {name: pc.invert(pc.is_finite(self.table[name]).fill_null(fill_value=True)) for name in self.fractions}
        wrong = {name: flags for name, flags in wrong.items() if pc.any(flags).as_py()}
        return list(wrong), pc.sum(reduce(pc.or_, wrong.values())).as_py() if wrong else 0

    @property
    def rules_at_once(self) -> int:
        """Few enough that the copy for pandas stays a small part of a wide table."""
        return 32

    def asset(self, context: Any) -> Any:
        """Of pandas."""
        return context.data_sources.add_pandas(name="lake").add_dataframe_asset(name="table")

    def columns(self, names: Sequence[str]) -> Any:
        """A copy, in the kinds that Great Expectations compares column by column."""
        return pd.DataFrame({name: _pandas(self.table[name]) for name in names or self.table.column_names})


def _pandas(column: pa.ChunkedArray) -> pd.Series:
    """A column in pandas; integers and booleans with nulls keep their type, at the price of speed."""
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        column = column.cast(pa.int64()) if pa.types.is_integer(column.type) else column
        kinds = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()} if column.null_count else {}
        return column.to_pandas(types_mapper=kinds.get)
    if pa.types.is_floating(column.type):
        return column.cast(pa.float64()).to_pandas()
    return column.to_pandas()
