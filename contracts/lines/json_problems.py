"""Why a line is refused, in words."""

from dataclasses import dataclass, field

LONGEST_SHOWN = 80
"""Characters of a value that a detail shows."""

_MARK = "\ufeff"
_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Problem:
    """Why a line is refused: a reason of ``contracts.landing.REFUSALS``, and the part of the line that breaks the rule.

    ``field`` is the event's field that breaks it, if it is one field.
    """

    reason: str
    detail: str
    field: str | None = field(default=None, compare=False)


def shown(value: str) -> str:
    """A value for a detail: as in the line, cut if it is long."""
    return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"


def bad_encoding(line: bytes, at: int) -> str:
    """The byte at index ``at`` that is not UTF-8, and what to do."""
    if line.startswith(_GZIP):
        return "gzip data: name the file .gz"
    if line.startswith(_UTF_16):
        return "UTF-16: write the file in UTF-8"
    before = line[:at].decode()[-20:]
    return f"byte {at + 1} is 0x{line[at]:02x}, after {_printed(before)}: write the file in UTF-8"


def bad_syntax(text: str, message: str, at: int) -> str:
    """The syntax error at index ``at``, for example ``character 17: expecting value, found NaN}``."""
    expected = message.removesuffix(" starting at").removesuffix(" at")
    following = text[at : at + 20]
    if following.startswith(_MARK):
        following = "a byte-order mark"
    elif following.startswith("\0"):
        following = "a zero byte, as of UTF-16"
    actual = _printed(following) or "the end of the line"
    return f"character {at + 1}: {expected[:1].lower()}{expected[1:]}, found {actual}"


def _printed(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
