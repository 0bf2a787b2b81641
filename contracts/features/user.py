"""Features of a user as of the end of a day: ``gold.user_features``.

Counts are those of the activity window. Days, hours and weekdays are UTC.
"""

from contracts.features.feature import CREATOR_SKETCH, KNOWN_CITIES, TOPICS, Feature, Part
from contracts.settings import Smoothing
from contracts.shape import EMBEDDING_SIZE

_PRIOR = Smoothing()


def _user(group: str, name: str, unit: str, default: float, doc: str, *, part: Part = "named") -> Feature:
    return Feature("user", group, name, unit, default, doc, part)


def _extra(group: str, name: str, unit: str, default: float, doc: str) -> Feature:
    return _user(group, name, unit, default, doc, part="extra")


def _rate(group: str, name: str, default: float, doc: str, *, part: Part = "named") -> Feature:
    return _user(group, name, "[0, 1]", default, f"smoothed {doc}", part=part)


_DEMOGRAPHICS = (
    _user("demographics", "age", "years / 100", 0.35, "age at the as-of; 35 where the birth year is unknown"),
    _user("demographics", "gender_code", "0, 0.5, 1", 0.5, "female 0, male 1, other or unknown 0.5"),
    _user(
        "demographics",
        "location",
        "log1p(users / 1000)",
        0.0,
        "users of the training rows with the same country, per thousand; 0 where the country is unknown",
    ),
    _user("demographics", "account_age_years", "years", 0.0, "since sign-up"),
    _user("demographics", "is_verified", "0 or 1", 0.0, "verified account"),
)

_ACTIVITY = (
    _user("activity", "posts_per_day", "log1p(1/day)", 0.0, "posts written per day"),
    _user("activity", "likes_per_day", "log1p(1/day)", 0.0, "likes given per day"),
    _user("activity", "comments_per_day", "log1p(1/day)", 0.0, "comments given per day"),
    _user("activity", "shares_per_day", "log1p(1/day)", 0.0, "shares given per day"),
    _user("activity", "sessions_per_day", "log1p(1/day)", 0.0, "distinct sessions with an impression per day"),
    _user("activity", "session_hours", "hours", 0.0, "mean time from the first to the last impression of a session"),
    _rate("activity", "weekend_ratio", _PRIOR.weekend_mean, "share of views and engagements on Saturday and Sunday"),
    _rate("activity", "morning_ratio", _PRIOR.day_part_mean, "share of views and engagements from 6 to 12"),
    _rate("activity", "evening_ratio", _PRIOR.day_part_mean, "share of views and engagements from 18 to 24"),
    _rate("activity", "mobile_ratio", _PRIOR.mobile_mean, "share of impressions on a phone or tablet"),
)

_HISTORY = (
    _rate("history", "like_rate", _PRIOR.like_mean, "likes per impression"),
    _rate("history", "comment_rate", _PRIOR.comment_mean, "comments per impression"),
    _rate("history", "share_rate", _PRIOR.share_mean, "shares per impression"),
    _rate("history", "click_rate", _PRIOR.click_mean, "clicks per impression"),
    _rate(
        "history",
        "video_completion_rate",
        _PRIOR.completion_mean,
        "share of video impressions watched to the end: for FeatureRules.completion_ms, as no lengths are logged",
    ),
    _user("history", "dwell_per_post", "seconds", _PRIOR.dwell_mean_s, "smoothed mean time per impression"),
    _rate("history", "photo_engagement_rate", _PRIOR.engagement_mean, "engagement rate on photos"),
    _rate("history", "video_engagement_rate", _PRIOR.engagement_mean, "engagement rate on videos"),
    _rate("history", "link_engagement_rate", _PRIOR.engagement_mean, "engagement rate on links"),
    _rate("history", "friend_engagement_rate", _PRIOR.engagement_mean, "engagement rate on posts of people"),
    _rate("history", "page_engagement_rate", _PRIOR.engagement_mean, "engagement rate on posts of pages"),
    _rate("history", "ad_engagement_rate", _PRIOR.engagement_mean, "engagement rate on impressions of ads"),
    _rate("history", "negative_rate", _PRIOR.negative_mean, "hides and reports per impression"),
    _rate("history", "hide_rate", _PRIOR.hide_mean, "hides per impression"),
    _rate("history", "report_rate", _PRIOR.report_mean, "reports per impression"),
)

