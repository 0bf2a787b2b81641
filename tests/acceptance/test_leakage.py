"""Features shifted by one minute into the future are found out."""

from datetime import timedelta

import pytest
from pyspark.sql import Column, Row
from pyspark.sql import functions as F

from spark_jobs import counters
from spark_jobs.examples import session_state, training_examples
from spark_jobs.examples.window import Window
from spark_jobs.night import Night
from spark_jobs.point_in_time import visible_micros
from tests.by_hand import events_of_posts, sessions_of, wrong_context, wrong_counters

SAMPLE = 1_000


def examples_of(night: Night) -> list[Row]:
    """A sample of the night's examples, computed now."""
    frame = training_examples.transform(
        posts=night.read("silver.posts"),
        impressions=night.read("silver.impressions"),
        engagements=night.read("silver.engagements"),
        user_features=night.read("gold.user_features"),
        affinity_features=night.read("gold.affinity_features"),
        propensities=night.read("gold.propensities").where(F.col("ds") == F.lit(night.ds)),
        contents=night.read("gold.content_embeddings"),
        window=Window.of(night),
        settings=night.settings,
    )
    return frame.orderBy(F.xxhash64("example_id")).limit(SAMPLE).collect()


def test_leakage(published: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = examples_of(published)
    prior = published.settings.smoothing
    events = events_of_posts(published, (row.post_id for row in honest))
    assert not wrong_counters(honest, events, prior) + wrong_context(honest, sessions_of(published, honest))

    def a_minute_early(event_time: str, received_at: str) -> Column:
        return visible_micros(event_time, received_at) - F.lit(timedelta(minutes=1) // timedelta(microseconds=1))

    monkeypatch.setattr(counters, "visible_micros", a_minute_early)
    monkeypatch.setattr(session_state, "visible_micros", a_minute_early)
    early = examples_of(published)
    leaked = wrong_counters(early, events, prior) + wrong_context(early, sessions_of(published, early))
    print(f"a minute of the future changes, of {SAMPLE:,} examples: {dict(leaked)}")
    assert leaked["post_log_views"] > 0
    assert leaked["post_log_likes"] > 0
    assert leaked["context_session_views"] > 0
