"""All reads from Redis: bounded in size and time, without retries, behind a circuit breaker on the way of a request.

An answer counts only if Redis names an epoch that is not older than the newest that this process has seen. A Redis that
lost its data also lost blocks, hidden posts and takedowns, and its empty sets would let these posts through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

from contracts.epochs import MAX_ACTS, MAX_CARD_BYTES, MAX_POOL_BYTES, MAX_READ_MEMBERS
from contracts.pointer import MAX_POINTER_BYTES, Pointer
from contracts.redis_keys import (
    NARROWED_KEY,
    POINTER_KEY,
    TAKEDOWN_KEY,
    acted_key,
    block_key,
    card_key,
    hidden_key,
    parted_key,
)
from serving.reader.acts import Acts, parse_acts
from serving.reader.breaker import CircuitBreaker
from serving.reader.config import ReaderConfig
from serving.reader.held import ask_held, is_held
from serving.reader.narrowed_reads import NarrowedReads
from serving.reader.narrowing import Parted
from serving.reader.redis_calls import RedisCalls, StoreUnavailableError
from serving.reader.refusals import Kind, Refusals
from serving.reader.selection import Suppression
from serving.reader.values import DamagedValueError, Members, parse_count, parse_flags, parse_members, parse_pointer

_SCAN_COUNT = 1000
_AUTHORS_PER_TRIP = 20
_VALUES_PER_TRIP = 50
_SHARED = (TAKEDOWN_KEY, NARROWED_KEY)
"""Suppression that concerns everybody."""


@dataclass(frozen=True)
class UserRead:
    """One hot-path read: pointer, replies with pools, the user's suppression, sizes of the takedown and narrowed sets.

    ``fresh`` is the reply with the user's posts since the night, if it was asked for.

    ``is_whole`` is false if one of the user's sets is damaged or too large; ``suppression`` is then incomplete.
    ``acts`` is None if that set is damaged.
    """

    pointer: Pointer
    pools: tuple[object, ...]
    suppression: Suppression
    acts: Acts | None
    is_whole: bool
    num_taken_down: int
    num_narrowed: int
    fresh: object = None


class Store:
    """Typed reads. Requests and readiness go through the breaker; the background refresh does not."""

    def __init__(self, config: ReaderConfig, breaker: CircuitBreaker, refusals: Refusals) -> None:
        self._calls = RedisCalls(config, breaker)
        self._refusals = refusals
        self._max_blocks = config.max_blocks_per_author
        self._max_taken_down = config.max_taken_down
        self.narrowed = NarrowedReads(self._calls, refusals, config.max_narrowed)
        self._newest: Pointer | None = None

    async def close(self) -> None:
        """Close every connection."""
        await self._calls.close()

    async def read_user(self, keys: Sequence[str], user_id: int, fresh: str | None = None) -> UserRead:
        """The hot path's one round trip: pools under ``keys``, the user's sets, sizes of the others, pointer.

        ``fresh`` is the key of the user's posts since the night, if they are wanted.
        """
        values = [*keys] if fresh is None else [*keys, fresh]

        def ask(pipe: Any) -> None:
            _ask_values(pipe, values, MAX_POOL_BYTES)
            # At most so many members whatever the size, and all of them where there are fewer.
            pipe.srandmember(block_key(user_id), MAX_READ_MEMBERS + 1)
            pipe.srandmember(hidden_key(user_id), MAX_READ_MEMBERS + 1)
            pipe.zrange(parted_key(user_id), 0, MAX_READ_MEMBERS, withscores=True)
            pipe.zrange(acted_key(user_id), 0, MAX_ACTS - 1, desc=True)
            pipe.zcard(NARROWED_KEY)
            self._ask_whether_it_counts(pipe, [*_SHARED, block_key(user_id)])

        replies = await self._calls.guarded(ask)
        pools, (blocked, hidden, ties, acted, size, *rest) = tuple(replies[: len(keys)]), replies[len(values) :]
        pointer, num_taken_down = self._check(rest)
        sets = (self._members("block", user_id, blocked), self._members("hidden", user_id, hidden))
        parted = self.narrowed.parted_of(user_id, ties)
        is_whole = parted is not None and all(found is not None and not found.num_damaged for found in sets)
        blocks, hides = (found.ids if found else frozenset() for found in sets)
        suppression = Suppression(blocks, hides, parted or Parted())
        acts = self._acts(user_id, acted)
        num_narrowed = self.narrowed.size_of(size)
        found = None if fresh is None else replies[len(keys)]
        return UserRead(pointer, pools, suppression, acts, is_whole, num_taken_down, num_narrowed, found)

    async def check(self) -> Pointer:
        """The pointer, from a Redis whose answers count; every request reads it besides the user's own keys."""
        pointer, _ = self._check(await self._calls.guarded(self._ask_whether_it_counts))
        return pointer

    async def read_pools(self, keys: Sequence[str]) -> tuple[Pointer, list[object]]:
        """The pointer as it is now and the replies with the pools under ``keys``, in one round trip."""

        def ask(pipe: Any) -> None:
            _ask_values(pipe, keys, MAX_POOL_BYTES)
            self._ask_whether_it_counts(pipe)

        replies = await self._calls.guarded(ask)
        return self._check(replies[len(keys) :])[0], replies[: len(keys)]

    async def read_taken_down(self, post_ids: Sequence[int]) -> frozenset[int]:
        """Those of ``post_ids`` that are taken down."""
        if not post_ids:
            return frozenset()
        (reply,) = await self._calls.guarded(lambda pipe: pipe.smismember(TAKEDOWN_KEY, post_ids))
        try:
            flags = parse_flags(reply, len(post_ids))
        except DamagedValueError as error:
            raise self._refuse("takedown", f"takedowns cannot be asked for: {error}") from None
        return frozenset(post_id for post_id, is_taken in zip(post_ids, flags, strict=True) if is_taken)

    async def read_cards(self, epoch: int, post_ids: Sequence[int]) -> list[object]:
        """Replies with cards in the order of ``post_ids``; a reply is empty if the post has no card."""
        keys = [card_key(epoch, post_id) for post_id in post_ids]
        return await self._calls.guarded(lambda pipe: _ask_values(pipe, keys, MAX_CARD_BYTES))

    async def read_values(self, keys: Sequence[str], longest: int) -> list[object]:
        """Replies with the first ``longest`` + 1 bytes of each key, past the breaker."""
        replies: list[object] = []
        for start in range(0, len(keys), _VALUES_PER_TRIP):
            batch = keys[start : start + _VALUES_PER_TRIP]
            replies += await self._calls.past_breaker(partial(_ask_values, keys=batch, longest=longest))
        return replies

    async def read_pointer(self) -> Pointer:
        """The pointer, past the breaker, from a Redis whose answers count."""
        return self._check(await self._calls.past_breaker(self._ask_whether_it_counts))[0]

    async def read_takedown(self) -> Members:
        """All posts taken down, in steps of a thousand, past the breaker; members that are no ids are only counted."""
        seen: set[bytes] = set()
        position = 0
        while True:
            (reply,) = await self._calls.past_breaker(partial(_ask_takedowns, position=position))
            if not isinstance(reply, tuple | list) or len(reply) != 2:  # noqa: PLR2004 - a cursor and a batch
                raise self._refuse("takedown", f"takedowns cannot be read: {reply}")
            position = int(reply[0])
            seen.update(reply[1])
            if len(seen) > self._max_taken_down:
                raise self._refuse("takedown", f"there are more than {self._max_taken_down:,} takedowns")
            if position == 0:
                break
        members = parse_members(seen, self._max_taken_down)
        if members.num_damaged:
            self._refusals.note("takedown", f"{members.num_damaged} members are no ids", members.num_damaged)
        return members

    async def read_blocks(self, author_ids: Sequence[int]) -> dict[int, frozenset[int]]:
        """Users blocked with each author, past the breaker; damaged sets and those too large to copy are left out.

        So are those of slots of a cluster that have lost their data.
        """
        blocks: dict[int, frozenset[int]] = {}
        for start in range(0, len(author_ids), _AUTHORS_PER_TRIP):
            batch = author_ids[start : start + _AUTHORS_PER_TRIP]
            replies = await self._calls.past_breaker(partial(self._ask_blocks, author_ids=batch))
            sets, holds = replies[: len(batch)], replies[len(batch) :]  # only a cluster is asked for the second half
            for author_id, reply, held in zip_longest(batch, sets, holds):
                is_too_large = isinstance(reply, list) and len(reply) > self._max_blocks
                if is_too_large or self._has_lost(held):
                    continue
                members = self._members("block", author_id, reply)
                if members is not None and not members.num_damaged:
                    blocks[author_id] = members.ids
        return blocks

    def _has_lost(self, held: object) -> bool:
        return self._calls.is_cluster and (self._newest is None or not is_held(held, self._newest))

    def _ask_blocks(self, pipe: Any, author_ids: Sequence[int]) -> None:
        keys = [block_key(author_id) for author_id in author_ids]
        for key in keys:
            pipe.srandmember(key, self._max_blocks + 1)
        if self._calls.is_cluster:
            ask_held(pipe, keys)

    def _ask_whether_it_counts(self, pipe: Any, keys: Sequence[str] = _SHARED) -> None:
        """Ask for what ``_check`` reads. The pointer comes last: it is missing if the data was lost in between.

        In a cluster, the slots of the suppression under ``keys`` may be on other nodes than the pointer's.
        """
        pipe.scard(TAKEDOWN_KEY)
        pipe.getrange(POINTER_KEY, 0, MAX_POINTER_BYTES)
        if self._calls.is_cluster:
            ask_held(pipe, keys)

    def _acts(self, user_id: int, reply: object) -> Acts | None:
        try:
            acts, num_damaged = parse_acts(reply, MAX_ACTS)
        except DamagedValueError as error:
            self._refusals.note("acted", f"acts of user {user_id}: {error}")
            return None
        if num_damaged:
            self._refusals.note("acted", f"acts of user {user_id}: {num_damaged} members are no acts", num_damaged)
        return acts

    def _members(self, kind: Kind, user_id: int, reply: object) -> Members | None:
        try:
            members = parse_members(reply, MAX_READ_MEMBERS)
        except DamagedValueError as error:
            self._refusals.note(kind, f"{kind} set of user {user_id}: {error}")
            return None
        if members.num_damaged:
            self._refusals.note(kind, f"{kind} set of user {user_id}: {members.num_damaged} members are no ids")
        return members

    def _check(self, replies: Sequence[object]) -> tuple[Pointer, int]:
        """The pointer and the size of the takedown set; raises where the answer does not count."""
        num_taken_down, pointer, *held = replies
        try:
            found = parse_pointer(pointer)
        except DamagedValueError as error:
            raise self._refuse("pointer", f"the epoch pointer is damaged: {error}") from None
        if found is None:
            raise StoreUnavailableError("there is no epoch pointer")
        if self._newest is not None and found.published_at < self._newest.published_at:
            raise self._refuse(
                "pointer",
                f"the epoch pointer is older than one seen before: epoch {found.stable} of {found.published_at}, "
                f"after epoch {self._newest.stable} of {self._newest.published_at}",
            )
        try:
            count = parse_count(num_taken_down)
        except DamagedValueError as error:
            raise self._refuse("takedown", f"takedowns cannot be counted: {error}") from None
        if not all(is_held(reply, found) for reply in held):
            raise self._refuse("held", "a node of the cluster has lost its data: the next publish restores it")
        self._newest = found
        return found, count

    def _refuse(self, kind: Kind, what: str) -> StoreUnavailableError:
        self._refusals.note(kind, what)
        return StoreUnavailableError(what)


def _ask_takedowns(pipe: Any, position: int) -> None:
    pipe.sscan(TAKEDOWN_KEY, position, count=_SCAN_COUNT)


def _ask_values(pipe: Any, keys: Sequence[str], longest: int) -> None:
    for key in keys:
        pipe.getrange(key, 0, longest)
