"""Two published nights of random pools, and what live services suppress between them, for replays of pages."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import functions as F

from contracts.epochs import FLAG_PUBLIC, Pool, unpack_pool
from contracts.redis_keys import NARROWED_KEY, TAKEDOWN_KEY, block_key, hidden_key, pool_key
from contracts.settings import Settings
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish import epochs
from spark_jobs.rules.seen import suppressed_pairs
from tests.feature_values import defaults
from tests.feed_rows import DS, hours, put
from tests.published_night import write_audit

USERS, POSTS, AUTHORS, POOL = 48, 300, 60, 60
PAGE, GROUP = 7_000, 8_000
WITHOUT_BLOCK = 3
"""A user whose block is published with the second epoch and lost in Redis."""


def pool_of(client: Any, user: int, epoch: int = 1) -> Pool:
    return unpack_pool(client.get(pool_key(epoch, user)))


def suppress(client: Any, users: list[int]) -> None:
    """What live services and a publish write after the night: blocks, hides, deletions, narrowings."""
    for at, user in enumerate(users):
        columns = pool_of(client, user).columns
        closed = columns["post_id"][(columns["flags"] & FLAG_PUBLIC) == 0]
        if at % 4 == 0:
            client.sadd(block_key(user), int(columns["author_id"][1]))
            client.sadd(block_key(int(columns["author_id"][1])), user)
        elif at % 4 == 1:
            client.sadd(hidden_key(user), *columns["post_id"][[0, 3]].tolist())
        elif at % 4 == 2:
            client.sadd(TAKEDOWN_KEY, int(columns["post_id"][2]))
        elif len(closed):
            client.zadd(NARROWED_KEY, {int(closed[0]): 2})


def some_posts(draw: random.Random) -> list[dict[str, Any]]:
    """Posts of every source, privacy and type, with texts that JSON escapes."""
    posts = []
    for post_id in range(10_000, 10_000 + POSTS):
        author, source = 1_000 + draw.randrange(AUTHORS), draw.choice(("friend", "page", "group"))
        posts.append(
            {
                "post_id": post_id,
                "author_id": author,
                "source_type": source,
                "source_id": {"friend": author, "page": PAGE, "group": GROUP}[source],
                "privacy": draw.choice(("public", "public", "friends")),
                "content_type": draw.choice(("status", "photo", "video", "link")),
                "text": f'Ö "{post_id}" \N{GRINNING FACE}\n<b>',
                "hashtags": ["a", "ü"][: draw.randrange(3)],
                "media_count": draw.randrange(4),
                "created_at": hours(draw.uniform(0.5, 40)),
            }
        )
    return posts


def ranked(draw: random.Random, posts: list[dict[str, Any]], seen: set[tuple[int, int]]) -> list[dict[str, Any]]:
    """Pools of random posts that their users have not seen, some of them drawn."""
    copied = ("post_id", "author_id", "source_type", "source_id", "privacy", "content_type", "created_at")
    rows = []
    for user in range(1, USERS + 1):
        unseen = [post for post in posts if (user, post["post_id"]) not in seen]
        for rank, post in enumerate(draw.sample(unseen, POOL), 1):
            drawn = draw.random() < 0.1
            rows.append(
                {name: post[name] for name in copied}
                | {"user_id": user, "rank": rank, "value_score": draw.uniform(0, 2) / rank, "is_exploration": drawn}
                | {"propensity": draw.uniform(0.01, 1) if drawn else 1.0, "reason": f"{post['source_type']}_posted"}
            )
    return rows


def made_night(lake: Lake, runs: Path, url: str) -> Night:
    """An audited night of random pools, without what the night's rule of seen posts leaves out."""
    draw = random.Random(20)
    posts, users = some_posts(draw), range(1, USERS + 1)
    night = Night(lake, DS, "", runs, Settings(), url)
    shown = [
        {"impression_id": f"{user}-{post['post_id']}", "user_id": user, "post_id": post["post_id"]}
        | {"shown_at": hours(1), "received_at": hours(1), "event_date": DS}
        for user in users
        for post in draw.sample(posts, 40)
    ]
    people = [*users, *range(1_000, 1_000 + AUTHORS)]
    engaged = {"log_likes": 2.0, "log_comments": 1.0}
    tables: dict[str, list[dict[str, Any]]] = {
        "silver.users": [{"user_id": user, "name": f'Ä "{user}"'} for user in people],
        "silver.posts": posts,
        "silver.pages": [{"page_id": PAGE, "owner_id": 1_000, "name": "Bees & Co"}],
        "silver.groups": [{"group_id": GROUP, "owner_id": 1_000, "name": "Bikes"}],
        "silver.impressions": shown,
        "silver.engagements": [],
        "gold.post_features": [
            {"post_id": post["post_id"], "author_id": post["author_id"], **(engaged if at % 3 else {})}
            for at, post in enumerate(posts)
        ],
        "gold.user_features": [{**defaults("user"), "user_id": user} for user in users],
    }
    for name, rows in tables.items():
        put(lake, name, rows)
    logs = night.read("silver.impressions"), night.read("silver.engagements")
    seen = {(row[0], row[1]) for row in suppressed_pairs(*logs, night.as_of, night.settings).collect()}
    put(lake, "gold.ranked_feeds", ranked(draw, posts, seen))
    write_audit(night)
    return night


def next_night(night: Night, client: Any) -> None:
    """Published from the same rows without every fourth user's pool, after the texts of all posts have changed."""
    later = replace(night, ds=night.ds + timedelta(days=1))
    for name in ("gold.post_features", "gold.user_features", "gold.ranked_feeds"):
        rows = night.read(name).where(F.col("ds") == F.lit(night.ds))
        kept = rows.where("user_id % 4 != 0") if name == "gold.ranked_feeds" else rows
        kept.withColumn("ds", F.lit(later.ds)).write.format("delta").mode("append").save(night.lake.path(name))
    posts = DeltaTable.forPath(night.spark, night.lake.path("silver.posts"))
    posts.update(set={"text": F.concat("text", F.lit(" (edited)"))})
    author = int(pool_of(client, WITHOUT_BLOCK).columns["author_id"][0])
    put(night.lake, "silver.blocks", [{"user_id": WITHOUT_BLOCK, "blocked_id": author, "valid_from": later.as_of}])
    write_audit(later)
    epochs.main(later)
    assert client.srem(block_key(WITHOUT_BLOCK), author) == 1
