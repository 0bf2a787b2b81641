"""The night's models by role, and the one that scores: which checkpoint each is, how a Python worker gets it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from contracts.settings.models import HEAVY, LIGHT, ROLES
from spark_jobs.night.night import Night

if TYPE_CHECKING:
    from models.inference import Ranker


SIMPLE_SCORE = "simple-score"
"""``model_version`` of scores without a model: the candidate stage's simple score."""


@dataclass(frozen=True)
class NightModel:
    """A model; ``folder`` is its checkpoint, which every worker must be able to read.

    ``examples_version`` is the version of ``gold.training_examples`` that the night trained on.
    """

    version: str
    folder: str
    examples_version: int


@dataclass(frozen=True)
class Scorer:
    """What scores a night: a model, or the simple score if it is None; ``reason`` is a sentence."""

    model: NightModel | None
    reason: str

    @property
    def version(self) -> str:
        """``model_version`` of its scores."""
        return SIMPLE_SCORE if self.model is None else self.model.version


def model_of(night: Night, role: str = HEAVY) -> NightModel:
    """The role's model that the night trained; raises ``ValueError`` if it trained none."""
    model = trained_by(night, role)
    if model is None:
        raise ValueError(
            f"gold.models has no row with ds = {night.ds} and role = {role}: run the train stage of that night"
        )
    return model


def light_of(night: Night) -> NightModel | None:
    """The light model that the night trained, if any."""
    return trained_by(night, LIGHT) if night.settings.models.light else None


def trained_by(night: Night, role: str) -> NightModel | None:
    """The role's model that the night trained, if any; raises ``ValueError`` if ``gold.models`` has more than one.

    Rows of nights before there were roles are heavy.
    """
    is_tonight = (F.col("ds") == F.lit(night.ds)) & (F.coalesce("role", F.lit(HEAVY)) == F.lit(role))
    tonight = night.read("gold.models").where(is_tonight)
    rows = tonight.select("model_version", "path", "examples_version").take(2)
    if len(rows) > 1:
        raise ValueError(
            f"gold.models has more than one row with ds = {night.ds} and role = {role}: "
            "run the train stage of that night"
        )
    return NightModel(rows[0].model_version, folder_of(night, rows[0].path), rows[0].examples_version) if rows else None


def folder_of(night: Night, path: str) -> str:
    """Location of a checkpoint whose ``path`` is relative to the lake."""
    return str(night.lake.place.below(path))


def scorer_of(night: Night, role: str = HEAVY) -> Scorer:
    """What scores the night, as ``promote`` decided; raises ``ValueError`` if it has not run."""
    tonight = (F.col("ds") == F.lit(night.ds)) & (F.col("role") == F.lit(role))
    promotion = night.read("gold.promotions").where(tonight).first()
    if promotion is None:
        raise ValueError(
            f"gold.promotions has no row with ds = {night.ds} and role = {role}: run the promote stage of that night"
        )
    if promotion.path is None:
        return Scorer(None, promotion.reason)
    return Scorer(
        NightModel(promotion.model_version, folder_of(night, promotion.path), promotion.examples_version),
        promotion.reason,
    )


def model_named(night: Night, version: str) -> NightModel:
    """The model of a version, whichever night trained it; raises ``ValueError`` if ``gold.models`` has none."""
    is_it = F.col("model_version") == F.lit(version)
    row = night.read("gold.models").where(is_it).orderBy(F.desc("ds")).select("path", "examples_version").first()
    if row is None:
        raise ValueError(f"gold.models has no model {version}")
    return NightModel(version, folder_of(night, row.path), row.examples_version)


def why_no_model(night: Night, role: str = HEAVY) -> str | None:
    """Why the night has no model of the role, as a sentence; None if it has one, or if training has not run."""
    file = night.files.training(role)
    reason = file.read().get("reason") if file.exists() else None
    return None if reason is None else str(reason)


@lru_cache(maxsize=len(ROLES))
def load_ranker(folder: str, *, is_judged: bool = False) -> "Ranker":
    """Load the checkpoint once per Python worker; it keeps torch to one thread, as Spark runs a worker per core.

    If ``is_judged``, the model is calibrated without the days that its training held out.
    """
    from models.inference import Ranker  # noqa: PLC0415 - the driver never needs torch

    return Ranker.load(folder, is_judged=is_judged)
