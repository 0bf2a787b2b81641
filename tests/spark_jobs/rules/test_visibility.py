from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

from contracts.landing import PRIVACY
from contracts.visibility import Viewing, is_shared, is_visible
from spark_jobs.rules.visibility import Edges, edges_at, visible_pairs
from tests.feed_rows import AS_OF, LONG_AGO, frame_of, hours

AUTHOR, FRIEND, STRANGER, LISTED_FRIEND, LISTED_STRANGER, EX_FRIEND, MEMBER, EX_MEMBER = range(1, 9)
BLOCKED_BY_AUTHOR, BLOCKS_AUTHOR, UNBLOCKED, FUTURE_FRIEND, LATE_FRIEND = range(9, 14)
EVERYONE = range(1, 14)
GROUP = 50


def edge(user: int, other: int, key: str, **times: Any) -> dict[str, Any]:
    return {"user_id": user, key: other, "valid_from": LONG_AGO, "received_at": LONG_AGO, **times}


def edges_of(spark: SparkSession) -> Edges:
    friendships = [
        edge(FRIEND, AUTHOR, "friend_id"),
        edge(FRIEND, AUTHOR, "friend_id", valid_from=hours(5)),  # an overlapping interval must not double a row
        edge(LISTED_FRIEND, AUTHOR, "friend_id"),
        edge(EX_FRIEND, AUTHOR, "friend_id", valid_to=AS_OF),
        edge(MEMBER, AUTHOR, "friend_id", valid_to=AS_OF + timedelta(seconds=1)),
        edge(FUTURE_FRIEND, AUTHOR, "friend_id", valid_from=AS_OF + timedelta(seconds=1)),
        edge(LATE_FRIEND, AUTHOR, "friend_id", received_at=AS_OF),
        *(edge(user, AUTHOR, "friend_id") for user in (BLOCKED_BY_AUTHOR, BLOCKS_AUTHOR, UNBLOCKED)),
    ]
    memberships = [
        edge(MEMBER, GROUP, "group_id"),
        edge(BLOCKS_AUTHOR, GROUP, "group_id"),
        edge(EX_MEMBER, GROUP, "group_id", valid_to=hours(1)),
    ]
    blocks = [
        edge(AUTHOR, BLOCKED_BY_AUTHOR, "blocked_id"),
        edge(BLOCKS_AUTHOR, AUTHOR, "blocked_id"),
        edge(UNBLOCKED, AUTHOR, "blocked_id", valid_to=hours(1)),
    ]
    return edges_at(
        frame_of(spark, "silver.friendships", friendships),
        frame_of(spark, "silver.group_memberships", memberships),
        frame_of(spark, "silver.blocks", blocks),
        AS_OF,
    )


FRIENDS = {FRIEND, LISTED_FRIEND, MEMBER, UNBLOCKED}
NOT_BLOCKED = set(EVERYONE) - {BLOCKED_BY_AUTHOR, BLOCKS_AUTHOR}
LISTED = [LISTED_FRIEND, LISTED_STRANGER, BLOCKED_BY_AUTHOR]
NOBODYS = {"author_id": None, "source_id": None}
CASES: dict[str, tuple[dict[str, Any], set[int]]] = {
    "public": ({"privacy": "public"}, NOT_BLOCKED),
    "friends": ({"privacy": "friends"}, FRIENDS | {AUTHOR}),
    "friends except": ({"privacy": "friends_except", "audience": LISTED}, FRIENDS - {LISTED_FRIEND} | {AUTHOR}),
    "custom": ({"privacy": "custom", "audience": LISTED}, {AUTHOR, LISTED_FRIEND, LISTED_STRANGER}),
    "only me": ({"privacy": "only_me"}, {AUTHOR}),
    "an unknown kind of privacy": ({"privacy": "a new kind"}, {AUTHOR}),
    "deleted": ({"privacy": "public", "is_deleted": True}, set()),
    "page": ({"privacy": "public", "source_type": "page", "source_id": GROUP}, NOT_BLOCKED),
    "group": ({"privacy": "public", "source_type": "group", "source_id": GROUP}, {AUTHOR, MEMBER}),
    "another group": ({"privacy": "public", "source_type": "group", "source_id": GROUP + 1}, {AUTHOR}),
    "friends in a group": ({"privacy": "friends", "source_type": "group", "source_id": GROUP}, {AUTHOR, MEMBER}),
    "nobody's": ({**NOBODYS, "privacy": "public"}, set(EVERYONE)),
    "nobody's in a group": (
        {**NOBODYS, "privacy": "public", "source_type": "group", "source_id": GROUP},
        {MEMBER, BLOCKS_AUTHOR},
    ),
    "nobody's for an audience": ({**NOBODYS, "privacy": "custom", "audience": LISTED}, set(LISTED)),
    "nobody's for friends": ({**NOBODYS, "privacy": "friends"}, set()),
    "nobody's for some friends": ({**NOBODYS, "privacy": "friends_except", "audience": LISTED}, set()),
    "nobody's for nobody": ({**NOBODYS, "privacy": "only_me"}, set()),
    "unknown post": ({"post_id": 0}, set()),
}


