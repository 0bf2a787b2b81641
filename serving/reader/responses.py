"""The published shape of every answer, for OpenAPI; feed bodies themselves are joined from prebuilt bytes."""

import json
import time
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from serving.reader.pages import FeedPage
from serving.reader.selection import Level

Id = Annotated[str, Field(pattern=r"^-?\d{1,19}$", description="a 64-bit id, as text")]


class Author(BaseModel):
    """Who posted."""

    id: Id
    name: str


class Content(BaseModel):
    """What was posted."""

    type: Literal["status", "photo", "video", "link"]
    text: str
    hashtags: list[str]
    media_count: int


class Source(BaseModel):
    """Where it was posted."""

    type: str
    id: Id | None = Field(description="null: the author would be the source, and nobody knows them")
    name: str


class Stats(BaseModel):
    """Counts as of the epoch."""

    likes: int
    comments: int
    shares: int


class UserInteraction(BaseModel):
    """What the asking user has done with the post."""

    liked: bool
    commented: bool
    shared: bool


class Post(BaseModel):
    """One post of the feed."""

    id: Id
    author: Author | None = Field(description="null: nobody knows who wrote it")
    content: Content
    source: Source
    created_at: str = Field(description="ISO 8601, UTC")
    stats: Stats | None = Field(description="null: nobody counts promoted posts older than the candidate window")
    privacy: str
    user_interaction: UserInteraction | None = Field(description="null: not known to this reader")
    ranking_score: float | None
    propensity: float | None = Field(
        description="chance of the draw for the post's place, to be logged with its impression; null: unknown"
    )
    reason: str = Field(description="why the post is here, as a sentence")
    is_sponsored: bool
    ad_id: Id | None = Field(description="the ad, to be named with its impressions and clicks; null: it is none")


class Metadata(BaseModel):
    """How the answer came about."""

    ranking_version: str
    ab_test_group: str | None = Field(description="the user's arm; null: no experiment assigns this user")
    generation_time_ms: float
    epoch: int
    served_from: Level
    staleness_s: int = Field(description="age of the ranking, in seconds")


class FeedResponse(BaseModel):
    """One page of a feed."""

    posts: list[Post]
    next_cursor: str | None
    has_more: bool
    metadata: Metadata


def render_page(page: FeedPage, started: float, arm: str | None = None) -> bytes:
    """The response body; ``started`` is the ``time.perf_counter()`` at which the request came in."""
    pool = page.source.pool
    tail = {
        "next_cursor": page.next_cursor,
        "has_more": page.next_cursor is not None,
        "metadata": {
            "ranking_version": f"epoch-{pool.epoch}",
            "ab_test_group": arm,
            "generation_time_ms": round((time.perf_counter() - started) * 1000, 3),
            "epoch": pool.epoch,
            "served_from": page.source.level,
            "staleness_s": max(0, int(time.time()) - pool.generated_at),
        },
    }
    return b'{"posts":[' + b",".join(page.posts) + b"]," + json.dumps(tail, separators=(",", ":")).encode()[1:]
