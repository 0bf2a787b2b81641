"""Users, their latent traits, and the edges between them.

Traits are functions of a user's number, so that they are available everywhere without a join.
"""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.features import TOPICS
from spark_jobs.simulate.popularity import fame, somebody_popular
from spark_jobs.simulate.world import (
    DAY_MS,
    HOUR_MS,
    USERS_PER_COMMUNITY,
    USERS_PER_GROUP,
    USERS_PER_PAGE,
    World,
)

HISTORY_DAYS = 90
PARETO_SCALE, PARETO_EXPONENT = 6.0, 2.2
INSIDE_SHARE = 0.80
POPULAR_SHARE = 0.15
RECENT_SHARE = 0.02
ENDING_SHARE = 0.005
FAMILY_SHARE = 0.2
"""Share of family among friends with a tie of 1; for others it is proportional to the tie."""
BLOCKER_SHARE = 0.012
PAST_BLOCK_SHARE = 0.5
FAVOURITE_FOLLOW_SHARE = 0.7
NEARBY_GROUP_SHARE = 0.75
MAX_REQUESTS = 300
"""Most friend requests that one user sends; a user with more friends received the other requests."""


def community(world: World, user: Column) -> Column:
    """The community a user lives in: 100 neighbours by number."""
    return F.least(F.floor(user / USERS_PER_COMMUNITY), F.lit(world.communities - 1))


def favourite_topic(world: World, user: Column, which: int | Column) -> Column:
    """One of a user's four favourite topics: 0 and 1 are the community's, 2 and 3 personal; a topic's number."""
    which = F.lit(which) if isinstance(which, int) else which
    home = community(world, user)
    first = world.index(len(TOPICS), "community/topic", home)
    second = F.pmod(first + 1 + world.index(len(TOPICS) - 1, "community/second", home), F.lit(len(TOPICS)))
    personal = world.index(len(TOPICS), "user/topic", user, which)
    return F.when(which == 0, first).when(which == 1, second).otherwise(personal)


def preference(world: World, user: Column, topic: Column) -> Column:
    """Latent taste of a user for a topic, in [0, 1]: half from the community, half personal, and noise."""
    communal = (favourite_topic(world, user, 0) == topic) | (favourite_topic(world, user, 1) == topic)
    personal = (favourite_topic(world, user, 2) == topic) | (favourite_topic(world, user, 3) == topic)
    noise = 0.25 * world.uniform("user/taste", user, topic)
    return F.least(F.lit(1.0), 0.5 * communal.cast("double") + 0.5 * personal.cast("double") + noise)


def tastes(spark: SparkSession, world: World) -> DataFrame:
    """Each user's preference for each topic, as an array in the order of ``TOPICS``. Grain: user."""
    preferences = [preference(world, F.col("user"), F.lit(topic)) for topic in range(len(TOPICS))]
    return (
        spark.range(world.users).select(F.col("id").alias("user")).select("user", F.array(*preferences).alias("tastes"))
    )


def signed_up_ms(world: World, user: Column) -> Column:
    """When a user joined: from three days to five years before the first day, recent ones more often."""
    age_days = 3.0 + 1800.0 * F.pow(world.uniform("user/age", user), 2.0)
    return (F.lit(world.start_ms) - age_days * DAY_MS).cast("long")


def past_ms(world: World, stream: str, *users: Column) -> Column:
    """A moment in the history before the first day at which all ``users`` had joined."""
    joined = F.greatest(F.lit(world.start_ms - HISTORY_DAYS * DAY_MS), *(signed_up_ms(world, user) for user in users))
    return (joined + (world.start_ms - HOUR_MS - joined) * world.uniform(stream, *users)).cast("long")


def within_ms(world: World, stream: str, *keys: Column) -> Column:
    """A moment in the first round, all days of the history, not in its last hour."""
    return (world.start_ms + world.uniform(stream, *keys) * (world.round_days * DAY_MS - HOUR_MS)).cast("long")


def requests(world: World, user: Column) -> Column:
    """Friend requests a user sent: Pareto, so that degrees are heavy-tailed with mean about 20."""
    return F.least(
        F.floor(PARETO_SCALE * F.pow(1.0 - fame(world, user), -1 / PARETO_EXPONENT)), F.lit(MAX_REQUESTS)
    ).cast("int")


def request_target(world: World, user: Column, number: Column) -> Column:
    """The target of a user's request: four times of five in the community, else mostly a popular user."""
    first = community(world, user) * USERS_PER_COMMUNITY
    size = F.when(community(world, user) == world.communities - 1, world.users - first).otherwise(USERS_PER_COMMUNITY)
    inside = first + world.index(size, "request/inside", user, number)
    anyone = world.index(world.users, "request/anyone", user, number)
    popular = somebody_popular(world, "request/popular", user, number)
    where = world.uniform("request/where", user, number)
    return F.when(where < INSIDE_SHARE, inside).when(where < INSIDE_SHARE + POPULAR_SHARE, popular).otherwise(anyone)


def tie(world: World, user: Column, other: Column) -> Column:
    """Latent strength of a friendship in [0, 1), the same from both ends; most are weak."""
    return F.pow(world.uniform("tie", F.least(user, other), F.greatest(user, other)), 2.0)


