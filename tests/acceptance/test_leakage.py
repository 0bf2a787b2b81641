"""Features shifted by one minute into the future, and edits of the next day, are detected."""

from datetime import timedelta

import pytest
from pyspark.sql import Column, Row
from pyspark.sql import functions as F

from spark_jobs.examples import session_state, training_examples
from spark_jobs.examples.window import Window
from spark_jobs.night.night import Night
from spark_jobs.rules import counters, post_versions
from spark_jobs.rules.point_in_time import visible_micros
from tests.by_hand import (
    events_of_posts,
    locations_of,
    sample_of,
    sessions_of,
    wrong_context,
    wrong_counters,
)
from tests.posts_by_hand import versions_of_posts, wrong_descriptions

SAMPLE = 1_000
DAY_MICROS = 24 * 3600 * 1_000_000


def examples_of(night: Night) -> list[Row]:
    """A sample of the night's examples, computed now."""
    frame = training_examples.transform(
        posts=night.read("silver.posts"),
        edits=night.read("silver.post_edits"),
        impressions=night.read("silver.impressions"),
        engagements=night.read("silver.engagements"),
        user_features=night.read("gold.user_features"),
        affinity_features=night.read("gold.affinity_features"),
        propensities=night.read("gold.propensities").where(F.col("ds") == F.lit(night.ds)),
        contents=night.read("gold.content_embeddings"),
        locations=night.read("gold.locations").where(F.col("ds") == F.lit(night.ds)),
        window=Window.of(night),
        settings=night.settings,
    )
    return sample_of(night, frame, SAMPLE)


def test_leakage(published: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = examples_of(published)
    prior = published.settings.smoothing
    events = events_of_posts(published, (row.post_id for row in honest))
    versions = versions_of_posts(published.landing)
    locations = locations_of(published)
    assert not wrong_counters(honest, events, prior)
    assert not wrong_context(honest, sessions_of(published, honest), locations)
    assert not wrong_descriptions(honest, versions)

    def a_minute_early(event_time: str, received_at: str) -> Column:
        return visible_micros(event_time, received_at) - F.lit(timedelta(minutes=1) // timedelta(microseconds=1))

    monkeypatch.setattr(counters, "visible_micros", a_minute_early)
    monkeypatch.setattr(session_state, "visible_micros", a_minute_early)
    # Two versions of a post are hours apart, so a minute would change few of them.
    monkeypatch.setattr(post_versions, "visible_micros", lambda *times: a_minute_early(*times) - F.lit(DAY_MICROS))
    known = {row.example_id for row in honest}
    early = [row for row in examples_of(published) if row.example_id in known]
    leaked = wrong_counters(early, events, prior)
    leaked += wrong_context(early, sessions_of(published, early), locations)
    leaked += wrong_descriptions(early, versions)
    print(f"a minute of the future changes, of {SAMPLE:,} examples: {dict(leaked)}")
    assert leaked["post_log_views"] > 0
    assert leaked["post_log_likes"] > 0
    assert leaked["context_session_views"] > 0
    assert leaked["post_log_length"] > 0
    assert leaked["post_is_video"] > 0
