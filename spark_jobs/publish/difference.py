"""Difference of a new epoch from the live one, before its flip: which users change most, and why. Needs no Spark.

Reads the pools and features of a sample of users, of both epochs, from Redis. A place changes if it is among the first
``depth`` and shows a post that was not among them before. Each such place has one cause, the first that holds:

- ``new_posts``: the post was written after the live epoch's as-of;
- ``rules``: its score alone does not explain the place: it was drawn, or re-ranking moved it up, or down before;
- ``model``, ``weights``: another model scored it, or the value weights differ (by the manifests);
- ``features``: none of these, so features of the user, the post or the pair have changed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.epochs import FLAG_EXPLORATION, Pool, unpack_pool
from contracts.features import features_of
from contracts.redis_keys import features_key, pool_key
from contracts.run_records import DIFFERENCE_CAUSES, ChangedUser, DifferenceRecord, MovedFeature
from spark_jobs.publish.epoch_store import in_batches
from storage.redis_clients import Client

INPUTS = ("model_version", "weights", "rules", "feature_schema", "code_revision")
"""Keys of the manifests that are compared."""
_MOST_USERS, _MOST_FEATURES = 10, 5
_REPORTED_USERS, _CHARACTERS = 3, 12


@dataclass(frozen=True)
class Sample:
    """The users to compare, and the number of places; ``keys_per_batch`` bounds a round trip."""

    user_ids: Sequence[int]
    depth: int
    keys_per_batch: int


def compare(
    client: Client, live: tuple[int, Mapping[str, Any]], new: tuple[int, Mapping[str, Any]], sample: Sample
) -> DifferenceRecord:
    """The difference of two epochs, each a number and its manifest, over users with a readable pool in both."""
    inputs = {
        name: [str(manifest[name]) for manifest in (live[1], new[1])]
        for name in INPUTS
        if name in live[1] and name in new[1] and live[1][name] != new[1][name]
    }
    cause = next((cause_name for name, cause_name in _SCORED_BY.items() if name in inputs), "features")
    before, after = (_pools(client, epoch, sample) for epoch in (live[0], new[0]))
    both = [user_id for user_id in sample.user_ids if user_id in before and user_id in after]
    changes = {user_id: _places(before[user_id], after[user_id], sample.depth, cause) for user_id in both}
    moved = {} if "feature_schema" in inputs else _moved(client, live[0], new[0], both, sample)
    order = sorted(both, key=lambda user_id: (-sum(changes[user_id].values()), user_id))
    return {
        "live": live[0],
        "new": new[0],
        "sampled": len(sample.user_ids),
        "users": len(both),
        "depth": sample.depth,
        "changed": _mean([sum(places.values()) for places in changes.values()]),
        "by": {name: _mean([places[name] for places in changes.values()]) for name in DIFFERENCE_CAUSES},
        "inputs": inputs,
        "features": _most_moved(moved, both),
        "most": [_changed_user(user_id, changes[user_id], moved) for user_id in order[:_MOST_USERS]],
    }


_SCORED_BY = {"model_version": "model", "weights": "weights"}


def sentences(record: DifferenceRecord) -> list[str]:
    """The record in at most four sentences, for people."""
    if record["live"] is None:
        return ["No epoch is live to compare with."]
    if not record["users"]:
        return [f"None of {record['sampled']:,} users has a pool in this epoch and in the live epoch {record['live']}."]
    parts = ", ".join(f"{share:.1%} {name.replace('_', ' ')}" for name, share in record["by"].items() if share)
    lines = [
        f"Against the live epoch {record['live']}, {record['changed']:.1%} of the first {record['depth']} places of "
        f"{record['users']:,} users show another post" + (f": {parts}." if parts else ".")
    ]
    if record["inputs"]:
        words = (f"{name} {_short(old)} → {_short(new)}" for name, (old, new) in record["inputs"].items())
        lines.append(f"Changed since: {', '.join(words)}.")
    if record["features"]:
        words = (f"{each['name']} ({each['shift']:.2f} sd)" for each in record["features"])
        lines.append(f"Features of users that moved most, on average: {', '.join(words)}.")
    most = [each for each in record["most"] if each["changed"]][:_REPORTED_USERS]
    if most:
        words = (f"{each['user_id']} ({each['changed']:.0%}, most by {_main_cause(each)})" for each in most)
        lines.append(f"These users change most: {', '.join(words)}.")
    return lines


def nothing_live(new: int, depth: int) -> DifferenceRecord:
    """The record of an epoch without a live epoch to compare with."""
    by = dict.fromkeys(DIFFERENCE_CAUSES, 0.0)
    return {
        "live": None, "new": new, "sampled": 0, "users": 0, "depth": depth, "changed": 0.0, "by": by, "inputs": {},
        "features": [], "most": [],
    }  # fmt: skip


def _pools(client: Client, epoch: int, sample: Sample) -> dict[int, Pool]:
    pools: dict[int, Pool] = {}
    for user_id, value in _values(client, {user: pool_key(epoch, user) for user in sample.user_ids}, sample).items():
        try:
            pools[user_id] = _posts_of(unpack_pool(value))
        except ValueError:
            continue  # of another format, as after an upgrade: it cannot be compared
    return {user_id: pool for user_id, pool in pools.items() if pool.count}


def _posts_of(pool: Pool) -> Pool:
    """The pool without ads, which have no scores."""
    return replace(pool, columns={name: column[~pool.is_ad] for name, column in pool.columns.items()})


def _values(client: Client, keys: Mapping[int, str], sample: Sample) -> dict[int, bytes]:
    """The values under one key per user; those that are missing are left out."""
    values: dict[int, bytes] = {}
    for batch in in_batches(keys.items(), sample.keys_per_batch):
        pipe = client.pipeline(transaction=False)
        for _, key in batch:
            pipe.get(key)
        replies = zip(batch, pipe.execute(), strict=True)
        values |= {user_id: value for (user_id, _), value in replies if value is not None}
    return values


def _places(before: Pool, after: Pool, depth: int, cause: str) -> dict[str, float]:
    """Share of the user's first ``depth`` places that show another post, by cause."""
    head, old_head = after.columns["post_id"][:depth], before.columns["post_id"][:depth]
    is_other = ~np.isin(head, old_head)
    is_new = after.columns["created_at"][:depth] >= before.generated_at
    was_high = np.isin(head, before.columns["post_id"][_by_score(before) < depth])
    is_drawn = (after.columns["flags"][:depth] & FLAG_EXPLORATION) > 0
    is_by_rules = is_drawn | (_by_score(after)[:depth] >= depth) | was_high
    counts = dict.fromkeys(DIFFERENCE_CAUSES, 0)
    counts["new_posts"] = int((is_other & is_new).sum())
    counts["rules"] = int((is_other & ~is_new & is_by_rules).sum())
    counts[cause] += int((is_other & ~is_new & ~is_by_rules).sum())
    return {name: count / len(head) for name, count in counts.items()}


