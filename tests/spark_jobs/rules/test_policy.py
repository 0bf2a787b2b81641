"""What policy reads from the lake, and from whom it withholds a post."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from contracts.landing import LABELS
from contracts.policy import HIDES, RULES
from contracts.settings import PolicyRules, Settings
from spark_jobs.night.night import Night
from spark_jobs.rules.policy import BROKEN, FLAGS, allowed_pairs, judged_pairs, read_policy
from tests.feed_rows import AS_OF, DS, MemoryLake, hours

ANN, BOB = 1, 2
RULES_OF_TEST = PolicyRules(clickbait=0.5, nsfw=0.25, misinformation=0.125)
Rows = list[dict[str, Any]]


def night_of(spark: SparkSession, tmp_path: Path, verdicts: Rows, risks: Rows, users: Rows) -> Night:
    rows = {"silver.content_labels": verdicts, "gold.content_risks": risks, "silver.users": users}
    return Night(MemoryLake(spark, "memory", rows), DS, "", tmp_path, Settings(policy=RULES_OF_TEST))


def verdict(post_id: int, label: str, *, value: bool = True, who: str = "human", **others: Any) -> dict[str, Any]:
    row = {"post_id": post_id, "labeller_id": who, "labeller_type": who, "label": label, "value": value}
    return {**row, "updated_at": hours(2), "received_at": hours(2), **others}


def risk(post_id: int, **others: Any) -> dict[str, Any]:
    return {"post_id": post_id, "text_at": hours(5), "label_version": "v", "ds": DS, **others}


def asking(user_id: int, *words: str, **others: Any) -> dict[str, Any]:
    return {"user_id": user_id, "name": "", "feed_preferences": list(words), **others}


def flagged(night: Night) -> dict[int, set[str]]:
    rows = read_policy(night).flagged.collect()
    assert len({row.post_id for row in rows}) == len(rows)
    return {row.post_id: {rule for rule, name in FLAGS.items() if row[name]} for row in rows}


def test_a_verdict_counts_when_it_was_given_and_received_before_the_night(spark: SparkSession, tmp_path: Path) -> None:
    verdicts = [
        verdict(1, "misinformation", who="fact_checker"),
        verdict(2, "misinformation"),
        verdict(3, "nsfw", who="fact_checker"),
        verdict(4, "misinformation", who="fact_checker", received_at=AS_OF),
        verdict(5, "misinformation", who="fact_checker", updated_at=AS_OF),
        verdict(6, "misinformation", who="fact_checker", value=False),
        verdict(7, "clickbait", value=False),
        verdict(7, "clickbait", labeller_id="another"),
    ]
    assert flagged(night_of(spark, tmp_path, verdicts, [], [])) == {
        1: {"fact_checked", "hide_misinformation"},
        2: {"hide_misinformation"},
        3: {"hide_nsfw"},
        7: {"hide_clickbait"},
    }


def test_the_newest_judgement_of_the_newest_text_counts(spark: SparkSession, tmp_path: Path) -> None:
    before, after = DS - timedelta(days=1), DS + timedelta(days=1)
    risks = [
        risk(1, nsfw=0.9, ds=before),
        risk(1, nsfw=0.1, text_at=hours(4), ds=before),
        risk(2, nsfw=0.1, ds=before),
        risk(2, nsfw=0.25),
        risk(3, nsfw=0.9, ds=after),
        risk(4, clickbait=0.49, nsfw=0.24, misinformation=0.124),
        risk(5, clickbait=0.5, nsfw=0.24, misinformation=0.125),
    ]
    found = flagged(night_of(spark, tmp_path, [], risks, []))
    assert found == {2: {"hide_nsfw"}, 5: {"hide_clickbait", "hide_misinformation"}}


def test_a_user_asks_what_the_newest_known_version_says(spark: SparkSession, tmp_path: Path) -> None:
    users = [
        asking(ANN, "hide_nsfw", valid_to=hours(9)),
        asking(ANN, "hide_clickbait", "fewer_ads", valid_from=hours(9)),
        asking(ANN, "hide_misinformation", valid_from=hours(1), received_at=AS_OF),
        {"user_id": BOB, "name": "", "feed_preferences": None},
    ]
    asks = read_policy(night_of(spark, tmp_path, [], [], users)).asks.collect()
    assert {row.user_id: {word for word in HIDES if row[word]} for row in asks} == {ANN: {"hide_clickbait"}, BOB: set()}


@pytest.mark.parametrize("seed", [1, 2])
def test_random_pairs_equal_a_direct_reading(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    draw = np.random.default_rng(seed)
    verdicts, risks = [], []
    for post in range(60):
        for who in ("human", "fact_checker"):
            verdicts += [
                verdict(post, label, value=bool(draw.random() < 0.4), who=who)
                for label in LABELS
                if draw.random() < 0.2
            ]
        if draw.random() < 0.8:
            risks.append(risk(post, **{label: float(draw.integers(0, 9) / 16) for label in LABELS}))
    wishes = {user: [word for word in HIDES if draw.random() < 0.5] for user in range(12)}
    night = night_of(spark, tmp_path, verdicts, risks, [asking(user, *words) for user, words in wishes.items()])
    # User 12 and post 60 are unknown.
    pairs = spark.createDataFrame([(u, p) for u in range(13) for p in range(61)], "user_id BIGINT, post_id BIGINT")
    policy = read_policy(night)
    judged = {(row.user_id, row.post_id): row[BROKEN] for row in judged_pairs(pairs, policy).collect()}
    allowed = {(row.user_id, row.post_id) for row in allowed_pairs(pairs, policy).collect()}
    yes = [row for row in verdicts if row["value"]]
    thresholds = {"clickbait": 0.5, "nsfw": 0.25, "misinformation": 0.125}
    assert len(judged) == 13 * 61
    for (user, post), struct in judged.items():
        of_post = [row for row in yes if row["post_id"] == post]
        expected = {
            "fact_checked": any(
                r["labeller_type"] == "fact_checker" and r["label"] == "misinformation" for r in of_post
            )
        }
        for label in LABELS:
            is_kind = any(r["label"] == label for r in of_post) or any(
                r["post_id"] == post and r[label] >= thresholds[label] for r in risks
            )
            expected[f"hide_{label}"] = is_kind and f"hide_{label}" in wishes.get(user, [])
        assert {rule: struct[rule] for rule in RULES} == expected
        assert ((user, post) in allowed) == (not any(expected.values()))
