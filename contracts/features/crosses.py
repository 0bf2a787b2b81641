"""Pairs of user and post features that describe the same thing, so that their products are useful inputs.

A network that has to learn these products by itself needs far more rows than a night has.
"""

from dataclasses import dataclass
from typing import Literal

from contracts.features.feature import TOPICS


@dataclass(frozen=True)
class Cross:
    """User and post features in the same order; ``dot`` makes one input, ``products`` one input per number."""

    name: str
    user: tuple[str, ...]
    post: tuple[str, ...]
    kind: Literal["dot", "products"]


_INTERESTS = tuple(f"interest_{topic}" for topic in TOPICS)

CROSSES: tuple[Cross, ...] = (
    Cross("topic_interests", _INTERESTS, tuple(f"topic_{topic}" for topic in TOPICS), "products"),
    Cross("topic_interest", _INTERESTS, tuple(f"topic_{topic}" for topic in TOPICS), "dot"),
    Cross("read_interest", _INTERESTS, ("read_topics",), "dot"),
    Cross("taste", ("topic_preference",), ("content_embedding",), "dot"),
    Cross("creator", ("creator_affinity",), ("creator_sketch",), "dot"),
)
