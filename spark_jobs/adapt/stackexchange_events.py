"""Pure transforms from the frames of a Stack Exchange dump to landing events.

Every function returns one row per event: the envelope plus the fields
of its type. Times stay ISO 8601 text of fixed width, which sorts by time. See ``docs/stackexchange.md``.
"""

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.adapt.plain_text import decode_entities, strip_html

VOTES: dict[int, tuple[str, str | None, str]] = {
    1: ("reaction", "accept", "accept"),
    2: ("reaction", "like", "upvote"),
    3: ("reaction", "dislike", "downvote"),
    4: ("reaction", "report", "offensive"),
    5: ("engagement", "like", "favourite"),
    6: ("moderation", None, "close"),
    7: ("moderation", None, "reopen"),
    8: ("engagement", "share", "bounty"),
    9: ("moderation", None, "bounty_close"),
    10: ("moderation", None, "deletion"),
    11: ("moderation", None, "undeletion"),
    12: ("reaction", "report", "spam"),
    15: ("moderation", None, "moderator_review"),
    16: ("moderation", None, "approve_edit_suggestion"),
}
"""Vote type → event type, engagement type, detail. Any other type is a moderation event ``vote_type_<n>``."""

END_OF_DAY = "T23:59:59.000"
"""Votes have a day without a time. They get the end of the day, so that none is known before it was cast."""

ANSWER = "2"

IMAGE = r"(?i)<img\b[^>]*>"
IMAGE_ADDRESS = r"(?i)<img\b[^>]*?\bsrc=[\"']([^\"']+)[\"']"
CAPTION = r"(?i)\balt=\"([^\"]*)\""
NO_CAPTION = "enter image description here"
"""The placeholder of the site's editor for an image without a description."""


@dataclass(frozen=True)
class Dump:
    """The four files of a dump: one frame of text columns each, named as in the XML."""

    users: DataFrame
    posts: DataFrame
    comments: DataFrame
    votes: DataFrame


def transform(dump: Dump) -> DataFrame:
    """All landing events of a dump; ``received_at`` is ``event_time``, because a dump has no arrival times.

    Grain: one event. Keys: event_id. Fields that a type does not have are null.
    """
    parts = (
        users(dump),
        pages(dump),
        follows(dump),
        posts(dump.posts),
        comments(dump.comments),
        answers(dump.posts),
        votes(dump.votes),
    )
    return reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts)


def users(dump: Dump) -> DataFrame:
    """One ``user_upserted`` per user.

    A post or comment that was migrated from another site can be older than its author's account here; such a user
    counts as signed up at the earliest of them, so that no event precedes its author.
    """
    owned = dump.posts.select(F.col("OwnerUserId").alias("Id"), _time().alias("first_seen"))
    commented = dump.comments.select(F.col("UserId").alias("Id"), _time().alias("first_seen"))
    first_seen = owned.unionByName(commented).dropna().groupBy("Id").agg(F.min("first_seen").alias("first_seen"))
    since = F.least(_time(), F.col("first_seen"))
    return dump.users.join(first_seen, "Id", "left").select(
        *_envelope("user_upserted", _event_id("user", "Id"), since),
        _id("Id").alias("user_id"),
        F.coalesce("DisplayName", F.lit("")).alias("name"),
        since.alias("signup_at"),
        F.col("Location").alias("country"),
    )


def pages(dump: Dump) -> DataFrame:
    """One ``page_upserted`` per user who wrote a post, at the time of the first one: an author is a page."""
    first = dump.posts.where("OwnerUserId IS NOT NULL").groupBy("OwnerUserId").agg(F.min(_time()).alias("first_post"))
    names = dump.users.select("Id", "DisplayName")
    return first.join(names, F.col("OwnerUserId") == F.col("Id"), "left").select(
        *_envelope("page_upserted", _event_id("page", "OwnerUserId"), F.col("first_post")),
        _id("OwnerUserId").alias("page_id"),
        _id("OwnerUserId").alias("owner_id"),
        F.coalesce("DisplayName", F.lit("")).alias("name"),
    )


def follows(dump: Dump) -> DataFrame:
    """One ``page_followed`` per user and author: the first time the user commented on or answered a post of the author.

    Users do not follow themselves; an author or a user that the dump does not name is left out.
    """
    owners = dump.posts.select(F.col("Id").alias("PostId"), F.col("OwnerUserId").alias("author"))
    commented = dump.comments.select("PostId", "UserId", _time().alias("at"))
    answered = _answers(dump.posts).select(
        F.col("ParentId").alias("PostId"), F.col("OwnerUserId").alias("UserId"), _time().alias("at")
    )
    edges = commented.unionByName(answered).join(owners, "PostId").where("UserId <> author")
    first = edges.groupBy("UserId", "author").agg(F.min("at").alias("at"))
    return first.select(
        *_envelope("page_followed", F.concat(_event_id("follow", "UserId"), F.lit("-"), "author"), F.col("at")),
        _id("UserId").alias("user_id"),
        _id("author").alias("page_id"),
    )


