import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.settings import AuditThresholds, Dataset, Settings
from spark_jobs.audit import audit
from spark_jobs.night.night import Night
from tests.feed_rows import AS_OF, DS, MemoryLake, hours

ANN, BOB, CAT = 1, 2, 3
STRICT = Settings(audit=AuditThresholds(min_without_pool=1))


def item(user: int, rank: int, post: int, author: int = CAT, **columns: Any) -> dict[str, Any]:
    return {"user_id": user, "rank": rank, "post_id": post, "author_id": author, "value_score": 1.0 / rank, **columns}


GOOD = [item(ANN, 1, 11), item(ANN, 2, 12, BOB), item(BOB, 1, 11)]


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path) -> Night:
    posts = [{"post_id": 11 + i, "author_id": author} for i, author in enumerate((CAT, BOB, CAT, CAT, CAT))]
    seen = {"shown_at": hours(2), "received_at": hours(2), "event_date": DS}
    rows: dict[str, list[dict[str, Any]]] = {
        "silver.users": [{"user_id": user, "name": str(user)} for user in (ANN, BOB, CAT)],
        "silver.posts": [*posts, {"post_id": 20, "author_id": CAT, "is_deleted": True}],
        "silver.impressions": [{"impression_id": str(u), "user_id": u, "post_id": 1, **seen} for u in (ANN, BOB)],
    }
    return Night(MemoryLake(spark, "memory", rows), DS, "", tmp_path, STRICT)


def put(night: Night, name: str, rows: list[dict[str, Any]]) -> None:
    assert isinstance(night.lake, MemoryLake)
    night.lake.rows[name] = rows


def verdict(night: Night, rows: list[dict[str, Any]]) -> dict[str, Any]:
    put(night, "gold.ranked_feeds", rows)
    audit.main(night)
    return read(night)


def read(night: Night) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((night.folder / "audit.json").read_text())
    return value


def values(verdict: dict[str, Any]) -> dict[str, Any]:
    return {check["name"]: check["value"] for check in verdict["checks"]}


def test_a_sound_night_passes_and_says_its_numbers(night: Night) -> None:
    found = verdict(night, GOOD)
    assert found["passed"] is True
    assert found["ds"] == DS.isoformat()
    assert found["ranked_version"] == night.lake.version("gold.ranked_feeds")
    assert found["ads_version"] == night.lake.version("gold.ranked_ads")
    numbers = values(found)
    assert numbers["share_of_active_users_with_pool"] == 1.0  # Cat was not active
    assert numbers["median_depth"] == 1.5
    assert numbers["min_depth"] == 1
    assert numbers["max_posts_per_author"] == 1
    assert numbers["top_50_churn"] is None
    assert numbers["score_p99"] == 1.0


def test_every_broken_rule_is_named_with_its_numbers(night: Night) -> None:
    repeated, unknown, deleted = item(ANN, 3, 11), item(ANN, 4, 99), item(ANN, 5, 20)
    crowded = [item(ANN, rank, 7 + rank) for rank in (6, 7, 8)]
    with pytest.raises(audit.AuditFailed) as failure:
        verdict(night, [*GOOD[:2], repeated, unknown, deleted, *crowded])
    assert str(failure.value) == (
        "audit of 2026-03-08 failed: share_of_active_users_with_pool is 0.5, threshold 0.9; "
        "max_posts_per_author is 7, threshold 3; duplicate_posts is 1, threshold 0; "
        "unknown_or_deleted_posts is 2, threshold 0"
    )
    assert read(night)["passed"] is False


def test_a_night_without_pools_fails(night: Night) -> None:
    with pytest.raises(audit.AuditFailed, match=r"with_pool is 0\.0, .*; median_depth is None, threshold 1$"):
        verdict(night, [])


def test_an_invisible_post_stops_the_night(night: Night) -> None:
    put(night, "silver.blocks", [{"user_id": BOB, "blocked_id": CAT}])
    with pytest.raises(audit.AuditFailed, match=r"failed: invisible_posts is 1, threshold 0$"):
        verdict(night, GOOD)


def test_one_post_that_policy_hides_stops_the_night(night: Night) -> None:
    known = {"labeller_id": "c", "labeller_type": "fact_checker", "label": "misinformation", "value": True}
    put(night, "silver.users", [{"user_id": ANN, "name": "", "feed_preferences": ["hide_nsfw"]}])
    put(night, "gold.content_risks", [{"post_id": 12, "nsfw": 0.9}, {"post_id": 11, "nsfw": 0.01}])
    with pytest.raises(audit.AuditFailed, match=r"failed: hide_nsfw_violations is 1, threshold 0$"):
        verdict(night, GOOD)
    put(night, "gold.content_risks", [])
    put(night, "silver.content_labels", [{"post_id": 11, **known}])
    with pytest.raises(audit.AuditFailed, match=r"failed: fact_checked_violations is 2, threshold 0$"):
        verdict(night, GOOD)
    put(night, "silver.content_labels", [{"post_id": 11, **known, "value": False}])
    assert {name: value for name, value in values(verdict(night, GOOD)).items() if "violations" in name} == {
        "fact_checked_violations": 0,
        "hide_clickbait_violations": 0,
        "hide_nsfw_violations": 0,
        "hide_misinformation_violations": 0,
    }


