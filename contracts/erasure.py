"""Which rows and values of every table and landing line belong to a person, and how the ledger keeps erased ids.

A person is a user with the posts they wrote, the pages they own and the campaigns they pay for. ``TRACES`` lists for
each table the rows to delete and the values to remove from other rows; a test fails if a table, or a column that may
hold an id, has no entry. Groups belong to their members: if the owner is erased, the group stays and ``NOBODY`` owns
it. The same holds for a community that was named after the person.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["user", "post", "page", "campaign"]
KINDS: tuple[Kind, ...] = ("user", "post", "page", "campaign")

NOBODY = 2**63 - 1
"""The owner of a group whose owner was erased: the one 64-bit integer that no source can use for a user."""

DISTINCTIVE = 1_000_000
"""Ids from here on do not occur by chance, so the proof searches every number for them, not only id columns."""

KEY_FILE_VARIABLE = "FEEDLAKE_ERASURE_KEY_FILE"
MIN_KEY_BYTES = 32
_BLOCK_BYTES = 64


@dataclass(frozen=True)
class Trace:
    """How a person is erased from one table.

    A row is deleted if a column of ``deleted_by`` holds an erased id of that kind. In other rows, erased users are
    removed from the columns ``lists`` and replaced by ``NOBODY`` in the columns ``owners``. ``lines``: the table holds
    landing lines, which ``LINE_FIELDS`` describes. ``names_nobody`` lists columns that look like ids but identify no
    person; the test requires an entry for them.
    """

    deleted_by: dict[str, Kind] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    lines: bool = False
    names_nobody: tuple[str, ...] = ()


_VIEWER_AND_POST: dict[str, Kind] = {"user_id": "user", "post_id": "post", "author_id": "user"}
_POST = Trace(
    {"post_id": "post", "author_id": "user"},
    lists=("mentions", "audience", "tags"),
    names_nobody=("source_id", "event_id"),
)

TRACES: dict[str, Trace] = {
    "bronze.files": Trace(
        names_nobody=("listed_bytes", "modified_us", "num_bytes", "num_lines", "batch"),
    ),
    "bronze.events": Trace(lines=True, names_nobody=("event_id", "line", "batch")),
    "bronze.quarantine": Trace(lines=True, names_nobody=("event_id", "line", "batch")),
    "bronze.erasures": Trace(names_nobody=("id_key", "request_id", "key_check")),
    "silver.arrivals": Trace(names_nobody=("batch", "num_events", "num_waited")),
    "silver.users": Trace({"user_id": "user"}, names_nobody=("event_id",)),
    "silver.pages": Trace({"page_id": "page", "owner_id": "user"}, names_nobody=("event_id",)),
    "silver.groups": Trace(owners=("owner_id",), names_nobody=("group_id", "event_id")),
    "silver.friendships": Trace({"user_id": "user", "friend_id": "user"}),
    "silver.page_follows": Trace({"user_id": "user", "page_id": "page"}),
    "silver.group_memberships": Trace({"user_id": "user"}, names_nobody=("group_id",)),
    "silver.blocks": Trace({"user_id": "user", "blocked_id": "user"}),
    "silver.posts": _POST,
    "silver.post_edits": _POST,
    "silver.sessions": Trace({"user_id": "user"}, names_nobody=("session_id", "event_id")),
    "silver.campaigns": Trace({"campaign_id": "campaign", "advertiser_id": "user"}, names_nobody=("event_id",)),
    "silver.ads": Trace({"campaign_id": "campaign", "post_id": "post"}, names_nobody=("ad_id", "event_id")),
    "silver.creators": Trace({"creator_id": "user"}, names_nobody=("num_posts", "num_page_posts")),
    "silver.content_labels": Trace({"post_id": "post"}, names_nobody=("labeller_id", "event_id")),
    "silver.impressions": Trace(
        {"user_id": "user", "post_id": "post"},
        names_nobody=("impression_id", "request_id", "session_id", "epoch", "ad_id"),
    ),
    "silver.engagements": Trace(
        {"user_id": "user", "post_id": "post"}, names_nobody=("engagement_id", "impression_id", "dwell_ms", "ad_id")
    ),
    "gold.content_models": Trace(),
    "gold.content_embeddings": Trace({"post_id": "post"}, names_nobody=("text_hash",)),
    "gold.label_models": Trace(),
    "gold.content_risks": Trace({"post_id": "post"}),
    "gold.labelling_queue": Trace({"post_id": "post"}),
    "gold.locations": Trace(names_nobody=("num_users",)),
    "gold.user_features": Trace({"user_id": "user"}),
    "gold.post_features": Trace({"post_id": "post", "author_id": "user"}, names_nobody=("num_bookmarks", "num_opens")),
    "gold.affinity_features": Trace({"user_id": "user", "author_id": "user"}),
    "gold.communities": Trace({"user_id": "user"}, owners=("community_id",), names_nobody=("num_members",)),
    "gold.people_suggestions": Trace({"user_id": "user", "suggested_id": "user"}, names_nobody=("num_mutual_friends",)),
    "gold.propensities": Trace(names_nobody=("num_impressions", "num_engaged")),
    "gold.training_examples": Trace(_VIEWER_AND_POST, names_nobody=("example_id", "num_prior_likes")),
    "gold.models": Trace(names_nobody=("examples_version", "num_examples")),
    "gold.promotions": Trace(names_nobody=("examples_version", "num_users", "num_examples")),
    "gold.feed_candidates": Trace(_VIEWER_AND_POST, names_nobody=("source_id",)),
    "gold.post_embeddings": Trace({"post_id": "post"}),
    "gold.scored_candidates": Trace(_VIEWER_AND_POST),
    "gold.ranked_ads": Trace(
        {"user_id": "user", "post_id": "post", "campaign_id": "campaign"}, names_nobody=("ad_id", "bid_micros")
    ),
    "gold.ranked_feeds": Trace(_VIEWER_AND_POST, names_nobody=("source_id",)),
    "gold.snapshots": Trace(names_nobody=("batch",)),
    "gold.epochs": Trace(names_nobody=("epoch",)),
}
"""``source_id`` is the author, page or group of the row's post, so it is deleted with that post."""

