"""Features of a post as of an instant: in ``gold.post_features``, and computed again for each training example.

Features of the author come from ``gold.user_features``.
"""

from contracts.features.feature import CREATOR_SKETCH, LANGUAGES, TOPICS, Feature, Part
from contracts.settings import Smoothing
from contracts.shape import EMBEDDING_SIZE

_PRIOR = Smoothing()


def _post(
    group: str, name: str, unit: str, default: float, doc: str, *, part: Part = "named", period_days: int = 0
) -> Feature:
    return Feature("post", group, name, unit, default, doc, part, period_days=period_days)


def _extra(group: str, name: str, unit: str, default: float, doc: str, *, size: int = 1) -> Feature:
    return Feature("post", group, name, unit, default, doc, "extra", size=size)


POST: tuple[Feature, ...] = (
    _post("content_type", "is_status", "0 or 1", 0.0, "content type is status"),
    _post("content_type", "is_photo", "0 or 1", 0.0, "content type is photo"),
    _post("content_type", "is_video", "0 or 1", 0.0, "content type is video"),
    _post("content_type", "is_link", "0 or 1", 0.0, "content type is link"),
    _post("engagement", "log_likes", "log1p", 0.0, "likes so far"),
    _post("engagement", "log_comments", "log1p", 0.0, "comments so far"),
    _post("engagement", "log_shares", "log1p", 0.0, "shares so far"),
    _post("engagement", "comment_like_ratio", "comments / (likes + 1)", 0.0, "comments per like, guarded"),
    _post("engagement", "share_like_ratio", "shares / (likes + 1)", 0.0, "shares per like, guarded"),
    _post("engagement", "negative_rate", "[0, 1]", _PRIOR.negative_mean, "smoothed hides and reports per view"),
    _post("velocity", "likes_per_hour", "log1p(1/h)", 0.0, "likes so far per hour of age, age at least 1 h"),
    _post("velocity", "comments_per_hour", "log1p(1/h)", 0.0, "comments so far per hour of age"),
    _post("velocity", "shares_per_hour", "log1p(1/h)", 0.0, "shares so far per hour of age"),
    _post("author", "author_log_friends", "log1p", 0.0, "the author's friends"),
    _post("author", "author_log_followers", "log1p", 0.0, "followers of the author's pages"),
    _post("author", "author_is_verified", "0 or 1", 0.0, "the author is verified"),
    _post(
        "author", "author_engagement_rate", "[0, 1]", _PRIOR.engagement_mean, "engagement rate of the author's posts"
    ),
    _post("author", "author_quality", "[0, 1]", _PRIOR.read_mean, "share of views that read the author's posts"),
    _post("author", "author_spam", "[0, 1]", _PRIOR.report_mean, "reports per view of the author's posts"),
    _post("author", "author_authority", "[0, 1]", 0.0, "the author's well evidenced approval"),
    _post("time", "created_hour", "[0, 1)", 0.0, "hour of creation / 24, UTC"),
    _post("time", "created_weekday", "[0, 1)", 0.0, "weekday of creation / 7, Monday 0, UTC", period_days=7),
    _post("time", "created_on_weekday", "0 or 1", 0.0, "created on Monday to Friday, UTC", period_days=7),
    _post("time", "age_weeks", "weeks", 0.0, "age at the as-of"),
    _post("quality", "log_length", "log1p(characters)", 0.0, "length of the text"),
    _post("quality", "log_media", "log1p", 0.0, "media attached"),
    _post("quality", "log_hashtags", "log1p", 0.0, "hashtags"),
    _post("quality", "log_mentions", "log1p", 0.0, "mentions"),
    _post("quality", "has_location", "0 or 1", 0.0, "tagged with a place"),
    _post("quality", "sentiment", "[-1, 1]", 0.0, "sentiment of the text as it stood then; 0 where it cannot be read"),
    _extra("reach", "log_views", "log1p", 0.0, "impressions so far"),
    _extra("reach", "engagement_rate", "[0, 1]", _PRIOR.engagement_mean, "smoothed likes, comments, shares per view"),
    _extra("reach", "age_days", "log1p(days)", 0.0, "age at the as-of"),
    _extra("reach", "author_negative_rate", "[0, 1]", _PRIOR.negative_mean, "hides and reports of the author's posts"),
    *(
        _extra("topics", f"topic_{topic}", "[0, 1]", 0.0, f"share of the post's topic hashtags that name {topic}")
        for topic in TOPICS
    ),
    _extra("writing", "log_words", "log1p", 0.0, "words; of a long text the first Content.max_words count here"),
    _extra("writing", "word_length", "log1p(characters)", 0.0, "mean length of a word"),
    _extra("writing", "clause_words", "log1p(words)", 0.0, "words per sign that closes a clause: . ! ? ; :"),
    _extra("writing", "distinct_word_share", "[0, 1]", 0.0, "different words per word"),
    _extra("writing", "capital_share", "[0, 1]", 0.0, "capitals per letter"),
    _extra("writing", "digit_share", "[0, 1]", 0.0, "digits per character that is no space"),
    _extra("writing", "symbol_share", "[0, 1]", 0.0, "signs (no letter, no digit) per character that is no space"),
    _extra("writing", "log_exclamations", "log1p", 0.0, "exclamation marks"),
    _extra("writing", "log_questions", "log1p", 0.0, "question marks"),
    _extra("media", "image_quality", "[0, 1]", 0.5, "of its pictures, as the source measured it; 0.5 where it did not"),
    _extra(
        "content",
        "content_embedding",
        "[-1, 1]",
        0.0,
        "embedding of the text as it stood then, of unit length; 0 where it cannot be read",
        size=EMBEDDING_SIZE,
    ),
    _extra(
        "content",
        "read_topics",
        "[0, 1]",
        0.0,
        f"topic shares of the text as it stood then: {', '.join(TOPICS)}",
        size=len(TOPICS),
    ),
    _extra(
        "content",
        "language",
        "0 or 1",
        0.0,
        f"language of the text as it stood then: {', '.join(LANGUAGES)}; all 0 where no text was read",
        size=len(LANGUAGES),
    ),
    _extra(
        "author_sketch",
        "creator_sketch",
        "-1, 0 or 1",
        0.0,
        "the author's place and sign in the sketch of a user's `creator_affinity`",
        size=CREATOR_SKETCH,
    ),
)
