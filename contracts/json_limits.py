"""How large a landed line may be in its parts, known field or not.

The JSON readers behind ingest stop at these limits: a line beyond would be read as nothing.
"""

MAX_LEVELS = 1_000
"""Objects and lists lie within each other at most so deep; the line's own object is the first level."""

MAX_DIGITS = 1_000
"""Of a number, its exponent included."""

MAX_NAME_UNITS = 50_000
"""Of the name of a field, in units of UTF-16: two for a character beyond 16 bits."""

MAX_TEXT_UNITS = 20_000_000
"""Of a text, in units of UTF-16."""
