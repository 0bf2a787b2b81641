"""Epochs in Redis: key names and byte formats shared by the publisher and the reader.

A user's keys carry the hash tag ``{u<id>}`` so that one request touches one cluster slot. A pool is one value:
header, then one column per field, so that packing and unpacking are single numpy casts.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

POINTER_KEY = "epoch:pointer"
TAKEDOWN_KEY = "takedown"
STATUSES = ("building", "built", "current", "previous", "retired", "rolled_back", "bad")
"""``retired``: once current, its keys are gone. ``bad``: never became current."""

SOURCES = ("friend", "page", "group", "suggested", "popular", "chronological")
CONTENT_TYPES = ("status", "photo", "video", "link")
REASONS = ("friend_posted", "page_posted", "group_posted", "suggested_topic", "popular", "recent")
FLAG_PUBLIC = 1
FLAG_EXPLORATION = 2

_HEADER = struct.Struct("<4sBxHIII")
POOL_MAGIC = b"FLPL"
_VERSION = 1

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
}
"""Columns of a pool, in byte order. ``created_at`` is Unix seconds; the coded columns index the tuples above.

A post of which no author is known has ``NOBODY`` as author, and as source where the author would be the source. No user
has that id (``contracts/erasure.py``), so no block ever names it.
"""


@dataclass(frozen=True)
class Pool:
    """One user's ranked pool, best first. Every column has shape ``(count,)``."""

    epoch: int
    generated_at: int
    columns: dict[str, NDArray[Any]]

    @property
    def count(self) -> int:
        """Number of posts in the pool."""
        return len(self.columns["post_id"])


def pool_key(epoch: int, user_id: int) -> str:
    """Key of one user's packed pool."""
    return f"pool:{epoch}:{{u{user_id}}}"


def features_key(epoch: int, user_id: int) -> str:
    """Key of one user's packed features: half floats in registry order, 256 bytes for 128 numbers."""
    return f"uf:{epoch}:{{u{user_id}}}"


def card_key(epoch: int, post_id: int) -> str:
    """Key of one post's card."""
    return f"post:{epoch}:{post_id}"


def fallback_key(epoch: int, kind: str) -> str:
    """Key of an unpersonalised public pool; ``kind`` is ``popular`` or ``chronological``."""
    return f"global:{epoch}:{kind}"


def block_key(user_id: int) -> str:
    """Set of users whose posts this user may not see: blocks in either direction."""
    return f"block:{{u{user_id}}}"


def hidden_key(user_id: int) -> str:
    """Set of posts this user has hidden or reported."""
    return f"hidden:{{u{user_id}}}"


def pack_pool(epoch: int, generated_at: int, columns: dict[str, NDArray[Any]]) -> bytes:
    """Pack a pool: 20 header bytes (magic, version, count, epoch, generated-at, CRC-32 of the body), then columns.

    Raises ``ValueError`` when a column is missing or their lengths differ.
    """
    if set(columns) != set(POOL_DTYPES):
        raise ValueError(f"pool columns {sorted(columns)} are not {sorted(POOL_DTYPES)}")
    counts = {len(column) for column in columns.values()}
    if len(counts) != 1:
        raise ValueError(f"pool columns differ in length: { {name: len(c) for name, c in columns.items()} }")
    return next(pack_pools(epoch, generated_at, columns, (0, counts.pop())))


def pack_pools(
    epoch: int, generated_at: int, columns: dict[str, NDArray[Any]], bounds: Sequence[int]
) -> Iterator[bytes]:
    """Pack many pools whose rows lie one after another: pool ``i`` is rows ``bounds[i]:bounds[i + 1]``.

    Every column is cast once for all pools.
    """
    cast = [
        (memoryview(columns[name].astype(dtype, copy=False).tobytes()), np.dtype(dtype).itemsize)
        for name, dtype in POOL_DTYPES.items()
    ]
    for start, end in pairwise(bounds):
        body = b"".join([view[start * size : end * size] for view, size in cast])
        yield _HEADER.pack(POOL_MAGIC, _VERSION, end - start, epoch, generated_at, zlib.crc32(body)) + body


def unpack_pool(value: bytes) -> Pool:
    """Unpack a pool; a value that is truncated, of another version or damaged raises ``ValueError``."""
    if len(value) < _HEADER.size:
        raise ValueError(f"pool of {len(value)} bytes is shorter than its header")
    magic, version, count, epoch, generated_at, checksum = _HEADER.unpack_from(value)
    if magic != POOL_MAGIC or version != _VERSION:
        raise ValueError(f"not a pool of format {_VERSION}: magic {magic!r}, version {version}")
    if len(value) != _HEADER.size + count * bytes_per_item():
        raise ValueError(f"pool of {count} posts has {len(value)} bytes")
    if zlib.crc32(value[_HEADER.size :]) != checksum:
        raise ValueError("pool checksum does not match its body")
    columns: dict[str, NDArray[Any]] = {}
    offset = _HEADER.size
    for name, dtype in POOL_DTYPES.items():
        columns[name] = np.frombuffer(value, dtype=dtype, count=count, offset=offset)
        offset += count * np.dtype(dtype).itemsize
    return Pool(epoch, generated_at, columns)


def bytes_per_item() -> int:
    """Bytes that one post takes in a pool."""
    return sum(np.dtype(dtype).itemsize for dtype in POOL_DTYPES.values())


@dataclass(frozen=True)
class Pointer:
    """What readers serve: the stable epoch, the one before it, and when the stable one was made current."""

    stable: int
    previous: int | None
    published_at: int

    def dumps(self) -> str:
        """The pointer's value in Redis: one small JSON object, so that one SET flips everything."""
        return json.dumps({"stable": self.stable, "previous": self.previous, "published_at": self.published_at})

    @staticmethod
    def loads(text: str | bytes) -> "Pointer":
        """Parse the pointer; raises ``ValueError`` when a field is missing."""
        value = json.loads(text)
        try:
            return Pointer(int(value["stable"]), value["previous"], int(value["published_at"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"epoch pointer {text!r} lacks a field: {error}") from error
