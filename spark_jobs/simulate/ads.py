"""Campaigns, their ads, and who is shown which ad.

A campaign promotes posts of a page to users by declared interest, country or age. At each place for an ad a few ads
are drawn; of those that are running and target the user the one with the greatest bid times quality is shown, at most
``frequency_cap`` times a day. Campaign 0 is the platform's own: its ads target everybody, have no cap, and fill places
without another ad. So a place stays empty only if author and user block each other.
An ad is drawn by its seat. Campaigns that begin after the history take the seats of earlier ones, so that every ad is
still drawn equally often.
"""

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from spark_jobs.simulate.exposure import without_blocked
from spark_jobs.simulate.network import page_owner, page_topic
from spark_jobs.simulate.posts import page_post_id
from spark_jobs.simulate.profile import COUNTRIES, birth_year, chosen_interests, country
from spark_jobs.simulate.reaction import context, examination, lognormal, sigmoid, topic_match
from spark_jobs.simulate.sessions import ADS_EVERY, FIRST_AD_AFTER, SLOTS_PER_DAY, shown_ms
from spark_jobs.simulate.world import DAY_MS, HOUR_MS, World

ADS_PER_CAMPAIGN = 3
DRAWS = 4
BEGUN_SHARE, UNENDING_SHARE = 0.7, 0.8
NARROW_SHARE = 0.5
"""Share of ads by interest that also target a country."""

SESSION = ("user", "slot", "started_ms", "device", "connection")

CLICK_BIAS, HIDE_BIAS, LIKE_SHARE = -4.0, -3.9, 0.15
EVEN_SHARE = 0.8
OWN_BUDGET = 1e6
OWN_BID, LEAST_BID, MEDIAN_BID = 0.01, 0.05, 0.4


def campaigns(spark: SparkSession, world: World) -> DataFrame:
    """Grain: campaign. ``starts_ms``, ``ends_ms`` (null: open), ``page``, ``budget``, ``daily_budget``, ``pacing``.

    Number n of round t is t * ``world.campaigns`` + n. A round after the history has only the campaigns that begin in
    it, at least an hour after its start, because they are announced.
    """
    campaign = F.col("campaign")
    turn, is_own = F.floor(campaign / world.campaigns), campaign == 0
    round_ms = world.round_days * DAY_MS
    opens = world.start_ms + turn * round_ms
    has_begun = is_own | (world.uniform("campaign/begun", campaign) < BEGUN_SHARE)
    within = (world.uniform("campaign/starts", campaign) * world.round_days * DAY_MS).cast("long")
    later = F.when(turn == 0, within).otherwise(F.greatest(within, F.lit(HOUR_MS)))
    starts = opens + F.when(has_begun, F.lit(0).cast("long")).otherwise(later)
    left_ms = opens + round_ms - starts
    stays = world.uniform("campaign/stays", campaign) < UNENDING_SHARE
    lasts = left_ms * world.uniform("campaign/lasts", campaign) + F.when(stays, left_ms + 7 * DAY_MS).otherwise(HOUR_MS)
    num_days = 5 + 20 * world.uniform("campaign/days", campaign)
    daily = F.round(0.5 + 4.5 * world.uniform("campaign/daily", campaign), 2)
    numbered = spark.range(world.campaigns * world.rounds).select(
        F.col("id").alias("campaign"), world.index(world.pages, "campaign/page", "id").alias("page")
    )
    is_there = (turn == 0) | (~has_begun & (F.pmod(campaign, F.lit(world.campaigns)) > 0))
    return numbered.where(is_there).withColumns(
        {
            "starts_ms": starts,
            "ends_ms": F.when(~is_own, (starts + lasts).cast("long")),
            "daily_budget": F.when(~is_own, daily),
            "budget": F.when(is_own, OWN_BUDGET).otherwise(F.round(daily * num_days, 2)),
            "pacing": F.when(world.uniform("campaign/pacing", campaign) < EVEN_SHARE, "even").otherwise("asap"),
            "advertiser": page_owner(world, F.col("page")),
        }
    )


