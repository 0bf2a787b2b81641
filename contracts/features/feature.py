"""What a feature is."""

from dataclasses import dataclass
from typing import Literal

Entity = Literal["user", "post", "pair", "context"]
Part = Literal["named", "extra"]

TOPICS = (
    "sports",
    "technology",
    "entertainment",
    "politics",
    "health",
    "travel",
    "food",
    "fashion",
    "gaming",
    "education",
)

KNOWN_CITIES = 4
"""The cities with most users that a model tells apart (gold.locations); any other is unknown to it."""

CREATOR_SKETCH = 8
"""Authors are hashed, with a sign, into so many places (``spark_jobs/rules/creator_sketch.py``)."""

LANGUAGES = ("en", "es", "fr", "de", "pt", "other")
"""What the language of a text is told as; ``other`` stands for all others, and for one that cannot be told."""


@dataclass(frozen=True)
class Feature:
    """One column. ``default`` stands where the entity has no row; ``unit`` is what a person reads.

    ``size`` is how many inputs of the model it is: a vector, of more than one, is an array of so many floats, each of
    which has the default. ``part`` tells the named features of the product (50 of a user, 30 of a post, 20 of a pair,
    20 of the context) from what the ranker's encoders read besides. ``expected`` is the user feature that stands for a
    feature of the context where no session was logged: in a nightly run, and for a sampled exposure. ``period_days`` is
    after how many days its values come back, of a feature that follows the calendar and nothing else; 0 for the others.
    """

    entity: Entity
    group: str
    name: str
    unit: str
    default: float
    doc: str
    part: Part = "named"
    expected: str = ""
    size: int = 1
    period_days: int = 0

    @property
    def example_column(self) -> str:
        """Its column in ``gold.training_examples``: prefixed, because user and post names overlap."""
        return f"{self.entity}_{self.name}"
