"""Posts: who writes what, when and for whom, with later edits and deletions."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.features import TOPICS
from spark_jobs.simulate.network import favourite_topic, group_of, memberships_of, page_owner, page_topic, topic_name
from spark_jobs.simulate.popularity import fame
from spark_jobs.simulate.texts import meant_sentiment, written_language
from spark_jobs.simulate.world import (
    DAY_MS,
    FIRST_GROUP_ID,
    FIRST_PAGE_ID,
    FIRST_POST_ID,
    FIRST_USER_ID,
    HOUR_MS,
    WARM_UP_DAYS,
    World,
    choose,
)

CONTENT_MIX = {"photo": 0.45, "status": 0.25, "video": 0.20, "link": 0.10}
PRIVACY_MIX = {"friends": 0.70, "public": 0.15, "friends_except": 0.08, "custom": 0.05, "only_me": 0.02}
GROUP_SHARE = 0.10
ADMITTED_SHARE = 0.40
EXCLUDED_SHARE = 0.10
FAVOURITE_SHARE = 0.80
PAGE_TOPIC_SHARE = 0.85
TWO_TOPICS_SHARE = 0.40
MORE_PAGE_POSTS = 2.8
"""A page writes one post a day and the whole part of a uniform draw below this more: 1.9 on average, 3 at most."""

DELETED_SHARE = 0.02
UPDATED_SHARE = 0.01
PRIVACY_CHANGE_SHARE = 0.6
CLOSING_SHARE = 0.7
SPAMMER_SHARE, SPAMMER_HABIT, SPAM_QUALITY = 0.01, 0.95, -2.0
BAITERS_SHARE, BAITER_SHARE, BAIT_SHARE = 0.04, 0.6, 0.03
NSFW_SHARE, FALSE_SHARE, DISPUTED_SHARE = 0.01, 0.01, 0.05
DISPUTED_TOPICS = ("politics", "health")


def page_post_id(page: Column, day: Column, number: Column | int) -> Column:
    """Id of a page's post of a day; a page writes number 0 every day, numbers 1 and 2 on some."""
    return FIRST_POST_ID + (day + WARM_UP_DAYS) * 2**36 + 2**35 + page * 4 + number


def posts(spark: SparkSession, world: World) -> DataFrame:
    """All posts without their text. Grain: ``post_id``.

    ``author`` is a user's number; ``topic`` and ``second_topic`` (nullable) are topic numbers; ``quality`` is standard
    normal except for spam; ``is_clickbait``, ``is_nsfw`` and ``is_misinformation`` are the truth; ``language`` and
    ``sentiment`` ([-1, 1]) are those of the text; ``updated_ms``, ``new_privacy`` and ``deleted_ms`` are null if that
    never happens.
    """
    written = _user_posts(spark, world).unionByName(_page_posts(spark, world))
    key = F.col("post_id")
    day_part = 6.0 + 17.0 * (world.uniform("post/hour", key) + world.uniform("post/minute", key)) / 2
    created = (world.start_ms + F.col("day") * DAY_MS + day_part * HOUR_MS).cast("long")
    other = F.pmod(F.col("topic") + 1 + world.index(len(TOPICS) - 1, "post/other", key), F.lit(len(TOPICS)))
    changes_privacy = (F.col("source_type") == "friend") & (world.uniform("post/update", key) < PRIVACY_CHANGE_SHARE)
    changed = F.when(world.uniform("post/private", key) < CLOSING_SHARE, "only_me").otherwise("public")
    updated = world.uniform("post/updated", key) < UPDATED_SHARE
    is_older_page_post = (F.col("source_type") == "page") & (F.col("day") < 0)  # campaigns promote some of these
    deleted = (world.uniform("post/deleted", key) < DELETED_SHARE) & ~is_older_page_post
    bait_share = F.when(F.col("author_baits"), BAITER_SHARE).otherwise(BAIT_SHARE)
    is_disputed = topic_name(F.col("topic")).isin(*DISPUTED_TOPICS)
    return written.withColumns(
        {
            "created_ms": created,
            "content_type": choose(world.uniform("post/content", key), CONTENT_MIX),
            "second_topic": F.when(world.uniform("post/topics", key) < TWO_TOPICS_SHARE, other),
            "quality": 0.6 * F.col("author_quality") + 0.8 * world.normal("post/quality", key),
            "is_clickbait": world.uniform("post/clickbait", key) < bait_share,
            "is_nsfw": world.uniform("post/nsfw", key) < NSFW_SHARE,
            "is_misinformation": world.uniform("post/misinformation", key)
            < F.when(is_disputed, DISPUTED_SHARE).otherwise(FALSE_SHARE),
            "language": written_language(world, F.col("author")),
            "sentiment": meant_sentiment(world),
        }
    ).withColumns(
        {
            "updated_ms": F.when(updated, F.col("created_ms") + _delay(world, "post/update_at", 1, 20)),
            "new_privacy": F.when(updated & changes_privacy, changed),
            "deleted_ms": F.when(deleted, F.col("created_ms") + _delay(world, "post/delete_at", 1, 48)),
        }
    )


