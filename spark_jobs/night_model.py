"""The night's models by role: which checkpoint each is, and how a Python worker gets hold of it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from contracts.settings.models import HEAVY, ROLES
from spark_jobs.night import Night

if TYPE_CHECKING:
    from models.inference import Ranker


SIMPLE_SCORE = "simple-score"
"""``model_version`` of scores of a night without a model: the candidate stage's simple score, as it is."""


@dataclass(frozen=True)
class NightModel:
    """A row of ``gold.models``; ``folder`` is its checkpoint, which every worker must be able to read.

    ``examples_version`` is the version of ``gold.training_examples`` that it was trained on.
    """

    version: str
    folder: str
    examples_version: int


def model_of(night: Night, role: str = HEAVY) -> NightModel:
    """The role's model of the night; raises ``ValueError`` unless ``gold.models`` has exactly one.

    Rows of nights before there were roles are heavy.
    """
    is_tonight = (F.col("ds") == F.lit(night.ds)) & (F.coalesce("role", F.lit(HEAVY)) == F.lit(role))
    tonight = night.read("gold.models").where(is_tonight)
    found = tonight.select("model_version", "path", "examples_version").take(2)
    if len(found) != 1:
        count = "no row" if not found else "more than one row"
        raise ValueError(
            f"gold.models has {count} with ds = {night.ds} and role = {role}: run the train stage of that night"
        )
    root = night.lake.root.removeprefix("file://").rstrip("/")
    return NightModel(found[0].model_version, f"{root}/{found[0].path}", found[0].examples_version)


def has_model(night: Night, role: str = HEAVY) -> bool:
    """Whether the night trained the role's model; False only where it found too little to learn from, and said so."""
    return why_no_model(night, role) is None


def why_no_model(night: Night, role: str = HEAVY) -> str | None:
    """Why training left the night without the role's model, in a sentence; None where it has one or has not run."""
    file = night.files.training(role)
    reason = file.read().get("reason") if file.exists() else None
    return None if reason is None else str(reason)


@lru_cache(maxsize=len(ROLES))
def load_ranker(folder: str) -> "Ranker":
    """Load the checkpoint once per Python worker; it keeps torch to one thread, as Spark runs a worker per core."""
    from models.inference import Ranker  # noqa: PLC0415 - the driver never needs torch

    return Ranker.load(folder)
