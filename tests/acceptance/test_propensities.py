"""How often each position is looked at, within 5 % of the simulator's truth: from random slots, and by regression EM.
What it is for: a model whose labels are weighed by it learns what people want, not where posts stood.

The simulator's own deliveries are shown and reacted to ``ROUNDS`` times over, so that chance moves no position by 5 %.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from torch.nn import functional

from analysis.position_bias import Curve, Fitted, Floats, Ints, inverse_weights, regression_em
from contracts.heads import HEADS
from contracts.metrics.auc import auc
from contracts.settings import Propensities
from models.losses import head_losses
from spark_jobs.examples.propensities import count_placed, randomised_rows
from spark_jobs.simulate.exposure import impressions
from spark_jobs.simulate.network import both_ways, friendships, tastes
from spark_jobs.simulate.posts import posts
from spark_jobs.simulate.reaction import BAIT_CLICKS, flag, react, topic_match
from spark_jobs.simulate.sessions import SESSION_LENGTH
from spark_jobs.simulate.world import World

pytestmark = pytest.mark.many_rows

WORLD = World(users=1500, days=4, seed=20, end_date=date(2026, 3, 8))
ROUNDS = 10
POSITIONS = np.arange(1, SESSION_LENGTH + 1)
TRUTH = POSITIONS**-0.35
TOLERANCE = 0.05
PAIR = ("user", "post_id")


@pytest.fixture(scope="module")
def delivered(spark: SparkSession) -> Iterator[DataFrame]:
    """What was delivered to each session, in every round, with what a ranker could know of it."""
    friends = both_ways(friendships(spark, WORLD))
    once = impressions(spark, WORLD, posts(spark, WORLD), friends).drop("position")
    rounds = F.explode(F.sequence(F.lit(1), F.lit(ROUNDS))).alias("round")
    repeated = once.select("*", rounds).withColumn("post_id", F.col("post_id") + F.col("round") * F.lit(2**48))
    known = repeated.join(tastes(spark, WORLD), "user", "inner")
    matched = known.withColumn("match", topic_match(WORLD)).drop("tastes")
    session = Window.partitionBy("user", "slot", "round")
    with_truth = matched.withColumns(
        {
            "interest": F.col("match") + 0.15 * WORLD.normal("test/interest", *PAIR),
            "closeness": F.col("tie") + 0.1 * WORLD.normal("test/closeness", *PAIR),
            "reach": F.count("*").over(session).cast("int"),
        }
    )
    kept = with_truth.persist()
    yield kept
    kept.unpersist()


def placed(spark: SparkSession, delivered: DataFrame, order: Column) -> DataFrame:
    """The sessions shown in an order, and whether each post was liked, commented on, shared or clicked."""
    session = Window.partitionBy("user", "slot", "round").orderBy(order, "post_id")
    reacted = react(WORLD, delivered.withColumn("position", F.row_number().over(session)), tastes(spark, WORLD))
    engaged = (F.col("reaction").isNotNull() | F.col("is_clicked")).cast("int")
    likes = F.col("p_engage") * (1 - F.col("p_hide"))
    clicks = 0.05 + 0.6 * F.col("p_engage") + BAIT_CLICKS * flag("is_clickbait")
    return reacted.select(
        F.lit("feed").alias("surface"),
        F.col("user").alias("user_id"),
        "position",
        "reach",
        "interest",
        "closeness",
        "popularity",
        "propensity",
        (F.col("propensity") > 0).alias("is_randomised"),
        engaged.alias("engaged"),
        (1 - (1 - likes) * (1 - clicks)).alias("wanted"),
    )


def report(title: str, rates: Floats, curve: Curve) -> None:
    print(f"\n{title}\nposition  truth  rate/first  estimate  95 % interval     error")
    rows = zip(POSITIONS, TRUTH, rates, curve.examined, curve.low, curve.high, strict=True)
    for at, truth, rate, value, least, most in rows:
        error = 100 * (value / truth - 1)
        print(f"{at:8}  {truth:.3f}  {rate:10.3f}  {value:8.3f}  [{least:.3f}, {most:.3f}]  {error:+6.2f} %")


def rates_of(positions: Ints, impressions: Floats, engaged: NDArray[Any]) -> Floats:
    rates = np.bincount(positions, engaged)[1:] / np.bincount(positions, impressions)[1:]
    return np.asarray(rates / rates[0])


def test_propensities_from_randomised_slots(spark: SparkSession, delivered: DataFrame) -> None:
    order = WORLD.uniform("test/order", *PAIR)
    counts = count_placed(placed(spark, delivered, order)).toArrow()
    rows = list(randomised_rows(counts, Propensities()))
    columns = [counts[name].to_numpy() for name in ("position", "num_impressions", "num_engaged")]
    curve = Curve(*(np.array([row[name] for row in rows]) for name in ("examined", "low", "high")))
    title = f"randomised slots, {int(columns[1].sum()):,} impressions, {int(columns[2].sum()):,} engaged with"
    report(title, rates_of(*columns), curve)
    assert [(row["position"], row["method"]) for row in rows] == [(at, "randomised") for at in POSITIONS]
    np.testing.assert_allclose(curve.examined, TRUTH, rtol=TOLERANCE)


@dataclass(frozen=True)
class Log:
    """The log of a ranker that orders by what it knows, and by popularity more than people do; ``wanted`` is truth."""

    features: Floats
    position: Ints
    engaged: NDArray[np.bool_]
    wanted: Floats
    popularity: Floats
    fitted: Fitted


@pytest.fixture(scope="module")
def ordered(spark: SparkSession, delivered: DataFrame) -> Log:
    """Nobody noted with which chance a post was shown where, so regression EM has to tell."""
    noise = 1.2 * WORLD.normal("test/noise", *PAIR)
    score = 2.0 * F.col("interest") + 1.5 * F.col("closeness") + 3.0 * F.col("popularity") + noise
    log = placed(spark, delivered, -score).drop("surface", "user_id", "propensity", "is_randomised").toArrow()
    column = {name: log[name].to_numpy() for name in log.column_names}
    interest, closeness, popularity = column["interest"], column["closeness"], column["popularity"]
    known = [interest, closeness, interest**2, closeness**2, interest * closeness, popularity, np.log(column["reach"])]
    features, position, engaged = np.column_stack(known), column["position"] - 1, column["engaged"] > 0
    return Log(features, position, engaged, column["wanted"], popularity, regression_em(features, position, engaged))


def test_propensities_by_regression_em(ordered: Log) -> None:
    engaged, fitted = ordered.engaged, ordered.fitted
    rates = rates_of(ordered.position + 1, np.ones(len(engaged)), engaged)
    title = f"regression EM, {len(engaged):,} impressions, {engaged.sum():,} engaged with"
    report(f"{title}, {len(fitted.log_likelihoods)} steps", rates, fitted.curve)
    assert fitted.converged
    assert np.abs(rates / TRUTH - 1).max() > 0.3, "the order must mislead, or there is nothing to correct"
    np.testing.assert_allclose(fitted.curve.examined, TRUTH, rtol=TOLERANCE)


def learn(features: Floats, labels: Floats, weights: Floats) -> Floats:
    """Predictions of a linear model under the ranker's own loss, as its like head."""
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    inputs = torch.from_numpy(np.column_stack([np.ones(len(scaled)), scaled])).float()
    targets = torch.zeros(len(scaled), len(HEADS))
    targets[:, 0] = torch.from_numpy(labels)
    coefficients = torch.zeros(inputs.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([coefficients], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = functional.pad((inputs @ coefficients)[:, None], (0, len(HEADS) - 1))
        value = head_losses(logits, targets, torch.from_numpy(weights).float())[0]
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return torch.sigmoid(inputs @ coefficients).detach().numpy().astype(np.float64)


def test_propensities_make_the_ranker_learn_what_people_want(ordered: Log) -> None:
    """Against the truth: the order of the predictions, and their level on unpopular to popular posts."""
    rows = slice(0, 200_000)
    features, wanted, engaged = ordered.features[rows], ordered.wanted[rows], ordered.engaged[rows].astype(np.float64)
    position = ordered.position[rows]
    weights = inverse_weights(ordered.fitted.curve.examined, np.bincount(position).astype(np.float64), 10.0)[position]
    fifth = np.digitize(ordered.popularity[rows], np.quantile(ordered.popularity[rows], [0.2, 0.4, 0.6, 0.8]))
    quality, level = {}, {}
    print("\nmodel learnt from    AUC of what is wanted   predicted / wanted, by fifths of popularity")
    learnt_from = {
        "the truth itself": learn(features, wanted, np.ones(len(wanted))),
        "labels as they are": learn(features, engaged, np.ones(len(wanted))),
        "labels weighed": learn(features, engaged, weights),
    }
    for name, predicted in learnt_from.items():
        quality[name] = auc(predicted, wanted) or 0.0
        sums = np.bincount(fifth, predicted) / predicted.sum(), np.bincount(fifth, wanted) / wanted.sum()
        level[name] = sums[0] / sums[1]
        print(f"{name:20} {quality[name]:.4f}                  {np.round(level[name], 3)}")
    assert np.abs(level["labels as they are"] - 1).max() > 0.1, "the order must mislead"
    assert np.abs(level["labels weighed"] - 1).max() < 0.05
    assert quality["the truth itself"] - quality["labels weighed"] < 0.001
    assert quality["labels weighed"] > quality["labels as they are"] + 0.001
