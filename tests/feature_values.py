"""Values of features in tests: numbers, and lists of numbers for vectors."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.features import Entity, Feature, defaults_of, features_of

Value = float | list[float]


def default_value(feature: Feature) -> Value:
    """What a row holds by default."""
    return feature.default if feature.size == 1 else [feature.default] * feature.size


def defaults(entity: Entity) -> dict[str, Value]:
    return {feature.name: default_value(feature) for feature in features_of(entity)}


def numbers(row: Any | None, entity: Entity) -> list[float]:
    """All numbers of a row of the entity's table, in registry order; the defaults where there is none."""
    if row is None:
        return list(defaults_of(entity))
    return [number for feature in features_of(entity) for number in np.ravel(row[feature.name]).tolist()]


def random_columns(
    generator: np.random.Generator, features: Mapping[str, Feature], num_rows: int
) -> dict[str, NDArray[np.float32] | list[NDArray[np.float32]]]:
    """A random column for each feature, under the given names; ready for Arrow."""
    return {
        name: generator.random(num_rows, dtype=np.float32)
        if feature.size == 1
        else list(generator.random((num_rows, feature.size), dtype=np.float32))
        for name, feature in features.items()
    }


def differ(one: Any, other: Any) -> bool:
    """Whether two values of a feature differ, as stored with 24 bits."""
    return not np.array_equal(np.asarray(one, dtype=np.float32), np.asarray(other, dtype=np.float32))


def by_name(features: Iterable[Feature]) -> dict[str, Feature]:
    return {feature.name: feature for feature in features}
