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
    """One field of an event: its type, whether it must be present, and the values it may take.

    A number is at least ``least``, greater than ``above`` and at most ``most``; a text has at most ``longest``
    characters. None means no bound. Every bound that a silver gate checks must be here too, else one bad line passes
    ingest and stops the night at the gate. A test compares them.
    """

    name: str
    type: FieldType
    required: bool = True
    allowed: tuple[str, ...] = ()
    least: float | None = None
    above: float | None = None
    most: float | None = None
    longest: int | None = None

    @property
    def bounds(self) -> str:
        """The bounds in words, for example ``1 to 1000``; empty where there are none."""
        if self.longest is not None:
            return f"at most {self.longest} characters"
        if self.least is not None and self.most is not None:
            return f"{self.least} to {self.most}"
        limits = {"above": self.above, "at least": self.least, "at most": self.most}
        return ", ".join(f"{word} {number}" for word, number in limits.items() if number is not None)


CONTENT_TYPES = ("status", "photo", "video", "link")
PRIVACY = ("public", "friends", "friends_except", "only_me", "custom")
SOURCE_TYPES = ("friend", "page", "group")
ENGAGEMENT_TYPES = (
    "like",
    "comment",
    "share",
    "click",
    "dwell",
    "hide",
    "report",
    "follow",
    "unfollow",
    "bookmark",
    "view",
    "unlike",
    "uncomment",
    "unhide",
)
"""What a user may do with a post. A ``view`` opens it, or reads it: being shown it is an impression."""
TAKEN_BACK_BY = {"like": "unlike", "comment": "uncomment", "hide": "unhide"}
"""Engagements that a later one of the same user and post takes back: an ``uncomment`` one comment, the others all."""
CONNECTIONS = ("wifi", "cellular", "wired")
RELATIONS = ("friend", "family")
PROFILE_VISIT = "profile"
"""``detail`` of a click that led to the author's profile."""
LABELS = ("clickbait", "nsfw", "misinformation")
LABELLER_TYPES = ("human", "fact_checker")
PACING = ("even", "asap")
FEED_PREFERENCES = ("hide_clickbait", "hide_nsfw", "hide_misinformation", "friends_first", "fewer_ads")
"""Preferences that a user may set for the feed; other words are stored and have no effect."""

REACTION_TYPES = ("like", "dislike", "accept", "report", "comment")
"""Anonymous reactions: a platform that publishes only counts does not reveal who reacted or commented."""

ENVELOPE: tuple[Field, ...] = (
    Field("event_id", "string"),
    Field("event_type", "string"),
    Field("event_time", "timestamp"),
    Field("received_at", "timestamp"),
)

_POST = (
    Field("post_id", "long"),
    Field("author_id", "long", required=False),
    Field("source_type", "string", allowed=SOURCE_TYPES),
    Field("source_id", "long", required=False),
    Field("content_type", "string", allowed=CONTENT_TYPES),
    Field("text", "string", longest=63_206),
    Field("privacy", "string", allowed=PRIVACY),
    Field("created_at", "timestamp"),
    Field("audience", "longs", required=False),
    Field("hashtags", "strings", required=False),
    Field("mentions", "longs", required=False),
    Field("media_count", "int", required=False, least=0, most=1000),
    Field("media", "strings", required=False),
    Field("image_quality", "double", required=False, least=0, most=1),
    Field("tags", "longs", required=False),
    Field("location", "string", required=False),
)

