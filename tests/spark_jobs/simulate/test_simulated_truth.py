"""The logs against the truth they were drawn from."""

from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from spark_jobs.simulate.job import draw_truth
from spark_jobs.simulate.marginals import marginals
from spark_jobs.simulate.world import World


def test_what_came_out_is_what_was_asked(spark: SparkSession, tmp_path: Path) -> None:
    """In a network with enough pages and ads; in one of 300 users nobody can follow eight of ten favourites."""
    world = World(users=2000, days=2, seed=20, end_date=date(2026, 3, 8))
    draw_truth(spark, world, str(tmp_path))
    lines = marginals(spark, world, str(tmp_path))
    print(*lines, sep="\n")
    assert len(lines) > 20
    assert [line for line in lines if not line.holds] == []


def test_probabilities_follow_the_documented_formula(area: Any) -> None:
    shown = area.truth
    logit = -5.2 + 5.0 * shown["match"] + 4.0 * shown["tie"] + 0.8 * shown["quality"] + 0.4 * shown["popularity"]
    effects = {"phone": 0.1, "tablet": 0.0, "desktop": -0.3}
    logit += shown["device"].map(effects) + (shown["slot"] % 4).map({0: -0.2, 1: 0.0, 2: 0.0, 3: 0.2})
    logit -= shown["is_clickbait"]
    np.testing.assert_allclose(shown["p_engage"], 1 / (1 + np.exp(-logit)), rtol=1e-9)
    np.testing.assert_allclose(shown["p_examine"], shown["position"] ** -0.35, rtol=1e-9)
    by_position = shown.groupby("position")["is_examined"].mean()
    assert by_position[1] == 1.0
    assert by_position[8] == pytest.approx(8**-0.35, abs=0.06)
    likely = shown["p_engage"] * shown["p_examine"] * (1 - shown["p_hide"])
    assert likely.mean() == pytest.approx(shown["reaction"].notna().mean(), abs=0.01)


def test_propensity_is_one_over_the_number_delivered_to_the_session(area: Any) -> None:
    requests = defaultdict(list)
    for event in area.events():
        if event["event_type"] == "impression" and "ad_id" not in event:
            position = event["position"]
            place = position - (position > 5) - (position > 14)  # ads stand at 5 and 14
            requests[event["request_id"]].append((place, event["propensity"]))
    full = 0
    for request, rows in requests.items():
        places, propensities = zip(*rows, strict=True)
        delivered = round(1 / propensities[0])
        assert set(propensities) == {1 / delivered}, request
        assert len(set(places)) == len(places)
        assert max(places) <= min(16, delivered)
        full += sorted(places) == list(range(1, min(16, delivered) + 1))
    assert full / len(requests) > 0.9  # the others miss an impression that arrived after the last day


def test_no_post_is_shown_twice_to_a_user(area: Any) -> None:
    assert not area.truth.duplicated(["user", "post_id"]).any()


class Graph:
    """What one may see, replayed from the events themselves, by event time."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.posts: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.deleted: dict[int, str] = {}
        self.friends: dict[tuple[int, int], list[tuple[str, bool]]] = defaultdict(list)
        self.blocks: dict[tuple[int, int], str] = {}
        self.members: set[tuple[int, int]] = set()
        for event in sorted(events, key=lambda event: str(event["event_time"])):
            kind, at = event["event_type"], event["event_time"]
            if kind in {"post_created", "post_updated"}:
                self.posts[event["post_id"]].append(event)
            elif kind == "post_deleted":
                self.deleted[event["post_id"]] = at
            elif kind in {"friendship_created", "friendship_removed"}:
                for pair in ((event["user_id"], event["friend_id"]), (event["friend_id"], event["user_id"])):
                    self.friends[pair].append((at, kind == "friendship_created"))
            elif kind == "user_blocked":
                self.blocks[event["user_id"], event["blocked_id"]] = at
            elif kind == "group_joined":
                self.members.add((event["user_id"], event["group_id"]))

    def may_see(self, user: int, post_id: int, at: str) -> bool:
        versions = [version for version in self.posts[post_id] if version["event_time"] < at]
        if not versions or self.deleted.get(post_id, "9") <= at:
            return False
        post = versions[-1]
        author = post["author_id"]
        if min(self.blocks.get((user, author), "9"), self.blocks.get((author, user), "9")) <= at:
            return False
        if post["source_type"] == "group":
            return (user, post["source_id"]) in self.members
        audience = set(post.get("audience", []))
        is_friend = next((made for when, made in reversed(self.friends[user, author]) if when < at), False)
        allowed: dict[str, bool] = {
            "public": True,
            "friends": is_friend,
            "friends_except": is_friend and user not in audience,
            "custom": user in audience,
            "only_me": user == author,
        }
        return allowed[post["privacy"]]


def test_only_posts_that_the_user_may_see_are_shown(area: Any) -> None:
    events = list(area.events())
    graph = Graph(events)
    shown = [event for event in events if event["event_type"] == "impression"]
    wrong = [event for event in shown if not graph.may_see(event["user_id"], event["post_id"], event["event_time"])]
    assert len(shown) > 5000
    assert wrong == []
    privacies = {graph.posts[event["post_id"]][0]["privacy"] for event in shown}
    assert privacies == {"public", "friends", "friends_except", "custom"}


def test_posts_are_at_most_72_hours_old(area: Any) -> None:
    age_h = (area.truth["shown_ms"] - area.truth["created_ms"]) / 3_600_000
    assert age_h.min() > 0
    assert age_h.max() < 72.1


def test_order_by_the_truth_beats_recency_and_likes(area: Any) -> None:
    last = area.truth[area.truth["slot"] >= 4].copy()
    last["relevance"] = last["reaction"].notna().astype(float)
    first = area.truth[(area.truth["slot"] < 4) & (area.truth["reaction"] == "like")]
    last["likes"] = last["post_id"].map(first.groupby("post_id").size()).fillna(0.0)

    def ndcg(by: str) -> float:
        scores = []
        discount = 1 / np.log2(np.arange(2, 12))
        for _, rows in last.sort_values([by, "post_id"], ascending=False).groupby("user"):
            gains = rows["relevance"].to_numpy()
            if gains.sum() > 0:
                best = np.sort(gains)[::-1][:10]
                scores.append((gains[:10] @ discount[: len(gains[:10])]) / (best @ discount[: len(best)]))
        return float(np.mean(scores))

    oracle, recent, liked = ndcg("p_engage"), ndcg("created_ms"), ndcg("likes")
    assert oracle > recent + 0.15
    assert oracle > liked + 0.15


def test_most_media_have_a_measured_quality_that_follows_the_true_one(area: Any) -> None:
    posts = [event for event in area.events() if event["event_type"] == "post_created"]
    shown = [event for event in posts if event["media_count"]]
    measured = {event["post_id"]: event["image_quality"] for event in shown if "image_quality" in event}
    assert 0.9 < len(measured) / len(shown) < 1
    assert not [event for event in posts if not event["media_count"] and "image_quality" in event]
    assert all(0 <= value <= 1 for value in measured.values())
    truth = area.truth[area.truth["post_id"].isin(measured)].drop_duplicates("post_id")
    correlation = np.corrcoef(truth["quality"], truth["post_id"].map(measured))[0, 1]
    print(f"{len(truth)} posts with media, correlation {correlation:.2f}")
    assert 0.5 < correlation < 0.85
