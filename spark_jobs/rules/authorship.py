"""Compare authors that may be unknown: a post without a known author has no author in common with any other post."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def author_key() -> tuple[Column, Column]:
    """Columns that are equal for two posts exactly if one known author wrote both; reads author_id and post_id.

    Group and partition by these, never by ``author_id``: that would treat all unknown authors as one busy author.
    """
    return F.col("author_id"), F.when(F.col("author_id").isNull(), F.col("post_id"))


def is_by_another(user_id: str) -> Column:
    """Whether somebody else than ``user_id`` wrote the post, or its author is unknown."""
    return ~F.col("author_id").eqNullSafe(F.col(user_id))
