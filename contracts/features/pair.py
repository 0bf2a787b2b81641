"""Features of a viewer and an author as of the end of a day: ``gold.affinity_features``, sparse.

Counts are those of the activity window. An interaction is a like, a comment, a share, a click, a bookmark or a view
(the engagement). Posts without a known author are in no pair.
"""

from contracts.features.feature import TOPICS, Feature, Part
from contracts.settings import Smoothing

_PRIOR = Smoothing()


def _pair(group: str, name: str, unit: str, default: float, doc: str, *, part: Part = "named") -> Feature:
    return Feature("pair", group, name, unit, default, doc, part)


def _extra(group: str, name: str, unit: str, default: float, doc: str) -> Feature:
    return _pair(group, name, unit, default, doc, part="extra")


def _match(name: str, num_kinds: int, kinds: str) -> Feature:
    doc = f"chance that a post the viewer engaged with and one the author wrote are of one {kinds}; smoothed"
    return _pair("content_affinity", name, "[0, 1]", 1 / num_kinds, doc)


PAIR: tuple[Feature, ...] = (
    _pair("relationship", "is_friend", "0 or 1", 0.0, "viewer and author are friends"),
    _pair(
        "relationship",
        "is_close_friend",
        "0 or 1",
        0.0,
        "friends, and the viewer interacted with the author at least FeatureRules.close_interactions times",
    ),
    _pair("relationship", "is_family", "0 or 1", 0.0, "friends whose friendship is landed as one of family"),
    _pair("relationship", "interaction_frequency", "log1p(1/day)", 0.0, "interactions per day of the whole window"),
    _pair(
        "relationship",
        "message_frequency",
        "log1p(1/day)",
        0.0,
        "comments on each other's posts, in either direction, per day of the whole window: no private messages land",
    ),
    _pair("relationship", "log_mutual_friends", "log1p", 0.0, "friends in common, counted for friends only"),
    _pair("history", "like_rate", "[0, 1]", _PRIOR.like_mean, "smoothed likes per view of the author's posts"),
    _pair("history", "comment_rate", "[0, 1]", _PRIOR.comment_mean, "smoothed comments per view of the author's posts"),
    _pair("history", "share_rate", "[0, 1]", _PRIOR.share_mean, "smoothed shares per view of the author's posts"),
    _pair("history", "log_profile_visits", "log1p", 0.0, "clicks that led to the author's profile"),
    _pair("history", "dwell_per_post", "seconds", _PRIOR.dwell_mean_s, "smoothed mean time per view of their posts"),
    _pair("history", "days_since_last", "days / window", 1.0, "since the last interaction; 1 where there is none"),
    _match("type_match", 4, "content type"),
    _match("topic_match", len(TOPICS), "topic"),
    _match("time_match", 4, "quarter of the day"),
    _match("format_match", 3, "format: text, one medium, several"),
    _match("length_match", 3, "length: short, middling, long text"),
    _pair(
        "social_proof", "log_friends_liked", "log1p", 0.0, "the viewer's closest friends who liked the author's posts"
    ),
    _pair("social_proof", "log_friends_commented", "log1p", 0.0, "closest friends who commented on the author's posts"),
    _pair("social_proof", "log_friends_shared", "log1p", 0.0, "closest friends who shared the author's posts"),
    _extra("history", "is_follower", "0 or 1", 0.0, "the viewer follows a page of the author"),
    _extra("history", "log_interactions", "log1p", 0.0, "interactions"),
    _extra("history", "negative_rate", "[0, 1]", _PRIOR.negative_mean, "smoothed hides and reports per view"),
    _extra("history", "recency", "[0, 1]", 0.0, "exp(-days since the last interaction / 7); 0 where there is none"),
    _extra(
        "history",
        "mutual_engagement_rate",
        "[0, 1]",
        _PRIOR.engagement_mean,
        "smoothed likes, comments and shares per view of each other's posts, in both directions",
    ),
    _extra("history", "log_mutual_views", "log1p", 0.0, "views of each other's posts, in both directions"),
    _extra(
        "history",
        "mutual_dwell",
        "log1p(seconds)",
        0.0,
        "mean of the times spent on each other's posts, in both directions, beyond that of all pairs; shrunk towards 0",
    ),
)
