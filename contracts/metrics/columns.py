"""Check the input columns of a metric: equal lengths, finite values."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def finite_columns(**columns: NDArray[Any] | None) -> list[Floats]:
    """Return the columns as floats, ``(n,)`` each and in the order given; ``None`` becomes ones.

    The first column sets the length. Raises ``ValueError`` that names the column which is shorter, longer or holds a
    value that is not finite.
    """
    first = next(iter(columns.values()))
    assert first is not None
    checked = []
    for name, column in columns.items():
        values = np.ones(len(first)) if column is None else np.asarray(column, dtype=np.float64)
        if values.shape != (len(first),):
            raise ValueError(f"{name} has shape {values.shape}, not ({len(first)},) as {next(iter(columns))}")
        if not np.isfinite(values).all():
            rows = np.flatnonzero(~np.isfinite(values))
            raise ValueError(f"{name} is not finite in {len(rows)} of {len(values)} rows, the first is row {rows[0]}")
        checked.append(values)
    return checked