def ads(world: World, running: DataFrame) -> DataFrame:
    """Ads of ``running`` (``campaigns``). Grain: ad. Null targets are open; ``appeal`` is latent, standard normal."""
    ad, campaign = F.col("ad"), F.col("campaign")
    numbers = F.explode(F.sequence(F.lit(0), F.lit(ADS_PER_CAMPAIGN - 1)))
    listed = running.select(campaign, "page", "starts_ms", "ends_ms", numbers.alias("number"))
    by_interest, by_country, by_age = (F.col("number") == number for number in range(ADS_PER_CAMPAIGN))
    is_own = campaign == 0
    names = F.array(*(F.lit(name) for name in COUNTRIES))
    named = F.get(names, world.index(len(COUNTRIES), "ad/country", ad).cast("int"))
    narrow = by_country | (by_interest & (world.uniform("ad/narrow", ad) < NARROW_SHARE))
    youngest = (18 + world.index(30, "ad/age", ad)).cast("int")
    return listed.withColumn("ad", campaign * ADS_PER_CAMPAIGN + F.col("number")).withColumns(
        {
            "seat": F.pmod("ad", F.lit(world.campaigns * ADS_PER_CAMPAIGN)),
            "post_id": page_post_id(F.col("page"), F.lit(-2) + F.pmod("number", F.lit(2)), 0),
            "target_topic": F.when(by_interest & ~is_own, page_topic(F.col("page"))),
            "target_country": F.when(narrow & ~is_own, named),
            "min_age": F.when(by_age & ~is_own, youngest),
            "max_age": F.when(by_age & ~is_own, youngest + 20),
            "cap": F.when(~is_own, 1 + world.index(3, "ad/cap", ad)).cast("int"),
            "appeal": world.normal("ad/appeal", ad),
            "bid": F.when(is_own, OWN_BID).otherwise(
                F.round(F.greatest(MEDIAN_BID * F.exp(0.5 * world.normal("ad/bid", ad)), F.lit(LEAST_BID)), 2)
            ),
        }
    ).withColumn("ad_quality", F.round(sigmoid(F.col("appeal")), 3)).drop("page")  # fmt: skip


def chosen_ads(world: World, visited: DataFrame, listed: DataFrame, tastes: DataFrame) -> DataFrame:
    """The ad at every place of ``visited`` (``sessions``): the columns of the session, ``place``, ``position``, ``ad``.

    Grain: user, slot and place (from 0).
    """
    user, place = F.col("user"), F.col("place")
    known = visited.join(tastes, "user", "inner").withColumn("interests", chosen_interests(world, user))
    places = _places(known).select(*SESSION, "interests", "place")
    drawn = places.withColumn("draw", F.explode(F.sequence(F.lit(1), F.lit(DRAWS))))
    seat = world.index(world.campaigns * ADS_PER_CAMPAIGN, "ad/drawn", user, "slot", place, "draw")
    placed = drawn.withColumn("seat", seat).join(
        listed.drop("post_id", "campaign", "number", "appeal"), "seat", "inner"
    )
    offer = F.when(_may_see(world), F.struct(F.col("bid") * F.col("ad_quality"), "ad", "cap"))
    best = placed.groupBy(*SESSION, "place").agg(F.max(offer).alias("won"))
    won = best.select(*SESSION, "place", "won.ad", "won.cap")
    day = F.floor(F.col("slot") / SLOTS_PER_DAY)
    nth = F.row_number().over(Window.partitionBy("user", day, "ad").orderBy("slot", "place"))
    own = world.index(ADS_PER_CAMPAIGN, "ad/own", user, "slot", place)
    is_over = F.col("ad").isNull() | (F.col("nth") > F.col("cap"))
    shown = F.when(is_over, own).otherwise(F.col("ad")).alias("ad")
    return won.withColumn("nth", nth).select(*SESSION, "place", _position(), shown)


