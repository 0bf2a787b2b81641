"""Policy in the feeds of one night: against a direct implementation of the rules, and the simulator's truth.

The posts of a simulated network, with what simulated people and fact checkers said of some, are put into a lake, and
some of its users look. Pools are made twice, with the rules and without, in an order of chance for each user, so that
no few popular posts decide the figures. ``POLICY_USERS=20000`` makes the network larger.
"""

import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.landing import LABELS
from contracts.settings import AuditThresholds, CandidateLimits, Settings
from spark_jobs.audit import audit
from spark_jobs.candidates import feed_candidates
from spark_jobs.features.post import content_embeddings, content_models, content_risks, label_models
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.publish.manifest import pin_versions
from spark_jobs.publish.reading import read_content
from spark_jobs.rerank import ranked_feeds
from spark_jobs.rules.policy import Policy, read_policy
from spark_jobs.score.scored_candidates import by_simple_score
from spark_jobs.simulate.world import World
from tests.silver_rows import put_views
from tests.simulated_silver import put_posts, put_viewers, truth_of

pytestmark = pytest.mark.slow

USERS, DAYS, VIEWERS, ASKS_SHARE = int(os.environ.get("POLICY_USERS", "8000")), 14, 800, 0.25
DS = date(2026, 3, 8)
WORLD = World(users=USERS, days=DAYS, seed=20, end_date=DS)
SUGGESTED = 2000
"""Nearly all public posts, so that no few of them decide the figures."""
ENOUGH_USERS = 20_000
TOP, HARMFUL = 16, ("nsfw", "misinformation")


@dataclass(frozen=True)
class Feeds:
    """Candidates and pools of the night with the rules and ``without``, and what is known of posts and users."""

    night: Night
    candidates: pd.DataFrame
    pools: pd.DataFrame
    candidates_without: pd.DataFrame
    pools_without: pd.DataFrame
    stopped: str
    fallbacks: dict[str, set[int]]
    posts: pd.DataFrame
    asks: pd.DataFrame


