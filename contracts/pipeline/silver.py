"""Tables of silver: typed and conformed."""

from contracts.pipeline.table import Table

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
_NEWS = ("bronze.quarantine", "silver.arrivals")
"""``earlier_inputs`` of every table: lines refused before, and arrivals that earlier runs of clean have read."""

TABLES: tuple[Table, ...] = (
    Table("silver", "users", "clean", ("user_id", "valid_from"), None, ("bronze.events",), earlier_inputs=_NEWS),
    Table("silver", "pages", "clean", ("page_id",), None, ("bronze.events", "silver.users"), earlier_inputs=_NEWS),
    Table("silver", "groups", "clean", ("group_id",), None, ("bronze.events", "silver.users"), earlier_inputs=_NEWS),
    Table("silver", "campaigns", "clean", ("campaign_id",), None, _EDGES, earlier_inputs=_NEWS),
    Table("silver", "friendships", "clean", ("user_id", "friend_id", "valid_from"), None, _EDGES, earlier_inputs=_NEWS),
    Table(
        "silver",
        "page_follows",
        "clean",
        ("user_id", "page_id", "valid_from"),
        None,
        (*_EDGES, "silver.pages"),
        earlier_inputs=_NEWS,
    ),
    Table(
        "silver",
        "group_memberships",
        "clean",
        ("user_id", "group_id", "valid_from"),
        None,
        (*_EDGES, "silver.groups"),
        earlier_inputs=_NEWS,
    ),
    Table("silver", "blocks", "clean", ("user_id", "blocked_id", "valid_from"), None, _EDGES, earlier_inputs=_NEWS),
    # It also reads silver.posts as the night before left it, so it comes first.
    Table(
        "silver",
        "post_edits",
        "clean",
        ("post_id", "updated_at"),
        None,
        _WRITTEN,
        earlier_inputs=(*_NEWS, "silver.posts"),
    ),
    Table("silver", "posts", "clean", ("post_id",), None, (*_WRITTEN, "silver.post_edits"), earlier_inputs=_NEWS),
    Table("silver", "sessions", "clean", ("session_id", "event_date"), "event_date", _EDGES, earlier_inputs=_NEWS),
    Table(
        "silver",
        "ads",
        "clean",
        ("ad_id",),
        None,
        ("bronze.events", "silver.campaigns", "silver.posts"),
        earlier_inputs=_NEWS,
    ),
    Table("silver", "creators", "clean", ("creator_id",), None, ("silver.pages", "silver.posts")),
    Table("silver", "impressions", "clean", ("impression_id",), "event_date", _SHOWN, earlier_inputs=_NEWS),
    Table("silver", "engagements", "clean", ("engagement_id",), "event_date", _SHOWN, earlier_inputs=_NEWS),
    Table(
        "silver", "content_labels", "clean", ("post_id", "labeller_id", "label"), None, _LABELLED, earlier_inputs=_NEWS
    ),
    # The last of its stage: it records that all others have processed what ingest read.
    Table(
        "silver",
        "arrivals",
        "clean",
        ("source", "batch"),
        None,
        ("bronze.events", *_CLEANED),
        earlier_inputs=("bronze.quarantine",),
    ),
)