def _by_score(pool: Pool) -> NDArray[np.int64]:
    """The place of each row if scores alone decided; equal scores keep their order."""
    places = np.empty(pool.count, np.int64)
    places[np.argsort(-pool.columns["score"].astype(np.float64), kind="stable")] = np.arange(pool.count)
    return places


def _moved(
    client: Client, live: int, new: int, user_ids: Sequence[int], sample: Sample
) -> dict[int, NDArray[np.float64]]:
    """Change of each feature of each user, in standard deviations over the sample; shape ``(features,)``."""
    before, after = (
        _values(client, {user: features_key(epoch, user) for user in user_ids}, sample) for epoch in (live, new)
    )
    both = [user for user in user_ids if user in before and len(before[user]) == len(after.get(user, b""))]
    if not both:
        return {}
    old, now = (
        np.stack([np.frombuffer(values[user], "<f2") for user in both]).astype(np.float64) for values in (before, after)
    )
    spread = np.concatenate([old, now]).std(axis=0)
    shift = np.abs(now - old) / np.where(spread > 0, spread, 1.0)
    starts = np.cumsum([0, *(feature.size for feature in features_of("user"))])[:-1]
    return dict(zip(both, np.maximum.reduceat(shift, starts, axis=1), strict=True))


def _most_moved(moved: Mapping[int, NDArray[np.float64]], user_ids: Sequence[int]) -> list[MovedFeature]:
    rows = [moved[user_id] for user_id in user_ids if user_id in moved]
    return _named(np.mean(rows, axis=0)) if rows else []


def _named(shift: NDArray[np.float64]) -> list[MovedFeature]:
    """The features that moved most, without those that did not move."""
    names = [feature.name for feature in features_of("user")]
    order = np.argsort(-shift, kind="stable")[:_MOST_FEATURES]
    return [{"name": names[at], "shift": round(float(shift[at]), 4)} for at in order if shift[at] > 0]


def _changed_user(user_id: int, places: Mapping[str, float], moved: Mapping[int, NDArray[np.float64]]) -> ChangedUser:
    by = {name: round(share, 4) for name, share in places.items()}
    features = _named(moved[user_id]) if user_id in moved else []
    return {"user_id": user_id, "changed": round(sum(places.values()), 4), "by": by, "features": features}


def _main_cause(user: ChangedUser) -> str:
    return max(user["by"], key=lambda name: user["by"][name]).replace("_", " ")


def _mean(shares: Sequence[float]) -> float:
    return round(math.fsum(shares) / len(shares), 4) if shares else 0.0


def _short(text: str) -> str:
    return text if len(text) <= _CHARACTERS else text[:_CHARACTERS]
