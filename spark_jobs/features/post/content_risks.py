"""gold.content_risks: probability that a post is clickbait, NSFW or misinformation, for every text that a night read.

A night judges the texts that were read since the last night; the first night of new label models judges all.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.landing import LABELS
from contracts.shape import NUM_BUCKETS
from models.content.label_model import LabelModel, presence
from spark_jobs.features.post.label_evidence import AUTHOR_COLUMNS, seen_verdicts, with_author_rates
from spark_jobs.features.post.label_inputs import INPUTS, inputs_of
from spark_jobs.features.post.label_models import LabelModels, load_models, readings_of
from spark_jobs.features.post.post_texts import written_posts
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.contents import newest_readings
from spark_jobs.rules.user_batches import feature_matrix

TABLE = "gold.content_risks"
SCHEMA = "post_id BIGINT, text_at TIMESTAMP, " + ", ".join(f"{label} FLOAT" for label in LABELS)


def transform(points: DataFrame, current: LabelModels, num_buckets: int) -> DataFrame:
    """Judge every row of ``points``: post_id, text_at, ``INPUTS``, ``AUTHOR_COLUMNS`` and buckets."""
    shared = points.sparkSession.sparkContext.broadcast(current.models)
    columns = ("post_id", "text_at", "buckets", *INPUTS, *AUTHOR_COLUMNS.values())
    judged = points.select(*columns).mapInArrow(partial(judge, shared, num_buckets), SCHEMA)
    return judged.withColumn("label_version", F.lit(current.version))


def judge(
    shared: Broadcast[dict[str, LabelModel]], num_buckets: int, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """The probability of each label for each row."""
    for batch in batches:
        if batch.num_rows == 0:
            continue
        present = presence(batch.column("buckets"), num_buckets)
        risks = []
        for label in LABELS:
            inputs = feature_matrix(batch.column(name) for name in (*INPUTS, AUTHOR_COLUMNS[label]))
            risks.append(pa.array(shared.value[label].probabilities(inputs, present), pa.float32()))
        named = ["post_id", "text_at"]
        yield pa.record_batch([*(batch.column(name) for name in named), *risks], names=[*named, *LABELS])


def main(night: Night) -> None:
    """Build the night's partition; it is empty before any text was read."""
    settings, current = night.settings, load_models(night.read("gold.label_models"), night.ds)
    if current is None:
        return
    readings = readings_of(night, current.content_version)
    earlier = (F.col("ds") < F.lit(night.ds)) & (F.col("label_version") == current.version)
    last = night.read(TABLE).where(earlier).agg(F.max("ds").alias("ds")).first()
    if last is not None and last.ds is not None:
        readings = readings.where(F.col("ds") > F.lit(last.ds))
    inputs = inputs_of(written_posts(night), newest_readings(readings), settings.content)
    points = inputs.withColumn("instant", F.lit(night.as_of))
    rated = with_author_rates(points, seen_verdicts(night), night.read("silver.posts"), settings.labels)
    risks = transform(rated, current, NUM_BUCKETS).withColumn("ds", F.lit(night.ds))
    write_partition(night.lake, TABLE, risks, [night.ds])
