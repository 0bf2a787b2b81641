"""Fallback pools, which may be shown to anybody, hold nothing that policy withholds from somebody."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.pipeline import BY_NAME
from contracts.redis_key_kind import FALLBACKS
from contracts.settings import Settings
from spark_jobs.night.night import Night
from spark_jobs.publish import reading
from spark_jobs.publish.epoch_store import PublishFailed
from tests.feed_rows import DS, MemoryLake

VERSIONS = dict.fromkeys(BY_NAME, 0)
HARMLESS, REFUTED, RISKY, LABELLED = 11, 12, 13, 14


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path) -> Night:
    posts = (HARMLESS, REFUTED, RISKY, LABELLED)
    verdict = {"labeller_id": "c", "labeller_type": "human", "label": "nsfw", "value": True}
    rows: dict[str, list[dict[str, Any]]] = {
        "silver.posts": [{"post_id": post, "author_id": post, "source_id": post} for post in posts],
        "gold.post_features": [{"post_id": post} for post in posts],
        "silver.content_labels": [
            {**verdict, "post_id": REFUTED, "label": "misinformation", "labeller_type": "fact_checker"},
            {**verdict, "post_id": LABELLED},
            {**verdict, "post_id": HARMLESS, "value": False},
        ],
        "gold.content_risks": [{"post_id": RISKY, "clickbait": 0.9}, {"post_id": HARMLESS, "clickbait": 0.01}],
    }
    return Night(MemoryLake(spark, "memory", rows), DS, "", tmp_path, Settings())


def test_a_fallback_holds_what_nobody_can_ask_to_hide(night: Night) -> None:
    fallbacks = reading.read_content(night, VERSIONS).fallbacks
    assert {kind: columns["post_id"].tolist() for kind, columns in fallbacks.items()} == {
        kind: [HARMLESS] for kind in FALLBACKS
    }


def test_a_fallback_with_a_post_that_policy_hides_is_not_published(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "is_flagged", lambda: F.lit(col=False))
    with pytest.raises(PublishFailed, match=r"fallback, .* that policy hides: \[12, 13, 14\]$"):
        reading.read_content(night, VERSIONS)
