"""Epochs in Redis: byte formats shared by the publisher and the reader.

``redis_keys.py`` has the keys, ``pointer.py`` the pointer.

A pool is one value: header, then one column per field, so that packing and unpacking are single numpy casts.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCES = ("friend", "page", "group", "suggested", "popular", "chronological", "ad")
CONTENT_TYPES = ("status", "photo", "video", "link")
REASONS = ("friend_posted", "page_posted", "group_posted", "suggested_topic", "popular", "recent", "ad")
FLAG_PUBLIC = 1
FLAG_EXPLORATION = 2
FLAG_SENSITIVE = 4
"""No ad may stand beside the post."""
AD = SOURCES.index("ad")
"""Source of the rows that are ads."""

_HEADER = struct.Struct("<4sBBHIIq")  # magic, version, whose, count, epoch, generated at, owner
_CHECKSUM = struct.Struct("<I")
POOL_HEADER_BYTES = _HEADER.size + _CHECKSUM.size
POOL_MAGIC = b"FLPL"
_VERSION = 4
_OF_A_USER, _PUBLIC = 1, 0

MAX_POOL_BYTES = 2**16
MAX_CARD_BYTES = 2**19
"""A text has at most 63,206 characters; escaped, they take up to 6 bytes each."""
MAX_READ_MEMBERS = 10_000
"""Most members of a user's block or hidden set that a reader loads; a user with more sees public posts only."""
MAX_ACTS = 1_000
"""Most of a user's latest acts that are kept to be shown in their feed."""
MAX_WRITTEN_MEMBERS = 2 * MAX_READ_MEMBERS
"""Most members that a publish writes to such a set. More would change nothing: the set is already too large to be read,
and stays so even if services remove up to ``MAX_READ_MEMBERS`` members between two publishes."""

POOL_DTYPES: dict[str, str] = {
    "post_id": "<i8",
    "author_id": "<i8",
    "source_id": "<i8",
    "created_at": "<u4",
    "score": "<f2",
    "source": "u1",
    "content_type": "u1",
    "reason": "u1",
    "flags": "u1",
    "propensity": "<f4",
}
"""Columns of a pool, in byte order. ``created_at`` is Unix seconds; the coded columns index the tuples above.
``propensity`` is the probability with which the post was drawn for its place. It is 1 for a place without a draw. It is
NaN if the probability is unknown: format 2 did not store it for drawn places.

The row of an ad has the source ``AD``, the ad as ``source_id``, and the post that it promotes; its score and propensity
are NaN. It stands after the post that it follows. Format 4 has the columns of format 3: a reader from before there were
ads refuses it, instead of showing ads as posts.

A post without a known author has ``NOBODY`` as author, and as source if the author would be the source. No user has
that id (``contracts/erasure.py``), so no block names it.
"""
_COLUMNS_OF = {
    2: [name for name in POOL_DTYPES if name != "propensity"],
    3: list(POOL_DTYPES),
    _VERSION: list(POOL_DTYPES),
}
"""Formats that can be read, and the columns of each: epochs that were published before an update stay readable."""


@dataclass(frozen=True)
class Pool:
    """A ranked pool, best first: of the user ``owner``, or public (None). Every column has shape ``(count,)``."""

    epoch: int
    generated_at: int
    owner: int | None
    columns: dict[str, NDArray[Any]]

    @property
    def count(self) -> int:
        """Number of posts and ads in the pool."""
        return len(self.columns["post_id"])

    @property
    def is_ad(self) -> NDArray[np.bool_]:
        """Whether each row is an ad; shape ``(count,)``."""
        is_ad: NDArray[np.bool_] = self.columns["source"] == AD
        return is_ad


def pack_pool(epoch: int, generated_at: int, owner: int | None, columns: dict[str, NDArray[Any]]) -> bytes:
    """Pack the pool of the user ``owner``, or a public one (None): header, CRC-32 of header and body, then columns.

    Raises ``ValueError`` when a column is missing or their lengths differ.
    """
    if set(columns) != set(POOL_DTYPES):
        raise ValueError(f"pool columns {sorted(columns)} are not {sorted(POOL_DTYPES)}")
    counts = {len(column) for column in columns.values()}
    if len(counts) != 1:
        raise ValueError(f"pool columns differ in length: { {name: len(c) for name, c in columns.items()} }")
    return next(pack_pools(epoch, generated_at, [owner], columns, (0, counts.pop())))


def pack_pools(
    epoch: int,
    generated_at: int,
    owners: Sequence[int | None],
    columns: dict[str, NDArray[Any]],
    bounds: Sequence[int],
) -> Iterator[bytes]:
    """Pack many pools whose rows lie one after another: pool ``i``, of ``owners[i]``, is ``bounds[i]:bounds[i + 1]``.

    Every column is cast once for all pools.
    """
    cast = [
        (memoryview(columns[name].astype(dtype, copy=False).tobytes()), np.dtype(dtype).itemsize)
        for name, dtype in POOL_DTYPES.items()
    ]
    for owner, (start, end) in zip(owners, pairwise(bounds), strict=True):
        body = b"".join([view[start * size : end * size] for view, size in cast])
        whose = _PUBLIC if owner is None else _OF_A_USER
        header = _HEADER.pack(POOL_MAGIC, _VERSION, whose, end - start, epoch, generated_at, owner or 0)
        yield header + _CHECKSUM.pack(zlib.crc32(body, zlib.crc32(header))) + body


def unpack_pool(value: bytes) -> Pool:
    """Unpack a pool; a value that is truncated, of another version or damaged raises ``ValueError``."""
    if len(value) < POOL_HEADER_BYTES:
        raise ValueError(f"pool of {len(value)} bytes is shorter than its header")
    magic, version, audience, count, epoch, generated_at, owner = _HEADER.unpack_from(value)
    if magic != POOL_MAGIC or version not in _COLUMNS_OF:
        raise ValueError(f"not a pool of formats {sorted(_COLUMNS_OF)}: magic {magic!r}, version {version}")
    kinds = {name: np.dtype(POOL_DTYPES[name]) for name in _COLUMNS_OF[version]}
    if len(value) != POOL_HEADER_BYTES + count * sum(kind.itemsize for kind in kinds.values()):
        raise ValueError(f"pool of {count} posts has {len(value)} bytes")
    checksum = zlib.crc32(value[POOL_HEADER_BYTES:], zlib.crc32(value[: _HEADER.size]))
    if _CHECKSUM.unpack_from(value, _HEADER.size) != (checksum,):
        raise ValueError("pool checksum does not match its header and body")
    if audience not in (_OF_A_USER, _PUBLIC):
        raise ValueError(f"pool says {audience} where it says whose it is: neither {_OF_A_USER} nor {_PUBLIC}")
    columns: dict[str, NDArray[Any]] = {}
    offset = POOL_HEADER_BYTES
    for name, kind in kinds.items():
        columns[name] = np.frombuffer(value, dtype=kind, count=count, offset=offset)
        offset += count * kind.itemsize
    if "propensity" not in columns:
        was_drawn = (columns["flags"] & FLAG_EXPLORATION) != 0
        columns["propensity"] = np.where(was_drawn, np.nan, 1.0).astype(POOL_DTYPES["propensity"])
    return Pool(epoch, generated_at, owner if audience == _OF_A_USER else None, columns)


def bytes_per_item() -> int:
    """Bytes that one post takes in a pool."""
    return sum(np.dtype(dtype).itemsize for dtype in POOL_DTYPES.values())