_NETWORK = (
    _user("network", "log_friends", "log1p", 0.0, "current friends"),
    _user("network", "log_page_follows", "log1p", 0.0, "pages followed"),
    _user("network", "log_groups", "log1p", 0.0, "groups joined"),
    _user("network", "network_density", "[0, 1]", 0.0, "share of pairs of the user's friends who are friends"),
    _user("network", "mean_mutual_friends", "log1p", 0.0, "friends in common, mean over the user's friends"),
    _user(
        "network",
        "diversity_score",
        "[0, 1]",
        0.0,
        "chance that two of the user's friends are of different communities",
    ),
    _user("network", "mean_friend_activity", "log1p(1/day)", 0.0, "posts and engagements per day of the mean friend"),
    _user(
        "network",
        "influential_friend_ratio",
        "[0, 1]",
        0.0,
        "share of friends with an audience of FeatureRules.influential_audience friends and page followers",
    ),
    _user("network", "close_friend_ratio", "[0, 1]", 0.0, "share of friends who are close (see the pair's)"),
    _user("network", "creator_ratio", "[0, 1]", 0.0, "share of friends who own a page with followers"),
)

_INTERESTS = tuple(
    _rate("interests", f"interest_{topic}", _PRIOR.interest_mean, f"share of the user's engagement on {topic}")
    for topic in TOPICS
)

_CREATOR = (
    _extra("creator", "log_followers", "log1p", 0.0, "followers of the pages that this user owns"),
    _rate(
        "creator", "received_engagement_rate", _PRIOR.engagement_mean, "engagement rate of the own posts", part="extra"
    ),
    _rate(
        "creator", "received_negative_rate", _PRIOR.negative_mean, "hides and reports of the own posts", part="extra"
    ),
    _rate("creator", "received_report_rate", _PRIOR.report_mean, "reports per view of the own posts", part="extra"),
    _rate("creator", "received_read_rate", _PRIOR.read_mean, "share of views that read the own posts", part="extra"),
    _extra(
        "creator",
        "authority",
        "[0, 1]",
        0.0,
        "lower end of the 95 % Wilson interval of the own posts' engagement rate: approval that is well evidenced",
    ),
)

_HABITS = (
    _extra("habits", "usual_hour_sin", "[-1, 1]", 0.0, "mean sine of the hour of views and engagements"),
    _extra("habits", "usual_hour_cos", "[-1, 1]", 0.0, "mean cosine of the hour of views and engagements"),
    _rate(
        "habits", "afternoon_ratio", _PRIOR.day_part_mean, "share of views and engagements from 12 to 18", part="extra"
    ),
    _rate("habits", "tablet_ratio", _PRIOR.tablet_mean, "share of impressions on a tablet", part="extra"),
    _rate("habits", "desktop_ratio", _PRIOR.desktop_mean, "share of impressions on a desktop", part="extra"),
    _rate("habits", "wifi_ratio", _PRIOR.connection_mean, "share of impressions over Wi-Fi", part="extra"),
    _rate(
        "habits", "cellular_ratio", _PRIOR.connection_mean, "share of impressions over a mobile network", part="extra"
    ),
    *(
        _rate(
            "habits",
            f"city_{rank}_ratio",
            _PRIOR.city_mean,
            f"share of the impressions in known cities that were in the one of rank {rank}",
            part="extra",
        )
        for rank in range(1, KNOWN_CITIES + 1)
    ),
    _extra("habits", "usual_session_views", "log1p", 0.0, "impressions behind one in the middle of a mean session"),
    _extra("habits", "usual_session_minutes", "log1p(minutes)", 0.0, "half the length of a mean session"),
    _extra("habits", "usual_new_session", "[0, 1]", 1.0, "sessions per impression; 1 where none was logged"),
)

_TASTES = (
    Feature(
        "user",
        "tastes",
        "topic_preference",
        "[-1, 1]",
        0.0,
        "mean content embedding of the posts that the user engaged with, as they read then; shrunk towards 0",
        "extra",
        size=EMBEDDING_SIZE,
    ),
    Feature(
        "user",
        "tastes",
        "creator_affinity",
        "[-1, 1]",
        0.0,
        "sketch of the shares that authors have in the user's engagement; its dot product with a post's "
        "`creator_sketch` estimates its author's; shrunk towards 0",
        "extra",
        size=CREATOR_SKETCH,
    ),
)

USER: tuple[Feature, ...] = (
    *_DEMOGRAPHICS,
    *_ACTIVITY,
    *_HISTORY,
    *_NETWORK,
    *_INTERESTS,
    *_CREATOR,
    *_HABITS,
    *_TASTES,
)
