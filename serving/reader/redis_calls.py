"""Round trips to Redis: short timeouts, no retries, and a circuit breaker on the way of every request."""

from collections.abc import Callable
from typing import Any

from redis.exceptions import ClusterDownError, InvalidResponse, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from serving.reader.breaker import CircuitBreaker
from serving.reader.config import ReaderConfig
from storage.redis_clients import is_cluster, open_async_client

_SILENCES = (RedisTimeoutError, TimeoutError)
_OF_A_CLUSTER = (ClusterDownError, RedisClusterException)
_UNREACHABLE = (RedisConnectionError, InvalidResponse, OSError, *_OF_A_CLUSTER, *_SILENCES)
_NOT_UNDERSTOOD = (AttributeError, IndexError, KeyError, TypeError, ValueError)  # from the client's own callbacks

Ask = Callable[[Any], object]
"""Puts commands on a pipeline."""


class StoreUnavailableError(Exception):
    """Redis did not answer, or its answer does not count; the text says why."""


class RedisCalls:
    """Pipelines, each one round trip; an error about one key stands in its reply's place."""

    def __init__(self, config: ReaderConfig, breaker: CircuitBreaker) -> None:
        self._breaker = breaker
        self.is_cluster = is_cluster(config.redis_url)
        self._nodes_may_have_changed = False
        self._redis = open_async_client(
            config.redis_url,
            timeout_s=config.redis_timeout_s,
            max_connections=config.max_redis_connections,
            queue_timeout_s=config.queue_timeout_s,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def past_breaker(self, ask: Ask) -> list[Any]:
        """The replies to what the background asks; if a node of a cluster failed, the nodes are looked up again."""
        try:
            if self._nodes_may_have_changed:
                await self._redis.nodes_manager.initialize()
                self._nodes_may_have_changed = False
            return await self._execute(ask)
        except (*_UNREACHABLE, RedisError) as error:
            raise StoreUnavailableError(f"Redis does not answer: {type(error).__name__}: {error}") from error

    async def guarded(self, ask: Ask) -> list[Any]:
        """The replies to what a request asks; only silence and lost connections count against Redis."""
        if not self._breaker.allows():
            raise StoreUnavailableError("Redis does not answer: circuit open")
        try:
            replies = await self._execute(ask)
        except _UNREACHABLE as error:
            if isinstance(error, _SILENCES) and await self._answers():
                self._breaker.succeeded()
                raise StoreUnavailableError("Redis answers, but not with this value in time") from error
            self._breaker.failed()
            raise StoreUnavailableError(f"Redis does not answer: {type(error).__name__}: {error}") from error
        except RedisError as error:
            self._breaker.succeeded()
            raise StoreUnavailableError(f"Redis refuses: {error}") from error
        except BaseException:
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        return replies

    async def _execute(self, ask: Ask) -> list[Any]:
        try:
            return await self._replies(ask)
        except _UNREACHABLE:
            self._nodes_may_have_changed = self.is_cluster
            raise

    async def _replies(self, ask: Ask) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        ask(pipe)
        try:
            replies: list[Any] = await pipe.execute(raise_on_error=False)
        except _NOT_UNDERSTOOD as error:
            raise InvalidResponse(f"a reply that its command cannot have: {error}") from error
        for reply in replies if self.is_cluster else ():
            if isinstance(reply, _UNREACHABLE):  # one node's silence; a client of one server raises it
                raise reply
        return replies

    async def _answers(self) -> bool:
        """Whether Redis answers a ping within the time limit of a value; a cluster is not asked."""
        if self.is_cluster:
            return False
        try:
            return bool(await self._redis.ping())
        except (*_UNREACHABLE, RedisError):
            return False
