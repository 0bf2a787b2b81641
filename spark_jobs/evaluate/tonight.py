"""Estimated value of tonight's pools before anybody sees them: the share of impressions with an engagement."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from analysis.off_policy.ranking_value import SeenLog, value_of_ranking
from contracts.heads import RELEVANT_HEADS
from contracts.metrics.columns import Floats
from spark_jobs.night.night import Night
from spark_jobs.rules.heldout_scores import TIES, sample_users

SURFACE = "feed"


def value_tonight(night: Night, scored: DataFrame, num_days: int) -> dict[str, Any] | None:
    """The estimate, the log's figures and the assumptions; None if the log has no positions or too few viewers.

    ``scored`` are the held-out examples of ``heldout_scores``. The estimate assumes that tomorrow each user sees as
    many posts of their pool as the mean viewer saw per held-out day, in requests as deep as the median viewer's deepest
    position.
    """
    rules = night.settings.evaluation
    log = read_log(scored, rules.max_users)
    if log.num_rows == 0 or len(log.column("user_id").unique()) < 2:  # noqa: PLR2004 - spread takes two
        return None
    users, positions = log.column("user_id").to_numpy(), log.column("position").to_numpy()
    views = max(1, round(log.num_rows / len(np.unique(users)) / num_days))
    depth = max(1, int(np.median(deepest(users, positions))))
    places = read_places(night, views, rules.max_users)
    if places.num_rows == 0:
        return None
    curve = examination(night)
    seen = SeenLog(
        log.column("engaged").to_numpy().astype(np.float64),
        expected(log),
        examined_at(curve, positions),
        users,
        log.column("is_tied").to_numpy(),
    )
    shown_at = (places.column("rank").to_numpy() - 1) % depth + 1
    estimate = value_of_ranking(
        seen, expected(places), examined_at(curve, shown_at), places.column("is_tied").to_numpy()
    )
    known = {"logged": float(seen.rewards.mean()), "num_logged": len(users), "views": views, "depth": depth}
    return asdict(estimate) | known


def read_log(scored: DataFrame, max_users: int) -> pa.Table:
    """user_id, position, engaged, is_tied and the heads' probabilities of held-out impressions of known position."""
    engaged = F.greatest(*(F.col(head.label_column) for head in RELEVANT_HEADS)) > 0
    known = scored.where(F.col("position").isNotNull())
    rows = sample_users(known, known.select("user_id").distinct().count(), max_users)
    return rows.select("user_id", "position", engaged.cast("int").alias("engaged"), "is_tied", *_heads()).toArrow()


def read_places(night: Night, views: int, max_users: int) -> pa.Table:
    """Rank and the heads' probabilities of the first ``views`` places of tonight's pools."""
    is_tonight = F.col("ds") == F.lit(night.ds)
    ranked = night.read("gold.ranked_feeds").where(is_tonight & (F.col("rank") <= views))
    scores = night.read("gold.scored_candidates").where(is_tonight).select("user_id", "post_id", *_heads())
    sample = sample_users(ranked, ranked.select("user_id").distinct().count(), max_users)
    pairs = night.read("gold.affinity_features").where(is_tonight).select("user_id", "author_id", *TIES)
    scored = sample.select("user_id", "author_id", "post_id", "rank").join(scores, ["user_id", "post_id"], "inner")
    return scored.join(pairs, ["user_id", "author_id"], "left").select("rank", _tied(), *_heads()).toArrow()


def _tied() -> Column:
    """1 where the viewer is a friend of the author or follows a page of the author."""
    return F.greatest(*(F.coalesce(F.col(name), F.lit(0.0)) for name in TIES)).cast("int").alias("is_tied")


def _heads() -> tuple[str, ...]:
    return tuple(head.score_column for head in RELEVANT_HEADS)


def expected(rows: pa.Table) -> Floats:
    """Probability that a viewer likes, comments or shares, as if these were independent, ``(n,)``: it only sorts."""
    missed = [1.0 - rows.column(name).to_numpy().astype(np.float64) for name in _heads()]
    return np.asarray(1.0 - np.prod(missed, axis=0))


def deepest(users: NDArray[np.int64], positions: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Each viewer's deepest position, in order of their ids."""
    _, of_user = np.unique(users, return_inverse=True)
    most = np.zeros(int(of_user.max()) + 1, dtype=np.int64)
    np.maximum.at(most, of_user, positions)
    return most


def examination(night: Night) -> Floats:
    """How often each position of the feed is looked at, from the first on; empty if nothing is known."""
    is_feed = (F.col("ds") == F.lit(night.ds)) & (F.col("surface") == SURFACE)
    rows = night.read("gold.propensities").where(is_feed).select("position", "examined").toArrow()
    order = np.argsort(rows.column("position").to_numpy())
    return np.asarray(rows.column("examined").to_numpy()[order], dtype=np.float64)


def examined_at(curve: Floats, positions: NDArray[np.integer[Any]]) -> Floats:
    """The curve at ``positions``: its deepest value beyond its end, 1 everywhere if it is empty."""
    if not len(curve):
        return np.ones(len(positions))
    return np.asarray(np.clip(curve, 1e-6, 1.0)[np.minimum(positions, len(curve)) - 1])
