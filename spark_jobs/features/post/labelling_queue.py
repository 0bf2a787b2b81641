"""gold.labelling_queue: the next posts to label, for each label, in order.

Most are posts whose label is uncertain and that reach many people. Every ``random_every``-th is drawn at random, so
that posts get labels too where a model is sure, rightly or wrongly.
"""

from collections.abc import Sequence
from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.landing import LABELS
from contracts.settings import Labels
from contracts.visibility import is_shared
from spark_jobs.features.post.label_evidence import seen_verdicts
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition

TABLE = "gold.labelling_queue"


def transform(posts: DataFrame, risks: DataFrame, verdicts: DataFrame, labels: Labels, salt: str) -> DataFrame:
    """The queue of ``posts`` (post_id, log_views), judged by ``risks`` (post_id and a column per label).

    Grain: label, rank. Posts with ``enough_verdicts`` on a label are not in its queue. ``salt`` makes each night's
    random posts different.
    """
    named = F.explode(
        F.array(*(F.struct(F.lit(label).alias("label"), F.col(label).alias("probability")) for label in LABELS))
    )
    known = verdicts.groupBy("post_id", "label").count().where(F.col("count") >= labels.enough_verdicts)
    open_posts = posts.join(risks, "post_id", "inner").select("post_id", "log_views", named.alias("_of"))
    open_posts = open_posts.select("post_id", "log_views", "_of.*").join(known, ["post_id", "label"], "left_anti")
    num_random = labels.queue_posts // labels.random_every
    lot = F.xxhash64(F.lit(salt), F.col("label"), F.col("post_id"))
    drawn = _first(open_posts, (lot, F.col("post_id")), num_random, "random")
    # Random posts may be among the most uncertain too, so a full queue of uncertain ones is kept.
    unsure = _first(open_posts, (F.desc(worth()), F.col("post_id")), labels.queue_posts, "uncertain")
    return _in_turn(drawn.unionByName(unsure), labels)


def worth() -> Column:
    """Value of a verdict, from uncertainty and reach: p · (1 - p) · ln(2 + views)."""
    probability = F.col("probability").cast("double")
    return probability * (F.lit(1.0) - probability) * F.log(F.expm1(F.col("log_views").cast("double")) + F.lit(2.0))


def _first(posts: DataFrame, order: Sequence[Column], count: int, reason: str) -> DataFrame:
    """The first ``count`` of each label, with their ``place`` from 1."""
    ranked = posts.withColumn("place", F.row_number().over(Window.partitionBy("label").orderBy(*order)))
    kept = ranked.where(F.col("place") <= count).withColumn("reason", F.lit(reason))
    return kept.select("label", "post_id", "probability", "place", "reason")


def _in_turn(chosen: DataFrame, labels: Labels) -> DataFrame:
    """Every ``random_every``-th place has a random post, the other places the most uncertain remaining posts."""
    by_post = Window.partitionBy("label", "post_id").orderBy("reason")
    once = chosen.withColumn("_copy", F.row_number().over(by_post)).where(F.col("_copy") == 1)
    by_reason = Window.partitionBy("label", "reason").orderBy("place")
    nth, gap = F.row_number().over(by_reason), labels.random_every - 1
    turn = F.when(F.col("reason") == "random", nth * F.lit(labels.random_every)).otherwise(
        nth + F.floor((nth - 1) / F.lit(gap)).cast("int")
    )
    placed = once.withColumn("_turn", turn)
    rank = F.row_number().over(Window.partitionBy("label").orderBy("_turn"))
    ranked = placed.withColumn("rank", rank).where(F.col("rank") <= labels.queue_posts)
    return ranked.select("label", "rank", "post_id", "probability", "reason")


def main(night: Night) -> None:
    """Build the night's partition from posts of the candidate window that others than their author may see."""
    tonight, oldest = (
        F.col("ds") == F.lit(night.ds),
        night.as_of - timedelta(hours=night.settings.dataset.candidate_hours),
    )
    ranked = night.read("gold.post_features").where(tonight).select("post_id", "log_views")
    shown = night.read("silver.posts").where(~F.col("is_deleted") & is_shared(F.col("privacy"))).select("post_id")
    newest = F.max_by(F.struct(*LABELS), F.struct("text_at", "ds")).alias("newest")
    # A text is not judged before the night of the day on which it was written.
    risks = night.read("gold.content_risks").where(F.col("ds").between(F.lit(oldest.date()), F.lit(night.ds)))
    risks = risks.join(ranked.select("post_id"), "post_id", "left_semi").groupBy("post_id").agg(newest)
    queue = transform(
        ranked.join(shown, "post_id", "left_semi"),
        risks.select("post_id", "newest.*"),
        seen_verdicts(night),
        night.settings.labels,
        f"{night.settings.seed} {night.ds}",
    )
    write_partition(night.lake, TABLE, queue.withColumn("ds", F.lit(night.ds)), [night.ds])
