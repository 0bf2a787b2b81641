"""The heads of a ranker; losses, metrics, columns and the value score are derived from this list.

To add a head: add it here, its weight to ``ValueWeights``, its columns to the DDL and the suites of
gold.training_examples and gold.scored_candidates (contract tests name what is missing), and its label to
``spark_jobs/examples/labels.py`` unless it is an engagement type.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Head:
    """One prediction of a ranker for an impression.

    A ``binary`` head is a logit in the network and a probability in the lake. A head of ``seconds`` is a regression on
    log1p(seconds) in the network and seconds in the lake. ``task_weight`` weighs its loss, ``grade`` is the relevance
    of a positive label (0: the label is no evidence of relevance), ``value_weight`` names its weight in
    ``contracts.settings.ValueWeights``.
    """

    name: str
    kind: Literal["binary", "seconds"]
    task_weight: float
    value_weight: str
    grade: float = 0.0

    @property
    def is_binary(self) -> bool:
        """Whether the head predicts a probability."""
        return self.kind == "binary"

    @property
    def label_column(self) -> str:
        """Column of ``gold.training_examples``: 1 or 0, or log1p of seconds."""
        return f"label_{self.name}"

    @property
    def score_column(self) -> str:
        """Column of ``gold.scored_candidates``: a calibrated probability, or expected seconds."""
        return f"p_{self.name}" if self.is_binary else f"{self.name}_s"


HEADS: tuple[Head, ...] = (
    Head("like", "binary", task_weight=1.0, value_weight="like", grade=1.0),
    Head("comment", "binary", task_weight=2.0, value_weight="comment", grade=2.0),
    Head("share", "binary", task_weight=3.0, value_weight="share", grade=3.0),
    Head("hide", "binary", task_weight=2.0, value_weight="hide"),
    Head("report", "binary", task_weight=2.0, value_weight="report"),
    Head("dwell", "seconds", task_weight=0.5, value_weight="dwell_per_s"),
)
"""In the order of the network's outputs."""

HEAD_NAMES: tuple[str, ...] = tuple(head.name for head in HEADS)
BINARY_HEADS: tuple[str, ...] = tuple(head.name for head in HEADS if head.is_binary)
LABEL_COLUMNS: tuple[str, ...] = tuple(head.label_column for head in HEADS)
SCORE_COLUMNS: tuple[str, ...] = tuple(head.score_column for head in HEADS)
