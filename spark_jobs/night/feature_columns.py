"""Features as columns of frames: a number, or for a vector an array of numbers."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import Feature


def type_of(feature: Feature) -> str:
    """The type of the feature's column."""
    return "float" if feature.size == 1 else "array<float>"


def default_column(feature: Feature) -> Column:
    """The feature's default as a column."""
    default = F.lit(feature.default).cast("float")
    return default if feature.size == 1 else F.array(*[default] * feature.size)


def with_defaults(frame: DataFrame, features: Mapping[str, Feature]) -> DataFrame:
    """``frame`` with nulls in each named column replaced by the default of its feature."""
    filled = {name: F.coalesce(name, default_column(feature)) for name, feature in features.items()}
    return frame.withColumns(filled)


def dense_array(features: Iterable[tuple[str, Feature]]) -> Column:
    """All numbers of some features, given with the columns that hold them, as one array in that order."""
    parts: list[Column] = []
    for is_vector, members in groupby(features, key=lambda named: named[1].size > 1):
        names = [name for name, _ in members]
        parts += map(F.col, names) if is_vector else [F.array(*names)]
    return F.concat(*parts)