@pytest.fixture(scope="module")
def feeds(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Feeds:
    folder = tmp_path_factory.mktemp("policy")
    lake = Lake(spark, str(folder / "lake"))
    # Nobody's taste is known here: all is proposed to everyone.
    limits, thresholds = CandidateLimits(popular=SUGGESTED), AuditThresholds(max_share_impersonal=1.0)
    settings = Settings(candidates=limits, audit=thresholds)
    night = Night(lake, DS, str(folder / "landing"), folder / "runs", settings)
    prepare(night, folder / "posts")
    candidates, pools = make_pools(night)
    audit.main(night)
    content = read_content(night, pin_versions(night, night.files.audit.read()))
    fallbacks = {kind: set(columns["post_id"].tolist()) for kind, columns in content.fallbacks.items()}
    with pytest.MonkeyPatch.context() as patch:
        for job in (feed_candidates, ranked_feeds):
            patch.setattr(job, "read_policy", without_rules)
        candidates_without, pools_without = make_pools(night)
        with pytest.raises(audit.AuditFailed) as stopped:
            audit.main(night)
    posts, asks = known_posts(night, folder / "posts"), known_asks(night)
    return Feeds(
        night, candidates, pools, candidates_without, pools_without, str(stopped.value), fallbacks, posts, asks
    )


def prepare(night: Night, truth: Path) -> None:
    """Silver, and what a night's features stage reads of texts and verdicts."""
    written = put_posts(night.lake, WORLD, str(truth))
    put_viewers(night.lake, WORLD, USERS // VIEWERS, ASKS_SHARE)
    recent = written.where(F.timestamp_millis("created_ms") >= F.lit(night.as_of - timedelta(hours=72)))
    likes = F.log1p(F.floor(30 * F.pow(WORLD.uniform("test/likes", "post_id"), 3.0))).cast("float")
    put_views(night.lake, recent.select("post_id", likes.alias("log_likes"), F.lit(DS).alias("ds")))
    for job in (content_models, content_embeddings, label_models, content_risks):
        job.main(night)


def make_pools(night: Night) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Candidates, and pools in an order of chance; the night's partitions are replaced."""
    feed_candidates.main(night)
    candidates = night.read("gold.feed_candidates")
    chance = WORLD.uniform("test/value", "user_id", "post_id").cast("float")
    scored = by_simple_score(candidates).withColumns({"value_score": chance, "ds": F.lit(night.ds)})
    write_partition(night.lake, "gold.scored_candidates", scored, [night.ds])
    ranked_feeds.main(night)
    pools = night.read("gold.ranked_feeds").select("user_id", "rank", "post_id")
    return rows_of(candidates.select("user_id", "post_id")), rows_of(pools)


def without_rules(night: Night) -> Policy:
    found = read_policy(night)
    return Policy(found.flagged.limit(0), found.asks)


def rows_of(frame: DataFrame) -> pd.DataFrame:
    rows: pd.DataFrame = frame.toPandas()
    return rows


def known_posts(night: Night, truth: Path) -> pd.DataFrame:
    """By post_id: what it is, its newest risks, and what verdicts known by the as-of say; read without the rules."""
    posts = rows_of(truth_of(night.spark.read.parquet(str(truth)))).set_index("post_id")
    risks = rows_of(night.read("gold.content_risks")).sort_values(["text_at", "ds"]).groupby("post_id").last()
    verdicts = rows_of(night.read("silver.content_labels"))
    as_of = pd.Timestamp(night.as_of).tz_localize(None)
    verdicts = verdicts[(verdicts["updated_at"] < as_of) & (verdicts["received_at"] < as_of) & verdicts["value"]]
    for label in LABELS:
        posts[label] = risks[label].reindex(posts.index)
        posts[f"says_{label}"] = posts.index.isin(verdicts.loc[verdicts["label"] == label, "post_id"])
    checked = verdicts[(verdicts["labeller_type"] == "fact_checker") & (verdicts["label"] == "misinformation")]
    posts["is_refuted"] = posts.index.isin(checked["post_id"])
    return posts


def known_asks(night: Night) -> pd.DataFrame:
    """By user_id: whether the user asks to hide each label."""
    users = rows_of(night.read("silver.users").select("user_id", "feed_preferences")).set_index("user_id")
    return pd.DataFrame(
        {f"asks_{label}": [f"hide_{label}" in w for w in users["feed_preferences"]] for label in LABELS}, users.index
    )


def described(feeds: Feeds, pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.join(feeds.posts, on="post_id").join(feeds.asks, on="user_id")


def unwanted(pairs: pd.DataFrame, label: str) -> "pd.Series[bool]":
    """Pairs of a post that is what its viewer asked to hide."""
    return pairs[f"true_{label}"] & pairs[f"asks_{label}"]


def test_no_pool_breaks_a_rule(feeds: Feeds) -> None:
    thresholds = feeds.night.settings.policy.thresholds
    shown = described(feeds, feeds.pools)
    broken = {"fact_checked": int(shown["is_refuted"].sum())}
    for label in LABELS:
        is_kind = shown[f"says_{label}"] | (shown[label] >= thresholds[label])
        broken[f"hide_{label}"] = int((is_kind & shown[f"asks_{label}"]).sum())
    record = feeds.night.files.policy.read()
    print(f"{WORLD.users:,} users wrote {len(feeds.posts):,} posts, {feeds.pools['user_id'].nunique():,} have a pool")
    print(f"{len(shown):,} places, of which break a rule: {broken}; without the rules: {feeds.stopped}")
    print(f"last record of the night, without the rules: {record['removed']}")
    assert len(shown) > 10 * VIEWERS
    assert set(broken.values()) == {0}
    assert all(f"{rule}_violations" in feeds.stopped for rule in broken)


def test_no_fallback_holds_what_anybody_may_have_asked_to_hide(feeds: Feeds) -> None:
    thresholds = feeds.night.settings.policy.thresholds
    for kind, shown in feeds.fallbacks.items():
        posts = feeds.posts.loc[sorted(shown)]
        bad = posts["is_refuted"]
        for label in LABELS:
            bad |= posts[f"says_{label}"] | (posts[label] >= thresholds[label])
        print(f"{kind}: {len(posts)} posts, {int(bad.sum())} flagged")
        assert len(posts) > 50
        assert not bad.any()


def test_few_harmless_posts_are_lost(feeds: Feeds) -> None:
    before, after = described(feeds, feeds.candidates_without), feeds.candidates
    kept = pd.MultiIndex.from_frame(after[["user_id", "post_id"]])
    before["is_lost"] = ~pd.MultiIndex.from_frame(before[["user_id", "post_id"]]).isin(kept)
    before["is_harmless"] = ~sum((unwanted(before, label) for label in LABELS), start=before["asks_nsfw"] & False)
    for label in LABELS:
        mine = before[before[f"asks_{label}"] & before["is_harmless"]]
        only = mine[mine[[f"asks_{other}" for other in LABELS]].sum(axis=1) == 1]
        print(f"asked to hide {label}: {mine['is_lost'].mean():.1%} of harmless candidates lost, ", end="")
        print(f"{only['is_lost'].mean():.1%} to those who asked for nothing else; ", end="")
        bad = before[unwanted(before, label)]
        lost, num_posts = bad["is_lost"].mean(), bad["post_id"].nunique()
        print(f"of {len(bad):,} unwanted candidates ({num_posts} posts) {lost:.1%} are gone")
    asked = before[before[[f"asks_{label}" for label in HARMFUL]].any(axis=1) & before["is_harmless"]]
    print(f"to all who asked to hide NSFW or misinformation: {asked['is_lost'].mean():.1%} of {len(asked):,}")
    assert asked["is_lost"].mean() <= 0.10


def test_unwanted_posts_leave_the_top(feeds: Feeds) -> None:
    assert fall(feeds, LABELS) >= 0.70


@pytest.mark.xfail(
    USERS < ENOUGH_USERS, reason="too few verdicts to learn all signs from; the rest has neither sign nor verdict"
)
def test_nine_of_ten_unwanted_posts_leave_the_top(feeds: Feeds) -> None:
    assert fall(feeds, HARMFUL) >= 0.90


def fall(feeds: Feeds, labels: tuple[str, ...]) -> float:
    """By which share the places in the top fall that hold what their viewer asked to hide."""
    counts = []
    for pools in (feeds.pools_without, feeds.pools):
        top = described(feeds, pools[pools["rank"] <= TOP])
        counts.append({label: int(unwanted(top, label).sum()) for label in labels})
    before, after = (sum(count.values()) for count in counts)
    changes = ", ".join(f"{label} {counts[0][label]} to {counts[1][label]}" for label in labels)
    print(f"unwanted in top-{TOP} places: {changes}; all {before} to {after}, a fall of {1 - after / before:.1%}")
    return 1 - after / before
