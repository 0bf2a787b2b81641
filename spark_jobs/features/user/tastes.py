"""Sums over the content and the authors of posts that users engage with, for the vectors among the user features.

Here an engagement is one that counts for interests: a like, a comment or a share.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from analysis.groups import group_starts
from contracts.features import CREATOR_SKETCH, features_of
from contracts.settings import Smoothing
from contracts.shape import EMBEDDING_SIZE
from spark_jobs.features.interactions import event_interval, with_posts
from spark_jobs.night.feature_columns import default_column
from spark_jobs.rules.contents import join_contents
from spark_jobs.rules.counters import POSITIVE, is_kind
from spark_jobs.rules.creator_sketch import sketch_of
from spark_jobs.rules.rates import smoothed_mean
from spark_jobs.rules.user_batches import float_matrix, number_lists, whole_users

PARTS_PER_UNIT = 1_000_000
"""Embeddings are summed as whole millionths: a sum of floats depends on the order of its rows."""

NAMES = ["user_id", "ds", "num_engaged", "num_read", "embedded_micros", "sketched"]
TYPES = ["BIGINT", "DATE", "BIGINT", "BIGINT", "ARRAY<BIGINT>", "ARRAY<BIGINT>"]
SCHEMA = ", ".join(f"{name} {kind}" for name, kind in zip(NAMES, TYPES, strict=True))


def count_tastes(
    log: DataFrame, versions: DataFrame, contents: DataFrame, days: Sequence[date], activity_days: int
) -> DataFrame:
    """Engagements of every user in the window of each day, summed over the posts' readings and their authors.

    Grain: user_id, ds. ``log`` is that of ``spark_jobs.features.interactions``, ``contents`` gold.content_embeddings. A
    post counts with its text at the time of the engagement.
    """
    acts = with_posts(log.where(F.col("user_id").isNotNull() & is_kind(*POSITIVE)), versions)
    points = acts.select(
        "user_id",
        "post_id",
        "text_at",
        sketch_of(F.col("author_id")).alias("sketch"),
        *event_interval(activity_days),
    )
    read = join_contents(points, contents, {"embedding": F.col("embedding")})
    by_user = read.drop("post_id", "text_at").repartition("user_id").sortWithinPartitions("user_id")
    return by_user.mapInArrow(partial(sum_tastes, tuple(days)), SCHEMA)


def sum_tastes(days: Sequence[date], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Sums of each user's engagements for each day that sees them; a batch has whole users."""
    size = EMBEDDING_SIZE
    for batch in whole_users(batches):
        users = batch.column("user_id").to_numpy()
        starts = group_starts(users)
        is_read = batch.column("embedding").is_valid()
        counted = np.zeros((batch.num_rows, 2 + size + CREATOR_SKETCH), dtype=np.int64)
        counted[:, 0], counted[:, 1] = 1, is_read.to_numpy(zero_copy_only=False)
        known = float_matrix(batch.column("embedding").filter(is_read)).reshape(-1, size).astype(np.float64)
        counted[counted[:, 1] > 0, 2 : 2 + size] = np.rint(known * PARTS_PER_UNIT)
        counted[:, 2 + size :] = float_matrix(batch.column("sketch"))
        for day in days:
            since, until = (batch.column(name) for name in ("from_day", "until_day"))
            sees = pc.and_(pc.less_equal(since, pa.scalar(day)), pc.greater(until, pa.scalar(day)))
            sums = np.add.reduceat(counted * sees.to_numpy(zero_copy_only=False)[:, None], starts, axis=0)
            some = sums[:, 0] > 0
            sums = sums[some]
            columns = [
                pa.array(users[starts][some]),
                pa.array([day] * len(sums), pa.date32()),
                pa.array(sums[:, 0]),
                pa.array(sums[:, 1]),
                number_lists(sums[:, 2 : 2 + size]),
                number_lists(sums[:, 2 + size :]),
            ]
            yield pa.record_batch(columns, names=NAMES)


def taste_columns(smoothing: Smoothing) -> dict[str, Column]:
    """The vectors from ``count_tastes``: means and shares, shrunk towards 0 with ``profile_strength``."""

    def mean_of(name: str, totals: str, trials: str, unit: int) -> Column:
        [default] = (default_column(feature) for feature in features_of("user") if feature.name == name)
        strength = smoothing.profile_strength
        means = F.transform(totals, lambda total: smoothed_mean(total / F.lit(unit), F.col(trials), 0.0, strength))
        return F.coalesce(means.cast("array<float>"), default)

    return {
        "topic_preference": mean_of("topic_preference", "embedded_micros", "num_read", PARTS_PER_UNIT),
        "creator_affinity": mean_of("creator_affinity", "sketched", "num_engaged", 1),
    }
