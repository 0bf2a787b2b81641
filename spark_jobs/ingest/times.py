"""``contracts.lines.times`` for columns of times."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.lines.times import PATTERN

MOMENT = pa.timestamp("us", "UTC")
_ANCHORED = f"^{PATTERN}$"
_OFFSET = r"(Z|[+-][0-9]{2}:[0-9]{2})$"
_LONGEST_MOMENT = len("2026-03-08T09:00:00.123456Z")


def are_times(column: pa.StringArray) -> NDArray[np.bool_]:
    """Whether each text is a time, or null; a day that does not exist raises ``ArrowInvalid``."""
    looks = pc.match_substring_regex(column, _ANCHORED)
    pc.utf8_slice_codeunits(pc.if_else(looks, column, None), 0, 19).cast(pa.timestamp("s"))
    are_valid: NDArray[Any] = np.asarray(pc.fill_null(looks, fill_value=True).to_numpy(zero_copy_only=False))
    return are_valid


def moments(column: pa.StringArray) -> pa.TimestampArray:
    """Texts that are times, or null, as instants in UTC; digits finer than a microsecond are cut off."""
    if (pc.max(pc.binary_length(column)).as_py() or 0) > _LONGEST_MOMENT:
        column = pc.replace_substring_regex(column, r"(\.[0-9]{6})[0-9]+", r"\1")
    is_local = pc.invert(pc.match_substring_regex(column, _OFFSET))
    if pc.any(is_local).as_py():
        column = pc.if_else(is_local, pc.binary_join_element_wise(column, "Z", ""), column)
    return column.cast(MOMENT)
