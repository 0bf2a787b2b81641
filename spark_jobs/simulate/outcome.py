"""Figures of a response: what happened on a day, and what other orders of the same posts would have achieved."""

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.simulate.reaction import examination


def measure(reacted: DataFrame, met: DataFrame) -> dict[str, Any]:
    """Counts of the day: users, sessions, impressions, reactions, fallbacks, and ads ``met``.

    ``reacted`` comes from ``act``, ``met`` from ``react_to_ads``; ads count only in ``num_ad_*``.
    """
    kinds = {f"num_{kind}s": F.count_if(F.col("reaction") == kind) for kind in ("like", "comment", "share")}
    counts = {
        "num_users": F.countDistinct("user"),
        "num_sessions": F.countDistinct("user", "slot"),
        "num_impressions": F.count("*"),
        **kinds,
        "num_hides": F.count_if("is_hidden"),
        "num_reports": F.count_if("is_reported"),
        "num_fallback_impressions": F.count_if("is_fallback"),
        "epoch": F.max("epoch"),
    }
    row = reacted.agg(*(column.alias(name) for name, column in counts.items())).first()
    ads = met.agg(F.count("*").alias("num_ad_impressions"), F.count_if("is_clicked").alias("num_ad_clicks")).first()
    assert row is not None, "an aggregate without groups has one row"
    assert ads is not None
    engaged = sum(row[name] for name in kinds)
    return {**row.asDict(), **ads.asDict(), "engagement_rate": engaged / max(row["num_impressions"], 1)}


def compare(served: DataFrame) -> dict[str, Any]:
    """True probability of a like, comment or share per impression, of each order, for the same users and sessions.

    ``served`` has order, place, position, is_fallback and ``worth``, the probability if examined. ``by_place`` is the
    mean worth of a session's first, second, ... post, without examination.
    """
    chance = examination(F.col("position")) * F.col("worth")
    rows = (
        served.where(~F.col("is_fallback"))
        .groupBy("order", "place")
        .agg(F.count("*").alias("num"), F.sum(chance).alias("chance"), F.avg("worth").alias("worth"))
        .orderBy("order", "place")
        .collect()
    )
    names = sorted({row.order for row in rows})
    of = {name: [row for row in rows if row.order == name] for name in names}
    return {
        "true_rate": {name: round(_rate(of[name]), 9) for name in names},
        "num_compared": {name: sum(row.num for row in of[name]) for name in names},
        "by_place": {name: [round(row.worth, 6) for row in of[name]] for name in names},
    }


def _rate(rows: list[Any]) -> float:
    return float(sum(row.chance for row in rows) / sum(row.num for row in rows))