def next_ads(visited: DataFrame, ranked: DataFrame) -> DataFrame:
    """The ads that a night ranked, in their order, at the places of the day's sessions; grain as ``chosen_ads``.

    ``ranked`` is (user, place, ad). A place stays empty once a user's ads are used up, so each is shown once.
    """
    of_user = Window.partitionBy("user")
    nth = F.row_number().over(of_user.orderBy("slot", "place"))
    queued = ranked.select("user", "ad", F.row_number().over(of_user.orderBy("place")).alias("nth"))
    places = _places(visited).withColumn("nth", nth)
    return places.join(queued, ["user", "nth"], "inner").select(*SESSION, "place", _position(), "ad")


def _places(visited: DataFrame) -> DataFrame:
    """Sessions once for each of their places for ads, numbered from 0."""
    numbers = F.explode(F.sequence(F.lit(0), F.col("num_ads") - 1))
    return visited.where(F.col("num_ads") > 0).withColumn("place", numbers)


def _position() -> Column:
    """The position of a place in its session."""
    return (FIRST_AD_AFTER + 1 + (ADS_EVERY + 1) * F.col("place")).alias("position")


def _may_see(world: World) -> Column:
    """Whether the drawn ad is running and targets the user."""
    user, at = F.col("user"), F.col("started_ms")
    age = F.year(F.timestamp_millis(at)) - birth_year(world, user)
    topic = F.col("target_topic")
    conditions = [
        F.col("starts_ms") <= at,
        F.coalesce(F.col("ends_ms"), F.lit(world.end_ms * 2)) > at + HOUR_MS,
        topic.isNull() | F.array_contains("interests", F.coalesce(topic, F.lit(-1)).cast("int")),
        F.col("target_country").isNull() | (F.col("target_country") == country(world, user)),
        F.col("min_age").isNull() | age.between(F.col("min_age"), F.col("max_age")),
    ]
    holds = F.lit(col=True)
    for condition in conditions:
        holds &= condition
    return holds


def shown_ads(world: World, chosen: DataFrame, listed: DataFrame, written: DataFrame) -> DataFrame:
    """``chosen`` with columns of the ad and its post, and when it came into view. Grain as ``chosen``."""
    posts = written.select("post_id", "author", "created_ms", "topic", "second_topic", "content_type", "quality")
    about = listed.select("ad", "post_id", "appeal").join(posts, "post_id", "inner")
    seen = chosen.join(about, "ad", "inner").where(F.col("author") != F.col("user"))
    allowed = without_blocked(chosen.sparkSession, world, seen)
    return allowed.withColumn("shown_ms", shown_ms(world, "user", "slot", "place"))


def react_to_ads(world: World, shown: DataFrame, tastes: DataFrame) -> DataFrame:
    """Ad impressions with their truth and what happened. Grain: user, slot and place.

    The chance of a click depends on the match of post and user, the ad's appeal, and the context. ``reaction`` is like
    or null; other columns as ``react`` gives them.
    """
    key = ("user", "slot", "place")
    matched = shown.join(tastes, "user", "inner").withColumns({"match": topic_match(world), "context": context()})
    judged = matched.drop("tastes").withColumns(
        {
            "p_examine": examination(F.col("position")),
            "p_click": sigmoid(CLICK_BIAS + 2.5 * F.col("match") + 0.8 * F.col("appeal") + F.col("context")),
            "p_hide": sigmoid(HIDE_BIAS - 2.0 * F.col("match") - 0.8 * F.col("appeal")),
        }
    )
    examined = world.uniform("ad/examine", *key) < F.col("p_examine")
    clicked = examined & (world.uniform("ad/click", *key) < F.col("p_click"))
    centre = 2000.0 * F.exp(F.col("match"))
    return judged.withColumns(
        {
            "is_examined": examined,
            "is_clicked": clicked,
            "is_hidden": examined & ~clicked & (world.uniform("ad/hide", *key) < F.col("p_hide")),
            "is_reported": F.lit(col=False),
            "reaction": F.when(clicked & (world.uniform("ad/like", *key) < LIKE_SHARE), "like"),
            "delay_ms": lognormal(world, key, "ad/delay", 25_000.0, 1.3),
            "dwell_ms": F.when(examined, lognormal(world, key, "ad/dwell", centre, 0.7, 600_000)),
        }
    )
