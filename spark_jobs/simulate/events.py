"""The events of the landing contract: one function per part of the network, each returning frames of lines."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.landing import FEED_PREFERENCES, PROFILE_VISIT
from spark_jobs.simulate import network, popularity, profile, turnover
from spark_jobs.simulate.attachments import image_quality, location, media, media_count, mentions, tags
from spark_jobs.simulate.lines import as_lines, identified, lateness, moment
from spark_jobs.simulate.posts import audiences, hashtags
from spark_jobs.simulate.texts import text
from spark_jobs.simulate.world import (
    DAY_MS,
    FIRST_GROUP_ID,
    FIRST_PAGE_ID,
    FIRST_USER_ID,
    HOUR_MS,
    World,
    choose,
)

GIVEN = ("Ada", "Bram", "Cleo", "Dov", "Esme", "Finn", "Gia", "Hugo", "Iris", "Joss", "Kit", "Luz", "Milo", "Nell")
FAMILY = (
    "Quill",
    "Marble",
    "Thicket",
    "Pebble",
    "Lantern",
    "Drizzle",
    "Cobalt",
    "Saffron",
    "Willow",
    "Gable",
    "Fathom",
)
PROFILE_SHARE = 0.15
VERIFIED_SHARE = 0.06
ASKS_SHARE = 0.05


def _user_id(name: str) -> Column:
    return F.col(name) + FIRST_USER_ID


def _one_of(world: World, words: tuple[str, ...], stream: str) -> Column:
    return F.get(F.array(*(F.lit(word) for word in words)), world.index(len(words), f"name/{stream}", "id").cast("int"))


def people(spark: SparkSession, world: World) -> list[DataFrame]:
    """Users, pages and groups."""
    user = F.col("id")
    signup = network.signed_up_ms(world, user)
    known = network.tastes(spark, world).withColumnRenamed("user", "id")
    given, family = (_one_of(world, words, stream) for words, stream in ((GIVEN, "given"), (FAMILY, "family")))
    top = profile.chosen_interests(world, user)
    country = profile.country(world, user)
    locales = F.create_map(*(F.lit(word) for pair in profile.LOCALES.items() for word in pair))
    asked = F.array(
        *(F.when(world.uniform(f"user/asks/{word}", user) < ASKS_SHARE, F.lit(word)) for word in FEED_PREFERENCES)
    )
    users = as_lines(
        world,
        identified(known, "user", ("id",), F.greatest(signup, F.lit(world.start_ms - network.HISTORY_DAYS * DAY_MS))),
        "user_upserted",
        {
            "user_id": _user_id("id"),
            "name": F.concat_ws(" ", given, family, user),
            "signup_at": moment(signup),
            "gender": choose(world.uniform("user/gender", user), {"female": 0.48, "male": 0.48, "other": 0.04}),
            "birth_year": profile.birth_year(world, user),
            "country": country,
            "is_verified": world.uniform("user/verified", user) < VERIFIED_SHARE * popularity.fame(world, user),
            "interests": F.transform(top, network.topic_name),
            "locale": locales[country],
            "feed_preferences": F.array_compact(asked),
        },
    )
    owner = network.page_owner(world, user)
    pages = as_lines(
        world,
        identified(spark.range(world.pages), "page", ("id",), network.signed_up_ms(world, owner) + HOUR_MS),
        "page_upserted",
        {
            "page_id": user + FIRST_PAGE_ID,
            "owner_id": owner + FIRST_USER_ID,
            "name": F.concat_ws(" ", F.lit("All about"), network.topic_name(network.page_topic(user)), user),
        },
    )
    founder = network.group_owner(user)
    groups = as_lines(
        world,
        identified(spark.range(world.groups), "group", ("id",), network.signed_up_ms(world, founder) + HOUR_MS),
        "group_upserted",
        {
            "group_id": user + FIRST_GROUP_ID,
            "owner_id": founder + FIRST_USER_ID,
            "name": F.concat_ws(" ", F.lit("Circle"), user),
        },
    )
    return [users, pages, groups]


def edges(spark: SparkSession, world: World, pairs: DataFrame) -> list[DataFrame]:
    """Friendships made and ended, pages followed, groups joined, users blocked."""
    follows, members = network.page_follows(spark, world), network.memberships(spark, world)
    made = identified(pairs, "friend", ("user", "friend"), F.col("since_ms"))
    ended = identified(pairs.where(F.col("until_ms").isNotNull()), "unfriend", ("user", "friend"), F.col("until_ms"))
    followed_ms = network.past_ms(world, "follow/since", F.col("user"))
    followed = identified(follows, "follow", ("user", "page"), followed_ms)
    joined = identified(members, "join", ("user", "group"), network.past_ms(world, "group/since", F.col("user")))
    blocked = identified(turnover.blocks(spark, world), "block", ("user", "blocked"), F.col("since_ms"))
    both = {"user_id": _user_id("user"), "friend_id": _user_id("friend")}
    page, group = F.col("page") + FIRST_PAGE_ID, F.col("group") + FIRST_GROUP_ID
    related = {**both, "relation": network.relation(world, F.col("user"), F.col("friend"))}
    return [
        as_lines(world, made, "friendship_created", related),
        as_lines(world, ended, "friendship_removed", both),
        as_lines(world, followed, "page_followed", {"user_id": _user_id("user"), "page_id": page}),
        as_lines(world, joined, "group_joined", {"user_id": _user_id("user"), "group_id": group}),
        as_lines(world, blocked, "user_blocked", {"user_id": _user_id("user"), "blocked_id": _user_id("blocked")}),
    ]


def post_life(world: World, written: DataFrame, friends: DataFrame) -> list[DataFrame]:
    """Posts created, updated and deleted."""
    full = written.join(audiences(world, written, friends), "post_id", "left")
    fields = {
        "post_id": F.col("post_id"),
        "author_id": _user_id("author"),
        "source_type": F.col("source_type"),
        "source_id": F.col("source_id"),
        "content_type": F.col("content_type"),
        "text": text(world, hashtags()),
        "privacy": F.col("privacy"),
        "created_at": moment(F.col("created_ms")),
        "audience": F.col("audience"),
        "hashtags": hashtags(),
        "mentions": mentions(world),
        "media_count": media_count(world),
        "media": media(world),
        "image_quality": image_quality(world),
        "tags": tags(world),
        "location": location(world),
    }
    edited = fields | {
        "text": F.concat(text(world, hashtags()), F.lit(" (edited)")),
        "privacy": F.coalesce("new_privacy", "privacy"),
        "audience": F.when(F.col("new_privacy").isNull(), F.col("audience")),
    }
    created = identified(full, "post", ("post_id",), F.col("created_ms"))
    updated = identified(full.where(F.col("updated_ms").isNotNull()), "edit", ("post_id",), F.col("updated_ms"))
    deleted = identified(written.where(F.col("deleted_ms").isNotNull()), "delete", ("post_id",), F.col("deleted_ms"))
    return [
        as_lines(world, created, "post_created", fields),
        as_lines(world, updated, "post_updated", edited),
        as_lines(world, deleted, "post_deleted", {"post_id": F.col("post_id")}),
    ]


def activity(world: World, reacted: DataFrame) -> list[DataFrame]:
    """Impressions and the engagements they led to."""
    request = F.concat_ws("-", F.lit("r"), "user", "slot")
    impressions = as_lines(
        world,
        identified(reacted, "imp", ("user", "post_id"), F.col("shown_ms")),
        "impression",
        {
            "user_id": _user_id("user"),
            "post_id": F.col("post_id"),
            "request_id": request,
            "position": F.col("position"),
            "session_id": F.concat_ws("-", F.lit("s"), "user", "slot"),
            "device": F.col("device"),
            "connection": F.col("connection"),
            "city": profile.city(world, F.col("user"), F.col("slot")),
            "surface": F.lit("feed"),
            "propensity": F.col("propensity"),
            "epoch": F.col("epoch"),
        },
        lateness(world),
    )
    act_id = F.concat_ws("-", "kind", "user", "post_id")
    engagements = engagement_lines(world, reacted, F.concat_ws("-", F.lit("imp"), "user", "post_id"), act_id)
    return [impressions, engagements]


def engagement_lines(
    world: World, reacted: DataFrame, impression_id: Column, act_id: Column, ad_id: Column | None = None
) -> DataFrame:
    """Events of the viewers of ``reacted``; ``act_id`` uses its columns and ``kind``."""
    acts = F.array(
        _act(F.col("reaction").isNotNull(), F.col("reaction"), F.col("delay_ms")),
        _act(F.col("is_clicked"), F.lit("click"), F.lit(2000)),
        _act(F.col("dwell_ms").isNotNull(), F.lit("dwell"), F.col("dwell_ms"), F.col("dwell_ms")),
        _act(F.col("is_hidden"), F.lit("hide"), F.lit(5000)),
        _act(F.col("is_reported"), F.lit("report"), F.lit(8000)),
    )
    named = reacted.withColumns({"impression_id": impression_id, "ad_id": F.lit(None) if ad_id is None else ad_id})
    kept = [column for column in named.columns if column != "dwell_ms"]
    visits = world.uniform("react/profile", "user", "post_id") < PROFILE_SHARE
    done = named.withColumn("act", F.explode(F.array_compact(acts))).select(*kept, "act.*")
    fields = {
        "user_id": _user_id("user"),
        "post_id": F.col("post_id"),
        "engagement_type": F.col("kind"),
        "impression_id": F.col("impression_id"),
        "dwell_ms": F.col("dwell_ms"),
        "detail": F.when((F.col("kind") == "click") & visits, PROFILE_VISIT),
    }
    return as_lines(
        world,
        done.withColumns({"event_id": act_id, "event_ms": F.col("shown_ms") + F.col("after_ms")}),
        "engagement",
        fields if ad_id is None else fields | {"ad_id": F.col("ad_id")},
        lateness(world),
    )


def _act(happens: Column, kind: Column, after_ms: Column, dwell_ms: Column | None = None) -> Column:
    act = F.struct(
        kind.alias("kind"),
        after_ms.cast("long").alias("after_ms"),
        (F.lit(None) if dwell_ms is None else dwell_ms).cast("long").alias("dwell_ms"),
    )
    return F.when(happens, act)
