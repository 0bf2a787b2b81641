"""Find the user with the longest of some hundred published pools: ``python -m infra.richest_user REDIS_URL``."""

import sys
from typing import Any

import redis

from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY, POOL, parse_key, scan_pattern

_POOLS = 500


def richest_user(client: Any) -> int:
    """The user's id; ties go to the greatest key."""
    epoch = Pointer.loads(client.get(POINTER_KEY)).stable
    keys = {text: parse_key(text) for text in client.scan_iter(scan_pattern(epoch), count=1000)}
    pools = {text: key.identity for text, key in keys.items() if key is not None and key.kind is POOL}
    user_id = pools[max(sorted(pools)[:_POOLS], key=lambda text: (client.strlen(text), text))]
    assert isinstance(user_id, int), "a pool's key names a user"
    return user_id


if __name__ == "__main__":
    print(richest_user(redis.Redis.from_url(sys.argv[1])))
