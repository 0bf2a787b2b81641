"""Limits on the parts of a landing line, for known and unknown fields.

The JSON readers of ingest stop at these limits: they would read a larger line as nothing.
"""

MAX_LEVELS = 1_000
"""Depth of nested objects and lists; the line's own object is level 1."""

MAX_DIGITS = 1_000
"""Digits of a number, its exponent included."""

MAX_NAME_UNITS = 50_000
"""Length of a field name in UTF-16 units: two for a character beyond 16 bits."""

MAX_TEXT_UNITS = 20_000_000
"""Length of a text in UTF-16 units."""