@pytest.fixture(scope="module")
def viewers(spark: SparkSession) -> dict[int, list[int]]:
    """Who sees each case's post, one entry per row: post ids are the cases' places, one after another."""
    rows = [
        {"post_id": i, "author_id": AUTHOR, "source_id": AUTHOR, **post}
        for i, (post, _) in enumerate(CASES.values(), 1)
    ]
    asked = [(user, i, "kept") for user in EVERYONE for i in range(1, len(CASES) + 1)]
    pairs = spark.createDataFrame(asked, "user_id BIGINT, post_id BIGINT, note STRING")
    found: dict[int, list[int]] = {}
    for row in visible_pairs(pairs, frame_of(spark, "silver.posts", rows), edges_of(spark)).collect():
        assert row.note == "kept"
        found.setdefault(row.post_id, []).append(row.user_id)
    return found


@pytest.mark.parametrize("case", CASES)
def test_who_sees_a_post(viewers: dict[int, list[int]], case: str) -> None:
    assert sorted(viewers.get(list(CASES).index(case) + 1, [])) == sorted(CASES[case][1])


@pytest.mark.parametrize("privacy", [*PRIVACY, "a new kind"])
def test_a_post_is_shared_if_its_privacy_admits_another_than_its_author(privacy: str) -> None:
    is_friend, is_listed = np.array([[False, False, True, True], [False, True, False, True]])
    no = np.zeros(4, dtype=bool)
    others = Viewing(np.full(4, privacy), np.full(4, "friend"), no, no, is_friend, is_listed, no, no)
    assert is_shared(privacy) == is_visible(others).any()


def test_a_million_pairs_in_tables_are_judged_as_in_memory(spark: SparkSession) -> None:
    """Every pair of 1,000 viewers and 1,000 posts of a random network, where each relation is common."""
    num, groups = 1_000, 40
    random = np.random.default_rng(20)
    friend, blocks, listed = (random.random((num, num)) < share for share in (0.3, 0.05, 0.2))
    member = random.random((num, groups)) < 0.4
    author = np.where(random.random(num) < 0.05, -1, random.integers(0, num, num))  # -1: of nobody
    is_known = author >= 0
    friend, blocks = friend | friend.T, blocks | blocks.T
    source = random.choice(["friend", "page", "group"], num)
    source_id = random.integers(0, groups, num)
    privacy = random.choice([*PRIVACY, "a new kind"], num)
    is_deleted = random.random(num) < 0.1
    expected = is_visible(
        Viewing(
            privacy=privacy[None, :],
            source_type=source[None, :],
            is_deleted=is_deleted[None, :],
            is_author=np.arange(num)[:, None] == author[None, :],
            is_friend=friend[:, author] & is_known,
            is_listed=listed,
            is_member=member[:, source_id],
            is_blocked=blocks[:, author] & is_known,
        )
    )

    def pairs_of(matrix: NDArray[np.bool_], *names: str) -> DataFrame:
        return spark.createDataFrame(pa.table(dict(zip(names, np.nonzero(matrix), strict=True))))

    posts = pa.table(
        {
            "post_id": np.arange(num),
            "author_id": pa.array(author, mask=~is_known),
            "source_type": source,
            "source_id": source_id,
            "privacy": privacy,
            "audience": [np.nonzero(column)[0].tolist() for column in listed.T],
            "is_deleted": is_deleted,
        }
    )
    edges = Edges(
        pairs_of(friend, "user_id", "friend_id"),
        pairs_of(member, "user_id", "group_id"),
        pairs_of(blocks, "user_id", "blocked_id"),
    )
    everyone = pairs_of(np.ones((num, num), bool), "user_id", "post_id")
    shown = visible_pairs(everyone, spark.createDataFrame(posts), edges).toArrow()
    found = np.zeros((num, num), int)
    np.add.at(found, (shown["user_id"].to_numpy(), shown["post_id"].to_numpy()), 1)
    assert np.array_equal(found, expected.astype(int))
    assert 0.2 < expected.mean() < 0.6
