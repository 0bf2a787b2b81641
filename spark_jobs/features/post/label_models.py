"""gold.label_models: models of content labels, one row per label; fitted in one night and used until they are old.

A night refits all labels if the newest models are ``refit_days`` old, if the content model has changed, or if a label
that had too few verdicts now has enough. The models learn from verdicts given and received before the night.
"""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.landing import LABELS
from contracts.settings import Labels
from contracts.shape import NUM_BUCKETS
from models.content.label_model import LabelModel, Quality, fit_label, presence, version_of
from spark_jobs.features.post.label_evidence import (
    AUTHOR_COLUMNS,
    MILLION,
    clear_evidence,
    judged_posts,
    seen_verdicts,
    with_author_rates,
)
from spark_jobs.features.post.label_inputs import INPUTS, inputs_of
from spark_jobs.features.post.post_texts import written_posts
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.contents import newest_readings
from spark_jobs.rules.user_batches import feature_matrix

TABLE = "gold.label_models"
SCHEMA = pa.schema(
    [
        ("label", pa.string()),
        ("num_positives", pa.int32()),
        ("num_negatives", pa.int32()),
        ("auc", pa.float64()),
        ("calibration_error", pa.float64()),
        ("intercept", pa.float64()),
        ("coefficients", pa.list_(pa.float32())),
        ("words", pa.list_(pa.int32())),
        ("word_coefficients", pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True)
class LabelModels:
    """The models of all labels that a night fitted, on readings of one content model."""

    ds: date
    version: str
    content_version: str
    models: dict[str, LabelModel]


def transform(judged: DataFrame, labels: Labels, num_buckets: int) -> dict[str, tuple[LabelModel, Quality]]:
    """Fit every label on ``judged``: post_id, ``INPUTS``, ``AUTHOR_COLUMNS``, buckets, fold, ``evidence_<label>``."""
    table = judged.toArrow().sort_by("post_id").combine_chunks()
    if table.num_rows == 0:
        return {label: (LabelModel.unfitted(share), Quality(0, 0)) for label, share in labels.shares.items()}
    return {label: _fit(table.to_batches()[0], label, labels, num_buckets) for label in LABELS}


def _fit(batch: pa.RecordBatch, label: str, labels: Labels, num_buckets: int) -> tuple[LabelModel, Quality]:
    name = f"evidence_{label}"
    batch = batch.filter(batch.column(name).is_valid())
    evidence = batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64) / MILLION
    return fit_label(
        feature_matrix(batch.column(column) for column in (*INPUTS, AUTHOR_COLUMNS[label])),
        presence(batch.column("buckets"), num_buckets),
        evidence,
        batch.column("fold").to_numpy(),
        share=labels.shares[label],
        clear=clear_evidence(labels),
        fewest_posts=labels.fewest_posts,
        min_posts=labels.min_posts,
        shrinkage=labels.shrinkage,
    )


def judged_inputs(night: Night, content_version: str) -> DataFrame:
    """Inputs of ``transform`` for a sample of the judged posts, chosen by a hash of their ids; grain: post_id.

    Author rates are as of the midnight after a text was written, when it is first judged.
    """
    settings = night.settings
    verdicts, posts = seen_verdicts(night), written_posts(night)
    readings = newest_readings(readings_of(night, content_version))
    order = (F.xxhash64(F.lit(settings.seed), F.col("post_id")), F.col("post_id"))
    live = readings.join(posts.where(~F.col("is_deleted")).select("post_id"), "post_id", "left_semi")
    judged = judged_posts(verdicts, live.select("post_id", "text_at"))
    sample = judged.orderBy(*order).limit(settings.labels.sample_posts)
    inputs = inputs_of(
        posts, readings.join(sample.select("post_id", "text_at"), ["post_id", "text_at"], "left_semi"), settings.content
    )
    first_judged = F.date_add(F.to_date("text_at"), 1).cast("timestamp")
    rated = with_author_rates(
        inputs.withColumn("instant", first_judged), verdicts, night.read("silver.posts"), settings.labels
    )
    fold = F.pmod(F.xxhash64(F.lit(settings.seed), F.lit("fold"), F.col("post_id")), F.lit(settings.labels.folds))
    return rated.join(sample.drop("text_at"), "post_id", "inner").withColumn("fold", fold)


def readings_of(night: Night, content_version: str) -> DataFrame:
    """Readings by the night under one content model."""
    readings = night.read("gold.content_embeddings").where(F.col("ds") <= F.lit(night.ds))
    return readings.where(F.col("content_version") == content_version)


def newest_content_version(night: Night) -> str | None:
    """The content model of the newest reading by the night."""
    readings = night.read("gold.content_embeddings").where(F.col("ds") <= F.lit(night.ds))
    row = readings.agg(F.max(F.struct("ds", "content_version")).alias("newest")).first()
    return None if row is None or row.newest is None else str(row.newest.content_version)


def load_models(table: DataFrame, ds: date) -> LabelModels | None:
    """The newest models fitted by ``ds``; every night that fits writes a row for each label."""
    rows = table.where(F.col("ds") <= F.lit(ds)).orderBy(F.desc("ds"), "label").limit(len(LABELS)).collect()
    if not rows:
        return None
    models = {
        row.label: LabelModel(
            row.intercept,
            np.array(row.coefficients, np.float32),
            np.array(row.words, np.int32),
            np.array(row.word_coefficients, np.float32),
        )
        for row in rows
    }
    return LabelModels(rows[0].ds, rows[0].label_version, rows[0].content_version, models)


def rows_of(fitted: dict[str, tuple[LabelModel, Quality]]) -> pa.Table:
    """The models as rows of the table, without versions and ``ds``."""
    rows: list[dict[str, Any]] = [
        {
            "label": label,
            **asdict(quality),
            "intercept": model.intercept,
            "coefficients": model.coefficients,
            "words": model.words,
            "word_coefficients": model.word_coefficients,
        }
        for label, (model, quality) in fitted.items()
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def is_due(night: Night, current: LabelModels | None, content_version: str) -> bool:
    """Whether the current models are too old, of another content model, or lack a label with enough verdicts now."""
    labels = night.settings.labels
    if current is None or current.content_version != content_version:
        return True
    if (night.ds - current.ds).days >= labels.refit_days:
        return True
    waiting = [label for label, model in current.models.items() if not model.is_fitted]
    if not waiting:
        return False
    texts = readings_of(night, content_version).select("post_id", "text_at").distinct()
    judged = judged_posts(seen_verdicts(night), texts)
    counts = {
        f"{label}_{sign}": F.count_if(
            F.col(f"evidence_{label}") * F.lit(sign) > F.lit(clear_evidence(labels) * MILLION)
        )
        for label in waiting
        for sign in (1, -1)
    }
    row = judged.agg(*(count.alias(name) for name, count in counts.items())).first()
    assert row is not None
    return any(min(row[f"{label}_1"], row[f"{label}_-1"]) >= labels.fewest_posts for label in waiting)


def main(night: Night) -> None:
    """Fit models unless the current ones are still good; report labels without a model."""
    settings, content_version = night.settings, newest_content_version(night)
    if content_version is None or not is_due(night, load_models(night.read(TABLE), night.ds), content_version):
        return
    fitted = transform(judged_inputs(night, content_version), settings.labels, NUM_BUCKETS)
    for label, (model, quality) in fitted.items():
        if not model.is_fitted:
            print(
                f"{TABLE}: no model of {label}, every post has its share of {settings.labels.shares[label]:.1%}: "
                f"{quality.num_positives} posts are judged to be it and {quality.num_negatives} not to be it, "
                f"{settings.labels.fewest_posts} of each are needed"
            )
    version = version_of(content_version, {label: model for label, (model, _) in fitted.items()})
    rows = night.spark.createDataFrame(rows_of(fitted)).withColumns(
        {"label_version": F.lit(version), "content_version": F.lit(content_version), "ds": F.lit(night.ds)}
    )
    write_partition(night.lake, TABLE, rows, [night.ds])
