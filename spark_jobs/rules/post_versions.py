"""The version of a post that an instant sees, and whether the post was deleted by then.

The first version of a post is seen from the instant at which the post exists (``existing_micros``), so that an
engagement at the same instant has a version. A later version is seen after the instant at which it was made
(``visible_micros``), like any other event. So every instant from a post's creation on sees exactly one version, and
later arrivals never change which one.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.rules.point_in_time import existing_micros, known_before, visible_micros


def all_versions(posts: DataFrame, edits: DataFrame) -> DataFrame:
    """Every version of every post, from silver.posts and silver.post_edits; grain: post_id, updated_at.

    Columns: those of silver.post_edits (those of supersession are null for the latest version), and ``visible_from``
    and ``visible_until`` in microseconds; ``visible_until`` is null for the latest version.
    """
    never = F.lit(None).cast("timestamp")
    latest = posts.withColumns(
        {
            "received_at": F.coalesce("version_received_at", "received_at"),
            "came_first": F.coalesce("came_first", F.lit(col=True)),
            "superseded_at": never,
            "superseded_received_at": never,
        }
    )
    return (
        latest.select(*edits.columns)
        .unionByName(edits)
        .withColumns(
            {
                "visible_from": F.when(F.col("came_first"), existing_micros("updated_at", "received_at")).otherwise(
                    visible_micros("updated_at", "received_at")
                ),
                "visible_until": visible_micros("superseded_at", "superseded_received_at"),
            }
        )
    )


def with_deletions(versions: DataFrame, posts: DataFrame) -> DataFrame:
    """``versions`` with ``is_deleted`` of their post, ``deleted_at`` and ``deletion_received_at``."""
    deletions = posts.where("is_deleted").select("post_id", "is_deleted", *deletion_columns())
    return versions.join(deletions, "post_id", "left").fillna(value=False, subset=["is_deleted"])


def deletion_columns() -> list[Column]:
    """``deleted_at`` and ``deletion_received_at`` of a deleted post in silver.posts.

    A tombstone written before the table had these columns counts as deleted from its version on.
    """
    return [
        F.coalesce("deleted_at", "updated_at").alias("deleted_at"),
        F.coalesce("deletion_received_at", F.greatest("updated_at", "received_at")).alias("deletion_received_at"),
    ]


def join_versions(points: DataFrame, versions: DataFrame, instant: str) -> DataFrame:
    """``points`` (post_id, ...) with the columns of the version of their post that their ``instant`` sees.

    A point whose instant sees no version is left out.
    """
    return points.join(versions, "post_id", "inner").where(is_version_at(instant)).drop("visible_from", "visible_until")


def is_version_at(instant: str) -> Column:
    """Whether an instant sees this version."""
    at = F.unix_micros(F.col(instant))
    return (F.col("visible_from") <= at) & (F.col("visible_until").isNull() | (at < F.col("visible_until")))


def is_version_before(midnight: Column) -> Column:
    """Whether a snapshot taken at ``midnight`` sees this version: it had arrived by then, and no later one had."""
    return _before("updated_at", "received_at", midnight) & ~_before(
        "superseded_at", "superseded_received_at", midnight
    )


def is_gone_before(midnight: Column) -> Column:
    """Whether a snapshot taken at ``midnight`` sees the post as deleted."""
    return _before("deleted_at", "deletion_received_at", midnight)


def is_gone_at(instant: str) -> Column:
    """Whether the post counts as deleted at an instant."""
    gone_from = visible_micros("deleted_at", "deletion_received_at")
    return F.coalesce(gone_from <= F.unix_micros(F.col(instant)), F.lit(col=False))


def _before(event_time: str, received_at: str, midnight: Column) -> Column:
    return F.coalesce(known_before(midnight, event_time, received_at), F.lit(col=False))
