"""The collector's use of the Redis that feeds are read from; its failures never affect events.

A post that a user hides is withheld from their next page; the publish of the next epoch would do so anyway. What a user
does is noted, so that their feed shows it. A user gets the counts of a post if they may see its card. If this Redis
does not answer, all of this is skipped.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any

from contracts.epochs import MAX_ACTS, MAX_CARD_BYTES, MAX_POOL_BYTES, MAX_READ_MEMBERS, unpack_pool
from contracts.pointer import MAX_POINTER_BYTES, Pointer
from contracts.redis_keys import (
    ACTED,
    NARROWED_KEY,
    POINTER_KEY,
    TAKEDOWN_KEY,
    acted_key,
    block_key,
    card_key,
    fresh_key,
    hidden_key,
    parted_key,
    pool_key,
)
from contracts.redis_members import ACT_MEMBERS, ACTS
from contracts.visibility import is_open
from serving.collector.config import CollectorConfig
from serving.collector.events import Act
from serving.collector.metrics import CollectorMetrics
from serving.collector.paths import Action
from serving.collector.responses import Stats
from storage.redis_clients import FAILURES, open_async_client

_LOG = logging.getLogger(__name__)
_COUNTED = {act: f"{act}s" for act in ACTS}
"""The count in ``Stats`` of each act."""
_FAILURES = (*FAILURES, TimeoutError, AttributeError, IndexError, KeyError, TypeError, ValueError)
"""The last five come from values that are damaged."""


class ServingRedis:
    """The Redis of the reader, if there is one."""

    def __init__(self, config: CollectorConfig, metrics: CollectorMetrics) -> None:
        self._metrics = metrics
        self._key_ttl_s = config.key_ttl_s
        self._redis = None
        if config.serving_redis_url is not None:
            self._redis = open_async_client(
                config.serving_redis_url,
                timeout_s=config.serving_timeout_s,
                max_connections=config.max_redis_connections,
                queue_timeout_s=config.queue_timeout_s,
            )

    async def close(self) -> None:
        """Close every connection."""
        if self._redis is not None:
            await self._redis.aclose()

    async def hide(self, user_id: int, post_ids: Sequence[int]) -> None:
        """Withhold posts from the user's next page, unless the set would become too large for the reader."""
        if self._redis is None or not post_ids:
            return
        try:
            key = hidden_key(user_id)
            if await self._redis.scard(key) + len(post_ids) <= MAX_READ_MEMBERS:
                await self._redis.sadd(key, *post_ids)
        except _FAILURES as error:
            self._report(error)

    async def show(self, user_id: int, post_ids: Sequence[int]) -> None:
        """Show posts again that the user had hidden."""
        if self._redis is None or not post_ids:
            return
        try:
            await self._redis.srem(hidden_key(user_id), *post_ids)
        except _FAILURES as error:
            self._report(error)

    async def note(self, user_id: int, acts: Sequence[Act], now: float) -> None:
        """Show in the user's feed what they did; ``now`` is in Unix seconds. Only the latest acts are kept."""
        if self._redis is None or not acts:
            return
        key, lifetime_s = acted_key(user_id), ACTED.ttl_s(self._key_ttl_s) or 0
        latest = {ACT_MEMBERS[act.kind].member(act.post_id): act.is_done for act in acts}
        try:
            pipe = self._redis.pipeline(transaction=False)
            if undone := [member for member, is_done in latest.items() if not is_done]:
                pipe.zrem(key, *undone)
            if done := {member: now for member, is_done in latest.items() if is_done}:
                pipe.zadd(key, done)
                pipe.zremrangebyscore(key, "-inf", now - lifetime_s)
                pipe.zremrangebyrank(key, 0, -MAX_ACTS - 1)
                pipe.expire(key, lifetime_s)
            await pipe.execute()
        except _FAILURES as error:
            self._report(error)

    async def withdraw(self, post_id: int) -> bool:
        """Take a post out of every feed from the next request on; whether that was done."""
        if self._redis is None:
            return False
        try:
            await self._redis.sadd(TAKEDOWN_KEY, post_id)
        except _FAILURES as error:
            self._report(error)
            return False
        return True

    async def is_by(self, user_id: int, post_id: int) -> bool | None:
        """Whether a card of an epoch that is served names the user as the post's author; None if unknown."""
        if self._redis is None:
            return False
        try:
            pointer = Pointer.loads(await self._redis.getrange(POINTER_KEY, 0, MAX_POINTER_BYTES))
            pipe = self._redis.pipeline(transaction=False)
            for epoch in pointer.named:
                pipe.getrange(card_key(epoch, post_id), 0, MAX_CARD_BYTES)
            authors = [(json.loads(card)["author"] or {}).get("id") for card in await pipe.execute() if card]
            return any(author is not None and int(author) == user_id for author in authors)
        except _FAILURES as error:
            self._report(error)
            return None

    async def stats(self, user_id: int, post_id: int, action: Action | None) -> Stats | None:
        """Counts of a post with the action that was just taken; None if the user's feed would not show its card."""
        if self._redis is None:
            return None
        try:
            pointer = Pointer.loads(await self._redis.getrange(POINTER_KEY, 0, MAX_POINTER_BYTES))
            epoch, _ = pointer.epochs_for(user_id, None)
            pipe = self._redis.pipeline(transaction=False)
            pipe.getrange(card_key(epoch, post_id), 0, MAX_CARD_BYTES)
            pipe.getrange(pool_key(epoch, user_id), 0, MAX_POOL_BYTES)
            pipe.getrange(fresh_key(epoch, user_id), 0, MAX_POOL_BYTES)
            pipe.sismember(TAKEDOWN_KEY, post_id)
            pipe.zscore(NARROWED_KEY, post_id)
            pipe.exists(parted_key(user_id))
            card, *pools, is_taken_down, narrowed, is_parted = await pipe.execute()
            if not card or is_taken_down or narrowed is not None:
                return None
            content = json.loads(card)
            author = (content["author"] or {}).get("id")
            if content["stats"] is None or (
                author is not None and await self._redis.sismember(block_key(user_id), int(author))
            ):
                return None
            is_for_all = is_open(content["privacy"], content["source"]["type"])
            if not is_for_all and (is_parted or not any(_holds(pool, post_id) for pool in pools)):
                return None
            stats = Stats.model_validate(content["stats"])
        except _FAILURES as error:
            self._report(error)
            return None
        name = _COUNTED.get(action) if action else None
        return stats.model_copy(update={name: getattr(stats, name) + 1}) if name else stats

    def _report(self, error: Exception) -> None:
        self._metrics.unavailable.labels("serving").inc()
        _LOG.warning("the reader's Redis does not answer: %s: %s", type(error).__name__, error)


def _holds(pool: Any, post_id: int) -> bool:
    return bool(pool) and bool((unpack_pool(pool).columns["post_id"] == post_id).any())
