"""Every kind of key that we write to Redis; publisher, sweeper, erasure and reader all use this list.

``contracts/redis_page.py`` makes ``docs/redis.md`` from it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from contracts.redis_members import ACT_MEMBERS, FRIEND, GROUP, MemberKind

Identity = Literal["user", "post", "list", "slot"]
"""What the last part of a key identifies. A user's id is a hash tag, so that one request touches one cluster slot. A
slot is identified by a number that has its hash (``redis_cluster.py``)."""

USER_TAG = re.compile(rb"\{u(-?\d+)\}")
FALLBACKS: tuple[Literal["popular", "chronological"], ...] = ("popular", "chronological")
"""Public pools, served to users without a pool of their own."""
ARM = r"[a-z][a-z0-9_-]{0,31}"
_LAST_WORD = {
    "user": r":\{u(%s-?\d+)\}",
    "post": r":(%s-?\d+)",
    "list": r":(%s[a-z]+)",
    "slot": r":\{(%s\d+)\}",
}
_TAGGED = {"user": "{{u{}}}", "slot": "{{{}}}"}
"""Identities that are hash tags."""
_DAY_S = 86_400


@dataclass(frozen=True)
class KeyKind:
    """One kind of key: ``prefix[:epoch][:arm][:identity]``.

    Keys ``per_epoch`` are removed with their epoch. A key expires ``publish.key_ttl_s + extra_ttl_s`` after it is
    written; with None it never expires. ``members``: the value is a set or a sorted set of members of these kinds.
    """

    name: str
    prefix: str
    holds: str
    written_by: str
    per_epoch: bool = False
    per_arm: bool = False
    of: Identity | None = None
    extra_ttl_s: int | None = None
    members: tuple[MemberKind, ...] = ()
    packs_posts: bool = False

    def key(self, identity: int | str | None = None, *, epoch: int | None = None, arm: str | None = None) -> str:
        """A key of this kind; ``ValueError`` if ``arm`` is not a valid name."""
        assert (identity is None, epoch is None) == (self.of is None, not self.per_epoch), f"parts of {self.name}"
        words = [self.prefix]
        if epoch is not None:
            words.append(str(epoch))
        if arm is not None:
            if not self.per_arm or not re.fullmatch(ARM, arm):
                raise ValueError(f"a key of kind {self.name} has no arm {arm!r}: arms match {ARM}")
            words.append(arm)
        if identity is not None:
            words.append(_TAGGED.get(str(self.of), "{}").format(identity))
        return ":".join(words)

    def keys(self, identities: Iterable[int], *, epoch: int | None = None, arm: str | None = None) -> list[bytes]:
        """The keys of many identities, as ``key`` builds each."""
        template = self.key("%d", epoch=epoch, arm=arm).encode()
        return [template % identity for identity in identities]

    def ttl_s(self, key_ttl_s: int) -> int | None:
        """Seconds until a key that is written now expires, given ``publish.key_ttl_s``."""
        return None if self.extra_ttl_s is None else key_ttl_s + self.extra_ttl_s

    @property
    def on_erasure(self) -> str:
        """What an erasure does with keys of this kind; empty if they hold nothing of a person."""
        rewritten = self.packs_posts or any(member.erased_as for member in self.members)
        own = {"user": "theirs is deleted", "post": "those of their posts are deleted"}.get(str(self.of), "")
        return "; ".join(filter(None, [own, "they are taken out of the others" if rewritten else ""]))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the keys of this kind; groups ``epoch``, ``arm`` and ``identity`` where it has them."""
        return re.compile(self._pattern("?P<epoch>", "?P<arm>", "?P<identity>"), re.ASCII)

    @property
    def epoch_pattern(self) -> bytes:
        """As ``pattern``; the epoch is the only group."""
        return self._pattern("", "?:", "?:").encode()

    def _pattern(self, epoch: str, arm: str, identity: str) -> str:
        middle = rf":({epoch}\d+)" * self.per_epoch + rf"(?::({arm}{ARM}))?" * self.per_arm
        return re.escape(self.prefix) + middle + (_LAST_WORD[self.of] % identity if self.of else "")

    @property
    def spelling(self) -> str:
        """The key with names for its parts, for the docs page."""
        last = {"user": ":{u<user>}", "post": ":<post>", "list": f":{'|'.join(FALLBACKS)}", "slot": ":{<number>}"}
        words = [self.prefix, ":<epoch>" * self.per_epoch, "[:<arm>]" * self.per_arm, last.get(str(self.of), "")]
        return "".join(words)


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
