"""The type of a feature, and the constants that features share."""

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
"""How many cities, those with most users, a model distinguishes (gold.locations); every other city is unknown."""

CREATOR_SKETCH = 8
"""Size of the signed hash of authors (``spark_jobs/rules/creator_sketch.py``)."""

LANGUAGES = ("en", "es", "fr", "de", "pt", "other")
"""Languages of a text; ``other`` is every other language, and one that cannot be identified."""


@dataclass(frozen=True)
class Feature:
    """One column; ``default`` applies if the entity has no row, ``unit`` is for people.

    ``size`` is its number of model inputs; a feature of size above 1 is an array of floats, each with the default.
    ``part``: ``named`` for the features that the product names (50 of a user, 30 of a post, 20 of a pair, 20 of the
    context), ``extra`` for other inputs of the ranker's encoders. ``expected`` is the user feature that replaces a
    context feature if no session was logged: in a nightly run, and for a sampled exposure. ``period_days`` is the
    period of a feature that depends on the calendar alone; 0 for every other feature.
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
