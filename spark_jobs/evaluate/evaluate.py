"""Ranking quality on the held-out days: writes ``<runs>/<ds>/metrics.json``.

The model's order by value is compared with newest first and most liked first, per user, with user-bootstrap
intervals. A user counts with at least two examples, one of them positive; the others are reported as left out.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from analysis.metrics.bootstrap import bootstrap
from analysis.metrics.relevance import METRICS, MIN_EXAMPLES
from analysis.metrics.segments import SegmentMeans, by_segment
from contracts.landing import CONTENT_TYPES
from contracts.settings import Evaluation
from spark_jobs.evaluate import user_metrics
from spark_jobs.evaluate.head_quality import count_scores, grouped_auc_of_users, summarise_heads
from spark_jobs.evaluate.tonight import value_tonight
from spark_jobs.evaluate.user_metrics import ALL, METRIC_COLUMNS, ORDERS
from spark_jobs.night.night import Night
from spark_jobs.rules import heldout_scores
from spark_jobs.rules.heldout_scores import heldout_days, read_examples, sample_users
from spark_jobs.rules.night_model import scorer_of

BASELINES = tuple(order for order in ORDERS if order != "ranker")
SEGMENT_METRIC = "ndcg@10"
USER_KINDS = ("new", "light", "heavy")

Interval = dict[str, float]


def sample_lists(per_user: DataFrame, num_users: int, rules: Evaluation) -> pa.Table:
    """All eligible lists of at most about ``max_users`` users chosen by hash, in a fixed order."""
    counts = (F.col("num_examples") >= MIN_EXAMPLES) & (F.col("num_positives") > 0)
    sample = sample_users(per_user.where(counts), num_users, rules.max_users)
    columns = (f"`{name}`" for name in METRIC_COLUMNS)
    return sample.select("user_id", "slice", "num_examples", *columns).orderBy("slice", "user_id").toArrow()


def compare(lists: pa.Table, metrics: tuple[str, ...], resamples: int, seed: int) -> dict[str, Any]:
    """Mean and 95 % interval of each metric per order, and of the paired differences from the baselines."""
    if lists.num_rows == 0:
        return {"metrics": {}, "differences": {}}
    columns: dict[tuple[str, str, str], Any] = {}
    for metric in metrics:
        values = {order: lists[f"{order}:{metric}"].to_numpy() for order in ORDERS}
        columns |= {("metrics", metric, order): values[order] for order in ORDERS}
        columns |= {("differences", metric, f"ranker-{b}"): values["ranker"] - values[b] for b in BASELINES}
    intervals = np.stack(bootstrap(np.stack(list(columns.values()), axis=1), resamples, seed), axis=1)
    report: dict[str, Any] = {kind: {metric: {} for metric in metrics} for kind in ("metrics", "differences")}
    for (kind, metric, name), (mean, low, high) in zip(columns, intervals.tolist(), strict=True):
        report[kind][metric][name] = {"mean": mean, "low": low, "high": high}
    return report


def segments(lists: pa.Table, rules: Evaluation, seed: int) -> dict[str, dict[str, Any]]:
    """NDCG@10 per kind of user and per content type; ``num_users`` is the number of lists of a segment."""
    slices, sizes = np.array(lists["slice"].to_pylist()), lists["num_examples"].to_numpy()
    kind_of = np.array(USER_KINDS)[np.digitize(sizes, [rules.light_examples, rules.heavy_examples])]
    values = np.stack([lists[f"{order}:{SEGMENT_METRIC}"].to_numpy() for order in ORDERS], axis=1)
    means = by_segment(values, np.where(slices == ALL, kind_of, slices), rules.resamples, seed)
    return {
        group: {kind: _segment(means[kind]) for kind in kinds if kind in means}
        for group, kinds in (("users", USER_KINDS), ("content_type", CONTENT_TYPES))
    }


def _segment(means: SegmentMeans) -> dict[str, Any]:
    intervals = np.stack([means.mean, means.low, means.high], axis=1).tolist()
    orders = {
        order: {"mean": mean, "low": low, "high": high}
        for order, (mean, low, high) in zip(ORDERS, intervals, strict=True)
    }
    return {"num_users": means.num_users, SEGMENT_METRIC: orders}


def evaluate(scored: DataFrame, rules: Evaluation, seed: int) -> dict[str, Any]:
    """All figures of ``metrics.json`` except the days; ``scored`` is the output of ``heldout_scores``."""
    per_user = user_metrics.transform(scored)
    everyone = per_user.where(F.col("slice") == ALL)
    is_counted = (F.col("num_examples") >= MIN_EXAMPLES) & (F.col("num_positives") > 0)
    totals = everyone.agg(
        F.count("*").alias("users"), F.count_if(is_counted).alias("counted"), F.sum("num_examples").alias("examples")
    ).first()
    assert totals is not None
    lists = sample_lists(per_user, totals.counted, rules)
    in_full = lists.filter(pa.compute.equal(lists["slice"], ALL))
    return {
        "num_examples": int(totals.examples or 0),
        "num_users": totals.counted,
        "num_users_left_out": totals.users - totals.counted,
        "num_users_sampled": in_full.num_rows,
        **compare(in_full, tuple(METRICS), rules.resamples, seed),
        "segments": segments(lists, rules, seed),
        "grouped_auc": grouped_auc_of_users(everyone),
        **summarise_heads(count_scores(scored), rules.calibration_bins),
    }


def write_report(night: Night, report: dict[str, Any]) -> None:
    """Write ``metrics.json`` in the night's folder."""
    night.files.metrics.write(report)


def main(night: Night) -> None:
    """Evaluate the model that scored the night, on the examples that the night trained on.

    If the simple score ranked the night, or no day is held out, the report has only the reason. Raises ``ValueError``
    if there are no examples.
    """
    scorer, dataset = scorer_of(night), night.settings.dataset
    if scorer.model is None or dataset.holdout_days == 0:
        reason = "holdout_days is 0: no day is held out" if scorer.model else scorer.reason
        write_report(night, {"model_version": None, "heldout_days": [], "metrics": {}, "reason": reason})
        return
    model = scorer.model
    examples = read_examples(night, model)
    days = heldout_days(examples, night.ds, dataset)
    if not days:
        raise ValueError(
            f"gold.training_examples has no examples of the {dataset.training_days} days before {night.ds} to "
            "evaluate it on"
        )
    config = heldout_scores.Config.of(night, model)
    # Persisted because every figure reads it; its rows stay grouped by user, as scoring returns them.
    scored = heldout_scores.transform(examples.where(F.col("ds").isin(days)), config).persist()
    try:
        figures = evaluate(scored, night.settings.evaluation, night.settings.seed)
        figures["tonight"] = value_tonight(night, scored, len(days))
    finally:
        scored.unpersist()
    report = {"model_version": model.version, "heldout_days": [day.isoformat() for day in days], **figures}
    write_report(night, report)
    for order, value in report["metrics"].get(SEGMENT_METRIC, {}).items():
        print(f"{SEGMENT_METRIC} {order}: {value['mean']:.4f} [{value['low']:.4f}, {value['high']:.4f}]")
    if tonight := report["tonight"]:
        interval = f"[{tonight['low']:.2%}, {tonight['high']:.2%}]"
        logged = f"{tonight['logged']:.2%} in the log"
        print(f"tonight's pools: {tonight['value']:.2%} {interval} engaged per impression; {logged}")
        for warning in tonight["warnings"]:
            print(f"  in doubt: {warning}")
