"""A small audited night to publish: three users, posts of every source, an ad, suppressions of every kind."""

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

from contracts.settings import Settings
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from tests.feature_values import defaults
from tests.feed_rows import AS_OF, DS, hours, put

ANN, BOB, CAT = 1, 2, 2**53 + 1
PAGE, GROUP = 70, 80
PROFILE_POST, PAGE_POST, GROUP_POST, PRIVATE_POST, DELETED_POST, LONG_DELETED, OLD_POST, PROMOTED = range(101, 109)
AD = 900


def _deleted(days: int) -> dict[str, Any]:
    at = AS_OF - timedelta(days=days)
    return {"deleted_at": at, "deletion_received_at": at}


POSTS: list[dict[str, Any]] = [
    {"post_id": PROFILE_POST, "author_id": CAT, "source_id": CAT, "text": 'Ö "x"', "hashtags": ["a"], "media_count": 2},
    {"post_id": PAGE_POST, "author_id": BOB, "source_type": "page", "source_id": PAGE, "created_at": hours(2)},
    {"post_id": GROUP_POST, "author_id": BOB, "source_type": "group", "source_id": GROUP},
    {"post_id": PRIVATE_POST, "author_id": BOB, "source_id": BOB, "privacy": "friends", "content_type": "photo"},
    # Its last version is older than what stays in the set.
    {"post_id": DELETED_POST, "author_id": BOB, "is_deleted": True, "updated_at": hours(24 * 40), **_deleted(1)},
    {"post_id": LONG_DELETED, "author_id": BOB, "is_deleted": True, **_deleted(31)},
    {"post_id": OLD_POST, "author_id": BOB, "created_at": AS_OF - timedelta(days=11)},
    {"post_id": PROMOTED, "author_id": CAT, "source_id": CAT, "created_at": AS_OF - timedelta(days=11)},
]
RANKED: list[tuple[int, list[tuple[int, str, float]]]] = [
    (ANN, [(PRIVATE_POST, "friend", 70000.0), (GROUP_POST, "group", 2.5), (PAGE_POST, "page", 0.1)]),
    (BOB, [(PROFILE_POST, "suggested", 1.0)]),
    (CAT, [(PAGE_POST, "page", 1.0)]),
]
REASON = {"friend": "friend_posted", "group": "group_posted", "page": "page_posted", "suggested": "popular"}


def ranked_rows() -> list[dict[str, Any]]:
    """Rows of gold.ranked_feeds."""
    facts = {post["post_id"]: post for post in POSTS}
    copied = ("post_id", "author_id", "source_id")
    return [
        {
            "user_id": user,
            "rank": rank,
            **{name: facts[post][name] for name in copied},
            **{name: facts[post][name] for name in ("content_type", "privacy", "created_at") if name in facts[post]},
            "source_type": source,
            "value_score": score,
            "reason": REASON[source],
        }
        for user, pool in RANKED
        for rank, (post, source, score) in enumerate(pool, 1)
    ]


def prepare(lake: Lake, runs: Path, url: str, settings: Settings | None = None) -> Night:
    """Write the tables and a passed audit; returns the night."""
    hidden = {"engagement_type": "hide", "engaged_at": hours(1), "received_at": hours(1), "event_date": DS}
    stats = {"log_likes": math.log1p(12), "log_comments": math.log1p(3)}
    taste = [0.25, *[0.0] * 48, -0.5]
    tables: dict[str, list[dict[str, Any]]] = {
        "silver.users": [
            {"user_id": ANN, "name": "Ann"},
            {"user_id": BOB, "name": "Bob", "valid_to": hours(9)},
            {"user_id": BOB, "name": "Bobby", "valid_from": hours(9)},
            {"user_id": CAT, "name": "Cat"},
        ],
        "silver.posts": POSTS,
        "silver.pages": [{"page_id": PAGE, "owner_id": BOB, "name": "Bees & Co"}],
        "silver.groups": [{"group_id": GROUP, "owner_id": BOB, "name": "Bikes"}],
        "silver.blocks": [
            {"user_id": ANN, "blocked_id": 9},
            {"user_id": 8, "blocked_id": ANN, "valid_from": AS_OF + timedelta(hours=1)},
            {"user_id": BOB, "blocked_id": 7, "valid_to": hours(3)},
            {"user_id": 7, "blocked_id": BOB, "valid_to": None},
            {"user_id": BOB, "blocked_id": 6, "valid_to": hours(3)},
        ],
        "silver.engagements": [
            {"engagement_id": "1", "user_id": ANN, "post_id": PROFILE_POST, **hidden},
            {"engagement_id": "2", "user_id": ANN, "post_id": OLD_POST, **hidden},
            {"engagement_id": "3", "user_id": BOB, "post_id": PROFILE_POST, **hidden, "engagement_type": "like"},
        ],
        "gold.post_features": [
            {
                "post_id": post["post_id"],
                "author_id": post["author_id"],
                **(stats if post["post_id"] == PAGE_POST else {}),
            }
            for post in POSTS
        ],
        "gold.user_features": [
            {**defaults("user"), "user_id": user, "age": user % 7 / 10, "interest_food": 0.5, "topic_preference": taste}
            for user in (ANN, BOB, CAT)
        ],
        "gold.ranked_feeds": ranked_rows(),
        "gold.ranked_ads": [{"user_id": ANN, "place": 1, "after_rank": 2, "ad_id": AD, "post_id": PROMOTED}],
        "silver.content_labels": [
            {"post_id": GROUP_POST, "label": "nsfw", "labeller_type": "user", "value": True},
            {"post_id": GROUP_POST, "label": "nsfw", "labeller_type": "user", "value": True},
        ],
    }
    for name, rows in tables.items():
        put(lake, name, rows)
    night = Night(lake, DS, "", runs, settings or Settings(), url)
    write_audit(night)
    return night


def write_audit(night: Night, **changed: Any) -> None:
    """The verdict that the audit stage writes."""
    versions = {
        name: night.lake.version(table) if night.lake.exists(table) else 0
        for name, table in (("ranked_version", "gold.ranked_feeds"), ("ads_version", "gold.ranked_ads"))
    }
    verdict = {"ds": night.ds.isoformat(), "passed": True, **versions}
    night.folder.mkdir(parents=True, exist_ok=True)
    (night.folder / "audit.json").write_text(json.dumps({**verdict, "checks": [], **changed}))
