"""The known truth: how users react to posts that they are shown.

A user examines position p with probability p^-0.35. Having examined it, the user engages with probability
sigmoid(logit), hides and reports with the probabilities below, or moves on. ``docs/simulator.md`` states the formulas.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS
from spark_jobs.simulate.world import HOUR_MS, World

EXAMINATION_POWER = 0.35
ENGAGE_BIAS = -5.2
ENGAGE_WEIGHTS = {"match": 5.0, "tie": 4.0, "quality": 0.8, "popularity": 0.4}
COMMENT_SHARE = 0.154
SHARE_SHARE = 0.077
HIDE_BIAS = -3.65
REPORT_BIAS = -6.85
DEVICE_EFFECTS = {"phone": 0.1, "tablet": 0.0, "desktop": -0.3}
SLOT_EFFECTS = (-0.2, 0.0, 0.0, 0.2)
"""Effect of the time of day (night, morning, afternoon, evening) on the logit of an engagement."""

BAIT_CLICKS = 0.25
DRIFT_TOPICS = 3
"""After the drift a user's taste for a topic is the one for the topic this many places further on."""

MAX_DELAY_MS = 6 * HOUR_MS


def topic_match(world: World) -> Column:
    """How well a post's topics match the user's taste, in [0, 1]: the mean preference over its topics."""
    turn = F.when(F.col("shown_ms") < world.drift_ms, 0).otherwise(DRIFT_TOPICS)
    first, second = (
        F.get("tastes", F.pmod(F.col(topic) + turn, F.lit(len(TOPICS))).cast("int"))
        for topic in ("topic", "second_topic")
    )
    return (first + F.coalesce(second, first)) / 2


def context() -> Column:
    """Effect of device and time of day on the logit of an engagement."""
    devices = F.create_map(*(F.lit(part) for item in DEVICE_EFFECTS.items() for part in item))
    slots = F.array(*(F.lit(effect) for effect in SLOT_EFFECTS))
    return devices[F.col("device")] + F.get(slots, F.pmod("slot", F.lit(len(SLOT_EFFECTS))).cast("int"))


def flag(name: str) -> Column:
    """1.0 where the flag is set, else 0.0."""
    return F.col(name).cast("double")


def sigmoid(logit: Column) -> Column:
    """Logistic function."""
    return 1.0 / (1.0 + F.exp(-logit))


def judge(world: World, seen: DataFrame, tastes: DataFrame) -> DataFrame:
    """``match`` and probabilities of users' reactions to posts if they examine them, at any position. Grain as given.

    ``seen`` has ``shown_ms`` and ``context``, and the truth of the post and the tie.
    """
    logit = F.lit(ENGAGE_BIAS)
    for name, weight in ENGAGE_WEIGHTS.items():
        logit = logit + weight * F.col(name)
    logit = logit + F.col("context") - flag("is_clickbait")
    aversion = 2.0 * F.col("match") + 1.5 * F.col("tie")
    matched = seen.join(tastes, "user", "inner").withColumn("match", topic_match(world)).drop("tastes")
    return matched.withColumns(
        {
            "p_engage": sigmoid(logit),
            "p_hide": sigmoid(
                HIDE_BIAS - aversion - 0.8 * F.col("quality") + 0.8 * flag("is_clickbait") + flag("is_nsfw")
            ),
            "p_report": sigmoid(
                REPORT_BIAS
                - 0.5 * aversion
                - 1.5 * F.col("quality")
                + 1.5 * flag("is_nsfw")
                + flag("is_misinformation")
            ),
        }
    )


def examination(position: Column) -> Column:
    """Probability that a user examines a position."""
    return F.pow(position.cast("double"), -EXAMINATION_POWER)


def react(world: World, shown: DataFrame, tastes: DataFrame) -> DataFrame:
    """Impressions with their truth and what happened, see ``judge`` and ``act``. Grain: user and post."""
    return act(world, judge(world, shown.withColumn("context", context()), tastes))


def act(world: World, judged: DataFrame) -> DataFrame:
    """What happened, drawn by the probabilities of ``judge``. Grain: user and post.

    ``reaction`` is like, comment, share or null; ``delay_ms`` is the time from the impression to it; ``dwell_ms`` is
    null where the position was not examined.
    """
    pair = ("user", "post_id")
    drawn = judged.withColumn("p_examine", examination(F.col("position"))).withColumns(
        {
            "is_examined": world.uniform("react/examine", *pair) < F.col("p_examine"),
            "is_hidden": world.uniform("react/hide", *pair) < F.col("p_hide"),
            "is_reported": world.uniform("react/report", *pair) < F.col("p_report"),
            "wants": world.uniform("react/engage", *pair) < F.col("p_engage"),
            "likes_click": world.uniform("react/click", *pair)
            < 0.05 + 0.6 * F.col("p_engage") + BAIT_CLICKS * flag("is_clickbait"),
        }
    )
    examined = F.col("is_examined")
    return drawn.withColumns(
        {
            "is_hidden": examined & F.col("is_hidden"),
            "is_reported": examined & F.col("is_reported"),
            "is_clicked": examined & F.col("likes_click"),
            "reaction": F.when(examined & F.col("wants") & ~F.col("is_hidden"), _kind(world)),
            "delay_ms": lognormal(world, pair, "react/delay", 25_000.0, 1.3),
            "dwell_ms": F.when(examined, _dwell_ms(world)),
        }
    ).drop("wants", "likes_click")


def _kind(world: World) -> Column:
    """Like, comment or share, about 10 : 2 : 1; closer ties comment more, better posts are shared more."""
    draw = world.uniform("react/kind", "user", "post_id")
    comment = COMMENT_SHARE * (0.6 + 1.2 * F.col("tie"))
    passed_on = SHARE_SHARE * F.exp(0.4 * F.col("quality") - 0.2) * (1.0 + 0.5 * flag("is_misinformation"))
    return F.when(draw < comment, "comment").when(draw < comment + passed_on, "share").otherwise("like")


def _dwell_ms(world: World) -> Column:
    content = F.when(F.col("content_type") == "video", 0.6).when(F.col("content_type") == "photo", -0.1).otherwise(0.0)
    centre = 3000.0 * F.exp(F.col("match") + 0.5 * F.col("tie") + content - 0.7 * flag("is_clickbait"))
    return lognormal(world, ("user", "post_id"), "react/dwell", centre, 0.7, 600_000)


def lognormal(  # noqa: PLR0917 - the distribution, in the order of its name
    world: World, keys: tuple[str, ...], stream: str, median: Column | float, spread: float, most: int = MAX_DELAY_MS
) -> Column:
    """Lognormal milliseconds, at least a second."""
    draw = median * F.exp(spread * world.normal(stream, *keys))
    return F.least(F.greatest(draw.cast("long"), F.lit(1000)), F.lit(most))
