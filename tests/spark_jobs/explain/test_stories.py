"""A post's way through a small night, read from its tables."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.settings import Settings
from spark_jobs.explain import __main__ as command
from spark_jobs.explain import stories, words
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from tests.feed_rows import DS, MemoryLake, hours, put

ANN, BOB, CAT = 1, 2, 3


def candidate(post_id: int, simple_score: float, sources: list[str], user: int = ANN) -> dict[str, Any]:
    return {"user_id": user, "post_id": post_id, "author_id": CAT, "sources": sources, "simple_score": simple_score}


def scored(post_id: int, value: float, user: int = ANN, **heads: float) -> dict[str, Any]:
    return {"user_id": user, "post_id": post_id, "author_id": CAT, "value_score": value, "model_version": "m1", **heads}


def place(rank: int, post_id: int, value: float, user: int = ANN, **columns: Any) -> dict[str, Any]:
    usual = {"user_id": user, "rank": rank, "post_id": post_id, "author_id": CAT, "value_score": value}
    return {**usual, "reason": "suggested_topic", **columns}


def tables() -> dict[str, list[dict[str, Any]]]:
    at = {"received_at": hours(2), "event_date": DS}
    hidden = {"engagement_id": "1", "user_id": ANN, "post_id": 15, "engagement_type": "hide", "engaged_at": hours(2)}
    refuted = {"labeller_id": "c", "labeller_type": "fact_checker", "label": "misinformation", "value": True}
    return {
        "silver.users": [{"user_id": user, "name": str(user)} for user in (ANN, BOB, CAT)],
        "silver.posts": [
            *({"post_id": n, "author_id": CAT} for n in (11, 12, 13, 14, 15)),
            {"post_id": 16, "author_id": ANN},
            {"post_id": 17, "author_id": CAT, "privacy": "only_me", "created_at": hours(80)},
            {"post_id": 18, "author_id": CAT, "is_deleted": True},
            {"post_id": 19, "author_id": CAT},
        ],
        "silver.content_labels": [{"post_id": 19, "updated_at": hours(2), "received_at": hours(2), **refuted}],
        "silver.engagements": [{**hidden, **at}],
        "gold.feed_candidates": [
            candidate(11, 0.9, ["page", "taste"]),
            candidate(12, 0.5, ["taste"]),
            candidate(13, 0.7, ["popular"]),
            candidate(11, 0.4, ["popular"], user=BOB),
            candidate(13, 0.4, ["popular"], user=BOB),
        ],
        "gold.scored_candidates": [
            scored(11, 0.2, p_like=0.1, p_hide=0.01),
            scored(12, 0.3, p_like=0.3, p_hide=0.0),
            scored(13, 0.1),
            scored(11, 0.9, user=BOB),
        ],
        "gold.ranked_feeds": [
            place(1, 12, 0.3),
            place(2, 11, 0.2, is_exploration=True, propensity=0.25),
            place(20, 11, 0.9, user=BOB),
        ],
        "gold.ranked_ads": [
            {"user_id": ANN, "place": 1, "after_rank": 1, "ad_id": 900, "campaign_id": 90, "post_id": 17}
            | {"bid_micros": 1_250_000, "p_click": 0.04, "ecpm": 45.5}
        ],
    }


@pytest.fixture(scope="module")
def night(spark: SparkSession) -> Night:
    return Night(MemoryLake(spark, "memory", tables()), DS, "", Path(), Settings())


def test_a_post_in_the_pool_tells_sources_places_parts_and_reason(night: Night) -> None:
    story = stories.explain_pair(night, ANN, 11)
    assert story.lost_at is None
    assert story.kept_back == []
    assert story.candidate is not None
    assert (story.candidate["sources"], story.candidate["place"], story.candidate["num"]) == (["page", "taste"], 1, 3)
    assert story.scores is not None
    assert (story.scores["place"], story.scores["num"], story.scores["model_version"]) == (2, 3, "m1")
    assert story.parts == {"like": pytest.approx(0.1), "hide": pytest.approx(-0.15)}
    assert list(words.lines_of_pair(story, DS)) == [
        "post 11 for user 1, night of 2026-03-08",
        "  candidates  proposed by page, taste; simple score 0.900, place 1 of 3",
        "  score       value 0.2000, place 2 of 3, by m1",
        "              hide -0.1500 like +0.1000",
        "  rerank      rank 2, because: suggested_topic, drawn at random with probability 0.25",
    ]


def test_a_post_that_re_ranking_left_out_tells_the_last_of_the_pool(night: Night) -> None:
    story = stories.explain_pair(night, ANN, 13)
    assert story.lost_at == "rerank"
    assert list(words.lines_of_pair(story, DS))[-1] == (
        "  rerank      lost: the last of the pool has 0.2000; 2 posts of its author are in it"
    )


def test_a_post_that_was_not_proposed_tells_why(night: Night) -> None:
    found = {post_id: stories.rules_against(night, ANN, post_id) for post_id in (14, 15, 16, 17, 18, 19, 99)}
    assert found == {
        14: [],
        15: ["the user has seen, hidden or reported it"],
        16: ["the user wrote it"],
        17: ["it was not written in the 72 h before the night", "the user may not see it"],
        18: ["it is deleted"],
        19: ["policy: fact checked"],
        99: ["no such post is known"],
    }
    assert stories.rules_against(night, 77, 11) == ["no such user is known"]


def test_a_story_ends_where_the_post_was_lost(night: Night) -> None:
    story = stories.explain_pair(night, ANN, 17)
    assert story.lost_at == "candidates"
    assert list(words.lines_of_pair(story, DS))[-1] == (
        "  candidates  lost: it was not written in the 72 h before the night; the user may not see it"
    )
    unchosen = stories.Pair(ANN, 14, kept_back=[], candidate=None, scores=None)
    assert list(words.lines_of_pair(unchosen, DS))[-1] == "  candidates  lost: no source chose it within its limit"


def test_a_post_that_the_light_model_left_out_tells_how_many_it_chose(night: Night) -> None:
    story = stories.explain_pair(night, BOB, 13)
    assert (story.lost_at, story.num_scored) == ("score", 1)
    assert list(words.lines_of_pair(story, DS))[-1] == (
        "  score       lost: the light model chose 1 others for the heavy one to score"
    )
    unscored = stories.Pair(BOB, 13, [], story.candidate, scores=None)
    assert list(words.lines_of_pair(unscored, DS))[-1].endswith("rerun the stage score")


def test_a_promoted_post_tells_its_ad_beside_why_it_was_not_proposed(night: Night) -> None:
    lines = list(words.lines_of_pair(stories.explain_pair(night, ANN, 17), DS))
    assert lines[1] == "  ad          after rank 1: ad 900 of campaign 90, 1.25 a click, clicked with 4.00%, eCPM 45.50"
    assert "lost" in lines[2]


def test_a_pool_tells_its_funnel_and_places(night: Night) -> None:
    story = stories.explain_pool(night, ANN)
    assert (story.by_source, story.candidates, story.scored) == ({"taste": 2, "page": 1, "popular": 1}, 3, 3)
    assert [row["post_id"] for row in story.rows] == [12, 11]
    lines = list(words.lines_of_pool(story, DS, most=1))
    assert lines[1] == "  3 candidates (taste 2, page 1, popular 1), 3 scored, 2 in the pool"
    assert lines[2] == "    1. post 12 · suggested_topic · taste · value 0.3000"
    assert lines[3] == "       like +0.3000 hide +0.0000"
    assert lines[4] == "     . post 17 · ad 900 of campaign 90, 1.25 a click, clicked with 4.00%, eCPM 45.50"
    assert len(lines) == 5
    assert stories.explain_pool(night, 77).rows == []


def test_an_author_learns_where_a_post_was_lost_and_to_how_many(night: Night) -> None:
    story = stories.explain_post(night, 11)
    assert (story.by_source, story.candidates, story.pools, story.tops) == (
        {"popular": 1, "page": 1, "taste": 1}, 2, 2, 1
    )  # fmt: skip
    assert story.ranks == (2, 11.0, 20)
    assert list(words.lines_of_post(stories.explain_post(night, 13), DS)) == [
        "post 13 by user 3, night of 2026-03-08",
        "  candidates  proposed to 2 users (popular 2)",
        "  score       lost to 1 of them: the light model chose others for the heavy one to score",
        "  rerank      lost to 1 of them; in 0 pools",
    ]
    kept = {post_id: stories.explain_post(night, post_id).kept_back for post_id in (17, 18, 19, 99)}
    assert kept == {
        17: ["it was not written in the 72 h before the night", "only its author may see it"],
        18: ["it is deleted"],
        19: ["policy keeps it from everybody", "policy keeps it from whoever asks to hide misinformation"],
        99: ["no such post is known"],
    }


def test_the_command_tells_the_newest_night(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "open_session", lambda _: lake.spark)
    monkeypatch.setattr(type(lake.spark), "stop", lambda _: None)
    assert command.main(["--user", "1", "--lake", lake.root]) == 2
    assert "no night has ranked feeds in" in capsys.readouterr().err
    for name, rows in tables().items():
        put(lake, name, rows)
    assert command.main(["--user", "1", "--post", "11", "--lake", lake.root, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pool"]["rank"] == 2
    assert command.main(["--post", "13", "--lake", lake.root]) == 0
    assert "in 0 pools" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        command.main(["--lake", lake.root])