def test_a_post_that_its_user_has_seen_or_hidden_stops_the_night(night: Night) -> None:
    assert values(verdict(night, GOOD))["seen_or_hidden_posts"] == 0
    at = {"received_at": hours(2), "event_date": DS}
    put(night, "silver.engagements", [
        {"engagement_id": "1", "user_id": BOB, "post_id": 11, "engagement_type": "hide", "engaged_at": hours(2), **at}
    ])  # fmt: skip
    with pytest.raises(audit.AuditFailed, match=r"failed: seen_or_hidden_posts is 1, threshold 0$"):
        verdict(night, GOOD)
    put(night, "silver.engagements", [])
    seen = [{"impression_id": str(u), "user_id": u, "post_id": 12, "shown_at": hours(2), **at} for u in (ANN, BOB)]
    put(night, "silver.impressions", seen)
    with pytest.raises(audit.AuditFailed, match=r"failed: seen_or_hidden_posts is 1, threshold 0$"):
        verdict(night, GOOD)


def test_a_few_users_without_a_pool_stop_nothing(night: Night) -> None:
    one = verdict(replace(night, settings=replace(STRICT, audit=AuditThresholds(min_without_pool=2))), GOOD[:2])
    assert one["passed"] is True
    assert values(one)["share_of_active_users_with_pool"] == 0.5
    with pytest.raises(audit.AuditFailed, match=r"share_of_active_users_with_pool is 0\.5, threshold 0\.9$"):
        verdict(night, GOOD[:2])


def test_without_activity_everyone_counts(night: Night) -> None:
    old = {"shown_at": AS_OF - timedelta(days=40), "received_at": hours(2), "event_date": DS - timedelta(days=40)}
    put(night, "silver.impressions", [{"impression_id": "1", "user_id": ANN, "post_id": 1, **old}])
    with pytest.raises(audit.AuditFailed, match=r"share_of_active_users_with_pool is 0\.66"):
        verdict(night, GOOD)


def test_an_engagement_makes_a_user_active(night: Night) -> None:
    liked = {"engaged_at": hours(2), "received_at": hours(2), "event_date": DS, "engagement_type": "like"}
    row = {"engagement_id": "1", "user_id": CAT, "post_id": 1, **liked}
    put(night, "silver.engagements", [row, {**row, "engagement_id": "2", "user_id": None}])
    with pytest.raises(audit.AuditFailed, match=r"share_of_active_users_with_pool is 0\.66"):
        verdict(night, GOOD)


def test_churn_compares_with_the_last_published_night(night: Night) -> None:
    before = DS - timedelta(days=2)
    epochs = [
        {"epoch": 1, "ds": before, "status": "current"},
        {"epoch": 2, "ds": DS - timedelta(days=1), "status": "bad"},
        {"epoch": 3, "ds": DS, "status": "current"},
    ]
    put(night, "gold.epochs", epochs)
    earlier = [item(ANN, 1, 11, ds=before), item(ANN, 2, 15, ds=before), item(CAT, 1, 12, ds=before)]
    noise = [item(ANN, 1, 14, ds=DS - timedelta(days=1))]
    # Ann keeps one of two; Bob is new and does not count.
    assert values(verdict(night, [*GOOD, *earlier, *noise]))["top_50_churn"] == 0.5


def test_a_stale_verdict_does_not_outlive_a_failed_audit(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict(night, GOOD)["passed"]

    def fail(*_: object) -> None:
        raise RuntimeError("a worker died")

    monkeypatch.setattr(audit, "measure", fail)
    with pytest.raises(RuntimeError, match="a worker died"):
        audit.main(night)
    assert not (night.folder / "audit.json").exists()


def test_the_activity_window_is_the_data_set_s(night: Night) -> None:
    put(night, "gold.ranked_feeds", GOOD[:2])
    old = {"shown_at": hours(60), "received_at": hours(60), "event_date": hours(60).date()}
    now = {"shown_at": hours(2), "received_at": hours(2), "event_date": DS}
    rows = [
        {"impression_id": "a", "user_id": ANN, "post_id": 1, **now},
        {"impression_id": "b", "user_id": BOB, "post_id": 1, **old},
    ]
    put(night, "silver.impressions", rows)
    with pytest.raises(audit.AuditFailed, match=r"share_of_active_users_with_pool is 0\.5,"):
        audit.main(night)
    audit.main(replace(night, settings=replace(STRICT, dataset=Dataset(activity_days=1))))
    assert values(read(night))["share_of_active_users_with_pool"] == 1.0, "Bob, without a pool, was not active"


def test_posts_of_unknown_authors_are_not_counted_as_those_of_one(night: Night) -> None:
    put(night, "silver.posts", [{"post_id": 11 + n, "author_id": None, "source_id": None} for n in range(5)])
    pools = [item(user, n + 1, 11 + n, author_id=None) for user in (ANN, BOB) for n in range(5)]
    numbers = values(verdict(night, pools))
    assert (numbers["max_posts_per_author"], numbers["invisible_posts"], numbers["median_depth"]) == (1, 0, 5)
