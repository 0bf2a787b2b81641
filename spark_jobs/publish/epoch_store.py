"""Redis calls of a publish besides loading keys: memory checks, the pointer, and removal of dead epochs.

One publisher runs at a time; the pointer is the only truth about what is live.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from secrets import token_hex
from typing import Any, TypeVar

import redis
from redis.exceptions import OutOfMemoryError, ResponseError

from contracts.epochs import unpack_pool
from contracts.pointer import Pointer
from contracts.redis_cluster import held_keys
from contracts.redis_key_kind import FALLBACKS
from contracts.redis_keys import CLAIM_KEY, POINTER_KEY, POOL, epoch_of, fallback_key, parse_key, scan_pattern
from contracts.settings import PublishRules
from spark_jobs.publish.bulk import get_all, set_all
from storage.redis_clients import Client, open_client

T = TypeVar("T")

_SCAN_COUNT = 2000
_SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[1] == '' and redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[2])
return 1
"""
"""Compare and set, in one step. Where there is no pointer, the claim is compared."""
_EVEN_IF_FULL = "#!lua flags=allow-oom\n"
_BEGUN = b"begun"


class PublishFailed(Exception):  # noqa: N818 - what the operator reads
    """A publish stopped before its epoch became current; the live epoch is untouched."""


def connect(url: str, rules: PublishRules) -> Client:
    """A client whose calls have time limits and three retries."""
    return open_client(url, rules.timeout_s)


def read_pointer(client: Client) -> Pointer | None:
    """The live pointer, or None if nothing was ever published."""
    value: Any = client.get(POINTER_KEY)
    return None if value is None else Pointer.loads(value)


def claim(client: Client) -> str:
    """Before a publish to a Redis without a pointer: the word that its flip must find there.

    Such a Redis is new, or was emptied. If it is emptied again, the word is gone; if another publish begins, the word
    is another one. Either way the flip is refused.
    """
    word = token_hex()
    client.set(CLAIM_KEY, word)
    return word


def flip(client: Client, seen: Pointer | None, new: Pointer, claimed: str = "") -> None:
    """Make ``new`` current in one step, unless the pointer has moved since it was ``seen``.

    Where none was seen, nobody else may have ``claimed`` Redis, nor may it have lost its data.
    """
    value: Any = client.get(POINTER_KEY)
    is_as_seen = (None if value is None else Pointer.loads(value)) == seen
    if not is_as_seen or not _swap(client, value or b"", new.dumps(), claimed):
        now = read_pointer(client)
        # A lost connection is tried again: then the first attempt has moved the pointer.
        if now == new:
            return
        if now == seen:
            raise PublishFailed("Redis lost its data meanwhile, or another publish began: publish again")
        raise PublishFailed(
            f"the pointer moved from {seen} to {now} meanwhile: another publish, or a rollback, came between"
        )


def _swap(client: Client, old: bytes, new: str, claimed: str) -> bool:
    """Run ``_SWAP``, also where memory is full: the pointer must move before the keys that fill it can be removed."""
    words: tuple[Any, ...] = (2, POINTER_KEY, CLAIM_KEY, old, new, claimed)
    try:
        return bool(client.eval(_SWAP, *words))
    except OutOfMemoryError as full:
        try:
            return bool(client.eval(_EVEN_IF_FULL + _SWAP, *words))
        except ResponseError:
            raise full from None  # a Redis before 7 knows no flags


def _memories(client: Client) -> list[dict[str, Any]]:
    """What each server says of its memory: the one server, or the masters of a cluster."""
    if not isinstance(client, redis.RedisCluster):
        told: Any = client.info("memory")
        return [told]
    return list(client.info("memory", target_nodes=redis.RedisCluster.PRIMARIES).values())


def used_bytes(client: Client) -> int:
    """Memory that Redis reports as used, of all masters of a cluster."""
    return sum(int(memory["used_memory"]) for memory in _memories(client))


def check_server(client: Client) -> None:
    """Refuse a node of a cluster that is named as a single server, and any eviction policy.

    An eviction would drop keys of the live epoch while the new one loads.
    """
    if not isinstance(client, redis.RedisCluster):
        cluster: Any = client.info("cluster")
        if cluster.get("cluster_enabled"):
            raise PublishFailed("this Redis is a node of a cluster: name it as redis+cluster://host:port")
    for memory in _memories(client):
        policy = memory["maxmemory_policy"]
        if policy != "noeviction":
            raise PublishFailed(
                f"Redis has maxmemory-policy {policy}, which evicts keys of the live epoch while the new one loads; "
                "run `CONFIG SET maxmemory-policy noeviction` and set it in redis.conf"
            )


