"""Read small tables of the lake without Spark: a Spark job costs more than reading their rows."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from contracts.places import Location, Place
from storage.delta import open_table


@dataclass(frozen=True)
class Span:
    """The partitions from ``first`` to ``last`` of ``column``, both included."""

    column: str
    first: date
    last: date


@dataclass(frozen=True)
class SmallTable:
    """One snapshot of a Delta table, or of a ``span`` of its partitions."""

    delta: DeltaTable
    span: Span | None = None

    @classmethod
    def at(cls, table: Location | Place, span: Span | None = None) -> "SmallTable":
        """The newest snapshot of the table at a location."""
        return cls(open_table(table), span)

    @cached_property
    def num_bytes(self) -> int:
        """Size of the files that hold the rows, by the table's log."""
        files = pa.table(self.delta.get_add_actions(flatten=True))
        if self.span is not None:
            days = files[f"partition.{self.span.column}"]
            inside = pc.and_(pc.greater_equal(days, self.span.first), pc.less_equal(days, self.span.last))
            files = files.filter(inside)
        return int(pc.sum(files["size_bytes"]).as_py() or 0)

    def dataset(self) -> Any:
        """The rows as an Arrow dataset, which reads files only when columns are requested."""
        if self.span is None:
            return self.delta.to_pyarrow_dataset()
        bounds = ((">=", self.span.first), ("<=", self.span.last))
        return self.delta.to_pyarrow_dataset([(self.span.column, is_, day.isoformat()) for is_, day in bounds])
