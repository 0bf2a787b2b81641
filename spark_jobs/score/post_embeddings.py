"""``gold.post_embeddings``: embedding and projection of every candidate post.

Grain: one post under the model that scores the night, as of the end of ``ds``. What the network computes per post
runs once here, so that scoring a pair touches only what depends on both sides; so does what its risks leave of its
quality. ``light_embedding`` and ``light_projection`` are those of the night's light model, null if it has none. A night
that the simple score ranks has no rows.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.features import names_of
from contracts.landing import LABELS
from contracts.settings import ValueWeights
from contracts.value import safety_of
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.night_model import NightModel, light_of, load_ranker, scorer_of
from spark_jobs.rules.policy import newest_risks, risks_in_window
from spark_jobs.rules.user_batches import feature_matrix, number_lists

TABLE = "gold.post_embeddings"
NOTABLE = 0.1
"""Share of its quality, the loss of which counts in the report."""
VECTORS = ("embedding", "projection", "light_embedding", "light_projection")
SCHEMA = ", ".join(["post_id BIGINT", *(f"{name} ARRAY<FLOAT>" for name in VECTORS)])


def transform(post_features: DataFrame, model: NightModel, light: NightModel | None = None) -> DataFrame:
    """Embed each row of ``post_features`` of one ``ds``; one row out per row in."""
    folders = model.folder, None if light is None else light.folder
    return (
        post_features.select("post_id", *names_of("post"))
        .mapInArrow(partial(embed, folders), SCHEMA)
        .withColumn("model_version", F.lit(model.version))
    )


def safeties(risks: DataFrame, weights: ValueWeights) -> DataFrame:
    """(post_id, safety) of the posts that ``risks``, rows of ``gold.content_risks``, judge."""
    return newest_risks(risks).select(
        "post_id", safety_of({label: F.col(label) for label in LABELS}, weights).cast("float").alias("safety")
    )


def report_risks(night: Night, embedded: DataFrame) -> None:
    """Report how many posts lose quality by their risks."""
    lowered = F.coalesce("safety", F.lit(1.0)) < 1.0 - NOTABLE
    totals = embedded.agg(
        F.count("*").alias("posts"), F.count_if(lowered).alias("lowered"), F.avg("safety").alias("mean")
    )
    row = totals.first()
    if row is not None and row.mean is not None:
        sentence = f"the risks of {row.lowered:,} of {row.posts:,} posts take more than {NOTABLE:.0%} of their quality"
        night.add_notes(TABLE, [f"{sentence}; on average {row.mean:.1%} are left."])


def embed(folders: tuple[str, str | None], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Run the post sides of the model and the light one over batches of ``post_id`` and the post features."""
    rankers = [None if folder is None else load_ranker(folder) for folder in folders]
    for batch in batches:
        if batch.num_rows == 0:
            continue
        features = feature_matrix(batch.column(name) for name in names_of("post"))
        columns: list[pa.Array] = []
        for ranker in rankers:
            if ranker is None:
                columns += [pa.nulls(batch.num_rows, pa.list_(pa.float32()))] * 2
            else:
                columns += map(number_lists, ranker.post_vectors(features))
        yield pa.record_batch([batch.column("post_id"), *columns], names=["post_id", *VECTORS])


def main(night: Night) -> None:
    """Build the night's partition."""
    model = scorer_of(night).model
    if model is None:
        empty = night.spark.createDataFrame([], read_schema(TABLE))
        write_partition(night.lake, TABLE, empty, [night.ds])
        return
    is_tonight = F.col("ds") == F.lit(night.ds)
    posts = night.read("gold.post_features").where(is_tonight)
    safety = safeties(risks_in_window(night, night.read("gold.content_risks")), night.settings.value)
    embedded = transform(posts, model, light_of(night)).join(safety, "post_id", "left")
    write_partition(night.lake, TABLE, embedded.withColumn("ds", F.lit(night.ds)), [night.ds])
    report_risks(night, night.read(TABLE).where(is_tonight))
