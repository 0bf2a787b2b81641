"""The feature registry: every model input, named, ordered and versioned in one place.

The feature jobs, the trainer, the scorer and the Redis packer read this registry; its hash is the feature schema hash
of models and manifests. To add a feature: add it to the file of its entity here, compute it in the job of its table,
give it an expectation in the suite of that table (a vector: a rule in the ``checks.sql`` of its table and of
gold.training_examples), and run ``python -m contracts.features > docs/features.md``.
"""

import hashlib
import json
from dataclasses import asdict

from contracts.features.context import CONTEXT
from contracts.features.crosses import CROSSES, Cross
from contracts.features.feature import CREATOR_SKETCH, KNOWN_CITIES, LANGUAGES, TOPICS, Entity, Feature
from contracts.features.pair import PAIR
from contracts.features.post import POST
from contracts.features.user import USER

__all__ = [
    "CREATOR_SKETCH",
    "CROSSES",
    "FEATURES",
    "KNOWN_CITIES",
    "LANGUAGES",
    "TABLES",
    "TOPICS",
    "Cross",
    "Entity",
    "Feature",
    "default_of",
    "defaults_of",
    "example_columns",
    "features_of",
    "named_of",
    "names_of",
    "place_of",
    "places_of",
    "schema_hash",
    "width_of",
]

FEATURES: tuple[Feature, ...] = (*USER, *POST, *PAIR, *CONTEXT)

TABLES: dict[Entity, str] = {
    "user": "gold.user_features",
    "post": "gold.post_features",
    "pair": "gold.affinity_features",
}
"""The table of each entity's features. Context features belong to one impression and are only in its example."""


def features_of(entity: Entity) -> tuple[Feature, ...]:
    """The features of one entity, in registry order: the order of everything dense, packed or not."""
    return tuple(feature for feature in FEATURES if feature.entity == entity)


def named_of(entity: Entity) -> tuple[Feature, ...]:
    """The entity's features that the product names, in registry order."""
    return tuple(feature for feature in features_of(entity) if feature.part == "named")


def names_of(entity: Entity) -> tuple[str, ...]:
    """Column names of one entity's features in its own gold table, in registry order."""
    return tuple(feature.name for feature in features_of(entity))


def default_of(entity: Entity, name: str) -> float:
    """The default of one feature; an unknown name raises ``KeyError``."""
    return {feature.name: feature.default for feature in features_of(entity)}[name]


def width_of(entity: Entity) -> int:
    """Number of the entity's inputs: width of its encoder, and half floats in its packed value."""
    return sum(feature.size for feature in features_of(entity))


def place_of(entity: Entity, name: str) -> int:
    """Index of the feature's (first) number among its entity's; an unknown name raises ``ValueError``."""
    before = features_of(entity)[: names_of(entity).index(name)]
    return sum(feature.size for feature in before)


def places_of(entity: Entity, names: tuple[str, ...]) -> tuple[int, ...]:
    """Indices of all numbers of the features among their entity's; an unknown name raises ``ValueError``."""
    sizes = {feature.name: feature.size for feature in features_of(entity)}
    return tuple(place_of(entity, name) + offset for name in names for offset in range(sizes[name]))


def defaults_of(entity: Entity) -> tuple[float, ...]:
    """The entity's numbers if it has no row."""
    return tuple(feature.default for feature in features_of(entity) for _ in range(feature.size))


def example_columns() -> tuple[str, ...]:
    """All feature columns of ``gold.training_examples``, in registry order."""
    return tuple(feature.example_column for feature in FEATURES)


def schema_hash() -> str:
    """SHA-256 over the ordered registry; a checkpoint trained on another registry is refused."""
    return hashlib.sha256(json.dumps([asdict(feature) for feature in FEATURES]).encode()).hexdigest()[:16]