EVENT_TYPES: dict[str, tuple[Field, ...]] = {
    "user_upserted": (
        Field("user_id", "long"),
        Field("name", "string"),
        Field("signup_at", "timestamp"),
        Field("gender", "string", required=False),
        Field("birth_year", "int", required=False, least=1850, most=2100),
        Field("country", "string", required=False),
        Field("is_verified", "boolean", required=False),
        Field("interests", "strings", required=False),
        Field("locale", "string", required=False),
        Field("feed_preferences", "strings", required=False),
    ),
    "page_upserted": (Field("page_id", "long"), Field("owner_id", "long"), Field("name", "string")),
    "group_upserted": (Field("group_id", "long"), Field("owner_id", "long"), Field("name", "string")),
    "friendship_created": (
        Field("user_id", "long"),
        Field("friend_id", "long"),
        Field("relation", "string", required=False, allowed=RELATIONS),
    ),
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
        Field("position", "int", required=False, least=1, most=1000),
        Field("session_id", "string", required=False),
        Field("device", "string", required=False),
        Field("connection", "string", required=False, allowed=CONNECTIONS),
        Field("city", "string", required=False),
        Field("surface", "string", required=False),
        Field("propensity", "double", required=False, above=0, most=1),
        Field("epoch", "long", required=False, least=1),
        Field("arms", "strings", required=False),
        Field("ad_id", "long", required=False),
    ),
    "engagement": (
        Field("user_id", "long"),
        Field("post_id", "long"),
        Field("engagement_type", "string", allowed=ENGAGEMENT_TYPES),
        Field("impression_id", "string", required=False),
        Field("dwell_ms", "long", required=False, least=0, most=86_400_000),
        Field("detail", "string", required=False),
        Field("ad_id", "long", required=False),
    ),
    "reaction": (
        Field("post_id", "long"),
        Field("engagement_type", "string", allowed=REACTION_TYPES),
        Field("detail", "string", required=False),
    ),
    "moderation": (Field("post_id", "long"), Field("detail", "string")),
    "session": (
        Field("session_id", "string"),
        Field("user_id", "long"),
        Field("device", "string", required=False),
        Field("started_at", "timestamp"),
        Field("ended_at", "timestamp"),
        Field("connection", "string", required=False, allowed=CONNECTIONS),
        Field("scroll_depth", "int", required=False, least=0),
    ),
    "campaign_upserted": (
        Field("campaign_id", "long"),
        Field("advertiser_id", "long"),
        Field("name", "string"),
        Field("budget", "double", least=0),
        Field("starts_at", "timestamp"),
        Field("ends_at", "timestamp", required=False),
        Field("daily_budget", "double", required=False, least=0),
        Field("pacing", "string", required=False, allowed=PACING),
    ),
    "ad_upserted": (
        Field("ad_id", "long"),
        Field("campaign_id", "long"),
        Field("post_id", "long"),
        Field("bid", "double", least=0),
        Field("quality", "double", required=False, least=0, most=1),
        Field("frequency_cap", "int", required=False, least=1),
        Field("countries", "strings", required=False),
        Field("interests", "strings", required=False),
        Field("min_age", "int", required=False),
        Field("max_age", "int", required=False),
        Field("is_active", "boolean", required=False),
    ),
    "content_labelled": (
        Field("post_id", "long"),
        Field("labeller_id", "string"),
        Field("labeller_type", "string", allowed=LABELLER_TYPES),
        Field("label", "string", allowed=LABELS),
        Field("value", "boolean"),
        Field("confidence", "double", required=False, least=0, most=1),
    ),
}
"""The fields of each event type. Unknown values are left out or null: the ``author_id`` of a post, the ``position``,
``session_id`` and ``device`` of an impression. ``source_id`` is the page or group of a post; it has no meaning in a
``friend`` post. Ids of users, pages, groups, posts, campaigns and ads are six separate spaces: a number may occur in
several. ``audience`` holds the excluded users of ``friends_except`` and the admitted users of ``custom``.
``detail`` is the source platform's own name of the action, if it has more kinds than we have; only ``PROFILE_VISIT``
has a meaning here. ``relation`` is what the friend is to the user; a later ``friendship_created`` changes it.
``location`` is the place that a post was tagged with, ``city`` is where the viewer was. ``image_quality`` is the media
service's score of the post's pictures and video frames (1: sharp and well exposed)."""

MAX_CLOCK_SKEW_S = 300
"""An event may claim to have happened at most this long after it was received."""

TIMED_TYPES = ("impression", "engagement", "reaction", "session")
"""Events that count for a day: they may be late by at most ``Dataset.late_days``. Entities and edges may be later."""

REFUSALS: dict[str, str] = {
    "not_utf8": "a line is text in UTF-8, and a file of gzip data is named .gz",
    "malformed_json": "a line is exactly one JSON value, as RFC 8259 defines it",
    "beyond_limits": "no nesting, number, name or text is beyond what readers of JSON take",
    "duplicate_key": "an object names no key twice",
    "lone_surrogate": "a text has whole characters, never one half of a surrogate pair",
    "not_an_object": "the JSON value is an object",
    "missing_field": "every required field is there, not null, and `event_id` not empty",
    "wrong_type": "a value has the type of its field",
    "unknown_event_type": "`event_type` is one of docs/landing.md",
    "value_not_allowed": "a field with listed values has one of them",
    "value_out_of_range": "a number is within the bounds of its field, and a text no longer than it may be",
    "future_event": "it is received before its folder's day ends, at most 300 s before it happens",
    "too_late": "impressions, engagements, reactions and sessions are received within `late_days` days",
    "erased_user": "it is not by or about a user who was erased; of such a line nothing is kept",
    "duplicate_event": "no acceptable line with this `event_id` was received before",
    "unknown_user": "the user, author, owner, advertiser or friend is in a `user_upserted`",
    "unknown_page": "the page is in a `page_upserted`",
    "unknown_group": "the group is in a `group_upserted`",
    "unknown_post": "the post is in a `post_created` or `post_updated`",
    "withheld_post": "the post's own line was not refused; the event waits for the post",
    "unknown_campaign": "the campaign of an ad is in a `campaign_upserted`",
    "unknown_ad": "the ad of an impression or engagement is in an `ad_upserted`",
    "self_edge": "a friendship or a block is between two users",
    "ends_before_start": "a session or a campaign does not end before it starts",
    "before_creation": "a post is not created or updated before its `created_at`",
}
"""Reasons for refusing a line, in the order in which they are checked, each with the rule that the line breaks."""
