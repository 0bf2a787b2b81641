"""What the epochs of the rounds hold. A content is a number, and every pool, card and set follows from it.

The text of a card names the content, so an answer tells which content each of its posts is of.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.epochs import CONTENT_TYPES, FLAG_PUBLIC, POOL_DTYPES, REASONS, SOURCES
from contracts.features import width_of
from contracts.redis_key_kind import FALLBACKS
from contracts.redis_keys import BLOCK, HIDDEN, TAKEDOWN
from spark_jobs.publish.loading import Kind

USERS = range(1_000, 1_060)
STRANGERS = range(3_000, 3_003)
"""Users without a pool: public posts only."""
AUTHORS = range(2_000, 2_012)
POSTS = range(1, 241)
POOL_SIZE, PUBLIC_SIZE = 24, 30
GENERATED_AT = 1_770_000_000
_HIDING_USERS, _HIDDEN_EACH = 12, 20

TAKEN_DOWN = frozenset(POSTS[::40])
HIDES = {user: frozenset(Random(user).sample(POSTS, _HIDDEN_EACH)) for user in USERS[:_HIDING_USERS]}
BLOCKS = {user: AUTHORS[user % len(AUTHORS)] for user in (*USERS[20:26], STRANGERS[0])}
"""What the lake knows of suppression: every publish writes it."""


def author_of(post: int) -> int:
    return AUTHORS[post % len(AUTHORS)]


def posts_of(author: int) -> frozenset[int]:
    return frozenset(post for post in POSTS if author_of(post) == author)


def is_public(post: int) -> bool:
    return post % 5 != 0


@lru_cache(4_096)
def pool_of(content: int, user: int) -> tuple[int, ...]:
    """The user's posts, best first."""
    return tuple(Random(f"{content}/{user}").sample(POSTS, POOL_SIZE))


@lru_cache(256)
def public_pool(content: int, kind: str) -> tuple[int, ...]:
    """The posts of a fallback, best first."""
    return tuple(Random(f"{content}/{kind}").sample([post for post in POSTS if is_public(post)], PUBLIC_SIZE))


def card(content: int, post: int) -> bytes:
    author = {"id": str(author_of(post)), "name": f"author {author_of(post)}"}
    value = {
        "id": str(post),
        "author": author,
        "content": {"type": "status", "text": f"content {content}", "hashtags": [], "media_count": 0},
        "source": {"type": "friend", **author},
        "created_at": "2026-02-02T01:40:00Z",
        "stats": {"likes": 1, "comments": 2, "shares": 3},
        "privacy": "public" if is_public(post) else "friends",
    }
    return json.dumps(value, separators=(",", ":")).encode()


def pool_columns(posts: Sequence[int]) -> dict[str, NDArray[Any]]:
    """The columns of one pool; scores fall with the place."""
    count = len(posts)
    columns: dict[str, Any] = {
        "post_id": posts,
        "author_id": [author_of(post) for post in posts],
        "source_id": [author_of(post) for post in posts],
        "created_at": [GENERATED_AT - 60 * post for post in posts],
        "score": np.linspace(1.0, 0.5, count),
        "source": [SOURCES.index("friend")] * count,
        "content_type": [CONTENT_TYPES.index("status")] * count,
        "reason": [REASONS.index("friend_posted")] * count,
        "flags": [FLAG_PUBLIC * is_public(post) for post in posts],
        "propensity": np.ones(count),
    }
    return {name: np.asarray(columns[name], dtype) for name, dtype in POOL_DTYPES.items()}


def fallbacks(content: int) -> dict[str, dict[str, Any]]:
    """The columns of the public pools, by kind."""
    return {kind: pool_columns(public_pool(content, kind)) for kind in FALLBACKS}


def tables(content: int) -> dict[Kind, pa.Table]:
    """The rows of a content, as the frames of a publish have them."""
    every = [post for user in USERS for post in pool_of(content, user)]
    columns = {name: values.astype(_arrow_type(values)) for name, values in pool_columns(every).items()}
    scores = np.tile(np.linspace(1.0, 0.5, POOL_SIZE, dtype=np.float32), len(USERS))
    owners = {"user_id": np.repeat(np.array(USERS, np.int64), POOL_SIZE)}
    ranks = {"rank": np.tile(np.arange(1, POOL_SIZE + 1, dtype=np.int32), len(USERS))}
    vectors = [[float(content % 7)] * width_of("user") for _ in USERS]
    return {
        "pool": pa.table({**owners, **ranks, **columns, "score": scores}),
        "features": pa.table(
            {"user_id": pa.array(USERS, pa.int64()), "features": pa.array(vectors, pa.list_(pa.float32()))}
        ),
        "card": pa.table(
            {
                "post_id": pa.array(POSTS, pa.int64()),
                "value": pa.array([card(content, post) for post in POSTS], pa.binary()),
            }
        ),
    }


def _arrow_type(values: NDArray[Any]) -> type[np.generic]:
    """Half floats leave Spark as floats, and all else as whole numbers."""
    return np.float32 if values.dtype.kind == "f" else np.int64


def suppressed_members() -> pa.Table:
    """(kind, owner, member) of all suppression that the lake knows."""
    rows: list[tuple[str, int | None, int]] = [(BLOCK.name, user, author) for user, author in BLOCKS.items()]
    rows += [(BLOCK.name, author, user) for user, author in BLOCKS.items()]
    rows += [(HIDDEN.name, user, post) for user, posts in HIDES.items() for post in sorted(posts)]
    rows += [(TAKEDOWN.name, None, post) for post in sorted(TAKEN_DOWN)]
    kinds, owners, members = zip(*rows, strict=True)
    return pa.table(
        {"kind": pa.array(kinds), "owner": pa.array(owners, pa.int64()), "member": pa.array(members, pa.int64())}
    )
