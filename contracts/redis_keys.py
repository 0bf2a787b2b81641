"""Every kind of key that we write to Redis; publisher, sweeper, erasure and reader all use this list.

``contracts/redis_page.py`` makes ``docs/redis.md`` from it.
"""

import re
from dataclasses import dataclass

from contracts.redis_key_kind import KeyKind
from contracts.redis_members import ACT_MEMBERS, FRIEND, GROUP, MemberKind

_DAY_S = 86_400
_USER, _POST = MemberKind("user"), MemberKind("post")

POOL = KeyKind(
    "pool",
    "pool",
    "a user's ranked pool, packed",
    "publish",
    per_epoch=True,
    per_arm=True,
    of="user",
    extra_ttl_s=0,
    packs_posts=True,
)
FEATURES = KeyKind(
    "features",
    "uf",
    "a user's features: half floats in registry order",
    "publish",
    per_epoch=True,
    of="user",
    extra_ttl_s=0,
)
CARD = KeyKind("card", "post", "a post's card, JSON", "publish", per_epoch=True, of="post", extra_ttl_s=0)
FALLBACK = KeyKind(
    "fallback",
    "global",
    "a public pool for users without one, packed",
    "publish",
    per_epoch=True,
    of="list",
    extra_ttl_s=0,
    packs_posts=True,
)
FRESH = KeyKind(
    "fresh",
    "fresh",
    "posts made since the night that a user may see, ranked by its model and packed like a pool",
    "fresh",
    per_epoch=True,
    of="user",
    extra_ttl_s=0,
    packs_posts=True,
)
FRESHNESS = KeyKind(
    "freshness", "freshness", "Unix seconds at which the newest complete pass of fresh read the landing area", "fresh"
)
POINTER = KeyKind("pointer", "epoch:pointer", "the epochs being served and by whom, JSON", "publish, canary, rollback")
CLAIM = KeyKind(
    "claim",
    "claim:{epoch:pointer}",
    "the publish that may write the pointer where there is none, a random word",
    "publish",
)
BLOCK = KeyKind(
    "block",
    "block",
    "set of users whose posts this user may not see: blocks in either direction",
    "publish, services outside of this repository",
    of="user",
    members=(_USER,),
)
HIDDEN = KeyKind(
    "hidden",
    "hidden",
    "set of posts that this user has hidden or reported",
    "publish, collector",
    of="user",
    members=(_POST,),
)
PARTED = KeyKind(
    "parted",
    "parted",
    "sorted set of ties that this user has no more; scores as in `narrowed`",
    "publish",
    of="user",
    members=(FRIEND, GROUP),
    extra_ttl_s=_DAY_S,
)
ACTED = KeyKind(
    "acted",
    "acted",
    "sorted set of what this user did lately; scores are times",
    "collector",
    of="user",
    members=tuple(ACT_MEMBERS.values()),
    extra_ttl_s=3 * _DAY_S,
)
TAKEDOWN = KeyKind(
    "takedown", "takedown", "set of posts that nobody may see", "publish, erasure, collector", members=(_POST,)
)
NARROWED = KeyKind(
    "narrowed",
    "narrowed",
    "sorted set of posts that fewer people may see than before; the score is the first epoch computed so",
    "publish",
    members=(_POST,),
)
HELD = KeyKind(
    "held",
    "held",
    "newest epoch whose suppression this slot of a cluster holds; the number has the slot's hash; clusters only",
    "publish",
    of="slot",
)

KEY_KINDS = (
    POOL,
    FEATURES,
    CARD,
    FALLBACK,
    FRESH,
    FRESHNESS,
    POINTER,
    CLAIM,
    BLOCK,
    HIDDEN,
    PARTED,
    ACTED,
    TAKEDOWN,
    NARROWED,
    HELD,
)
_BY_FIRST_WORD = {kind.prefix.partition(":")[0]: kind for kind in KEY_KINDS}
_BY_NAME = {kind.name: kind for kind in KEY_KINDS}
_PER_EPOCH = re.compile(b"|".join(kind.epoch_pattern for kind in KEY_KINDS if kind.per_epoch))


@dataclass(frozen=True)
class Key:
    """A parsed key; ``identity`` is the id of a user or post, or the name of a list."""

    kind: KeyKind
    epoch: int | None = None
    arm: str | None = None
    identity: int | str | None = None


def parse_key(key: bytes) -> Key | None:
    """Parse a key; None if its kind is not declared here."""
    text = key.decode(errors="replace")
    kind = _BY_FIRST_WORD.get(text.partition(":")[0])
    match = kind.pattern.fullmatch(text) if kind else None
    if kind is None or match is None:
        return None
    parts = match.groupdict()
    epoch, identity = parts.get("epoch"), parts.get("identity")
    is_id = kind.of in ("user", "post", "slot") and identity is not None
    return Key(kind, int(epoch) if epoch else None, parts.get("arm"), int(identity) if is_id else identity)  # type: ignore[arg-type]


def epoch_of(key: bytes) -> int | None:
    """The epoch of a key that is removed with its epoch; None for any other key. Faster than ``parse_key``."""
    match = _PER_EPOCH.fullmatch(key)
    return None if match is None else int(match[match.lastindex or 0])


def kind_named(name: str) -> KeyKind:
    """The kind of that name."""
    return _BY_NAME[name]


def scan_pattern(epoch: int | None = None) -> str:
    """Pattern for SCAN that finds the keys of one epoch, or of all, and maybe others: ``parse_key`` each result."""
    return f"*:{'*' if epoch is None else epoch}:*"


def pool_key(epoch: int, user_id: int, arm: str | None = None) -> str:
    """Key of one user's packed pool: the common pool, or that of an arm."""
    return POOL.key(user_id, epoch=epoch, arm=arm)


def features_key(epoch: int, user_id: int) -> str:
    """Key of one user's packed features."""
    return FEATURES.key(user_id, epoch=epoch)


def card_key(epoch: int, post_id: int) -> str:
    """Key of one post's card."""
    return CARD.key(post_id, epoch=epoch)


def fallback_key(epoch: int, name: str) -> str:
    """Key of a public pool; ``name`` is one of ``FALLBACKS``."""
    return FALLBACK.key(name, epoch=epoch)


def fresh_key(epoch: int, user_id: int) -> str:
    """Key of a user's posts that were made since the night of the epoch."""
    return FRESH.key(user_id, epoch=epoch)


def block_key(user_id: int) -> str:
    """Key of the users whose posts this user may not see."""
    return BLOCK.key(user_id)


def hidden_key(user_id: int) -> str:
    """Key of the posts that this user has hidden or reported."""
    return HIDDEN.key(user_id)


def acted_key(user_id: int) -> str:
    """Key of what one user did lately."""
    return ACTED.key(user_id)


def parted_key(user_id: int) -> str:
    """Key of the ties that this user no longer has."""
    return PARTED.key(user_id)


POINTER_KEY, TAKEDOWN_KEY, NARROWED_KEY = POINTER.key(), TAKEDOWN.key(), NARROWED.key()
FRESHNESS_KEY = FRESHNESS.key()
CLAIM_KEY = CLAIM.key()
"""In the slot of the pointer: both are compared in one step."""
