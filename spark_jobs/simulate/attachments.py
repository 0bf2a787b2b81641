"""Attachments of a post: media, people tagged or mentioned, the city that it names."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_jobs.simulate.profile import city
from spark_jobs.simulate.reaction import sigmoid
from spark_jobs.simulate.world import FIRST_USER_ID, USERS_PER_COMMUNITY, World

TAGGED_SHARE = 0.10
MENTION_SHARE = 0.10
LOCATED_SHARE = 0.15
MEASURED_SHARE = 0.95


def media_count(world: World) -> Column:
    """Photos carry one to four media, videos one, the others none."""
    photos = (1 + world.index(4, "media", "post_id", power=2.0)).cast("int")
    return F.when(F.col("content_type") == "photo", photos).when(F.col("content_type") == "video", 1).otherwise(0)


def media(world: World) -> Column:
    """Ids of the attachments."""
    numbers = F.filter(F.sequence(F.lit(1), F.lit(4)), lambda number: number <= media_count(world))
    return F.transform(numbers, lambda number: F.concat_ws("-", F.lit("media"), F.col("post_id"), number))


def image_quality(world: World) -> Column:
    """A media service's score of most posts with media: rises with the post's quality, with noise."""
    is_measured = (media_count(world) > 0) & (world.uniform("media/measured", "post_id") < MEASURED_SHARE)
    seen = F.col("quality") + world.normal("media/error", "post_id")
    return F.when(is_measured, F.round(sigmoid(seen), 3))


def tags(world: World) -> Column:
    """A tenth of users' photos show a neighbour of the author."""
    shows = (F.col("content_type") == "photo") & (world.uniform("tag/shows", "post_id") < TAGGED_SHARE)
    return _neighbour(world, "tag/whom", shows)


def mentions(world: World) -> Column:
    """A tenth of users' posts mention a neighbour of the author."""
    return _neighbour(world, "mention/whom", world.uniform("mention/says", "post_id") < MENTION_SHARE)


def _neighbour(world: World, stream: str, is_named: Column) -> Column:
    """Id of a user of the author's community, in a list; null if the post names none, or it would be the author."""
    first = F.floor(F.col("author") / USERS_PER_COMMUNITY) * USERS_PER_COMMUNITY
    mentioned = F.least(first + world.index(USERS_PER_COMMUNITY, stream, "post_id"), F.lit(world.users - 1))
    by_user = F.col("source_type") == "friend"
    return F.when(by_user & is_named & (mentioned != F.col("author")), F.array(mentioned + FIRST_USER_ID))


def location(world: World) -> Column:
    """The author's city, in every seventh post or so."""
    is_named = world.uniform("post/located", "post_id") < LOCATED_SHARE
    return F.when(is_named, city(world, F.col("author"), F.col("post_id")))
