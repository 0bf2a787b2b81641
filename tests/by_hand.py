"""What training examples should hold, found by hand: one example at a time, by the point-in-time rule word for word."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from pyspark.sql import DataFrame, Row

from contracts.features import features_of
from contracts.settings import Smoothing
from spark_jobs.counters import NEGATIVE
from spark_jobs.night import Night

COUNTED = {f"post_log_{kind}s": kind for kind in ("view", "like", "comment", "share")}
ROUNDING = 1e-6
"""Features are stored with 24 bits."""


@dataclass(frozen=True)
class Event:
    """One view or engagement of a post."""

    kind: str
    happened: datetime
    received: datetime


def events_of_posts(night: Night, post_ids: Iterable[int]) -> dict[int, list[Event]]:
    """The whole log of some posts."""
    wanted = sorted(set(post_ids))
    found: dict[int, list[Event]] = {post_id: [] for post_id in wanted}
    views = night.read("silver.impressions").where(f"post_id IN ({', '.join(map(str, wanted))})")
    acts = night.read("silver.engagements").where(f"post_id IN ({', '.join(map(str, wanted))})")
    for row in views.select("post_id", "shown_at", "received_at").collect():
        found[row.post_id].append(Event("view", row.shown_at, row.received_at))
    for row in acts.select("post_id", "engagement_type", "engaged_at", "received_at").collect():
        found[row.post_id].append(Event(row.engagement_type, row.engaged_at, row.received_at))
    return found


def wrong_counters(examples: Iterable[Row], events: Mapping[int, list[Event]], prior: Smoothing) -> Counter[str]:
    """How many examples hold another count than events before, and received by, their instant give; by column."""
    wrong: Counter[str] = Counter()
    for row in examples:
        seen = Counter(e.kind for e in events[row.post_id] if e.happened < row.shown_at and e.received <= row.shown_at)
        for column, kind in COUNTED.items():
            wrong[column] += round(float(np.expm1(row[column]))) != seen[kind]
        views, negatives = seen["view"], sum(seen[kind] for kind in NEGATIVE)
        rate = (min(negatives, views) + prior.negative_mean * prior.strength) / (views + prior.strength)
        wrong["post_negative_rate"] += abs(row["post_negative_rate"] - rate) > ROUNDING
        wrong["num_prior_likes"] += row["num_prior_likes"] != seen["like"]
    return +wrong


def wrong_snapshots(examples: Iterable[Row], users: DataFrame, pairs: DataFrame) -> Counter[str]:
    """How many examples hold another value than the newest snapshot by their instant, or the default; by column."""
    rows = list(examples)
    user_ids = ", ".join(str(row.user_id) for row in rows)
    of_user = {(row.user_id, row.ds): row for row in users.where(f"user_id IN ({user_ids})").collect()}
    of_pair = {(row.user_id, row.author_id, row.ds): row for row in pairs.where(f"user_id IN ({user_ids})").collect()}
    wrong: Counter[str] = Counter()
    for row in rows:
        taken = row.ds - timedelta(days=1)  # a snapshot of a day is taken at the midnight that ends it
        user, pair = of_user.get((row.user_id, taken)), of_pair.get((row.user_id, row.author_id, taken))
        for entity, snapshot in (("user", user), ("pair", pair)):
            for feature in features_of(entity):  # type: ignore[arg-type]
                expected = snapshot[feature.name] if snapshot else feature.default
                wrong[feature.example_column] += np.float32(row[feature.example_column]) != np.float32(expected)
    return +wrong
