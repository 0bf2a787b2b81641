"""Quality of each head on the held-out examples: AUC and log loss of the labels as logged, calibration.

Calibration is compared with labels at the average place, to which predictions are calibrated. Spark counts the examples
by score, rounded to a thousandth of a logit; only these counts, whose number does not grow with users, come to the
driver.
"""

from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.heads import BINARY_HEADS, HEADS
from contracts.metrics.auc import auc_of_counts
from contracts.metrics.calibration import BUCKETS_PER_UNIT, bins_of_buckets, calibration_quality
from contracts.metrics.log_loss import NEAREST
from contracts.metrics.position import mean_chance
from spark_jobs.evaluate.user_metrics import AUC_COLUMNS

COUNTED = ("rows", "predicted", "observed", "weighted", "inverse_weights", "log_loss")
FIGURES = ("auc", "log_loss", "calibration", "relative_error", "ece", "slope")


def count_scores(scored: DataFrame) -> DataFrame:
    """Sums per head and bucket of its score; dwell is in seconds.

    (head, bucket, rows, predicted, observed, weighted, inverse_weights, log_loss); ``weighted`` is observed * weight.
    """
    heads = []
    for head in HEADS:
        predicted = F.col(head.score_column).cast("double")
        label = F.col(head.label_column).cast("double")
        observed = F.when(label > 0, 1.0).otherwise(0.0) if head.is_binary else F.expm1(label)
        heads.append(F.struct(F.lit(head.name).alias("head"), predicted.alias("predicted"), observed.alias("observed")))
    clipped = F.least(F.greatest("predicted", F.lit(NEAREST)), F.lit(1 - NEAREST))
    logit = F.log(clipped / (1 - clipped))
    score = F.when(F.col("head").isin(*BINARY_HEADS), logit).otherwise(F.log1p(F.greatest("predicted", F.lit(0.0))))
    loss = F.when(F.col("observed") > 0, -F.log(clipped)).otherwise(-F.log(1 - clipped))
    return (
        scored.select(F.col("weight").cast("double").alias("weight"), F.inline(F.array(*heads)))
        .groupBy("head", F.round(score * BUCKETS_PER_UNIT).cast("int").alias("bucket"))
        .agg(
            F.count("*").alias("rows"),
            F.sum("predicted").alias("predicted"),
            F.sum("observed").alias("observed"),
            F.sum(F.col("observed") * F.col("weight")).alias("weighted"),
            F.sum(1 / F.col("weight")).alias("inverse_weights"),
            F.sum(loss).alias("log_loss"),
        )
    )


def summarise_heads(counts: DataFrame, num_bins: int) -> dict[str, dict[str, Any]]:
    """AUC, log loss, the bins of calibration and its figures per head; null where one is undefined."""
    table = counts.orderBy("head", "bucket").toArrow()
    heads = np.array(table["head"].to_pylist())
    columns = {name: table[name].to_numpy() for name in COUNTED}
    summary: dict[str, dict[str, Any]] = {name: {} for name in FIGURES}
    for head in HEADS:
        of_head = {name: values[heads == head.name] for name, values in columns.items()}
        rows, observed = of_head["rows"], of_head["observed"]
        at_average_place = of_head["weighted"] * mean_chance(int(rows.sum()), float(of_head["inverse_weights"].sum()))
        bins = bins_of_buckets(rows, of_head["predicted"], at_average_place, num_bins)
        summary["calibration"][head.name] = [
            [float(predicted), float(outcome), int(num_rows)]
            for predicted, outcome, num_rows in zip(bins.predicted, bins.observed, bins.num_rows, strict=True)
        ]
        for name, value in calibration_quality(bins).items():
            summary[name][head.name] = value
        if head.is_binary:
            summary["auc"][head.name] = auc_of_counts(observed, rows - observed)
            summary["log_loss"][head.name] = float(of_head["log_loss"].sum() / max(rows.sum(), 1))
    return summary


def grouped_auc_of_users(per_user: DataFrame) -> dict[str, float | None]:
    """The statistic of ``analysis.metrics.grouped_auc`` per binary head, from the users' AUCs; null where undefined."""
    means = []
    for name in AUC_COLUMNS:
        value = F.col(f"`{name}`")
        weight = F.when(value.isNotNull(), F.col("num_examples"))
        means.append((F.sum(value * weight) / F.sum(weight)).alias(name.removeprefix("auc:")))
    row = per_user.agg(*means).first()
    return dict(row.asDict()) if row else {}
