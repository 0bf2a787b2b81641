"""Readers of example files: Petastorm, and Arrow where Petastorm is not installed and to check it.

Both give the same rows in the same order.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow.parquet import ParquetFile

from contracts.places import Place

Part = tuple[int, int]
"""Which of how many parts of the rows: every so many row groups, or rows where row groups are fewer than parts."""
Reader = Callable[[Sequence[Place], Sequence[str], Part], Iterator[tuple[Any, Any]]]
"""Files, columns and part to example ids (N,) and values (N, ...) in float32, one row group after the other."""


def read_by_petastorm(files: Sequence[Place], columns: Sequence[str], part: Part) -> Iterator[tuple[Any, Any]]:
    """Read by one Petastorm reader in this process.

    It reads a disk: of S3 through the Arrow of today it knows nothing, so each file is fetched first.
    """
    if not files or not files[0].is_s3:
        yield from _read_local(files, columns, part)
        return
    from storage.arrow import fetch  # noqa: PLC0415 - only for S3

    with TemporaryDirectory(prefix="feedlake-examples-") as scratch:
        for file in files:
            fetched = Place("file", f"{scratch}/examples.parquet")
            fetch(file, fetched)
            yield from _read_local([fetched], columns, part)


def _read_local(files: Sequence[Place], columns: Sequence[str], part: Part) -> Iterator[tuple[Any, Any]]:
    from petastorm import make_batch_reader  # noqa: PLC0415 - the rest of this module also runs without Petastorm

    if not files:
        return
    has_groups_for_all, rows = _shares(files, part)
    number, num_parts = part
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Petastorm uses the part of pyarrow that later versions removed
        reader = make_batch_reader(
            [file.for_petastorm for file in files],
            schema_fields=[f"^{column}$" for column in ("example_id", *columns)],
            reader_pool_type="dummy",  # one reader in this process: more would race for the order
            shuffle_row_groups=False,
            num_epochs=1,
            **({"cur_shard": number, "shard_count": num_parts} if has_groups_for_all else {}),
        )
        with reader:
            for batch in reader:
                values = [np.asarray(getattr(batch, column), dtype=np.float32) for column in columns]
                yield np.asarray(batch.example_id, dtype=np.str_)[rows], np.column_stack(values)[rows]


def read_by_arrow(files: Sequence[Place], columns: Sequence[str], part: Part) -> Iterator[tuple[Any, Any]]:
    """Read files of a disk by Arrow alone."""
    has_groups_for_all, rows = _shares(files, part)
    number, num_parts = part
    opened = [ParquetFile(file.local) for file in files]
    groups = [(file, group) for file in opened for group in range(file.num_row_groups)]
    for file, group in groups[number::num_parts] if has_groups_for_all else groups:
        table = file.read_row_group(group, columns=["example_id", *columns])
        values = [_values_of(table.column(column).combine_chunks()) for column in columns]
        yield np.asarray(table.column("example_id").to_pylist(), dtype=np.str_)[rows], np.column_stack(values)[rows]


def _values_of(column: Any) -> Any:
    """Numbers (N,), or lists of equal length (N, size)."""
    if not pa.types.is_list(column.type):
        return column.to_numpy(zero_copy_only=False).astype(np.float32)
    return column.flatten().to_numpy(zero_copy_only=False).astype(np.float32).reshape(len(column), -1)


def _shares(files: Sequence[Place], part: Part) -> tuple[bool, slice]:
    """Whether each part has row groups of its own, and which rows of a row group are the part's."""
    number, num_parts = part
    if num_parts == 1:
        return False, slice(None)
    has_groups_for_all = sum(ParquetFile(file.local).num_row_groups for file in files) >= num_parts
    return has_groups_for_all, slice(None) if has_groups_for_all else slice(number, None, num_parts)
