"""Convert Arrow batches to arrays, and regroup them by user, so that no result depends on where a batch ends."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.groups import group_starts


def whole_users(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Regroup batches sorted by ``user_id`` so that each holds all rows of its users.

    The last user of a batch is carried over to the next one; memory is one batch plus one user.
    """
    carried: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows == 0:
            continue
        users = batch.column("user_id").to_numpy()
        last = int(group_starts(users)[-1])
        if carried and last == 0 and carried[-1].column("user_id")[-1].as_py() == users[0]:
            carried.append(batch)
            continue
        done = [*carried, batch.slice(0, last)] if last else carried
        if done:
            yield pa.concat_batches(done)
        carried = [batch.slice(last)]
    if carried:
        yield pa.concat_batches(carried)


def at_least(batches: Iterable[pa.RecordBatch], num_rows: int) -> Iterator[pa.RecordBatch]:
    """Merge batches until each but the last has ``num_rows`` rows: many small calls cost more than one."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= num_rows:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)


def float_matrix(column: pa.ListArray) -> NDArray[np.float32]:
    """A column of equally long float lists as ``(n, width)`` float32; unequal lengths raise ``ValueError``."""
    flat: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    if len(column) == 0:
        return np.zeros((0, 0), dtype=np.float32)
    offsets = column.offsets.to_numpy()
    width = int(offsets[1] - offsets[0])
    if np.any(np.diff(offsets) != width):
        raise ValueError("feature lists differ in length")
    return flat.reshape(len(column), width)


def feature_matrix(columns: Iterable[pa.Array]) -> NDArray[np.float32]:
    """Columns of floats and of float lists, side by side, as ``(n, width)`` float32."""
    parts = (
        float_matrix(column) if pa.types.is_list(column.type) else column.to_numpy(zero_copy_only=False)
        for column in columns
    )
    return np.column_stack([part.astype(np.float32, copy=False) for part in parts])


def number_lists(matrix: NDArray[Any]) -> pa.ListArray:
    """The rows of a matrix as a column of lists."""
    offsets = np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(matrix.ravel()))
