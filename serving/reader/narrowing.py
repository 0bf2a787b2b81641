"""Rows that a pool may no longer show, because fewer people may see the post than when the epoch was computed.

A pool is correct for the night in which it was computed. An older one still serves cursors, the level
``previous_epoch``, memory, and everybody after a rollback. So a publish records before its flip which posts have been
narrowed and which ties have ended, with the first epoch that knows it. Pools of older epochs leave these rows out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from contracts.epochs import FLAG_PUBLIC, SOURCES, Pool
from contracts.redis_members import FRIEND, GROUP, split_member
from serving.reader.values import DamagedValueError, parse_members

_GROUP = SOURCES.index("group")
_MAX_EPOCH = 2**53  # a score is a double
_NUMBER = float | int  # made once: this is the way of every request
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True)
class Narrowed:
    """Posts that fewer people may see than before, each with the first epoch that knows it.

    ``size`` is that of the set in Redis, members that are no ids included.
    """

    posts: Mapping[int, int] = field(default_factory=dict)
    size: int = 0

    @cached_property
    def newest(self) -> int:
        """The newest epoch that knows more than the one before: its pools, and later ones, need no look-up."""
        return max(self.posts.values(), default=0)


@dataclass(frozen=True)
class Parted:
    """One user's ended friendships and memberships, each with the first epoch that knows it."""

    friends: Mapping[int, int] = field(default_factory=dict)
    groups: Mapping[int, int] = field(default_factory=dict)

    def joined(self, other: "Parted") -> "Parted":
        """The union of both; a tie in both has the later epoch."""
        return Parted(_latest(self.friends, other.friends), _latest(self.groups, other.groups))


def parse_parted(reply: object, most: int) -> Parted:
    """Parse ended ties with their epochs. Raises ``DamagedValueError`` if a member is neither a friend nor a group."""
    ties: dict[bytes, list[tuple[Any, Any]]] = {FRIEND.tag: [], GROUP.tag: []}
    for member, epoch in _pairs(reply, most):
        tag, identity = split_member(member)
        if tag not in ties:
            raise DamagedValueError("a member is neither a friend nor a group")
        ties[tag].append((identity, epoch))
    parsed = {tag: parse_epochs(members, most) if members else {} for tag, members in ties.items()}
    if any(len(parsed[tag]) != len(ties[tag]) for tag in ties):
        raise DamagedValueError("a tie has no id or no epoch")
    return Parted(parsed[FRIEND.tag], parsed[GROUP.tag])


def parse_epochs(reply: object, most: int) -> dict[int, int]:
    """Parse a sorted set into ids and epochs. Members that are not ids are dropped.

    Raises ``DamagedValueError`` if the reply is not a sorted set.
    """
    pairs = [(member, epoch) for member, epoch in _pairs(reply, most) if _is_epoch(epoch)]
    members: list[Any] = [member for member, _ in pairs]
    if parse_members(members, most).num_damaged:
        pairs = [pair for pair in pairs if parse_members([pair[0]], 1).ids]
    return {int(member): int(epoch) for member, epoch in pairs}


def _is_epoch(score: object) -> bool:
    return isinstance(score, _NUMBER) and 0 <= score <= _MAX_EPOCH


def parse_scores(reply: object, post_ids: Sequence[int]) -> dict[int, int]:
    """Map each of ``post_ids`` that is in the sorted set to its score.

    Raises ``DamagedValueError`` if the reply is not one score per id.
    """
    if not isinstance(reply, list) or len(reply) != len(post_ids):
        raise DamagedValueError(f"it is not {len(post_ids)} scores")
    scores = zip(post_ids, reply, strict=True)
    return parse_epochs([(str(post).encode(), score) for post, score in scores if score is not None], len(post_ids))


def _pairs(reply: object, most: int) -> Iterator[tuple[Any, Any]]:
    if isinstance(reply, Exception):
        raise DamagedValueError(f"Redis answers {reply}"[:_SHOWN_CHARACTERS])
    if not isinstance(reply, list) or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in reply):  # noqa: PLR2004 - member and score
        raise DamagedValueError(f"it is a {type(reply).__name__}, not members of a sorted set")
    if len(reply) > most:
        raise DamagedValueError(f"it has more than {most:,} members")
    yield from reply


def withheld_rows(pool: Pool, narrowed: Mapping[int, int], parted: Parted) -> frozenset[int]:
    """Rows of ``pool`` that an epoch computed now might withhold from this user. Public posts of an ended tie stay."""
    posts, friends, groups = (unknown_to(pool.epoch, since) for since in (narrowed, parted.friends, parted.groups))
    if not posts and not friends and not groups:
        return frozenset()
    columns = pool.columns
    is_closed = (columns["flags"] & FLAG_PUBLIC) == 0
    is_left = (columns["source"] == _GROUP) & np.isin(columns["source_id"], groups)
    is_withheld = np.isin(columns["post_id"], posts) | (is_closed & np.isin(columns["author_id"], friends)) | is_left
    rows: list[int] = np.flatnonzero(is_withheld).tolist()
    return frozenset(rows)


def _latest(one: Mapping[int, int], other: Mapping[int, int]) -> Mapping[int, int]:
    if not one or not other:
        return one or other
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in one.keys() | other.keys()}


def unknown_to(epoch: int, since: Mapping[int, int]) -> list[int]:
    """The ids in ``since`` whose first epoch is later than ``epoch``."""
    return [identity for identity, first in since.items() if first > epoch]
