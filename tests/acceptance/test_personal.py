"""Feeds are personal: few posts in common, no author everywhere, and the user's best posts in them.

A whole night of a simulated network, up to its pools, against the simulator's truth for every post that one user in
eight may see. ``PERSONAL_USERS=20000`` makes the network as large as the bounds ask; in a smaller one, with fewer posts
to choose from, pools of 100 must overlap more.
"""

import os
from dataclasses import dataclass

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.pipeline import STAGES
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from spark_jobs.rules.known_taste import users_with_taste
from spark_jobs.simulate import simulate
from tests.landed import DS
from tests.nights import run_night
from tests.true_worth import true_worth

pytestmark = pytest.mark.slow

USERS, ENOUGH_USERS = int(os.environ.get("PERSONAL_USERS", "2000")), 20_000
NUM_JUDGED, BEST, POOL, TOP = 250, 50, 100, 16
needs_a_large_network = pytest.mark.xfail(
    USERS < ENOUGH_USERS, reason=f"asked of {ENOUGH_USERS:,} users: fewer write too few posts", strict=False
)


@dataclass(frozen=True)
class Feeds:
    """Pools of everyone, and all posts that some users may see: worth, author, and whether it is a candidate.

    ``known`` are those whose taste is known; the others are new.
    """

    pools: pd.DataFrame
    communities: pd.Series
    seeable: pd.DataFrame
    known: set[int]


def rows_of(frame: DataFrame) -> pd.DataFrame:
    rows: pd.DataFrame = frame.toPandas()
    return rows


@pytest.fixture(scope="module")
def feeds(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Feeds:
    folder = tmp_path_factory.mktemp("personal")
    landing = str(folder / "landing")
    simulate(spark, users=USERS, days=8, seed=20, end_date=DS, landing=landing)
    night = Night(Lake(spark, str(folder / "lake")), DS, landing, folder / "runs", load_settings(landing))
    stages = list(STAGES)
    run_night(night, stages[: stages.index("audit") + 1])
    is_tonight = F.col("ds") == F.lit(DS)
    candidates = rows_of(night.read("gold.feed_candidates").where(is_tonight).select("user_id", "post_id"))
    posts = night.read("gold.post_features").where(is_tonight).select("post_id", "author_id")
    seeable = rows_of(true_worth(spark, landing, DS, posts, USERS // NUM_JUDGED).join(posts, "post_id", "inner"))
    seeable = seeable.merge(candidates.assign(is_candidate=True), how="left", on=["user_id", "post_id"])
    seeable["is_candidate"] = seeable["is_candidate"].notna()
    members = rows_of(night.read("gold.communities").where(is_tonight).select("user_id", "community_id"))
    pools = rows_of(night.read("gold.ranked_feeds").where(is_tonight).select("user_id", "rank", "post_id", "author_id"))
    print(f"\n{USERS:,} users: {len(candidates) / pools['user_id'].nunique():.0f} candidates and "
          f"{len(pools) / pools['user_id'].nunique():.0f} posts in a pool per user")  # fmt: skip
    known = {row.user_id for row in users_with_taste(night).collect()}
    return Feeds(pools, members.set_index("user_id")["community_id"], seeable, known)


def best_of(seeable: pd.DataFrame, most: int) -> pd.DataFrame:
    ordered = seeable.sort_values(["user_id", "worth", "post_id"], ascending=[True, False, True])
    return ordered.groupby("user_id").head(most)


def in_common(pools: pd.DataFrame, pairs: np.ndarray) -> float:
    posts = pools.groupby("user_id")["post_id"].agg(set)
    return float(np.mean([len(posts[one] & posts[other]) for one, other in pairs if one != other]))


def test_what_a_user_would_like_best_is_among_the_candidates(feeds: Feeds) -> None:
    recall = best_of(feeds.seeable, BEST)["is_candidate"].mean()
    print(f"\nof each user's {BEST} best visible posts by the truth, candidates: {recall:.1%}")
    assert recall >= 0.9


@needs_a_large_network
def test_the_pool_is_worth_nearly_what_the_best_one_would_be(feeds: Feeds) -> None:
    rank = feeds.seeable.sort_values("worth", ascending=False).groupby(["user_id", "author_id"]).cumcount()
    allowed = feeds.seeable[rank < 3]  # of one author
    best = best_of(allowed, POOL)["worth"].mean()
    held = feeds.pools.merge(feeds.seeable[["user_id", "post_id", "worth"]], on=["user_id", "post_id"])["worth"].mean()
    every = feeds.seeable["worth"].mean()
    print(
        f"\nmean worth of pools {held:.4f}, of the best {POOL} {best:.4f}: {held / best:.1%} (of all posts {every:.4f})"
    )
    assert held / best >= 0.85


def test_new_users_are_offered_half_of_what_all_are_at_least(feeds: Feeds) -> None:
    top = feeds.pools[feeds.pools["rank"] <= TOP].merge(feeds.seeable, on=["user_id", "post_id"])
    is_new = ~top["user_id"].isin(feeds.known)
    of_new, of_all = top[is_new]["worth"].mean(), top["worth"].mean()
    print(f"\nmean worth of the first {TOP} places: of {top[is_new]['user_id'].nunique()} new users {of_new:.4f}, "
          f"of all {of_all:.4f}: {of_new / of_all:.0%}")  # fmt: skip
    assert is_new.any()
    assert of_new / of_all >= 0.5


@needs_a_large_network
def test_two_users_share_little(feeds: Feeds) -> None:
    draw = np.random.default_rng(7)
    users = feeds.pools["user_id"].unique()
    anyone = in_common(feeds.pools, draw.choice(users, (4000, 2)))
    known = feeds.communities[feeds.communities.index.isin(users)]
    members = [found for found in known.index.to_series().groupby(known).agg(list) if len(found) > 1]
    together = [draw.choice(found, 2, replace=False) for found in members for _ in range(50)]
    near = in_common(feeds.pools, np.array(together))
    print(f"\nposts in common, of {POOL}: any two users {anyone:.1f}, two of one community {near:.1f}")
    assert anyone <= 20
    assert near <= 40


@needs_a_large_network
def test_no_few_authors_hold_the_first_places(feeds: Feeds) -> None:
    top = feeds.pools[feeds.pools["rank"] <= TOP]
    share = top["author_id"].value_counts(normalize=True).head(10).sum()
    print(f"\nthe ten most shown authors hold {share:.1%} of the first {TOP} places")
    assert share <= 0.15