def check_memory(client: Client, needed: int, rules: PublishRules) -> None:
    """Refuse to start unless ``needed`` more bytes fit and leave ``min_free_share`` free.

    Each master of a cluster takes an equal part of them, because keys are divided by hash.
    """
    memories = _memories(client)
    part = needed / len(memories)
    for memory in memories:
        used = int(memory["used_memory"])
        limit = int(memory["maxmemory"]) or int(memory["total_system_memory"])
        room = int(limit * (1 - rules.min_free_share)) - used
        if part > room:
            raise PublishFailed(
                f"the epoch needs about {part / 2**20:,.1f} MiB, but Redis uses {used / 2**20:,.1f} of "
                f"{limit / 2**20:,.1f} MiB and {rules.min_free_share:.0%} must stay free, which leaves "
                f"{max(room, 0) / 2**20:,.1f} MiB; raise maxmemory"
            )


def begin_held(client: Client) -> None:
    """Before suppression is written: mark every slot of a cluster that has no note, to notice if it loses its data.

    Readers do not take the mark for a note, because it is no number.
    """
    if isinstance(client, redis.RedisCluster):
        keys = _every_held_key()
        new = [key for key, value in zip(keys, get_all(client, keys), strict=True) if value is None]
        set_all(client, new, [_BEGUN] * len(new), None)


def write_held(client: Client, epoch: int) -> None:
    """Note in every slot of a cluster that it holds all suppression up to ``epoch``; one server needs no note.

    Raises ``PublishFailed`` if a slot has lost its data since ``begin_held``.
    """
    if isinstance(client, redis.RedisCluster):
        keys = _every_held_key()
        _refuse_lost([value for value in get_all(client, keys) if value is None], "suppression was written")
        set_all(client, keys, [b"%d" % epoch] * len(keys), None)


def verify_held(client: Client, epoch: int) -> None:
    """Raise ``PublishFailed`` if a slot of a cluster has lost its data since ``write_held``."""
    if isinstance(client, redis.RedisCluster):
        values = get_all(client, _every_held_key())
        _refuse_lost([value for value in values if value != b"%d" % epoch], "the epoch was loaded")


def _refuse_lost(lost: Sequence[bytes | None], when: str) -> None:
    if lost:
        raise PublishFailed(f"{len(lost):,} slots of the cluster lost their data while {when}")


def _every_held_key() -> list[bytes]:
    return [key.encode() for key in held_keys()]


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most ``size``."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def discard_epochs(client: Client, is_doomed: Callable[[int], bool], rules: PublishRules) -> int:
    """UNLINK the keys of every doomed epoch, in bounded batches; returns how many were removed."""
    # One pass over the keyspace, because no pattern means "any epoch but these two".
    found = ((text, epoch_of(text)) for text in _scan(client))
    return _discard(client, (text for text, epoch in found if epoch is not None and is_doomed(epoch)), rules)


def discard_epoch(client: Client, epoch: int, rules: PublishRules) -> int:
    """UNLINK the keys of one epoch, in bounded batches; returns how many were removed."""
    return _discard(client, (text for text in _scan(client, epoch) if epoch_of(text) == epoch), rules)


def num_pools(client: Client, epoch: int) -> int:
    """Number of users with a pool in the epoch; pools of arms are not counted."""
    keys = (parse_key(text) for text in _scan(client, epoch))
    return sum(1 for key in keys if key and key.kind is POOL and key.epoch == epoch and key.arm is None)


def has_stand_ins(client: Client, epoch: int) -> bool:
    """Whether the fallback pools can be read; readers load no epoch without them."""
    values: list[Any] = [client.get(fallback_key(epoch, kind)) for kind in FALLBACKS]
    try:
        return all(value is not None and unpack_pool(value).epoch == epoch for value in values)
    except ValueError:
        return False


def _scan(client: Client, epoch: int | None = None) -> Iterator[bytes]:
    """Keys of one epoch, or of all, and maybe others."""
    return client.scan_iter(match=scan_pattern(epoch), count=_SCAN_COUNT)


def _discard(client: Client, doomed: Iterable[bytes], rules: PublishRules) -> int:
    removed = 0
    for keys in in_batches(doomed, rules.keys_per_batch):
        unlinked: Any = client.unlink(*keys)
        removed += int(unlinked)
    return removed
