"""gold.propensities: how often each position of a surface is looked at, relative to position 1.

Grain: surface, position and night. Spark counts; ``analysis/position_bias.py`` estimates.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import Window as Frame
from pyspark.sql import functions as F

from analysis.position_bias import (
    NUM_GROUPS,
    Counts,
    Curve,
    Floats,
    Ints,
    from_randomised,
    pool_positions,
    regression_em,
)
from contracts.features import example_columns
from contracts.settings import Propensities
from spark_jobs.examples.exposures import logged_exposures
from spark_jobs.examples.labels import attributable, attribute, engaged_examples
from spark_jobs.examples.training_examples import describe_points, feature_inputs, join_features
from spark_jobs.examples.window import Window
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.post_versions import all_versions
from spark_jobs.rules.user_batches import feature_matrix

TABLE = "gold.propensities"
_HASH_RANGE = 1_000_000
_FEWEST_POSITIONS = 2
"""Positions are compared with each other, so there must be two."""


def transform(impressions: DataFrame, engagements: DataFrame, window: Window, rules: Propensities) -> DataFrame:
    """Exposures of the window up to position ``deepest``, with ``reach``, ``is_randomised`` and ``engaged``.

    ``reach`` is the deepest position of the request. An exposure is randomised if its propensity is below 1.
    ``engaged`` is final: the label window has closed. Exposures of unknown position are kept, to be counted.
    Grain: example_id.
    """
    exposures = logged_exposures(impressions, window)
    acts = attributable(engagements, window).where(F.col("engagement_type").isin(*rules.signals))
    engaged = engaged_examples(exposures, attribute(exposures, acts), window)
    request = Frame.partitionBy("surface", "request_id")
    reach = F.least(F.max("position").over(request), F.lit(rules.deepest))
    placed = exposures.withColumns({"reach": reach, "is_randomised": F.coalesce("propensity", F.lit(1.0)) < 1}).where(
        F.col("position").isNull() | (F.col("position") <= rules.deepest)
    )
    return placed.join(engaged.withColumn("engaged", F.lit(1)), "example_id", "left").fillna(0, ["engaged"])


def count_placed(placed: DataFrame) -> DataFrame:
    """Impressions, engagements and inverse sums by surface, position, reach, group of users and randomisation."""
    inverse = F.when(F.col("is_randomised"), 1 / F.col("propensity")).otherwise(0.0)
    group = F.pmod(F.xxhash64("user_id"), F.lit(NUM_GROUPS)).cast("int").alias("user_group")
    return placed.groupBy("surface", "position", "reach", "is_randomised", group).agg(
        F.count("*").cast("double").alias("num_impressions"),
        F.sum("engaged").cast("double").alias("num_engaged"),
        F.sum(inverse).alias("inverse"),
        F.sum(inverse * F.col("engaged")).alias("engaged_inverse"),
    )


def randomised_rows(counts: pa.Table, rules: Propensities) -> Iterator[dict[str, Any]]:
    """Rows of one surface from its randomised impressions; none if they cannot be compared with position 1."""
    drawn = counts.filter(pa.compute.field("is_randomised"))
    column = {name: drawn[name].to_numpy() for name in drawn.column_names if name != "surface"}
    positions: Ints = column["position"]
    num_impressions, num_engaged = (
        _by_position(positions, column[name]) for name in ("num_impressions", "num_engaged")
    )
    if num_engaged[0] < rules.min_engaged:
        return
    bins = pool_positions(num_engaged, rules.min_engaged)
    counted = Counts(
        bin=bins[positions - 1],
        reach=column["reach"],
        group=column["user_group"],
        num_impressions=column["num_impressions"],
        inverse=column["inverse"],
        engaged_inverse=column["engaged_inverse"],
    )
    try:
        curve = from_randomised(counted)
    except ValueError as error:
        print(f"{TABLE}: {error}; regression EM is tried")
        return
    yield from _rows(curve, bins, "randomised", num_impressions, num_engaged)


def regression_rows(examples: pa.Table, rules: Propensities) -> Iterator[dict[str, Any]]:
    """Rows of one surface by regression EM on its featured examples; none if position 1 has too few engaged ones."""
    positions, engaged = examples["position"].to_numpy(), examples["engaged"].to_numpy() > 0
    num_impressions, num_engaged = (_by_position(positions, kept) for kept in (np.ones(len(engaged)), engaged))
    if num_engaged[0] < rules.min_engaged:
        return
    bins = pool_positions(num_engaged, rules.min_engaged)
    # The depth of a request depends on its user, so positions are compared on the same kind of traffic.
    features = feature_matrix(examples[name].combine_chunks() for name in example_columns())
    fitted = regression_em(
        np.column_stack([features, np.log(examples["reach"].to_numpy())]).astype(np.float64),
        bins[positions - 1],
        engaged,
    )
    if fitted.converged:
        yield from _rows(fitted.curve, bins, "regression_em", num_impressions, num_engaged)
    else:
        print(f"{TABLE}: regression EM did not converge; no estimate is written, examples weigh the same")


def _by_position(positions: Ints, values: NDArray[Any]) -> Floats:
    """Sum of ``values`` at each position 1, 2, ..., the deepest."""
    return np.bincount(positions, values, minlength=2)[1:].astype(np.float64)


def _rows(
    curve: Curve, bins: Ints, method: str, num_impressions: Floats, num_engaged: Floats
) -> Iterator[dict[str, Any]]:
    for index, number in enumerate(bins.tolist()):
        shared = np.flatnonzero(bins == number) + 1
        yield {
            "position": index + 1,
            "examined": float(curve.examined[number]),
            "low": float(curve.low[number]),
            "high": float(curve.high[number]),
            "method": method,
            "first_position": int(shared[0]),
            "last_position": int(shared[-1]),
            "num_impressions": int(num_impressions[index]),
            "num_engaged": int(num_engaged[index]),
        }


def sample_examples(night: Night, placed: DataFrame, window: Window, num_impressions: float) -> pa.Table:
    """About ``max_em_examples`` impressions of a surface that have a position, with features, in a fixed order."""
    share = min(1.0, night.settings.propensities.max_em_examples / num_impressions)
    draw = F.pmod(F.xxhash64(F.lit(night.settings.seed), "example_id"), F.lit(_HASH_RANGE))
    sampled = placed.where(draw < round(share * _HASH_RANGE))
    versions = all_versions(night.read("silver.posts"), night.read("silver.post_edits"))
    featured = join_features(
        describe_points(sampled, versions),
        **feature_inputs(night, window),
        settings=night.settings,
    )
    joined = featured.join(sampled.select("example_id", "reach", "engaged"), "example_id", "inner")
    return (
        joined.select("example_id", "position", "reach", "engaged", *example_columns()).orderBy("example_id").toArrow()
    )


def estimate(night: Night) -> Iterator[dict[str, Any]]:
    """Rows of every surface of the night: from randomised impressions, else by regression EM.

    It reports what is not estimated, and why.
    """
    window, rules = Window.of(night), night.settings.propensities
    notes: list[str] = []
    placed = transform(night.read("silver.impressions"), night.read("silver.engagements"), window, rules)
    counts = count_placed(placed).orderBy("surface", "position", "reach", "user_group", "is_randomised").toArrow()
    for surface in sorted(set(counts["surface"].to_pylist())):
        logged = counts.filter(pa.compute.field("surface") == surface)
        counted = logged.filter(pa.compute.is_valid(logged["position"]))
        notes += position_notes(surface, logged, counted)
        if len(set(counted["position"].to_pylist())) < _FEWEST_POSITIONS:
            continue
        rows = list(randomised_rows(counted, rules))
        if not rows and pa.compute.sum(counted["num_engaged"]).as_py() >= rules.min_engaged:
            of_surface = placed.where((F.col("surface") == surface) & F.col("position").isNotNull())
            total = pa.compute.sum(counted["num_impressions"]).as_py()
            rows = list(regression_rows(sample_examples(night, of_surface, window, total), rules))
        yield from ({"surface": surface, "ds": night.ds, **row} for row in rows)
    night.add_notes(TABLE, notes)


def position_notes(surface: str, logged: pa.Table, placed: pa.Table) -> list[str]:
    """Notes on a surface for people; ``logged`` counts all its impressions, ``placed`` those with a position."""
    total, known = (int(pa.compute.sum(counted["num_impressions"]).as_py() or 0) for counted in (logged, placed))
    positions = set(placed["position"].to_pylist())
    if not positions:
        return [f"no impression of {surface} has a position: regression EM is skipped, every example weighs 1"]
    notes = []
    if known < total:
        notes += [f"{total - known:,} of {total:,} impressions of {surface} have no position: they weigh 1"]
    if len(positions) < _FEWEST_POSITIONS:
        notes += [f"every position of {surface} is {positions.pop()}: regression EM is skipped, every example weighs 1"]
    return notes


def main(night: Night) -> None:
    """Estimate from the impressions of the training window whose label window has closed by the as-of."""
    schema = read_schema(TABLE)
    table = [tuple(row[field.name] for field in schema) for row in estimate(night)]
    write_partition(night.lake, TABLE, night.spark.createDataFrame(table, schema), [night.ds])
