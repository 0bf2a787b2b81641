"""Page records: what a reader writes down of a page served to a user of the sample, so that it can be replayed.

One JSON line per page, in one file per UTC day. A record has what decided the page and is not in the lake; the rest is
fingerprints, by which a replay names the input that differs. Of what was withheld from the user it has only what met
the pool. It is personal data: files live for ``reader.replay_days``, and an erasure removes all of them, because it
also removes the versions of the tables that a replay reads.
"""

import json
import re
import zlib
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from contracts.epochs import Pool, pack_pool
from contracts.erasure import Kind

_FILE = re.compile(r"pages-(\d{4}-\d{2}-\d{2})\.jsonl")
ID_LISTS: dict[str, Kind] = {
    "blocked": "user",
    "former_friends": "user",
    "hidden": "post",
    "taken_down": "post",
    "narrowed": "post",
    "liked": "post",
    "commented": "post",
    "shared": "post",
}
"""Fields of a record that list ids of a person or of their posts."""
_ADDED = {"knows_acts", "liked", "commented", "shared", "fresh", "fresh_cards", "passed"}
"""Fields that records of older readers lack."""


@dataclass(frozen=True)
class PageRecord:
    """One served page; the record's key is (``user_id``, ``at``).

    ``at`` is the instant as ISO text. ``epoch``, ``level``, ``arm`` and ``start`` say which pool was read from which
    position, ``feed_filter`` and ``count`` what was asked for, ``snapshot_epoch`` which epoch the reader's memory had.
    ``blocked`` to ``left_groups`` are the suppression that met the pool: authors, posts, authors, groups.
    ``cardless`` are rows of the pool passed over for want of a card. ``liked``, ``commented`` and ``shared`` are what
    the user had done with posts of the pool, if ``knows_acts``; records of older readers have none of the four.

    ``fresh`` are the user's posts since the night, packed (base64), and ``fresh_cards`` the cards of those shown, as
    JSON: the lake has neither. ``passed`` is what a cursor says of those on earlier pages; empty if there are none.

    What came out: ``rows`` of the pool that were shown, ``suppressed`` rows by kind, ``following`` where the next page
    starts. Fingerprints: ``pool`` and ``cards`` (one for each row shown) are CRC-32, ``posts`` is of the posts' JSON.
    """

    at: str
    user_id: int
    epoch: int
    snapshot_epoch: int
    level: str
    arm: str | None
    feed_filter: str
    count: int
    start: int
    blocked: tuple[int, ...]
    hidden: tuple[int, ...]
    taken_down: tuple[int, ...]
    narrowed: tuple[int, ...]
    former_friends: tuple[int, ...]
    left_groups: tuple[int, ...]
    cardless: tuple[int, ...]
    rows: tuple[int, ...]
    suppressed: dict[str, int]
    following: int | None
    pool: int
    cards: tuple[int, ...]
    posts: str
    knows_acts: bool = False
    liked: tuple[int, ...] = ()
    commented: tuple[int, ...] = ()
    shared: tuple[int, ...] = ()
    fresh: str = ""
    fresh_cards: tuple[str, ...] = ()
    passed: tuple[float, ...] = ()

    def dumps(self) -> str:
        """The record as a JSON line, without its line end."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def loads(line: str | bytes) -> "PageRecord":
        """Parse a line; ``ValueError`` if it is no record of these fields."""
        found: Any = json.loads(line)
        every = {field.name for field in fields(PageRecord)}
        if not isinstance(found, dict) or not every - _ADDED <= set(found) <= every:
            raise ValueError("it is no page record of this version")
        parts: dict[str, Any] = {name: tuple(part) if isinstance(part, list) else part for name, part in found.items()}
        return PageRecord(**parts)


def instant(seconds: float) -> str:
    """``PageRecord.at`` of an instant in Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def file_of(day: date) -> str:
    """Name of the file of one UTC day."""
    return f"pages-{day}.jsonl"


def day_of(name: str) -> date | None:
    """The day of a file of page records; None for any other file."""
    found = _FILE.fullmatch(name)
    return date.fromisoformat(found[1]) if found else None


def pool_fingerprint(pool: Pool) -> int:
    """CRC-32 of the packed pool."""
    return zlib.crc32(pack_pool(pool.epoch, pool.generated_at, pool.owner, pool.columns))
