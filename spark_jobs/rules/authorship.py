"""Whose posts are whose, where an author may be unknown: a post without an author is nobody's, and like no other."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def author_key() -> tuple[Column, Column]:
    """Columns that two posts share exactly when one known author wrote both; reads author_id and post_id.

    Group and partition by these, never by ``author_id``: nobody's posts would be taken for those of one busy author.
    """
    return F.col("author_id"), F.when(F.col("author_id").isNull(), F.col("post_id"))


def is_by_another(user_id: str) -> Column:
    """Whether somebody else than ``user_id`` wrote the post, or nobody knows who did."""
    return ~F.col("author_id").eqNullSafe(F.col(user_id))
