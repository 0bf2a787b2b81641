"""Bounded reads of the sorted sets of narrowed posts and ended ties."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from contracts.epochs import MAX_READ_MEMBERS
from contracts.redis_keys import NARROWED_KEY
from serving.reader.narrowing import Narrowed, Parted, parse_epochs, parse_parted, parse_scores
from serving.reader.redis_calls import RedisCalls, StoreUnavailableError
from serving.reader.refusals import Refusals
from serving.reader.values import DamagedValueError, parse_count

_SCAN_COUNT = 1000


class NarrowedReads:
    """Typed reads; a failed one raises ``StoreUnavailableError``, so that public posts from memory answer."""

    def __init__(self, calls: RedisCalls, refusals: Refusals, most: int) -> None:
        self._calls = calls
        self._refusals = refusals
        self._most = most

    async def read_of(self, post_ids: Sequence[int]) -> dict[int, int]:
        """Those of ``post_ids`` that have been narrowed, each with the first epoch that knows it."""
        if not post_ids:
            return {}
        (reply,) = await self._calls.guarded(lambda pipe: pipe.zmscore(NARROWED_KEY, post_ids))
        try:
            return parse_scores(reply, post_ids)
        except DamagedValueError as error:
            raise self._refuse(f"narrowed posts cannot be asked for: {error}") from None

    async def read_all(self) -> Narrowed:
        """All posts that have been narrowed, in steps of a thousand, past the breaker."""
        seen: dict[Any, Any] = {}
        position = 0
        while True:
            (reply,) = await self._calls.past_breaker(partial(_ask, position=position))
            if not isinstance(reply, tuple | list) or len(reply) != 2:  # noqa: PLR2004 - a cursor and a batch
                raise self._refuse(f"narrowed posts cannot be read: {reply}")
            position = int(reply[0])
            seen.update(reply[1])
            if len(seen) > self._most:
                raise self._refuse(f"there are more than {self._most:,} narrowed posts")
            if position == 0:
                break
        posts = parse_epochs(list(seen.items()), self._most)
        if damaged := len(seen) - len(posts):
            self._refusals.note("narrowed", f"{damaged} narrowed posts are no ids", damaged)
        return Narrowed(posts, len(seen))

    def size_of(self, reply: object) -> int:
        """The size of the set of narrowed posts."""
        try:
            return parse_count(reply)
        except DamagedValueError as error:
            raise self._refuse(f"narrowed posts cannot be counted: {error}") from None

    def parted_of(self, user_id: int, reply: object) -> Parted | None:
        """The user's ended ties; None if they cannot be read."""
        try:
            return parse_parted(reply, MAX_READ_MEMBERS)
        except DamagedValueError as error:
            self._refusals.note("parted", f"ended ties of user {user_id}: {error}")
            return None

    def _refuse(self, what: str) -> StoreUnavailableError:
        self._refusals.note("narrowed", what)
        return StoreUnavailableError(what)


def _ask(pipe: Any, position: int) -> None:
    pipe.zscan(NARROWED_KEY, position, count=_SCAN_COUNT)
