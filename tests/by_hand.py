"""A brute-force reference of training examples: one example at a time, by the point-in-time rule word for word."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log1p

import numpy as np
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from contracts.features import KNOWN_CITIES, features_of
from contracts.settings import Smoothing
from spark_jobs.night.night import Night
from spark_jobs.rules.counters import NEGATIVE
from tests.feature_values import default_value, differ

COUNTED = {
    "post_log_views": "impression",
    **{f"post_log_{kind}s": kind for kind in ("like", "comment", "share")},
}
ROUNDING = 1e-6
"""Features are stored with 24 bits."""


LOCATED = {"location", *(f"city_{rank}_ratio" for rank in range(1, KNOWN_CITIES + 1))}
"""User features that an example takes from its snapshot by the locations of the night, not by those of the snapshot."""


@dataclass(frozen=True)
class Event:
    """One view or engagement of a post."""

    kind: str
    happened: datetime
    received: datetime


def events_of_posts(night: Night, post_ids: Iterable[int]) -> dict[int, list[Event]]:
    """The whole organic log of some posts."""
    listed = sorted(set(post_ids))
    found: dict[int, list[Event]] = {post_id: [] for post_id in listed}
    organic = f"ad_id IS NULL AND post_id IN ({', '.join(map(str, listed))})"
    views, acts = (night.read(name).where(organic) for name in ("silver.impressions", "silver.engagements"))
    for row in views.select("post_id", "shown_at", "received_at").collect():
        found[row.post_id].append(Event("impression", row.shown_at, row.received_at))
    for row in acts.select("post_id", "engagement_type", "engaged_at", "received_at").collect():
        found[row.post_id].append(Event(row.engagement_type, row.engaged_at, row.received_at))
    return found


def sample_of(night: Night, examples: DataFrame, size: int) -> list[Row]:
    """Some of the examples; one of a post that was edited or deleted is five times as likely as another."""
    edited = night.read("silver.post_edits").select("post_id")
    changed = edited.union(night.read("silver.posts").where("is_deleted").select("post_id")).distinct()
    marked = examples.join(changed.withColumn("is_changed", F.lit(1)), "post_id", "left")
    draw = F.pmod(F.xxhash64("example_id"), F.lit(1_000_000)) / F.when(F.col("is_changed") == 1, 5).otherwise(1)
    return marked.orderBy(draw, "example_id").drop("is_changed").limit(size).collect()


def wrong_counters(examples: Iterable[Row], events: Mapping[int, list[Event]], prior: Smoothing) -> Counter[str]:
    """How many examples hold another count than events before, and received by, their instant give; by column."""
    wrong: Counter[str] = Counter()
    for row in examples:
        seen = Counter(e.kind for e in events[row.post_id] if e.happened < row.shown_at and e.received <= row.shown_at)
        for column, kind in COUNTED.items():
            wrong[column] += round(float(np.expm1(row[column]))) != seen[kind]
        for column, value in _moving(row, seen, prior).items():
            wrong[column] += abs(row[column] - value) > ROUNDING * max(1.0, abs(value))
        wrong["num_prior_likes"] += row["num_prior_likes"] != seen["like"]
    return +wrong


def _moving(row: Row, seen: Counter[str], prior: Smoothing) -> dict[str, float]:
    """Features of a post that follow from what was seen of it, and from its age."""
    views, likes, comments, shares = (seen[kind] for kind in ("impression", "like", "comment", "share"))
    age_s = (row.shown_at - row.post_created_at).total_seconds()
    hours = max(age_s / 3600, 1)

    def rate(count: int, mean: float) -> float:
        return (min(count, views) + mean * prior.strength) / (views + prior.strength)

    return {
        "post_negative_rate": rate(sum(seen[kind] for kind in NEGATIVE), prior.negative_mean),
        "post_engagement_rate": rate(likes + comments + shares, prior.engagement_mean),
        "post_comment_like_ratio": comments / (likes + 1),
        "post_share_like_ratio": shares / (likes + 1),
        "post_likes_per_hour": log1p(likes / hours),
        "post_comments_per_hour": log1p(comments / hours),
        "post_shares_per_hour": log1p(shares / hours),
        "post_age_weeks": age_s / 604_800,
        "post_age_days": log1p(age_s / 86_400),
    }


def sessions_of(night: Night, examples: Iterable[Row]) -> dict[str, list[Row]]:
    """For each example, all organic impressions of the same user on its day or the day before."""
    rows = list(examples)
    users = ", ".join(str(row.user_id) for row in rows)
    shown = night.read("silver.impressions").where(f"ad_id IS NULL AND user_id IN ({users})")
    columns = ("impression_id", "user_id", "session_id", "shown_at", "received_at", "device", "connection", "city")
    of_user: dict[int, list[Row]] = {}
    for row in shown.select(*columns).collect():
        of_user.setdefault(row.user_id, []).append(row)
    return {row.example_id: of_user[row.user_id] for row in rows}


@dataclass(frozen=True)
class Locations:
    """What a night knows: the number of each country, and its cities, the one with most users first."""

    countries: dict[str | None, float]
    cities: list[str]


def locations_of(night: Night) -> Locations:
    """Those of the night's own partition of gold.locations."""
    rows = sorted(
        night.read("gold.locations").where(F.col("ds") == F.lit(night.ds)).collect(), key=lambda row: row.rank
    )
    countries: dict[str | None, float] = {
        row.location: log1p(1000 * row.share) for row in rows if row.kind == "country"
    }
    return Locations(countries, [row.location for row in rows if row.kind == "city"])


