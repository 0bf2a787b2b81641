"""Verdicts of people and fact checkers on some posts, right with a known probability."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.landing import LABELS
from spark_jobs.simulate.lines import as_lines, identified
from spark_jobs.simulate.world import HOUR_MS, World

LABELLED_SHARE = 0.04
SUSPECT_LABELLED_SHARE = 0.40
"""Share of posts with a label that are reviewed: more than of others, as with reported posts."""

HUMANS, FACT_CHECKERS = 40, 6
HUMANS_PER_POST = 2
HUMAN_ACCURACY, FACT_CHECKER_ACCURACY = 0.90, 0.97


def verdicts(world: World, written: DataFrame) -> DataFrame:
    """Labels of the sampled posts. Grain: post_id, number (of the labeller, 0 the fact checker), label.

    Two people judge every label of a post; a fact checker judges misinformation only. ``value`` is the verdict,
    ``truth`` the truth.
    """
    key, number = F.col("post_id"), F.col("number")
    is_suspect = F.col("is_clickbait") | F.col("is_nsfw") | F.col("is_misinformation")
    share = F.when(is_suspect, SUSPECT_LABELLED_SHARE).otherwise(LABELLED_SHARE)
    sampled = written.where((F.col("day") >= 0) & (world.uniform("label/sampled", key) < share))
    labels = F.array(*(F.struct(F.lit(name).alias("label"), F.col(f"is_{name}").alias("truth")) for name in LABELS))
    questions = sampled.select(
        key, "created_ms", F.explode(F.sequence(F.lit(0), F.lit(HUMANS_PER_POST))).alias("number"), labels.alias("all")
    ).select(key, "created_ms", number, F.posexplode("all").alias("kind", "judged"))
    checks = number == 0
    judged = questions.select(key, "created_ms", number, "kind", "judged.*").where(
        ~checks | (F.col("label") == "misinformation")
    )
    first_human = world.index(HUMANS, "label/human", key)
    human = F.concat_ws("-", F.lit("human"), F.pmod(first_human + number * 7, F.lit(HUMANS)))
    checker = F.concat_ws("-", F.lit("checker"), world.index(FACT_CHECKERS, "label/checker", key))
    accuracy = F.when(checks, FACT_CHECKER_ACCURACY).otherwise(HUMAN_ACCURACY)
    is_right = world.uniform("label/right", key, number, "kind") < accuracy
    return judged.select(
        key,
        number,
        "label",
        "truth",
        F.when(checks, checker).otherwise(human).alias("labeller_id"),
        F.when(checks, "fact_checker").otherwise("human").alias("labeller_type"),
        (F.col("truth") == is_right).alias("value"),
        _confidence(world, is_right).alias("confidence"),
        (F.col("created_ms") + HOUR_MS * (1 + 23 * world.uniform("label/at", key, number))).cast("long").alias("at_ms"),
    )


def _confidence(world: World, is_right: Column) -> Column:
    """Confidence between one half and one; lower if the labeller is wrong."""
    draw = world.uniform("label/confidence", "post_id", "number", "kind")
    return F.round(0.5 + F.when(is_right, 0.5).otherwise(0.3) * draw, 2)


def label_lines(world: World, of_labellers: DataFrame) -> DataFrame:
    """The events of ``verdicts``."""
    names = ("post_id", "labeller_id", "labeller_type", "label", "value", "confidence")
    return as_lines(
        world,
        identified(of_labellers, "label", ("post_id", "number", "label"), F.col("at_ms")),
        "content_labelled",
        {name: F.col(name) for name in names},
    )
