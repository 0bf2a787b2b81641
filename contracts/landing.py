"""The landing contract: which events may arrive, and with which fields.

A landing area is a folder ``<landing>/<YYYY-MM-DD>/*.jsonl[.gz]``, one folder per day of *arrival*, one JSON
object per line, plus ``<landing>/dataset.json`` (see :class:`contracts.settings.Dataset`). Files whose name
starts with ``_`` or ``.`` are ignored, so that a writer can build a file beside and rename it into place.

Every event carries the envelope ``event_id`` (unique), ``event_type``, ``event_time`` (when it happened) and
``received_at`` (when the collector saw it), both ISO 8601 in UTC, then the fields of its type, flat.
Ids are signed 64-bit integers. Unknown optional fields are kept in the raw line and otherwise ignored.
"""

from dataclasses import dataclass
from typing import Literal

FieldType = Literal["long", "int", "double", "boolean", "string", "timestamp", "strings", "longs"]


@dataclass(frozen=True)
class Field:
    """One field of an event: its type, whether it must be present, and the values it may take."""

    name: str
    type: FieldType
    required: bool = True
    allowed: tuple[str, ...] = ()


CONTENT_TYPES = ("status", "photo", "video", "link")
PRIVACY = ("public", "friends", "friends_except", "only_me", "custom")
SOURCE_TYPES = ("friend", "page", "group")
ENGAGEMENT_TYPES = ("like", "comment", "share", "click", "dwell", "hide", "report", "follow", "unfollow")
REACTION_TYPES = ("like", "dislike", "accept", "report")
"""Anonymous reactions: a platform that publishes only counts says that somebody reacted, not who."""

ENVELOPE: tuple[Field, ...] = (
    Field("event_id", "string"),
    Field("event_type", "string"),
    Field("event_time", "timestamp"),
    Field("received_at", "timestamp"),
)

_POST = (
    Field("post_id", "long"),
    Field("author_id", "long"),
    Field("source_type", "string", allowed=SOURCE_TYPES),
    Field("source_id", "long"),
    Field("content_type", "string", allowed=CONTENT_TYPES),
    Field("text", "string"),
    Field("privacy", "string", allowed=PRIVACY),
    Field("created_at", "timestamp"),
    Field("audience", "longs", required=False),
    Field("hashtags", "strings", required=False),
    Field("mentions", "longs", required=False),
    Field("media_count", "int", required=False),
)

EVENT_TYPES: dict[str, tuple[Field, ...]] = {
    "user_upserted": (
        Field("user_id", "long"),
        Field("name", "string"),
        Field("signup_at", "timestamp"),
        Field("gender", "string", required=False),
        Field("birth_year", "int", required=False),
        Field("country", "string", required=False),
        Field("is_verified", "boolean", required=False),
        Field("interests", "strings", required=False),
    ),
    "page_upserted": (Field("page_id", "long"), Field("owner_id", "long"), Field("name", "string")),
    "group_upserted": (Field("group_id", "long"), Field("owner_id", "long"), Field("name", "string")),
    "friendship_created": (Field("user_id", "long"), Field("friend_id", "long")),
    "friendship_removed": (Field("user_id", "long"), Field("friend_id", "long")),
    "page_followed": (Field("user_id", "long"), Field("page_id", "long")),
    "page_unfollowed": (Field("user_id", "long"), Field("page_id", "long")),
    "group_joined": (Field("user_id", "long"), Field("group_id", "long")),
    "group_left": (Field("user_id", "long"), Field("group_id", "long")),
    "user_blocked": (Field("user_id", "long"), Field("blocked_id", "long")),
    "user_unblocked": (Field("user_id", "long"), Field("blocked_id", "long")),
    "post_created": _POST,
    "post_updated": _POST,
    "post_deleted": (Field("post_id", "long"),),
    "impression": (
        Field("user_id", "long"),
        Field("post_id", "long"),
        Field("request_id", "string"),
        Field("position", "int"),
        Field("session_id", "string"),
        Field("device", "string"),
        Field("surface", "string", required=False),
        Field("propensity", "double", required=False),
        Field("epoch", "long", required=False),
    ),
    "engagement": (
        Field("user_id", "long"),
        Field("post_id", "long"),
        Field("engagement_type", "string", allowed=ENGAGEMENT_TYPES),
        Field("impression_id", "string", required=False),
        Field("dwell_ms", "long", required=False),
        Field("detail", "string", required=False),
    ),
    "reaction": (
        Field("post_id", "long"),
        Field("engagement_type", "string", allowed=REACTION_TYPES),
        Field("detail", "string", required=False),
    ),
    "moderation": (Field("post_id", "long"), Field("detail", "string")),
}
"""``audience`` holds the excluded users of ``friends_except`` and the admitted users of ``custom``.
``detail`` names the action as the source platform calls it, where its vocabulary is richer than ours."""

MAX_CLOCK_SKEW_S = 300
"""An event may claim to have happened at most this long after it was received."""
