"""A stand-in for Spark under a publish: frames are Arrow tables, and their partitions run in this process.

A publish is run as it is, with every step of it: what it reads from the lake is given, and the functions that it sends
to Spark's executors run here one partition after another. So a publish takes a fraction of a second.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.places import Place, table_below
from spark_jobs.publish import loading

PARTITIONS = 2


def put_in(module: ModuleType, **changes: Any) -> None:
    """Replace names of a module."""
    vars(module).update(changes)


class NoFunctions:
    """Stands for ``pyspark.sql.functions``: every function returns None, and ``Rows`` takes no columns."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@dataclass(frozen=True)
class Rows:
    """A frame; its first column decides a row's partition."""

    table: pa.Table

    @property
    def columns(self) -> list[str]:
        return list(self.table.column_names)

    def repartition(self, *_: Any) -> "Rows":
        return self

    def sortWithinPartitions(self, *_: Any) -> "Rows":  # noqa: N802 - Spark's name
        return self  # the rows of a content are in order

    def select(self, *columns: str) -> "Rows":
        return replace(self, table=self.table.select(list(columns)))

    def distinct(self) -> "Rows":
        return replace(self, table=self.table.group_by(self.columns, use_threads=False).aggregate([]))

    def persist(self) -> "Rows":
        return self

    def unpersist(self) -> "Rows":
        return self

    def mapInArrow(self, function: Callable[[Iterable[Any]], Iterable[Any]], _: str) -> "Mapped":  # noqa: N802
        return Mapped(self, function)

    def partitions(self) -> list[pa.Table]:
        """Numbers go by their value, as a hash would send them, and all else by its place."""
        keys = self.table.column(0)
        if pa.types.is_integer(keys.type):
            places = keys.to_numpy() % PARTITIONS
        else:
            places = np.arange(self.table.num_rows) % PARTITIONS
        return [self.table.filter(pa.array(places == number)) for number in range(PARTITIONS)]


@dataclass(frozen=True)
class AtWork:
    """Stands for Spark's ``TaskContext`` while a partition runs."""

    number: int

    def get(self) -> "AtWork":
        return self

    def partitionId(self) -> int:  # noqa: N802 - Spark's name
        return self.number


@dataclass(frozen=True)
class Reported:
    """A row of a result."""

    fields: dict[str, Any]

    def asDict(self) -> dict[str, Any]:  # noqa: N802 - Spark's name
        return self.fields


@dataclass(frozen=True)
class Mapped:
    """The result of a function over the partitions; it runs when its rows are asked for."""

    rows: Rows
    function: Callable[[Iterable[Any]], Iterable[Any]]

    def collect(self) -> list[Reported]:
        found: list[Reported] = []
        for number, part in enumerate(self.rows.partitions()):
            put_in(loading, TaskContext=AtWork(number))
            for batch in self.function(iter(part.to_batches())):
                found += [Reported(row) for row in batch.to_pylist()]
        return found

    def agg(self, *_: Any) -> "Mapped":
        return self

    def first(self) -> Sequence[int]:
        """The sum of the one column, as the publish asks for it."""
        return [sum(next(iter(row.fields.values())) for row in self.collect())]


@dataclass(frozen=True)
class LakeOfEpochs:
    """A lake that has ``gold.epochs`` only."""

    root: str
    spark: None = None

    def create(self, _: str) -> None:
        """The table is there."""

    def place_of(self, name: str) -> Place:
        return table_below(Place.parse(self.root), name)