def friendships(spark: SparkSession, world: World) -> DataFrame:
    """Friendships: ``user`` < ``friend``, ``since_ms``, ``until_ms`` (null while it holds). Grain: pair."""
    user, number = F.col("id"), F.col("number")
    drawn = spark.range(world.users).select(
        user, F.explode(F.sequence(F.lit(1), requests(world, user))).alias("number")
    )
    target = request_target(world, user, number)
    pairs = drawn.select(F.least(user, target).alias("user"), F.greatest(user, target).alias("friend"))
    pair = (F.col("user"), F.col("friend"))
    is_recent = world.uniform("friendship/recent", *pair) < RECENT_SHARE
    since = F.when(is_recent, within_ms(world, "friendship/new", *pair)).otherwise(
        past_ms(world, "friendship/since", *pair)
    )
    ends = ~is_recent & (world.uniform("friendship/ends", *pair) < ENDING_SHARE)
    return (
        pairs.where(pair[0] != pair[1])
        .distinct()
        .select(
            *pair, since.alias("since_ms"), F.when(ends, within_ms(world, "friendship/until", *pair)).alias("until_ms")
        )
    )


def relation(world: World, user: Column, friend: Column) -> Column:
    """The ``relation`` of a friendship in its event: more often family with a strong tie; null if it is not given."""
    is_family = world.uniform("friendship/family", user, friend) < FAMILY_SHARE * tie(world, user, friend)
    return F.when(is_family, "family")


def both_ways(pairs: DataFrame) -> DataFrame:
    """Friendships seen from each end. Grain: user and friend."""
    turned = pairs.select(F.col("friend").alias("user"), F.col("user").alias("friend"), "since_ms", "until_ms")
    return pairs.unionByName(turned)


def blocks(spark: SparkSession, world: World) -> DataFrame:
    """Blocks: about 1 % of users block one to three others, the first of them usually a friend. Grain: pair."""
    user, number = F.col("user"), F.col("number")
    blockers = spark.range(world.users).where(world.uniform("block/blocks", "id") < BLOCKER_SHARE)
    drawn = blockers.select(
        F.col("id").alias("user"),
        F.explode(F.sequence(F.lit(1), 1 + world.index(3, "block/count", "id"))).alias("number"),
    )
    stranger = world.index(world.users, "block/whom", user, number)
    pairs = drawn.select(
        user, F.when(number == 1, request_target(world, user, number)).otherwise(stranger).alias("blocked")
    )
    pair = (F.col("user"), F.col("blocked"))
    before = world.uniform("block/before", *pair) < PAST_BLOCK_SHARE
    since = F.when(before, past_ms(world, "block/past", *pair)).otherwise(within_ms(world, "block/since", *pair))
    return pairs.where(pair[0] != pair[1]).distinct().select(*pair, since.alias("since_ms"))


def page_owner(world: World, page: Column) -> Column:
    """The user who writes as a page."""
    return F.pmod(page * USERS_PER_PAGE + 7, F.lit(world.users))


def page_topic(page: Column) -> Column:
    """A page's topic; pages of one topic are numbered from the most popular to the least."""
    return F.pmod(page, F.lit(len(TOPICS)))


def topic_name(number: Column) -> Column:
    """The name of a topic, by its number."""
    return F.get(F.array(*(F.lit(name) for name in TOPICS)), number.cast("int"))


def page_follows(spark: SparkSession, world: World) -> DataFrame:
    """Who follows which page, mostly pages of favourite topics, popular ones more often. Grain: user and page."""
    user, number = F.col("user"), F.col("number")
    draws = 4 + world.index(10, "follow/count", "id")
    drawn = spark.range(world.users).select(
        F.col("id").alias("user"), F.explode(F.sequence(F.lit(1), draws)).alias("number")
    )
    favourite = favourite_topic(world, user, F.pmod(number, F.lit(4)))
    anything = world.index(len(TOPICS), "follow/any", user, number)
    topic = F.when(world.uniform("follow/favourite", user, number) < FAVOURITE_FOLLOW_SHARE, favourite).otherwise(
        anything
    )
    per_topic = -(-world.pages // len(TOPICS))
    rank = world.index(per_topic, "follow/rank", user, number, power=1.5)
    page = F.pmod(rank * len(TOPICS) + topic, F.lit(world.pages))
    return drawn.select(user, page.alias("page")).distinct()


def memberships_of(world: World, user: Column) -> Column:
    """Groups a user asked to join: one to three."""
    return 1 + world.index(3, "group/count", user)


def group_of(world: World, user: Column, number: Column) -> Column:
    """The group of a user's ``number``-th membership (from 0): usually one of the neighbourhood."""
    nearby = F.floor(user / USERS_PER_GROUP) + world.index(3, "group/near", user, number)
    anywhere = world.index(world.groups, "group/any", user, number)
    is_near = world.uniform("group/where", user, number) < NEARBY_GROUP_SHARE
    return F.pmod(F.when(is_near, nearby).otherwise(anywhere), F.lit(world.groups))


def group_owner(group: Column) -> Column:
    """The user who founded a group."""
    return group * USERS_PER_GROUP


def memberships(spark: SparkSession, world: World) -> DataFrame:
    """Who is in which group, its founder among them. Grain: user and group."""
    user, number = F.col("user"), F.col("number")
    drawn = spark.range(world.users).select(
        F.col("id").alias("user"),
        F.explode(F.sequence(F.lit(0).cast("long"), memberships_of(world, F.col("id")) - 1)).alias("number"),
    )
    joined = drawn.select(user, group_of(world, user, number).alias("group"))
    founders = spark.range(world.groups).select(group_owner(F.col("id")).alias("user"), F.col("id").alias("group"))
    return joined.unionByName(founders).distinct()
