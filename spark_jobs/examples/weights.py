"""Weights of logged examples: the inverse of how often their position is looked at (``docs/propensities.md``)."""

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from analysis.position_bias import inverse_weights
from contracts.settings import Propensities


def weights_by_position(examples: DataFrame, propensities: DataFrame, rules: Propensities) -> DataFrame:
    """surface, position, weight: ``min(1 / examined, max_weight)``, divided by its mean over ``examples``.

    Examples without a position are left out, see ``with_weights``. A position deeper than every estimate takes the
    deepest estimate of its surface; a surface without estimates counts as examined everywhere.
    Grain: surface and position.
    """
    # Sum in a fixed order, so that a rerun gives the same mean to the last bit.
    placed = examples.where(F.col("position").isNotNull())
    counts = sorted(tuple(row) for row in placed.groupBy("surface", "position").count().collect())
    curve = {(row.surface, row.position): row.examined for row in propensities.collect()}
    deepest = {surface: max(at for of, at in curve if of == surface) for surface, _ in curve}
    examined = [
        curve[surface, min(position, deepest[surface])] if surface in deepest else 1.0
        for surface, position, _ in counts
    ]
    num_examples = np.array([num for *_, num in counts], dtype=np.float64)
    weights = inverse_weights(np.array(examined), num_examples, rules.max_weight) if counts else np.zeros(0)
    rows = [
        (surface, position, weight) for (surface, position, _), weight in zip(counts, weights.tolist(), strict=True)
    ]
    return examples.sparkSession.createDataFrame(rows, "surface STRING, position INT, weight FLOAT")


def with_weights(examples: DataFrame, weights: DataFrame) -> DataFrame:
    """``examples`` with the ``weight`` of their surface and position; 1, the mean, if the position is unknown."""
    weighted = examples.join(F.broadcast(weights), ["surface", "position"], "left")
    return weighted.withColumn("weight", F.coalesce("weight", F.lit(1.0).cast("float")))
