"""Redis calls of a publish besides loading keys: memory checks, the pointer, and removal of dead epochs.

One publisher runs at a time; the pointer is the only truth about what is live.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from contracts.epochs import unpack_pool
from contracts.pointer import Pointer
from contracts.redis_keys import FALLBACKS, POINTER_KEY, POOL, Key, fallback_key, parse_key, scan_pattern
from contracts.settings import PublishRules

T = TypeVar("T")

_SCAN_COUNT = 2000
_RETRIES = 3


class PublishFailed(Exception):  # noqa: N818 - what the operator reads
    """A publish stopped before its epoch became current; the live epoch is untouched."""


def connect(url: str, rules: PublishRules) -> "redis.Redis":
    """A client whose calls cannot hang: explicit timeouts and three retries."""
    return redis.Redis.from_url(
        url,
        socket_timeout=rules.timeout_s,
        socket_connect_timeout=rules.timeout_s,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), _RETRIES),
    )


def read_pointer(client: "redis.Redis") -> Pointer | None:
    """The live pointer, or None if nothing was ever published."""
    value: Any = client.get(POINTER_KEY)
    return None if value is None else Pointer.loads(value)


def flip(client: "redis.Redis", seen: Pointer | None, new: Pointer) -> None:
    """Make ``new`` current by one SET, unless the pointer has moved since it was ``seen``."""
    with client.pipeline() as pipe:
        pipe.watch(POINTER_KEY)  # type: ignore[no-untyped-call]
        value: Any = pipe.get(POINTER_KEY)
        if (None if value is None else Pointer.loads(value)) != seen:
            raise PublishFailed(
                f"the pointer moved from {seen} to {value!r} meanwhile: another publish, or a rollback, came between"
            )
        pipe.multi()
        pipe.set(POINTER_KEY, new.dumps())
        try:
            pipe.execute()
        except redis.exceptions.WatchError as error:
            raise PublishFailed("the pointer moved during the flip: another publish, or a rollback") from error


def used_bytes(client: "redis.Redis") -> int:
    """Memory that Redis reports as used."""
    info: Any = client.info("memory")
    return int(info["used_memory"])


def check_policy(client: "redis.Redis") -> None:
    """Refuse any eviction policy: it would drop keys of the live epoch while the new one loads."""
    info: Any = client.info("memory")
    policy = info["maxmemory_policy"]
    if policy != "noeviction":
        raise PublishFailed(
            f"Redis has maxmemory-policy {policy}, which evicts keys of the live epoch while the new one loads; "
            "run `CONFIG SET maxmemory-policy noeviction` and set it in redis.conf"
        )


def check_memory(client: "redis.Redis", needed: int, rules: PublishRules) -> None:
    """Refuse to start unless ``needed`` more bytes fit and leave ``min_free_share`` free."""
    info: Any = client.info("memory")
    used = int(info["used_memory"])
    limit = int(info["maxmemory"]) or int(info["total_system_memory"])
    room = int(limit * (1 - rules.min_free_share)) - used
    if needed > room:
        raise PublishFailed(
            f"the epoch needs about {needed / 2**20:,.1f} MiB, but Redis uses {used / 2**20:,.1f} of "
            f"{limit / 2**20:,.1f} MiB and {rules.min_free_share:.0%} must stay free, which leaves "
            f"{max(room, 0) / 2**20:,.1f} MiB; raise maxmemory"
        )


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most ``size``."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def discard_epochs(client: "redis.Redis", is_doomed: Callable[[int], bool], rules: PublishRules) -> int:
    """UNLINK the keys of every doomed epoch, in bounded batches; returns how many were removed."""
    # One pass over the keyspace, because no pattern means "any epoch but these two".
    return _discard(client, (text for text, key in _keys_of(client) if is_doomed(key.epoch or 0)), rules)


def discard_epoch(client: "redis.Redis", epoch: int, rules: PublishRules) -> int:
    """UNLINK the keys of one epoch, in bounded batches; returns how many were removed."""
    return _discard(client, (text for text, _ in _keys_of(client, epoch)), rules)


def num_pools(client: "redis.Redis", epoch: int) -> int:
    """Number of users with a pool in the epoch; pools of arms are not counted."""
    return sum(1 for _, key in _keys_of(client, epoch) if key.kind is POOL and key.arm is None)


def has_stand_ins(client: "redis.Redis", epoch: int) -> bool:
    """Whether the fallback pools can be read; readers load no epoch without them."""
    values: Any = client.mget([fallback_key(epoch, kind) for kind in FALLBACKS])
    try:
        return all(value is not None and unpack_pool(value).epoch == epoch for value in values)
    except ValueError:
        return False


def _keys_of(client: "redis.Redis", epoch: int | None = None) -> Iterator[tuple[bytes, Key]]:
    """Keys of one epoch, or of all."""
    for text in client.scan_iter(match=scan_pattern(epoch), count=_SCAN_COUNT):
        key = parse_key(text)
        if key is not None and key.epoch is not None and epoch in (None, key.epoch):
            yield text, key


def _discard(client: "redis.Redis", doomed: Iterable[bytes], rules: PublishRules) -> int:
    removed = 0
    for keys in in_batches(doomed, rules.keys_per_batch):
        unlinked: Any = client.unlink(*keys)
        removed += int(unlinked)
    return removed
