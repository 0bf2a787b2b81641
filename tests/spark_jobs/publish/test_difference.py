"""Two epochs of packed pools in a real Redis, compared by hand; epoch 1 is live."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from contracts.epochs import AD, FLAG_EXPLORATION, POOL_DTYPES, pack_pool
from contracts.features import names_of, width_of
from contracts.redis_keys import features_key, pool_key
from spark_jobs.publish.difference import Sample, compare, nothing_live, sentences
from tests.serving.reader_world import RedisServer

NIGHTS = {1: 1_770_000_000, 2: 1_770_086_400}
SAME = {"model_version": "m1", "weights": "w1", "rules": "r1", "feature_schema": "f1"}
OLD, NEW = NIGHTS[1] - 60, NIGHTS[1] + 60


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    redis_server.client.flushall()
    return redis_server


Posts = Sequence[tuple[int, float]]


def put(server: RedisServer, epoch: int, user: int, posts: Posts, **columns: Sequence[int]) -> None:
    """A pool of (post, score); every post is old and nothing was drawn, unless ``columns`` say otherwise."""
    size = len(posts)
    filled: dict[str, Any] = {name: np.zeros(size, dtype) for name, dtype in POOL_DTYPES.items()}
    filled |= {"post_id": np.array([post for post, _ in posts]), "score": np.array([score for _, score in posts])}
    filled |= {"created_at": np.full(size, OLD)} | {name: np.array(values) for name, values in columns.items()}
    server.client.set(pool_key(epoch, user), pack_pool(epoch, NIGHTS[epoch], user, filled))


def found(server: RedisServer, users: Sequence[int], changed: Sequence[str] = ()) -> Any:
    """The difference on two places, where these parts of the manifest changed."""
    new = {name: "new" if name in changed else value for name, value in SAME.items()}
    return compare(server.client, (1, SAME), (2, new), Sample(users, 2, 2))


def test_every_place_has_the_first_cause_that_holds(server: RedisServer) -> None:
    put(server, 1, 7, [(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.1)])
    put(server, 2, 7, [(1, 0.9), (9, 0.8), (3, 0.7)], created_at=[OLD, NEW, OLD])
    assert found(server, [7])["by"] == {"new_posts": 0.5, "rules": 0, "model": 0, "weights": 0, "features": 0}
    put(server, 2, 7, [(4, 0.9), (1, 0.8), (2, 0.7)])
    for changed, cause in (
        ([], "features"),
        (["weights"], "weights"),
        (["weights", "model_version"], "model"),
    ):
        by = found(server, [7], changed)["by"]
        assert {name: share for name, share in by.items() if share} == {cause: 0.5}


def test_ads_are_no_places(server: RedisServer) -> None:
    put(server, 1, 7, [(1, 0.9), (2, 0.8), (3, 0.7)])
    put(server, 2, 7, [(1, 0.9), (50, np.nan), (2, 0.8), (3, 0.7)], source=[0, AD, 0, 0])
    assert found(server, [7])["changed"] == 0


@pytest.mark.parametrize(
    ("before", "after", "flags"),
    [
        ([(1, 0.9), (2, 0.8), (3, 0.7)], [(1, 0.9), (3, 0.1), (2, 0.8)], [0, 0, 0]),  # lifted above a better one
        ([(1, 0.9), (2, 0.1), (3, 0.8)], [(1, 0.9), (3, 0.8), (2, 0.1)], [0, 0, 0]),  # no longer held down
        ([(1, 0.9), (2, 0.8), (3, 0.1)], [(1, 0.9), (3, 0.8), (2, 0.7)], [0, FLAG_EXPLORATION, 0]),  # drawn
    ],
)
def test_what_scores_alone_do_not_explain_is_the_rules(
    server: RedisServer, before: list[tuple[int, float]], after: list[tuple[int, float]], flags: list[int]
) -> None:
    put(server, 1, 7, before)
    put(server, 2, 7, after, flags=flags)
    assert found(server, [7], ["model_version"])["by"]["rules"] == 0.5


def test_who_changes_most_and_which_features_moved(server: RedisServer) -> None:
    names, width = names_of("user"), width_of("user")
    for user, posts in ((7, (1, 2)), (8, (1, 5)), (9, (5, 6))):
        put(server, 1, user, [(1, 0.9), (2, 0.8)])
        put(server, 2, user, [(post, 0.9) for post in posts])
        for epoch in (1, 2):
            halves = np.zeros(width, "<f2")
            halves[0] = epoch if user == 9 else 1.0
            server.client.set(features_key(epoch, user), halves.tobytes())
    record = found(server, [7, 8, 9, 10], ["rules"])
    assert (record["sampled"], record["users"], record["live"], record["new"]) == (4, 3, 1, 2)
    assert record["changed"] == 0.5
    assert [(user["user_id"], user["changed"]) for user in record["most"]] == [(9, 1.0), (8, 0.5), (7, 0.0)]
    spread = np.std([1, 1, 1, 1, 1, 2])
    assert record["most"][0]["features"] == [{"name": names[0], "shift": round(1 / spread, 4)}]
    assert record["features"] == [{"name": names[0], "shift": round(1 / spread / 3, 4)}]
    assert record["inputs"] == {"rules": ["r1", "new"]}
    assert sentences(record) == [
        "Against the live epoch 1, 50.0% of the first 2 places of 3 users show another post: 50.0% features.",
        "Changed since: rules r1 → new.",
        f"Features of users that moved most, on average: {names[0]} (0.89 sd).",
        "These users change most: 9 (100%, most by features), 8 (50%, most by features).",
    ]


def test_what_cannot_be_read_or_compared_is_left_out(server: RedisServer) -> None:
    put(server, 1, 7, [(1, 0.9)])
    put(server, 2, 7, [(2, 0.9)])
    put(server, 2, 8, [(2, 0.9)])
    server.client.set(pool_key(1, 9), b"of another format")
    put(server, 2, 9, [(2, 0.9)])
    server.client.set(features_key(1, 7), b"\0" * 2)
    server.client.set(features_key(2, 7), b"\0" * 4)
    record = found(server, [7, 8, 9], ["feature_schema"])
    assert (record["users"], record["features"], record["inputs"]) == (1, [], {"feature_schema": ["f1", "new"]})
    assert found(server, [7])["features"] == []
    assert sentences(found(server, [8])) == ["None of 1 users has a pool in this epoch and in the live epoch 1."]
    assert compare(server.client, (1, {}), (2, SAME), Sample([7], 2, 2))["inputs"] == {}, "an older manifest says less"
    assert sentences(nothing_live(2, 50)) == ["No epoch is live to compare with."]
