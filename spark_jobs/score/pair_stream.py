"""The rows that a worker of the score stage reads: users and their candidates, user by user."""

from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import Entity, defaults_of, features_of
from spark_jobs.night.feature_columns import dense_array

EXEMPT_SOURCE = "new"
"""A candidate of this source is scored by the heavy model whatever the light one says: exploration draws among them."""


@dataclass(frozen=True)
class Inputs:
    """Rows of one ``ds``: candidates, and the features of pairs and users that their scores read."""

    candidates: DataFrame
    affinity: DataFrame
    users: DataFrame

    def of(self, chosen: DataFrame) -> "Inputs":
        """Those of a few users; ``chosen`` has ``user_id``."""
        few = F.broadcast(chosen)
        candidates, users = (frame.join(few, "user_id", "left_semi") for frame in (self.candidates, self.users))
        return replace(self, candidates=candidates, users=users)

    def stream(self, num_partitions: int) -> DataFrame:
        """One user after the other: the own row (``post_id`` null, ``features`` the user's), then candidates by post.

        A pair without an affinity row gets the registry's defaults.
        """
        pairs = self.affinity.select("user_id", "author_id", feature_list("pair").alias("pair_features"))
        defaults = F.array(*(F.lit(default).cast("float") for default in defaults_of("pair")))
        rows = self.candidates.join(pairs, ["user_id", "author_id"], "left").select(
            "user_id",
            "post_id",
            "author_id",
            F.unix_timestamp("created_at").alias("created_s"),
            F.array_contains("sources", EXEMPT_SOURCE).alias("is_exempt"),
            F.coalesce("pair_features", defaults).alias("features"),
        )
        none = F.lit(None)
        own = self.users.select(
            "user_id",
            none.cast("bigint").alias("post_id"),
            none.cast("bigint").alias("author_id"),
            none.cast("bigint").alias("created_s"),
            none.cast("boolean").alias("is_exempt"),
            feature_list("user").alias("features"),
        )
        together = rows.unionByName(own).repartition(num_partitions, "user_id")
        return together.sortWithinPartitions("user_id", F.col("post_id").asc_nulls_first())


def feature_list(entity: Entity) -> Column:
    """The entity's numbers as one array, in registry order."""
    return dense_array((feature.name, feature) for feature in features_of(entity))
