"""The stages of a night, in order, and the tables each one writes.

The DAG, the stage runner, the gates and the run report all read this list, so a table has one name everywhere:
its job is ``spark_jobs/<stage>/<name>.py``, its DDL ``sql/<layer>/<name>/ddl.sql``, its suite
``expectations/<layer>/<name>.json`` and its Airflow asset ``<layer>.<name>``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One Delta table: ``layer.name``, written by ``stage``.

    ``keys`` are the columns of the grain; ``partition`` is the column a rerun replaces or merges within.
    ``inputs`` are the tables that its rows are computed from.
    """

    layer: str
    name: str
    stage: str
    keys: tuple[str, ...]
    partition: str | None
    inputs: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """``layer.name``, the name used in logs, verdicts, assets and docs."""
        return f"{self.layer}.{self.name}"


STAGES: dict[str, tuple[str, ...]] = {
    "ingest": (),
    "clean": ("ingest",),
    "preflight": ("clean",),
    "features": ("preflight",),
    "examples": ("features",),
    "train": ("examples",),
    "promote": ("train",),
    "candidates": ("features",),
    "score": ("promote", "candidates"),
    "rerank": ("score",),
    "audit": ("rerank",),
    "publish": ("audit",),
    "evaluate": ("publish",),
}
"""Each stage, in an order in which they may run one after another, with the stages that it waits for."""

_EDGES = ("bronze.events", "silver.users")
_WRITTEN = (*_EDGES, "silver.pages", "silver.groups")
_SHOWN = (*_EDGES, "silver.posts", "silver.ads")
_CLEANED = (
    *(f"silver.{edge}" for edge in ("friendships", "page_follows", "group_memberships", "blocks")),
    *(f"silver.{log}" for log in ("sessions", "impressions", "engagements", "content_labels")),
    *(
        f"silver.{entity}"
        for entity in ("users", "pages", "groups", "campaigns", "post_edits", "posts", "ads", "creators")
    ),
)
_LABELLED = ("bronze.events", "silver.posts")
_POSTS = ("silver.posts", "silver.post_edits")
_LOGS = ("silver.impressions", "silver.engagements")
_EXAMPLE_INPUTS = (
    *_POSTS,
    *_LOGS,
    "gold.user_features",
    "gold.affinity_features",
    "gold.content_embeddings",
    "gold.locations",
)
_READ = (*_POSTS, "gold.content_models")
_SNAPSHOTS = tuple(
    f"gold.{name}" for name in ("affinity_features", "content_embeddings", "communities", "locations", "user_features")
)
_JUDGED = (*_POSTS, "silver.content_labels", "gold.content_embeddings")
_WHO_MAY_SEE = ("silver.users", "silver.friendships", "silver.group_memberships", "silver.blocks", "silver.posts")
_POLICY = ("silver.content_labels", "gold.content_risks")
_QUEUED = ("silver.posts", "silver.content_labels", "gold.content_risks", "gold.post_features")

