"""A brute-force reference of posts at an instant, from the landing files: the point-in-time rule word for word."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import log1p
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from contracts.features import LANGUAGES, TOPICS, features_of
from contracts.landing import CONTENT_TYPES
from spark_jobs.night.night import Night
from spark_jobs.rules.counters import POSITIVE
from spark_jobs.rules.creator_sketch import sketch_of
from tests.by_hand import ROUNDING
from tests.feature_values import default_value, differ
from tests.landed import landed_events, moment


@dataclass(frozen=True)
class Version:
    """One version of a post, as it landed."""

    made: datetime
    received: datetime
    fields: Mapping[str, Any]

    def is_seen(self, at: datetime) -> bool:
        return self.made < at and self.received <= at

    def exists(self, at: datetime) -> bool:
        return self.made <= at and self.received <= at


Versions = Mapping[int, list[Version]]


def versions_of_posts(landing: str) -> Versions:
    """All versions of all posts from the landing files, the newest last."""
    found: dict[int, list[Version]] = {}
    for event in landed_events(Path(landing)):
        if event["event_type"] in ("post_created", "post_updated"):
            made, received = (moment(event[name]).astimezone(UTC) for name in ("event_time", "received_at"))
            found.setdefault(event["post_id"], []).append(Version(made, max(made, received), event))
    return {post: sorted(own, key=lambda one: (one.made, one.fields["event_id"])) for post, own in found.items()}


def seen_at(versions: Iterable[Version], at: datetime) -> Version | None:
    """The newest version that could be seen at an instant, or one that came into being at it where there was none."""
    moment_, newest_first = at.astimezone(UTC), list(reversed(list(versions)))
    seen = next((version for version in newest_first if version.is_seen(moment_)), None)
    # All of these were made at the instant itself, and of versions of one time one stands.
    return seen or next((version for version in newest_first if version.exists(moment_)), None)


def wrong_descriptions(examples: Iterable[Row], versions: Versions) -> Counter[str]:
    """How many examples hold another feature of their post than the version told that could be seen; by column."""
    wrong: Counter[str] = Counter()
    for row in examples:
        version = seen_at(versions[row.post_id], row.shown_at)
        assert version is not None, f"{row.example_id} is of a post that nobody knew"
        for name, value in _described(version.fields).items():
            wrong[f"post_{name}"] += abs(row[f"post_{name}"] - value) > ROUNDING * max(1.0, value)
        wrong["author_id"] += row.author_id != version.fields["author_id"]
    return +wrong


def _described(fields: Mapping[str, Any]) -> dict[str, float]:
    created = moment(fields["created_at"]).astimezone(UTC)
    tags = {tag.lower().lstrip("#") for tag in fields.get("hashtags") or []}
    topics = [topic for topic in TOPICS if topic in tags]
    return {
        **{f"is_{kind}": fields["content_type"] == kind for kind in CONTENT_TYPES},
        **{f"topic_{topic}": (topic in topics) / max(len(topics), 1) for topic in TOPICS},
        "created_hour": created.hour / 24,
        "created_weekday": created.weekday() / 7,
        "created_on_weekday": created.weekday() < 5,
        "log_length": log1p(len(fields["text"])),
        "log_media": log1p(fields.get("media_count") or 0),
        "log_hashtags": log1p(len(fields.get("hashtags") or [])),
        "log_mentions": log1p(len(fields.get("mentions") or [])),
        "has_location": fields.get("location") is not None,
        "image_quality": 0.5 if fields.get("image_quality") is None else fields["image_quality"],
    }


def wrong_contents(examples: Iterable[Row], contents: DataFrame, versions: Versions) -> Counter[str]:
    """How many examples hold something else than what was read of the version they could see; by column."""
    rows = list(examples)
    posts = ", ".join(str(row.post_id) for row in rows)
    readings: dict[int, list[Row]] = {}
    for found in contents.where(f"post_id IN ({posts})").collect():
        readings.setdefault(found.post_id, []).append(found)
    wrong: Counter[str] = Counter()
    for row in rows:
        reading = _reading(readings.get(row.post_id, []), seen_at(versions[row.post_id], row.shown_at))
        for feature in features_of("post"):
            if feature.group in ("writing", "content") or feature.name == "sentiment":
                expected = default_value(feature) if reading is None else _said(feature.name, reading)
                wrong[feature.example_column] += differ(row[feature.example_column], expected)
    return +wrong


def _reading(readings: Iterable[Row], version: Version | None) -> Row | None:
    """The last reading of a version."""
    own = [found for found in readings if version and found.text_at.astimezone(UTC) == version.made]
    return max(own, key=lambda found: found.ds, default=None)


def _said(name: str, reading: Row) -> Any:
    if name == "language":
        known = reading.language if reading.language in LANGUAGES else "other"
        return [float(known == language) for language in LANGUAGES]
    return reading[{"content_embedding": "embedding", "read_topics": "topics"}.get(name, name)]


def wrong_tastes(night: Night, users: Iterable[int], day: date, versions: Versions) -> Counter[str]:
    """How many users have other tastes in a day's snapshot than one engagement after the other adds up to."""
    listed = ", ".join(map(str, sorted(set(users))))
    end, prior = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC), night.settings.smoothing
    first = end - timedelta(days=night.settings.dataset.activity_days)
    kinds = ", ".join(f"'{kind}'" for kind in POSITIVE)
    acts = night.read("silver.engagements").where(f"ad_id IS NULL AND user_id IN ({listed})")
    acts = acts.where(f"engagement_type IN ({kinds})")
    sketched = night.read("silver.posts").select("post_id", sketch_of(F.col("author_id")).alias("sketch"))
    sketch = {row.post_id: np.array(row.sketch) for row in sketched.collect()}
    readings: dict[int, list[Row]] = {}
    for found in night.read("gold.content_embeddings").select("post_id", "text_at", "ds", "embedding").collect():
        readings.setdefault(found.post_id, []).append(found)
    read: dict[int, list[Any]] = {}
    by: dict[int, list[Any]] = {}
    for act in acts.select("user_id", "post_id", "engaged_at", "received_at").collect():
        engaged_at, received_at = (moment.astimezone(UTC) for moment in (act.engaged_at, act.received_at))
        if act.post_id not in sketch or not (first <= engaged_at < end and received_at < end):
            continue
        by.setdefault(act.user_id, []).append(sketch[act.post_id])
        known = versions[act.post_id]
        version = seen_at(known, act.engaged_at) or min(known, key=lambda one: one.received)
        if reading := _reading(readings.get(act.post_id, []), version):
            read.setdefault(act.user_id, []).append(np.array(reading.embedding))
    wrong: Counter[str] = Counter()
    snapshot = night.read("gold.user_features").where(f"user_id IN ({listed})").where(F.col("ds") == F.lit(day))
    for row in snapshot.collect():
        for name, vectors in (("topic_preference", read), ("creator_affinity", by)):
            own = vectors.get(row.user_id, [])
            expected = np.sum(own, axis=0) / (len(own) + prior.profile_strength) if own else 0.0
            wrong[name] += bool(np.abs(np.array(row[name]) - expected).max() > ROUNDING)
    return +wrong
