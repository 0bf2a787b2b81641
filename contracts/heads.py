"""The heads of a ranker; losses, metrics, columns and the value score are derived from this list.

To add a head, edit, besides this list:

- its weight in ``ValueWeights`` of ``contracts/settings/ranking.py``, and in ``contracts/settings/value_presets.py``
  where a preset's weight is not the default; then generate ``docs/settings.md``;
- its label column in the DDL and the suite of ``gold.training_examples``;
- its score column in the DDL, the suite and ``checks.sql`` of ``gold.scored_candidates``;
- its label in ``spark_jobs/examples/labels.py``, unless its name is an engagement type; ``TAKEN_BACK_BY`` of
  ``contracts/landing.py`` says what takes an engagement back;
- the formula in the README.

If features and the simple score shall count a new head with a grade, edit ``POSITIVE`` of
``spark_jobs/rules/counters.py`` and the worths in ``spark_jobs/rules/simple_score.py``; if a feed shall show it,
``ACTS`` of ``contracts/redis_members.py``, ``FIELD_OF`` of ``serving/reader/acts.py`` and the answers of reader and
collector (``responses.py``).

Contract tests name missing columns and weights. Checkpoints with other heads are refused, so models are trained again.
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
RELEVANT_HEADS: tuple[Head, ...] = tuple(head for head in HEADS if head.grade > 0)
"""Heads whose positive label shows that the post was relevant to the user: like, comment and share."""
