"""The story of a post equals the tables, for lost posts too."""

import random
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.explain.stories import Pair, explain_pair, explain_pool, explain_post
from spark_jobs.explain.words import lines_of_pair, lines_of_pool, lines_of_post
from spark_jobs.night.night import Night

NUM_PAIRS = 100


def rows_of(frame: DataFrame) -> pd.DataFrame:
    rows: pd.DataFrame = frame.toPandas()
    return rows


def tonight(night: Night, name: str) -> pd.DataFrame:
    return rows_of(night.read(name).where(F.col("ds") == F.lit(night.ds)))


def some_pairs(pools: pd.DataFrame, candidates: pd.DataFrame, posts: pd.DataFrame) -> list[tuple[int, int]]:
    """Of what is in pools, of what was lost on the way there, and of anything."""
    draw = random.Random(20)
    in_pools = set(zip(pools["user_id"], pools["post_id"], strict=True))
    proposed = set(zip(candidates["user_id"], candidates["post_id"], strict=True))
    users, ids = sorted({user for user, _ in proposed}), posts["post_id"].tolist()
    anything = {(draw.choice(users), draw.choice(ids)) for _ in range(400)} - proposed
    drawn = draw.sample(sorted(in_pools), 30) + draw.sample(sorted(proposed - in_pools), 30)
    return [(int(user), int(post)) for user, post in [*drawn, *draw.sample(sorted(anything), NUM_PAIRS - 60)]]


def place_of(rows: pd.DataFrame, user: int, post: int, by: str) -> tuple[int, int] | None:
    mine = rows[rows["user_id"] == user].sort_values([by, "post_id"], ascending=[False, True])["post_id"].tolist()
    return (mine.index(post) + 1, len(mine)) if post in mine else None


def told_places(story: Pair) -> dict[str, Any]:
    candidate, scores, pool = story.candidate, story.scores, story.pool
    return {
        "candidates": candidate and (candidate["place"], candidate["num"]),
        "score": scores and (scores["place"], scores["num"]),
        "rerank": pool and pool["rank"],
    }


def test_explain(published: Night) -> None:
    night = published
    candidates, scored = tonight(night, "gold.feed_candidates"), tonight(night, "gold.scored_candidates")
    pools, posts = tonight(night, "gold.ranked_feeds"), rows_of(night.read("silver.posts")).set_index("post_id")
    shown = rows_of(night.read("silver.impressions").where(F.col("shown_at") < F.lit(night.as_of)))
    seen = set(zip(shown["user_id"], shown["post_id"], strict=True))
    ranks = {(row.user_id, row.post_id): row.rank for row in pools.itertuples()}
    lost: dict[str, int] = {}
    for user, post in some_pairs(pools, candidates, posts.reset_index()):
        story = explain_pair(night, user, post)
        print(*lines_of_pair(story, night.ds), sep="\n")
        assert told_places(story) == {
            "candidates": place_of(candidates, user, post, "simple_score"),
            "score": place_of(scored, user, post, "value_score"),
            "rerank": ranks.get((user, post)),
        }
        if story.candidate is not None:
            row = candidates[(candidates["user_id"] == user) & (candidates["post_id"] == post)].iloc[0]
            assert story.candidate["sources"] == row["sources"].tolist()
        reasons = set(story.kept_back)
        assert ("it is deleted" in reasons) == bool(story.candidate is None and posts.loc[post, "is_deleted"])
        assert ("the user wrote it" in reasons) <= (posts.loc[post, "author_id"] == user)
        assert ("the user has seen, hidden or reported it" in reasons) <= ((user, post) in seen)
        where = story.lost_at or "in the pool"
        lost[where] = lost.get(where, 0) + 1
    print(f"\n{NUM_PAIRS} pairs: {lost}")
    assert sum(lost.values()) == NUM_PAIRS
    assert lost["in the pool"] == 30

    user = int(pools["user_id"].iloc[0])
    pool = explain_pool(night, user)
    print(*lines_of_pool(pool, night.ds, 5), sep="\n")
    assert [row["post_id"] for row in pool.rows] == pools[pools["user_id"] == user].sort_values("rank")[
        "post_id"
    ].tolist()
    assert pool.candidates == (candidates["user_id"] == user).sum()
    post = int(candidates["post_id"].mode()[0])
    explained = explain_post(night, post)
    print(*lines_of_post(explained, night.ds), sep="\n")
    assert (explained.candidates, explained.pools) == (
        (candidates["post_id"] == post).sum(),
        (pools["post_id"] == post).sum(),
    )
