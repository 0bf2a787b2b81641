"""Users who have a feed in the epoch being served, for a person to choose from."""

from typing import Any

from pydantic import BaseModel

from contracts.pointer import MAX_POINTER_BYTES, Pointer
from contracts.redis_keys import POINTER_KEY, POOL, parse_key, scan_pattern

_POOLS = 500
_KEYS_PER_STEP = 1000


class ChoosableUser(BaseModel):
    """A user and the bytes of their pool: more bytes, more posts."""

    id: str
    pool_bytes: int


async def users_with_feeds(client: Any, most: int) -> list[ChoosableUser]:
    """Up to ``most`` users, the longest pools first, of the first 500 that Redis names; none without an epoch."""
    pointer = await client.getrange(POINTER_KEY, 0, MAX_POINTER_BYTES)
    if not pointer:
        return []
    keys: dict[int, bytes] = {}
    async for text in client.scan_iter(scan_pattern(Pointer.loads(pointer).stable), count=_KEYS_PER_STEP):
        key = parse_key(text)
        if key is not None and key.kind is POOL and key.arm is None and isinstance(key.identity, int):
            keys[key.identity] = text
        if len(keys) == _POOLS:
            break
    pipe = client.pipeline(transaction=False)
    for text in keys.values():
        pipe.strlen(text)
    sizes = dict(zip(keys, await pipe.execute(), strict=True))
    longest = sorted(sizes, key=lambda user: (-sizes[user], user))[:most]
    return [ChoosableUser(id=str(user), pool_bytes=sizes[user]) for user in longest]