TABLES: tuple[Table, ...] = (
    Table("bronze", "events", "ingest", ("event_id",), "landing_date", ("bronze.erasures",)),
    Table("bronze", "files", "ingest", ("source",), None, ("bronze.events",)),
    Table("bronze", "quarantine", "ingest", ("writer", "source", "line"), "landing_date", ("bronze.events",)),
    Table("silver", "users", "clean", ("user_id", "valid_from"), None, ("bronze.events",)),
    Table("silver", "pages", "clean", ("page_id",), None, ("bronze.events", "silver.users")),
    Table("silver", "groups", "clean", ("group_id",), None, ("bronze.events", "silver.users")),
    Table("silver", "campaigns", "clean", ("campaign_id",), None, _EDGES),
    Table("silver", "friendships", "clean", ("user_id", "friend_id", "valid_from"), None, _EDGES),
    Table("silver", "page_follows", "clean", ("user_id", "page_id", "valid_from"), None, (*_EDGES, "silver.pages")),
    Table(
        "silver", "group_memberships", "clean", ("user_id", "group_id", "valid_from"), None, (*_EDGES, "silver.groups")
    ),
    Table("silver", "blocks", "clean", ("user_id", "blocked_id", "valid_from"), None, _EDGES),
    # It also reads silver.posts as the night before left it, so it comes first.
    Table("silver", "post_edits", "clean", ("post_id", "updated_at"), None, _WRITTEN),
    Table("silver", "posts", "clean", ("post_id",), None, (*_WRITTEN, "silver.post_edits")),
    Table("silver", "sessions", "clean", ("session_id", "event_date"), "event_date", _EDGES),
    Table("silver", "ads", "clean", ("ad_id",), None, ("bronze.events", "silver.campaigns", "silver.posts")),
    Table("silver", "creators", "clean", ("creator_id",), None, ("silver.pages", "silver.posts")),
    Table("silver", "impressions", "clean", ("impression_id",), "event_date", _SHOWN),
    Table("silver", "engagements", "clean", ("engagement_id",), "event_date", _SHOWN),
    Table("silver", "content_labels", "clean", ("post_id", "labeller_id", "label"), None, _LABELLED),
    # The last of its stage: it says that all others have been through what ingest read.
    Table("silver", "arrivals", "clean", ("source", "batch"), None, ("bronze.events", *_CLEANED)),
    Table(
        "gold",
        "affinity_features",
        "features",
        ("user_id", "author_id", "ds"),
        "ds",
        (
            *_POSTS,
            *_LOGS,
            "silver.friendships",
            "silver.page_follows",
            "silver.pages",
        ),
    ),
    Table("gold", "content_models", "features", ("ds", "encoder", "bucket"), "ds", _POSTS),
    Table("gold", "content_embeddings", "features", ("post_id", "text_at", "ds"), "ds", _READ),
    Table("gold", "communities", "features", ("user_id", "ds"), "ds", ("silver.users", "silver.friendships")),
    Table(
        "gold",
        "people_suggestions",
        "features",
        ("user_id", "suggested_id", "ds"),
        "ds",
        ("silver.friendships", "silver.blocks"),
    ),
    Table("gold", "locations", "features", ("kind", "location", "ds"), "ds", ("silver.users", *_LOGS)),
    Table(
        "gold",
        "user_features",
        "features",
        ("user_id", "ds"),
        "ds",
        (
            "silver.users",
            *_POSTS,
            *_LOGS,
            "silver.friendships",
            "silver.page_follows",
            "silver.group_memberships",
            "silver.pages",
            "gold.affinity_features",
            "gold.communities",
            "gold.content_embeddings",
            "gold.locations",
        ),
    ),
    Table("gold", "snapshots", "features", ("table_name", "day"), None, _SNAPSHOTS),
    # These two are built beside gold.user_features, which takes longer.
    Table("gold", "label_models", "features", ("label", "ds"), "ds", _JUDGED),
    Table("gold", "content_risks", "features", ("post_id", "text_at", "ds"), "ds", (*_JUDGED, "gold.label_models")),
    Table(
        "gold",
        "post_features",
        "features",
        ("post_id", "ds"),
        "ds",
        (*_POSTS, "silver.impressions", "silver.engagements", "gold.user_features", "gold.content_embeddings"),
    ),
    Table("gold", "labelling_queue", "features", ("label", "rank", "ds"), "ds", _QUEUED),
    Table("gold", "propensities", "examples", ("surface", "position", "ds"), "ds", _EXAMPLE_INPUTS),
    Table("gold", "training_examples", "examples", ("example_id",), "ds", (*_EXAMPLE_INPUTS, "gold.propensities")),
    Table("gold", "models", "train", ("role", "ds"), "ds", ("gold.training_examples",)),
    Table("gold", "promotions", "promote", ("role", "ds"), "ds", ("gold.training_examples", "gold.models")),
    Table(
        "gold",
        "feed_candidates",
        "candidates",
        ("user_id", "post_id", "ds"),
        "ds",
        (
            *_WHO_MAY_SEE,
            "silver.page_follows",
            *_LOGS,
            "gold.post_features",
            "gold.affinity_features",
            "gold.user_features",
            "gold.communities",
            *_POLICY,
        ),
    ),
    Table("gold", "post_embeddings", "score", ("post_id", "ds"), "ds", ("gold.post_features", "gold.promotions")),
    Table(
        "gold",
        "scored_candidates",
        "score",
        ("user_id", "post_id", "ds"),
        "ds",
        (
            "gold.feed_candidates",
            "gold.post_embeddings",
            "gold.post_features",
            "gold.user_features",
            "gold.affinity_features",
            "gold.promotions",
        ),
    ),
    Table(
        "gold",
        "ranked_feeds",
        "rerank",
        ("user_id", "rank", "ds"),
        "ds",
        (
            *_WHO_MAY_SEE,
            "gold.scored_candidates",
            "gold.feed_candidates",
            "gold.user_features",
            "gold.post_features",
            *_POLICY,
        ),
    ),
    Table(
        "gold",
        "epochs",
        "publish",
        ("epoch",),
        None,
        (
            *_WHO_MAY_SEE,
            "gold.ranked_feeds",
            "gold.user_features",
            "gold.post_features",
            "silver.post_edits",
            "silver.pages",
            "silver.groups",
            "silver.engagements",
            *_POLICY,
        ),
    ),
)

BESIDE_THE_NIGHT: tuple[Table, ...] = (Table("bronze", "erasures", "erase", ("id_key",), None),)
"""Tables that commands of people write; a night reads them where they are there, and has no task for them."""

BY_NAME: dict[str, Table] = {table.full_name: table for table in (*TABLES, *BESIDE_THE_NIGHT)}


def tables_of(stage: str) -> tuple[Table, ...]:
    """The tables that ``stage`` writes, in the order in which it writes them."""
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}; the stages are {', '.join(STAGES)}")
    return tuple(table for table in TABLES if table.stage == stage)
