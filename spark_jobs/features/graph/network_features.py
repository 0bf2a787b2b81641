"""Features of the friendship graph around a user: density, friends in common, diversity of communities."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.rules.rates import count_of_log

NAMES = ("network_density", "mean_mutual_friends", "diversity_score")


def network_features(affinity_features: DataFrame, communities: DataFrame) -> DataFrame:
    """``NAMES`` of every user with a friend; grain: user_id, ds.

    The user has k friends, and m is the sum over them of the friends in common with the user: twice the number of
    triangles through the user. Density (the local clustering coefficient of Watts and Strogatz, 1998) is m / k(k - 1),
    0 with fewer than two friends; the mean is m / k. Diversity is the chance that two friends, drawn with replacement,
    are of different communities: 1 - Σ share² (Gini and Simpson).

    Friends come from the affinity snapshot of the same day, which has the mutual friends; its float32 logs give counts
    exactly up to about a million. A friend without a community on that day counts as a community of one.
    """
    mutual = count_of_log("log_mutual_friends")
    friends = affinity_features.where(F.col("is_friend") == 1).select(
        "user_id", "author_id", "ds", mutual.alias("num_mutual_friends")
    )
    places = communities.select(F.col("user_id").alias("author_id"), "community_id", "ds")
    of_community = (
        friends.join(places, ["author_id", "ds"], "left")
        .groupBy("user_id", "ds", F.coalesce("community_id", "author_id").alias("community_id"))
        .agg(F.count("*").alias("num_friends"), F.sum("num_mutual_friends").alias("num_mutual_friends"))
    )
    of_user = of_community.groupBy("user_id", "ds").agg(
        F.sum("num_friends").alias("k"),
        F.sum("num_mutual_friends").alias("m"),
        F.sum(F.col("num_friends") * F.col("num_friends")).alias("squares"),
    )
    k, m = F.col("k"), F.col("m")
    columns: dict[str, Column] = {
        "network_density": F.when(k > 1, m / (k * (k - 1))).otherwise(F.lit(0.0)),
        "mean_mutual_friends": F.log1p(m / k),
        "diversity_score": F.lit(1.0) - F.col("squares") / (k * k),
    }
    return of_user.select("user_id", "ds", *(columns[name].alias(name) for name in NAMES))
