"""The policy rules: which posts are withheld from which users; the code works on tables, arrays and single values.

``fact_checked``: a post that a fact checker calls misinformation is shown to nobody. ``hide_<label>``: a post with that
label is not shown to users who ask to hide it. A post has the label if any labeller's verdict gives it, or if its
predicted risk reaches the threshold of the settings. If the viewer is unknown, every rule applies.

The functions use nothing but ``>=``, ``&``, ``|`` and ``~``. So they take Spark columns, NumPy arrays of one length, or
NumPy scalars, and return the same kind; none of the values may be null.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from contracts.landing import FEED_PREFERENCES, LABELS

FACT_CHECKED = "fact_checked"
HIDES: dict[str, str] = {word: label for word in FEED_PREFERENCES for label in LABELS if word == f"hide_{label}"}
"""The preferences that hide posts, each with the label that it hides."""

RULES = (FACT_CHECKED, *HIDES)


@dataclass(frozen=True)
class Judged:
    """A post's verdicts: whether a fact checker refutes it; per label, whether a verdict gives it, and its risk."""

    is_refuted: Any
    is_labelled: Mapping[str, Any]
    risk: Mapping[str, Any]


def flags(post: Judged, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Per rule, whether it withholds the post from users to whom the rule applies; ``thresholds`` by label."""
    of_kind = {word: post.is_labelled[label] | (post.risk[label] >= thresholds[label]) for word, label in HIDES.items()}
    return {FACT_CHECKED: post.is_refuted, **of_kind}


def broken_rules(flagged: Mapping[str, Any], asks: Mapping[str, Any]) -> dict[str, Any]:
    """Per rule, whether showing the post breaks it; ``flagged`` is by rule, ``asks`` by preference of the user."""
    return {rule: flagged[rule] & asks[rule] if rule in HIDES else flagged[rule] for rule in RULES}


def any_of(values: Mapping[str, Any]) -> Any:
    """Whether the value of any rule is true; for a post's flags: whether it is withheld from somebody."""
    return reduce(or_, values.values())
