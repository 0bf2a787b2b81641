"""The feature registry: every model input, named, ordered and versioned in one place.

The feature jobs, the trainer, the scorer and the Redis packer read this registry; its hash is the feature
schema hash of models and manifests. To add a feature: add it here, compute it in the job of its group, and
give it an expectation in the suite of the table it lands in.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

Entity = Literal["user", "post", "pair", "context"]

TOPICS = (
    "sports",
    "technology",
    "entertainment",
    "politics",
    "health",
    "travel",
    "food",
    "fashion",
    "gaming",
    "education",
)


@dataclass(frozen=True)
class Feature:
    """One model input. ``default`` stands where the entity has no row; ``unit`` is what a person reads."""

    entity: Entity
    name: str
    unit: str
    default: float
    group: str
    doc: str

    @property
    def example_column(self) -> str:
        """Its column in ``gold.training_examples``: prefixed, because user and post names overlap."""
        return f"{self.entity}_{self.name}"


def _user(group: str, name: str, unit: str, default: float, doc: str) -> Feature:
    return Feature("user", name, unit, default, group, doc)


def _post(group: str, name: str, unit: str, default: float, doc: str) -> Feature:
    return Feature("post", name, unit, default, group, doc)


def _pair(group: str, name: str, unit: str, default: float, doc: str) -> Feature:
    return Feature("pair", name, unit, default, group, doc)


def _context(name: str, unit: str, default: float, doc: str) -> Feature:
    return Feature("context", name, unit, default, "context", doc)


FEATURES: tuple[Feature, ...] = (
    _user("demographics", "age", "years / 100", 0.35, "age at the as-of; 35 where the birth year is unknown"),
    _user("demographics", "gender_code", "0, 0.5, 1", 0.5, "female 0, male 1, other or unknown 0.5"),
    _user("demographics", "location_hash", "[0, 1)", 0.0, "crc32 of the country / 2^32; stable across processes"),
    _user("demographics", "account_age_years", "years", 0.0, "since sign-up"),
    _user("demographics", "is_verified", "0 or 1", 0.0, "verified account"),
    _user("activity", "posts_per_day", "log1p(1/day)", 0.0, "posts written per day of the activity window"),
    _user("activity", "likes_per_day", "log1p(1/day)", 0.0, "likes given per day of the activity window"),
    _user("activity", "comments_per_day", "log1p(1/day)", 0.0, "comments given per day of the activity window"),
    _user("activity", "shares_per_day", "log1p(1/day)", 0.0, "shares given per day of the activity window"),
    _user("activity", "sessions_per_day", "log1p(1/day)", 0.0, "distinct sessions with an impression per day"),
    _user("activity", "mobile_ratio", "[0, 1]", 0.5, "share of impressions on a phone or tablet"),
    _user("history", "like_rate", "[0, 1]", 0.08, "smoothed likes per impression"),
    _user("history", "comment_rate", "[0, 1]", 0.02, "smoothed comments per impression"),
    _user("history", "share_rate", "[0, 1]", 0.01, "smoothed shares per impression"),
    _user("history", "negative_rate", "[0, 1]", 0.01, "smoothed hides and reports per impression"),
    _user("history", "photo_engagement_rate", "[0, 1]", 0.12, "smoothed engagement rate on photos"),
    _user("history", "video_engagement_rate", "[0, 1]", 0.12, "smoothed engagement rate on videos"),
    _user("network", "log_friends", "log1p", 0.0, "current friends"),
    _user("network", "log_page_follows", "log1p", 0.0, "pages followed"),
    _user("network", "log_groups", "log1p", 0.0, "groups joined"),
    _user("network", "log_followers", "log1p", 0.0, "followers of the pages that this user owns"),
    _user("creator", "received_engagement_rate", "[0, 1]", 0.12, "smoothed engagement rate of the user's own posts"),
    _user("creator", "received_negative_rate", "[0, 1]", 0.01, "smoothed hides and reports of the user's own posts"),
    *(
        _user("interests", f"interest_{topic}", "[0, 1]", 0.1, f"smoothed share of the user's engagement on {topic}")
        for topic in TOPICS
    ),
    _post("content_type", "is_status", "0 or 1", 0.0, "content type is status"),
    _post("content_type", "is_photo", "0 or 1", 0.0, "content type is photo"),
    _post("content_type", "is_video", "0 or 1", 0.0, "content type is video"),
    _post("content_type", "is_link", "0 or 1", 0.0, "content type is link"),
    _post("engagement", "log_views", "log1p", 0.0, "impressions so far"),
    _post("engagement", "log_likes", "log1p", 0.0, "likes so far"),
    _post("engagement", "log_comments", "log1p", 0.0, "comments so far"),
    _post("engagement", "log_shares", "log1p", 0.0, "shares so far"),
    _post("engagement", "comment_like_ratio", "comments / (likes + 1)", 0.0, "comments per like, guarded"),
    _post("engagement", "share_like_ratio", "shares / (likes + 1)", 0.0, "shares per like, guarded"),
    _post("engagement", "engagement_rate", "[0, 1]", 0.12, "smoothed likes, comments and shares per view"),
    _post("engagement", "negative_rate", "[0, 1]", 0.01, "smoothed hides and reports per view"),
    _post("velocity", "likes_per_hour", "log1p(1/h)", 0.0, "likes so far per hour of age, age at least 1 h"),
    _post("velocity", "comments_per_hour", "log1p(1/h)", 0.0, "comments so far per hour of age"),
    _post("velocity", "shares_per_hour", "log1p(1/h)", 0.0, "shares so far per hour of age"),
    _post("author", "author_log_friends", "log1p", 0.0, "the author's friends"),
    _post("author", "author_log_followers", "log1p", 0.0, "the author's page followers"),
    _post("author", "author_is_verified", "0 or 1", 0.0, "the author is verified"),
    _post("author", "author_engagement_rate", "[0, 1]", 0.12, "the author's received engagement rate"),
    _post("author", "author_negative_rate", "[0, 1]", 0.01, "the author's received negative rate"),
    _post("time", "age_days", "log1p(days)", 0.0, "age at the as-of"),
    _post("time", "created_hour", "[0, 1)", 0.0, "hour of creation / 24, UTC"),
    _post("time", "created_on_weekend", "0 or 1", 0.0, "created on Saturday or Sunday, UTC"),
    _post("quality", "log_length", "log1p(characters)", 0.0, "length of the text"),
    _post("quality", "log_media", "log1p", 0.0, "media attached"),
    _post("quality", "log_hashtags", "log1p", 0.0, "hashtags"),
    _post("quality", "log_mentions", "log1p", 0.0, "mentions"),
    *(
        _post("topics", f"topic_{topic}", "[0, 1]", 0.0, f"share of the post's topic hashtags that name {topic}")
        for topic in TOPICS
    ),
    _pair("relationship", "is_friend", "0 or 1", 0.0, "viewer and author are friends"),
    _pair("relationship", "is_follower", "0 or 1", 0.0, "the viewer follows a page of the author"),
    _pair("relationship", "log_mutual_friends", "log1p", 0.0, "friends in common"),
    _pair("relationship", "log_interactions", "log1p", 0.0, "engagements with the author in the activity window"),
    _pair("history", "like_rate", "[0, 1]", 0.08, "smoothed likes per impression of the author's posts"),
    _pair("history", "comment_rate", "[0, 1]", 0.02, "smoothed comments per impression of the author's posts"),
    _pair("history", "share_rate", "[0, 1]", 0.01, "smoothed shares per impression of the author's posts"),
    _pair(
        "history", "negative_rate", "[0, 1]", 0.01, "smoothed hides and reports per impression of the author's posts"
    ),
    _pair("history", "recency", "[0, 1]", 0.0, "exp(-days since the last engagement / 7); 0 where there is none"),
    _context("hour_sin", "[-1, 1]", 0.0, "sine of the hour of day, UTC"),
    _context("hour_cos", "[-1, 1]", 0.0, "cosine of the hour of day, UTC"),
    _context("is_weekend", "0 or 1", 0.0, "Saturday or Sunday, UTC"),
    _context("is_mobile", "[0, 1]", 0.5, "on a phone or tablet; for a nightly run, the user's mobile ratio"),
)


def features_of(entity: Entity) -> tuple[Feature, ...]:
    """The features of one entity, in registry order: the order of every vector, packed or dense."""
    return tuple(feature for feature in FEATURES if feature.entity == entity)


def names_of(entity: Entity) -> tuple[str, ...]:
    """Column names of one entity's features in its own gold table, in registry order."""
    return tuple(feature.name for feature in features_of(entity))


def example_columns() -> tuple[str, ...]:
    """All feature columns of ``gold.training_examples``, in registry order."""
    return tuple(feature.example_column for feature in FEATURES)


def schema_hash() -> str:
    """SHA-256 over the ordered registry: a checkpoint trained on another registry is refused."""
    return hashlib.sha256(json.dumps([asdict(feature) for feature in FEATURES]).encode()).hexdigest()[:16]


HEADS = ("like", "comment", "share", "hide", "report", "dwell")
"""The ranker's heads, in order; ``dwell`` is a regression on log1p(seconds), the others are logits."""
