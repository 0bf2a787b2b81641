"""Remove erased people from Redis: one SCAN over the keyspace, in bounded batches, while readers keep serving.

Meanwhile their posts are in ``takedown``, so that no reader shows one from its memory. When every pool is rewritten and
readers have refreshed their memory, the ids are removed from ``takedown`` too.
"""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from contracts.epochs import POOL_MAGIC, Pool, pack_pool, unpack_pool
from contracts.erasure import Kind
from contracts.redis_key_kind import USER_TAG
from contracts.redis_keys import CARD, TAKEDOWN_KEY, parse_key
from contracts.redis_members import MemberKind
from contracts.settings import Settings
from spark_jobs.publish.bulk import get_all
from spark_jobs.publish.epoch_store import in_batches
from spark_jobs.rules.erased_ids import ErasedIds
from storage.redis_clients import Client


def erase_keys(client: Client, ids: ErasedIds, settings: Settings) -> dict[str, int]:
    """Delete keys of and about the erased people, and rewrite keys of others; returns how many of each."""
    batch = settings.publish.keys_per_batch
    for posts in in_batches(ids.of("post"), batch):
        client.sadd(TAKEDOWN_KEY, *posts)
    done = {"deleted": 0, "rewritten": 0}
    for keys in in_batches(client.scan_iter(count=batch), batch):
        own = [key for key in keys if is_key_of(key, ids)]
        if own:
            removed: Any = client.unlink(*own)
            done["deleted"] += int(removed)
        rewritten, deleted = _rewrite(client, [key for key in keys if not is_key_of(key, ids)], ids)
        done["rewritten"] += rewritten
        done["deleted"] += deleted
    time.sleep(settings.erasure.reader_refresh_s)
    for posts in in_batches(ids.of("post"), batch):
        client.srem(TAKEDOWN_KEY, *posts)
    return done


def is_key_of(key: bytes, ids: ErasedIds) -> bool:
    """Whether the key belongs to an erased user (of any kind, by its hash tag) or to an erased post."""
    if tag := USER_TAG.search(key):
        return int(tag[1]) in ids.user
    parsed = parse_key(key)
    return parsed is not None and parsed.kind.of == "post" and parsed.identity in ids.post


def erasable_members(key: bytes) -> dict[MemberKind, Kind]:
    """Kinds of members in the set under this key that identify a person or what is theirs; empty for unknown keys."""
    parsed = parse_key(key)
    return {member: member.erased_as for member in parsed.kind.members if member.erased_as} if parsed else {}


def ids_of_members(members: Iterable[bytes], kind: MemberKind) -> set[int]:
    """The ids in those members that are of this kind."""
    prefix = kind.prefix.encode()
    return {int(member.removeprefix(prefix)) for member in members if member.startswith(prefix)}


def _rewrite(client: Client, keys: list[bytes], ids: ErasedIds) -> tuple[int, int]:
    """Remove erased posts from pools and erased members from sets, and cards of erased authors.

    Returns how many values changed, and how many cards were removed.
    """
    pipe = client.pipeline(transaction=False)
    for key in keys:
        pipe.type(key)
    kinds: list[bytes] = pipe.execute()
    texts = [key for key, kind in zip(keys, kinds, strict=True) if kind == b"string"]
    sets = [
        (key, kind)
        for key, kind in zip(keys, kinds, strict=True)
        if kind in (b"set", b"zset") and key != TAKEDOWN_KEY.encode()
    ]
    values = get_all(client, texts)
    theirs = [key for key, value in zip(texts, values, strict=True) if is_card_by(key, value, ids)]
    if theirs:
        client.unlink(*theirs)
    changes = list(_new_pools(zip(texts, values, strict=True), ids))
    pipe = client.pipeline(transaction=False)
    for key, value in changes:
        # XX: a key that has been removed in the meantime must not come back without an expiry.
        pipe.set(key, value, keepttl=True, xx=True)
    pipe.execute()
    pipe = client.pipeline(transaction=False)
    for key, kind_of_set in sets:
        if members := _members_of(key, ids):
            pipe.srem(key, *members) if kind_of_set == b"set" else pipe.zrem(key, *members)
    return len(changes) + sum(1 for removed in pipe.execute() if removed), len(theirs)


def is_card_by(key: bytes, value: bytes | None, ids: ErasedIds) -> bool:
    """Whether it is a card of an erased author. The lake does not know the posts made since the night."""
    parsed = parse_key(key)
    if parsed is None or parsed.kind is not CARD or value is None:
        return False
    try:
        author = (json.loads(value).get("author") or {}).get("id")
        return author is not None and int(author) in ids.user
    except (ValueError, TypeError, AttributeError):
        return False  # a damaged card, which no reader shows


def _members_of(key: bytes, ids: ErasedIds) -> list[bytes]:
    """Members to remove from the set under this key, as spelt there."""
    known = erasable_members(key)
    if not known:
        return [str(i).encode() for i in ids.distinctive()]
    return [member.member(i).encode() for member, kind in known.items() for i in ids.of(kind)]


def _new_pools(values: Any, ids: ErasedIds) -> Iterator[tuple[bytes, bytes]]:
    """(key, new value) of each packed pool with an erased post; the new value leaves it out."""
    for key, value in values:
        if value is not None and value.startswith(POOL_MAGIC):
            pool = unpack_pool(value)
            stays = ~erased_rows(pool, ids)
            if not stays.all():
                columns = {name: column[stays] for name, column in pool.columns.items()}
                yield key, pack_pool(pool.epoch, pool.generated_at, pool.owner, columns)


def erased_rows(pool: Pool, ids: ErasedIds) -> Any:
    """Mask, shape ``(count,)``: posts that are erased, or by an erased author."""
    columns = pool.columns
    return np.isin(columns["post_id"], ids.of("post")) | np.isin(columns["author_id"], ids.of("user"))
