"""All reads from Redis: short timeouts, no retries, a circuit breaker in front of every request's reads."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from contracts.epochs import POINTER_KEY, TAKEDOWN_KEY, Pointer, block_key, card_key, hidden_key
from serving.reader.breaker import CircuitBreaker
from serving.reader.config import ReaderConfig
from serving.reader.selection import Suppression

_T = TypeVar("_T")
_SCAN_COUNT = 1000
_AUTHORS_PER_TRIP = 20


class StoreUnavailableError(Exception):
    """Redis did not answer, or not with what this user's suppression needs."""


@dataclass(frozen=True)
class UserRead:
    """One hot-path read: a pool's bytes (None when absent), the user's suppression, the size of the takedown set."""

    pool: bytes | None
    suppression: Suppression
    num_taken_down: int


class Store:
    """Typed reads. Requests go through the breaker; the background refresh and readiness do not, they only ask."""

    def __init__(self, config: ReaderConfig, breaker: CircuitBreaker) -> None:
        self.breaker = breaker
        self._max_blocks = config.max_blocks_per_author
        pool: Any = BlockingConnectionPool.from_url(
            config.redis_url,
            max_connections=config.max_connections,
            timeout=config.queue_timeout_s,
            socket_connect_timeout=config.redis_timeout_s,
            socket_timeout=config.redis_timeout_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis: Any = Redis.from_pool(pool)

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def read_user(self, key: str, user_id: int) -> UserRead:
        """The hot path's one round trip: the pool under ``key``, blocks, hidden posts and the takedown count."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.get(key)
        pipe.smembers(block_key(user_id))
        pipe.smembers(hidden_key(user_id))
        pipe.scard(TAKEDOWN_KEY)
        pool, blocked, hidden, num_taken_down = await self._guarded(lambda: _execute(pipe, optional=1))
        return UserRead(
            None if isinstance(pool, Exception) else pool,
            Suppression(_ids(blocked), _ids(hidden)),
            num_taken_down,
        )

    async def read_previous(self, key: str) -> tuple[Pointer | None, bytes | None]:
        """The pointer as it is now (None when absent or damaged) and the value under ``key``, in one round trip."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.get(key)
        pipe.get(POINTER_KEY)
        value, pointer = await self._guarded(lambda: _execute(pipe, optional=1))
        try:
            current = _pointer(pointer)
        except ValueError:
            current = None
        return current, None if isinstance(value, Exception) else value

    async def read_taken_down(self, post_ids: Sequence[int]) -> frozenset[int]:
        """Those of ``post_ids`` that are taken down."""
        if not post_ids:
            return frozenset()
        flags = await self._guarded(lambda: self._redis.smismember(TAKEDOWN_KEY, list(post_ids)))
        return frozenset(post_id for post_id, taken in zip(post_ids, flags, strict=True) if taken)

    async def read_cards(self, epoch: int, post_ids: Sequence[int]) -> list[bytes | None]:
        """Cards in the order of ``post_ids``; None where there is none."""
        keys = [card_key(epoch, post_id) for post_id in post_ids]
        cards: list[bytes | None] = await self._guarded(lambda: self._redis.mget(keys))
        return cards

    async def read_values(self, keys: Sequence[str]) -> list[bytes | None]:
        """One MGET, past the breaker."""
        values: list[bytes | None] = await _plain(lambda: self._redis.mget(keys)) if keys else []
        return values

    async def read_pointer(self) -> Pointer | None:
        """The pointer, past the breaker; None when there is none. Raises ``ValueError`` when it cannot be parsed."""
        return _pointer(await _plain(lambda: self._redis.get(POINTER_KEY)))

    async def read_takedown(self) -> frozenset[int]:
        """All posts taken down, in steps of a thousand, past the breaker."""
        members: set[int] = set()
        position = 0
        while True:
            position, batch = await _plain(
                lambda at=position: self._redis.sscan(TAKEDOWN_KEY, at, count=_SCAN_COUNT)  # type: ignore[misc]
            )
            members.update(map(int, batch))
            if position == 0:
                return frozenset(members)

    async def read_blocks(self, author_ids: Sequence[int]) -> dict[int, frozenset[int]]:
        """Users blocked with each author, past the breaker; authors with too many of them to copy are left out."""
        blocks: dict[int, frozenset[int]] = {}
        for start in range(0, len(author_ids), _AUTHORS_PER_TRIP):
            batch = author_ids[start : start + _AUTHORS_PER_TRIP]
            sizes = self._redis.pipeline(transaction=False)
            for author_id in batch:
                sizes.scard(block_key(author_id))
            counts = await _plain(lambda pipe=sizes: _execute(pipe))  # type: ignore[misc]
            few = [author_id for author_id, count in zip(batch, counts, strict=True) if count <= self._max_blocks]
            members = self._redis.pipeline(transaction=False)
            for author_id in few:
                members.smembers(block_key(author_id))
            found = await _plain(lambda pipe=members: _execute(pipe))  # type: ignore[misc]
            blocks.update(zip(few, map(_ids, found), strict=True))
        return blocks

    async def _guarded(self, operation: Callable[[], Awaitable[_T]]) -> _T:
        if not self.breaker.allows():
            raise StoreUnavailableError("circuit open")
        try:
            result = await _plain(operation)
        except StoreUnavailableError:
            self.breaker.failed()
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        self.breaker.succeeded()
        return result


async def _plain(operation: Callable[[], Awaitable[_T]]) -> _T:
    try:
        return await operation()
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailableError(f"{type(error).__name__}: {error}") from error


async def _execute(pipe: Any, optional: int = 0) -> list[Any]:
    """Run a pipeline; an error in a reply after the first ``optional`` ones fails it as a whole."""
    replies: list[Any] = await pipe.execute(raise_on_error=False)
    for reply in replies[optional:]:
        if isinstance(reply, Exception):
            raise reply
    return replies


def _ids(members: set[bytes]) -> frozenset[int]:
    try:
        return frozenset(map(int, members))
    except ValueError as error:
        raise StoreUnavailableError(f"a suppression set holds something that is no id: {error}") from error


def _pointer(value: bytes | None) -> Pointer | None:
    return None if value is None else Pointer.loads(value)