def _delay(world: World, stream: str, least_h: float, most_h: float) -> Column:
    hours = least_h + (most_h - least_h) * world.uniform(stream, "post_id")
    return (hours * HOUR_MS).cast("long")


def _days(world: World) -> Column:
    first, last = F.lit(-WARM_UP_DAYS).cast("long"), F.lit(world.days - 1).cast("long")
    return F.explode(F.sequence(first, last))


def _user_posts(spark: SparkSession, world: World) -> DataFrame:
    author, day, key = F.col("author"), F.col("day"), F.col("post_id")
    daily = spark.range(world.users).select(F.col("id").alias("author"), _days(world).alias("day"))
    spams = world.uniform("user/spams", author) < SPAMMER_SHARE
    habit = F.when(spams, SPAMMER_HABIT).otherwise(0.4 * world.uniform("user/writes", author))
    favourite = favourite_topic(world, author, world.index(4, "post/favourite", key))
    anything = world.index(len(TOPICS), "post/anything", key)
    in_group = world.uniform("post/group", key) < GROUP_SHARE
    group = group_of(world, author, world.index(memberships_of(world, author), "post/which_group", key))
    privacy = choose(world.uniform("post/privacy", key), PRIVACY_MIX)
    return (
        daily.where(world.uniform("post/written", author, day) < habit)
        .select(author, day, (FIRST_POST_ID + (day + WARM_UP_DAYS) * 2**36 + author * 4).alias("post_id"))
        .withColumns(
            {
                "source_type": F.when(in_group, "group").otherwise("friend"),
                "source_id": F.when(in_group, group + FIRST_GROUP_ID).otherwise(author + FIRST_USER_ID),
                "privacy": F.when(in_group, "public").otherwise(privacy),
                "topic": F.when(world.uniform("post/taste", key) < FAVOURITE_SHARE, favourite).otherwise(anything),
                "popularity": fame(world, author),
                "author_quality": F.when(spams, SPAM_QUALITY).otherwise(world.normal("user/quality", author)),
                "author_baits": spams | (world.uniform("user/baits", author) < BAITERS_SHARE),
            }
        )
    )


def _page_posts(spark: SparkSession, world: World) -> DataFrame:
    page, day, key = F.col("page"), F.col("day"), F.col("post_id")
    daily = spark.range(world.pages).select(F.col("id").alias("page"), _days(world).alias("day"))
    count = (1 + F.floor(MORE_PAGE_POSTS * world.uniform("page/writes", page, day))).cast("int")
    numbered = daily.select(page, day, F.explode(F.sequence(F.lit(0), count - 1)).alias("number"))
    anything = world.index(len(TOPICS), "post/anything", key)
    return (
        numbered.select(page, day, page_post_id(page, day, F.col("number")).alias("post_id"))
        .withColumns(
            {
                "author": page_owner(world, page),
                "source_type": F.lit("page"),
                "source_id": page + FIRST_PAGE_ID,
                "privacy": F.lit("public"),
                "topic": F.when(world.uniform("post/taste", key) < PAGE_TOPIC_SHARE, page_topic(page)).otherwise(
                    anything
                ),
                "popularity": 1.0 - page / world.pages,
                "author_quality": world.normal("page/quality", page),
                "author_baits": world.uniform("page/baits", page) < BAITERS_SHARE,
            }
        )
        .drop("page")
    )


def admits(world: World, viewer: Column) -> Column:
    """Whether a friend's post is for ``viewer``, by the privacy it was written with."""
    privacy = F.col("privacy")
    draw = world.uniform("audience", "post_id", viewer)
    return (
        privacy.isin("friends", "public")
        | ((privacy == "friends_except") & (draw >= EXCLUDED_SHARE))
        | ((privacy == "custom") & (draw < ADMITTED_SHARE))
    )


def audiences(world: World, written: DataFrame, friends: DataFrame) -> DataFrame:
    """Ids named by ``friends_except`` and ``custom`` posts: random friends of the author. Grain: ``post_id``."""
    draw = world.uniform("audience", "post_id", "friend")
    named = draw < F.when(F.col("privacy") == "custom", ADMITTED_SHARE).otherwise(EXCLUDED_SHARE)
    narrow = written.where((F.col("source_type") == "friend") & F.col("privacy").isin("friends_except", "custom"))
    pairs = narrow.select("post_id", "privacy", F.col("author").alias("user")).join(friends, "user", "inner")
    ids = F.sort_array(F.collect_list(F.col("friend") + FIRST_USER_ID))
    return pairs.where(named).groupBy("post_id").agg(ids.alias("audience"))


def hashtags() -> Column:
    """A post's one or two topic names."""
    return F.transform(F.array_compact(F.array(F.col("topic"), F.col("second_topic"))), topic_name)
