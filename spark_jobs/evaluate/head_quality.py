"""Quality of each head on the held-out examples: AUC, log loss, calibration.

The examples are counted by score in Spark, finely enough (a thousandth of a logit) that only the counts, whose
number does not grow with users, come to the driver.
"""

from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from analysis.ranking import auc_from_counts, calibration_bins, expected_calibration_error
from contracts.features import HEADS
from spark_jobs.evaluate.user_metrics import AUC_COLUMNS, BINARY_HEADS

BUCKETS_PER_UNIT = 1000.0
_NEAREST = 1e-7


def count_scores(scored: DataFrame) -> DataFrame:
    """(head, bucket, rows, predicted, observed, log_loss): sums per head and bucket of its score, dwell in seconds."""
    heads = []
    for head in HEADS:
        is_binary = head in BINARY_HEADS
        predicted = F.col(f"p_{head}" if is_binary else "dwell_s").cast("double")
        label = F.col(f"label_{head}").cast("double")
        observed = F.when(label > 0, 1.0).otherwise(0.0) if is_binary else F.expm1(label)
        heads.append(F.struct(F.lit(head).alias("head"), predicted.alias("predicted"), observed.alias("observed")))
    clipped = F.least(F.greatest("predicted", F.lit(_NEAREST)), F.lit(1 - _NEAREST))
    logit = F.log(clipped / (1 - clipped))
    score = F.when(F.col("head") == "dwell", F.log1p(F.greatest("predicted", F.lit(0.0)))).otherwise(logit)
    loss = F.when(F.col("observed") > 0, -F.log(clipped)).otherwise(-F.log(1 - clipped))
    return (
        scored.select(F.inline(F.array(*heads)))
        .groupBy("head", F.round(score * BUCKETS_PER_UNIT).cast("int").alias("bucket"))
        .agg(
            F.count("*").alias("rows"),
            F.sum("predicted").alias("predicted"),
            F.sum("observed").alias("observed"),
            F.sum(loss).alias("log_loss"),
        )
    )


def summarise_heads(counts: DataFrame, num_bins: int) -> dict[str, dict[str, Any]]:
    """AUC, log loss, calibration error and bins per head; null where a head has one class only."""
    table = counts.orderBy("head", "bucket").toArrow()
    heads = np.array(table["head"].to_pylist())
    columns = {name: table[name].to_numpy() for name in ("rows", "predicted", "observed", "log_loss")}
    summary: dict[str, dict[str, Any]] = {"auc": {}, "log_loss": {}, "ece": {}, "calibration": {}}
    for head in HEADS:
        of_head = {name: values[heads == head] for name, values in columns.items()}
        rows, observed = of_head["rows"], of_head["observed"]
        bins = calibration_bins(rows, of_head["predicted"], observed, num_bins)
        summary["calibration"][head] = [[*map(float, row[:2]), int(row[2])] for row in bins]
        if head in BINARY_HEADS:
            value = auc_from_counts(observed, rows - observed)
            summary["auc"][head] = None if np.isnan(value) else value
            summary["log_loss"][head] = float(of_head["log_loss"].sum() / max(rows.sum(), 1))
            summary["ece"][head] = expected_calibration_error(bins)
    return summary


def grouped_auc(per_user: DataFrame) -> dict[str, float | None]:
    """AUC within each user, weighted by examples, over users with both classes; null where there is none."""
    means = []
    for name in AUC_COLUMNS:
        value = F.col(f"`{name}`")
        weight = F.when(value.isNotNull(), F.col("num_examples"))
        means.append((F.sum(value * weight) / F.sum(weight)).alias(name.removeprefix("auc:")))
    row = per_user.agg(*means).first()
    return dict(row.asDict()) if row else {}
