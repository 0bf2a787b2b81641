"""The docs page of Redis keys: ``python -m contracts.redis_page > docs/redis.md``."""

import sys

from contracts.collector_keys import COLLECTOR_KEYS
from contracts.redis_key_kind import KeyKind
from contracts.redis_keys import KEY_KINDS

_DAY_S = 86_400
_INTRODUCTION = """\
# Keys in Redis

A key is `prefix[:epoch][:arm][:identity]`. A user's id is a hash tag, so that one request touches one cluster slot.
Keys with an epoch are removed with it: the sweep after a flip, a failed publish and a rollback find them by this
list. `ttl` is `publish.key_ttl_s` of the [settings](settings.md). An arm is part of a [pool's key](serving.md#arms).

"""
_END = """
An [erasure](erasure.md) also deletes keys of other kinds that carry the person's hash tag, and takes ids of a million
and more out of sets of other kinds.

## The collector's Redis

The [collector](collector.md) writes to a Redis of its own and the drain empties it; the reader never uses it. It is one
server, not a cluster. A window is `collector.retry_window_s` of the [settings](settings.md) long.

{collector}
An erasure deletes the person's entries and keys: [events on the way](erasure.md#events-on-the-way).

This page is made from [`contracts/redis_keys.py`](../contracts/redis_keys.py) and
[`contracts/collector_keys.py`](../contracts/collector_keys.py) by `python -m contracts.redis_page > docs/redis.md`; a
test fails where it is stale.
"""


def page() -> str:
    """``docs/redis.md``."""
    head = "| key | holds | written by | lives for | on erasure |\n|---|---|---|---|---|\n"
    return _INTRODUCTION + head + "".join(_row(kind) for kind in KEY_KINDS) + _END.replace("{collector}", _collector())


def _collector() -> str:
    rows = (f"| `{key.spelling}` | {key.holds} | {key.written_by} | {key.lives_for} |\n" for key in COLLECTOR_KEYS)
    return "| key | holds | written by | lives for |\n|---|---|---|---|\n" + "".join(rows)


def _row(kind: KeyKind) -> str:
    cells = [f"`{kind.spelling}`".replace("|", "\\|"), _holds(kind), kind.written_by, _lives_for(kind)]
    return f"| {' | '.join(cells)} | {kind.on_erasure or 'stays: names nobody'} |\n"


def _holds(kind: KeyKind) -> str:
    named = [member.spelling for member in kind.members if member.name]
    return f"{kind.holds}; members are {', '.join(named)}" if named else kind.holds


def _lives_for(kind: KeyKind) -> str:
    if kind.extra_ttl_s is None:
        return "until removed"
    longer = f"ttl + {kind.extra_ttl_s // _DAY_S} d" if kind.extra_ttl_s else "ttl"
    return f"{longer}, or its epoch" if kind.per_epoch else longer


if __name__ == "__main__":
    sys.stdout.write(page())
