"""Times of the landing contract: ISO 8601 in the years 1970 to 2099, in UTC where no offset is given."""

import re
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MOMENT = pa.timestamp("us", "UTC")
PATTERN = (
    r"(19[7-9][0-9]|20[0-9][0-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9]|[+-]18:00)?"
)
"""What looks like a time; the 31st of a shorter month does, too."""
_WHOLE = re.compile(PATTERN)
_ANCHORED = f"^{PATTERN}$"
_OFFSET = r"(Z|[+-][0-9]{2}:[0-9]{2})$"
_LONGEST_MOMENT = len("2026-03-08T09:00:00.123456Z")


def is_time(text: str) -> bool:
    """Whether the text is a time of a day that the calendar has."""
    if _WHOLE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def are_times(column: pa.StringArray) -> NDArray[np.bool_]:
    """Whether each text is a time, or null; a day that no calendar has raises ``ArrowInvalid``."""
    looks = pc.match_substring_regex(column, _ANCHORED)
    pc.utf8_slice_codeunits(pc.if_else(looks, column, None), 0, 19).cast(pa.timestamp("s"))
    told: NDArray[Any] = np.asarray(pc.fill_null(looks, fill_value=True).to_numpy(zero_copy_only=False))
    return told


def moments(column: pa.StringArray) -> pa.TimestampArray:
    """Texts that are times, or null, as instants in UTC; what is finer than a microsecond is cut off."""
    if (pc.max(pc.binary_length(column)).as_py() or 0) > _LONGEST_MOMENT:
        column = pc.replace_substring_regex(column, r"(\.[0-9]{6})[0-9]+", r"\1")
    is_local = pc.invert(pc.match_substring_regex(column, _OFFSET))
    if pc.any(is_local).as_py():
        column = pc.if_else(is_local, pc.binary_join_element_wise(column, "Z", ""), column)
    return column.cast(MOMENT)