def wrong_context(examples: Iterable[Row], impressions: Mapping[str, list[Row]], locations: Locations) -> Counter[str]:
    """How many examples hold another context than their impression and what was seen of its session; by column."""
    wrong: Counter[str] = Counter()
    for row in examples:
        [own] = [shown for shown in impressions[row.example_id] if shown.impression_id == row.example_id]
        seen = [
            shown.shown_at
            for shown in impressions[row.example_id]
            if shown.session_id == own.session_id
            and shown.shown_at < own.shown_at
            and shown.received_at <= own.shown_at
        ]
        minutes = (own.shown_at - min(seen)).total_seconds() / 60 if seen else 0
        expected = {
            "session_views": log1p(len(seen)),
            "session_minutes": log1p(minutes),
            "is_new_session": not seen,
            "is_mobile": own.device in {"phone", "tablet"},
            "is_desktop": own.device == "desktop",
            "is_wifi": own.connection == "wifi",
            **_in_cities(row, own.city, locations.cities),
        }
        for name, value in expected.items():
            wrong[f"context_{name}"] += abs(row[f"context_{name}"] - value) > ROUNDING * max(1.0, value)
    return +wrong


def _in_cities(row: Row, city: str | None, known: list[str]) -> dict[str, float]:
    """In which of the known cities the impression was; of another city, what is expected of the user."""
    ranks = range(1, KNOWN_CITIES + 1)
    if city in known:
        return {f"city_{rank}": float(known.index(city) + 1 == rank) for rank in ranks}
    return {f"city_{rank}": row[f"user_city_{rank}_ratio"] for rank in ranks}


def located_by_hand(snapshot: Row | None, locations: Locations, prior: Smoothing) -> dict[str, float]:
    """The features of ``LOCATED`` from the country and the cities that a snapshot carries."""
    country, seen = (snapshot.country, snapshot.city_views) if snapshot else (None, None)
    views = {item.city: item.views for item in seen or []}
    of_rank = dict(enumerate((views.get(name, 0) for name in locations.cities), start=1))
    total = sum(of_rank.values()) + prior.strength
    ratios = {
        f"city_{rank}_ratio": (of_rank.get(rank, 0) + prior.city_mean * prior.strength) / total
        for rank in range(1, KNOWN_CITIES + 1)
    }
    return {"location": locations.countries.get(country, 0.0), **ratios}


def wrong_snapshots(
    examples: Iterable[Row], users: DataFrame, pairs: DataFrame, locations: Locations, prior: Smoothing
) -> Counter[str]:
    """How many examples hold another value than the newest snapshot by their instant, or the default; by column."""
    rows = list(examples)
    user_ids = ", ".join(str(row.user_id) for row in rows)
    of_user = {(row.user_id, row.ds): row for row in users.where(f"user_id IN ({user_ids})").collect()}
    of_pair = {(row.user_id, row.author_id, row.ds): row for row in pairs.where(f"user_id IN ({user_ids})").collect()}
    wrong: Counter[str] = Counter()
    for row in rows:
        taken = row.ds - timedelta(days=1)  # a snapshot of a day is taken at the midnight that ends it
        user, pair = of_user.get((row.user_id, taken)), of_pair.get((row.user_id, row.author_id, taken))
        for name, value in located_by_hand(user, locations, prior).items():
            wrong[f"user_{name}"] += abs(row[f"user_{name}"] - value) > ROUNDING * max(1.0, value)
        for entity, snapshot in (("user", user), ("pair", pair)):
            for feature in features_of(entity):  # type: ignore[arg-type]
                if entity == "user" and feature.name in LOCATED:
                    continue
                expected = snapshot[feature.name] if snapshot else default_value(feature)
                wrong[feature.example_column] += differ(row[feature.example_column], expected)
    return +wrong
