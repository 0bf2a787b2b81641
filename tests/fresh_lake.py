"""A published night of a few friends, and a landing area in which people post on the day after it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from contracts.epochs import Pool, unpack_pool
from contracts.features import schema_hash
from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY, fresh_key
from contracts.settings import Settings
from contracts.settings.hashes import hash_of
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from tests import scoring_lake
from tests.epoch_table import epoch_row, epoch_table
from tests.feature_values import defaults
from tests.feed_rows import AS_OF, DS, LONG_AGO, put
from tests.landed import Event, event, land, post

ANN, BOB, CAT, DAN, EVE, FAY = range(1, 7)
"""Ann is a friend of all but Dan. Eve and Ann have blocked each other, Fay hides what may be NSFW."""
EPOCH, UNMODELLED = 3, 4
"""Two epochs of the night: the model has ranked one, the simple score the other."""
NEXT_DAY = DS + timedelta(days=1)
NOON, ONE = "2026-03-09T12:00:00Z", "2026-03-09T13:00:00Z"
KNOWN = 900
"""A post of Ann's that the night had."""


def made(post_id: int, author: int = ANN, at: str = NOON, **fields: Any) -> Event:
    return post(post_id, author, at=at, text=f"post {post_id}", **{"privacy": "friends", **fields})


def deleted(post_id: int, at: str = ONE) -> Event:
    return event("post_deleted", f"gone-{post_id}", at, post_id=post_id)


def changed(post_id: int, at: str = ONE, **fields: Any) -> Event:
    return {**made(post_id, at=NOON), "event_type": "post_updated", "event_id": f"edit-{post_id}-{at}"} | {
        "event_time": at,
        "received_at": at,
        **fields,
    }


def fresh_night(lake: Lake, landing: Path, url: str) -> Night:
    """The night that made both epochs, whose keys a test writes as far as it needs them."""
    landing.mkdir(parents=True, exist_ok=True)
    night = Night(lake, DS, str(landing), landing.parent / "runs", Settings(), url)
    pairs = [(ANN, friend) for friend in (BOB, CAT, EVE, FAY)] + [(BOB, CAT)]
    times = {"valid_from": LONG_AGO, "received_at": LONG_AGO}
    tables: dict[str, list[dict[str, Any]]] = {
        "silver.users": [
            {"user_id": user, "name": f"User {user}", **times}
            | ({"feed_preferences": ["hide_nsfw"]} if user == FAY else {})
            for user in range(1, 7)
        ],
        "silver.friendships": [
            {"user_id": one, "friend_id": other, **times} for pair in pairs for one, other in (pair, pair[::-1])
        ],
        "silver.blocks": [{"user_id": EVE, "blocked_id": ANN, **times}],
        "silver.posts": [{"post_id": KNOWN, "author_id": ANN, "source_id": ANN}],
        "gold.user_features": [{**_random("user", user), "user_id": user} for user in (ANN, BOB, CAT)],
        "gold.affinity_features": [{**_random("pair", BOB), "user_id": BOB, "author_id": ANN, "is_friend": 1.0}],
    }
    for name, rows in tables.items():
        put(lake, name, rows)
    models = {EPOCH: scoring_lake.register_model(night), UNMODELLED: "simple-score"}
    same = {"weights": hash_of(asdict(night.settings.value)), "feature_schema": schema_hash()}
    manifests = {epoch: json.dumps({"model_version": model, **same}) for epoch, model in models.items()}
    epoch_table(Path(lake.root), *(epoch_row(epoch, "current", manifest=text) for epoch, text in manifests.items()))
    return night


def _random(entity: Any, seed: int) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        name: [float(generator.random()) for _ in value] if isinstance(value, list) else float(generator.random())
        for name, value in defaults(entity).items()
    }


def serve(client: Any, epoch: int = EPOCH, previous: int | None = None) -> None:
    client.set(POINTER_KEY, Pointer(epoch, previous, int(AS_OF.timestamp())).dumps())


def lands(landing: str | Path, events: Sequence[Event], name: str = "collected-1.jsonl") -> None:
    land(landing, NEXT_DAY, list(events), name)


def fresh_of(client: Any, user: int, epoch: int = EPOCH) -> Pool | None:
    value = client.get(fresh_key(epoch, user))
    return None if value is None else unpack_pool(value)


def posts_of(client: Any, user: int, epoch: int = EPOCH) -> list[int]:
    """The posts of the user's list, in order of id."""
    found = fresh_of(client, user, epoch)
    return [] if found is None else sorted(found.columns["post_id"].tolist())