LINE_FIELDS: dict[str, Kind] = {
    "user_id": "user",
    "friend_id": "user",
    "blocked_id": "user",
    "author_id": "user",
    "post_id": "post",
    "page_id": "page",
    "advertiser_id": "user",
    "campaign_id": "campaign",
}
"""Fields of a landing line that identify a person; a line with an erased id in any of them is deleted."""
LINE_LISTS = ("mentions", "audience", "tags")
LINE_OWNER = "owner_id"
"""A page of an erased owner is deleted; a group stays, see ``NOBODY``."""
LINE_NAMES_NOBODY = ("group_id", "source_id", "epoch", "dwell_ms", "ad_id")


def load_key() -> bytes:
    """The erasure key from the file that ``FEEDLAKE_ERASURE_KEY_FILE`` names; ``ValueError`` names the problem.

    The file must be outside the lake: with the key and the ledger anybody can test whether an id was erased.
    """
    name = os.environ.get(KEY_FILE_VARIABLE, "")
    if not name or not Path(name).is_file():
        raise ValueError(
            f"{KEY_FILE_VARIABLE} must name the file of the erasure key, found {name!r}: without it nobody can tell "
            "the events of erased users, see docs/erasure.md"
        )
    key = Path(name).read_bytes().strip()
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"the erasure key in {name} has {len(key)} bytes, it needs {MIN_KEY_BYTES}")
    return key


def id_key(key: bytes, kind: Kind, identity: int) -> str:
    """What the ledger keeps of an erased id: HMAC-SHA-256 of ``kind:id``, hexadecimal."""
    return hmac.new(key, f"{kind}:{identity}".encode(), hashlib.sha256).hexdigest()


def key_check(key: bytes) -> str:
    """A fingerprint of the key, kept in the ledger so that a wrong key is noticed; it does not reveal the key."""
    return hmac.new(key, b"which key is this", hashlib.sha256).hexdigest()[:16]


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """Inner and outer pad of the key (RFC 2104), for an engine that has SHA-256 and no HMAC."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