def posts(frame: DataFrame) -> DataFrame:
    """One ``post_created`` per post of any kind: on its owner's page, or without an author if the owner is gone.

    Its images are its media. A post of images alone is a photo; its text is their descriptions, so that its card is not
    blank.
    """
    questions = frame.select(F.col("Id").alias("question"), F.col("Tags").alias("question_tags"))
    tags = F.coalesce("Tags", "question_tags", F.lit(""))
    text = F.concat_ws("\n", "Title", strip_html(F.col("Body")))
    media = F.regexp_extract_all(F.coalesce("Body", F.lit("")), F.lit(IMAGE_ADDRESS), F.lit(1))
    has_media = F.size(media) > 0
    is_picture = (text == "") & has_media
    return frame.join(questions, F.col("ParentId") == F.col("question"), "left").select(
        *_envelope("post_created", _event_id("post", "Id"), _time()),
        _id("Id").alias("post_id"),
        _id("OwnerUserId").alias("author_id"),
        F.when(F.col("OwnerUserId").isNull(), F.lit("friend")).otherwise(F.lit("page")).alias("source_type"),
        _id("OwnerUserId").alias("source_id"),
        F.when(is_picture, F.lit("photo")).otherwise(F.lit("status")).alias("content_type"),
        F.when(is_picture, captions(F.col("Body"))).otherwise(text).alias("text"),
        F.lit("public").alias("privacy"),
        _time().alias("created_at"),
        F.regexp_extract_all(tags, F.lit("[^<>|]+"), F.lit(0)).alias("hashtags"),
        F.when(has_media, media).alias("media"),
        F.when(has_media, F.size(media)).alias("media_count"),
    )


def captions(html: Column) -> Column:
    """Descriptions of the images of a post, one per line; ``[image]`` if there is none."""
    images = F.regexp_extract_all(html, F.lit(IMAGE), F.lit(0))
    captions = F.transform(images, lambda image: F.regexp_extract(image, CAPTION, 1))
    captions = F.transform(
        captions, lambda caption: F.when(~caption.isin("", NO_CAPTION), F.concat(F.lit(": "), caption))
    )
    lines = F.transform(captions, lambda caption: F.concat(F.lit("[image"), F.coalesce(caption, F.lit("")), F.lit("]")))
    return decode_entities(F.array_join(lines, "\n"))


def comments(frame: DataFrame) -> DataFrame:
    """One comment engagement per comment; without a user it is an anonymous reaction."""
    return frame.select(
        *_envelope(_acted("UserId"), _event_id("comment", "Id"), _time()),
        _id("UserId").alias("user_id"),
        _id("PostId").alias("post_id"),
        F.lit("comment").alias("engagement_type"),
        F.lit("comment").alias("detail"),
    )


def answers(frame: DataFrame) -> DataFrame:
    """One comment engagement on the question per answer; without an owner it is an anonymous reaction."""
    return _answers(frame).select(
        *_envelope(_acted("OwnerUserId"), _event_id("answer", "Id"), _time()),
        _id("OwnerUserId").alias("user_id"),
        _id("ParentId").alias("post_id"),
        F.lit("comment").alias("engagement_type"),
        F.lit("answer").alias("detail"),
    )


def votes(frame: DataFrame) -> DataFrame:
    """One event per vote: an anonymous reaction, an engagement if the dump names the user, or a moderation event."""

    def look_up(position: int, otherwise: Column) -> Column:
        column = otherwise
        for number, outcome in VOTES.items():
            column = F.when(F.col("VoteTypeId") == str(number), F.lit(outcome[position])).otherwise(column)
        return column

    event_type = look_up(0, F.lit("moderation"))
    cast_at = _at(F.concat(F.substring("CreationDate", 1, 10), F.lit(END_OF_DAY)))
    return frame.select(
        *_envelope(event_type, _event_id("vote", "Id"), cast_at),
        F.when(event_type == "engagement", _id("UserId")).alias("user_id"),
        _id("PostId").alias("post_id"),
        look_up(1, F.lit(None).cast("string")).alias("engagement_type"),
        look_up(2, F.concat(F.lit("vote_type_"), F.col("VoteTypeId"))).alias("detail"),
    )


def _answers(frame: DataFrame) -> DataFrame:
    return frame.where(F.col("PostTypeId") == ANSWER)


def _acted(user: str) -> Column:
    return F.when(F.col(user).isNull(), F.lit("reaction")).otherwise(F.lit("engagement"))


def _envelope(event_type: str | Column, event_id: Column, event_time: Column) -> tuple[Column, ...]:
    return (
        event_id.alias("event_id"),
        F.lit(event_type).alias("event_type"),
        event_time.alias("event_time"),
        event_time.alias("received_at"),
    )


def _event_id(kind: str, column: str) -> Column:
    return F.concat(F.lit(f"se-{kind}-"), F.col(column))


def _id(column: str) -> Column:
    return F.col(column).try_cast("long")


def _time() -> Column:
    return _at(F.col("CreationDate"))


def _at(moment: Column) -> Column:
    return F.concat(moment, F.lit("Z"))
