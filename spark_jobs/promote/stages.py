"""The model stage of each model in ``gold.models``, derived from the judgements of all nights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import functions as F

from contracts.model_stages import BEFORE, CANDIDATE, REJECTED, RETIRED, SERVING
from contracts.settings.models import HEAVY
from models.registry import mark
from spark_jobs.night.night import Night


@dataclass(frozen=True)
class ModelStage:
    """A row of ``gold.models``: one night's model and its stage."""

    ds: date
    model_version: str
    stage: str
    reason: str | None


@dataclass(frozen=True)
class NightVerdict:
    """A row of ``gold.promotions``: what scored a night, and how its own model was judged."""

    ds: date
    verdict: str
    model_version: str
    challenger: str | None
    reason: str


def changes_of(models: Sequence[ModelStage], verdicts: Sequence[NightVerdict]) -> list[ModelStage]:
    """Models whose stage or reason differs from the judgements, corrected.

    The model that scores the newest judged night is serving; one that scored an earlier night is retired.
    """
    by_night = {verdict.ds: verdict for verdict in verdicts}
    serving = max(verdicts, key=lambda verdict: verdict.ds).model_version if verdicts else None
    scored = {verdict.model_version for verdict in verdicts}
    corrected = [_stage_of(model, by_night.get(model.ds), serving, scored) for model in models]
    return [new for old, new in zip(models, corrected, strict=True) if old != new]


def _stage_of(model: ModelStage, verdict: NightVerdict | None, serving: str | None, scored: set[str]) -> ModelStage:
    stage, reason = model.stage, None
    if model.model_version == serving:
        stage = SERVING
    elif model.model_version in scored:
        stage = RETIRED
    elif verdict is not None and verdict.challenger == model.model_version and verdict.verdict == REJECTED:
        stage, reason = REJECTED, verdict.reason
    elif stage != BEFORE:
        stage = CANDIDATE
    return ModelStage(model.ds, model.model_version, stage, reason)


def update_stages(night: Night) -> None:
    """Update the stages of the heavy models in ``gold.models`` by ``gold.promotions``."""
    is_heavy = F.coalesce("role", F.lit(HEAVY)) == F.lit(HEAVY)
    models = night.read("gold.models").where(is_heavy).select("ds", "model_version", "stage", "reason").collect()
    columns = ("ds", "verdict", "model_version", "challenger", "reason")
    verdicts = night.read("gold.promotions").where(is_heavy).select(*columns).collect()
    changed = changes_of([ModelStage(*row) for row in models], [NightVerdict(*row) for row in verdicts])
    for model in changed:
        mark(night.lake.root, model.ds, HEAVY, model.stage, model.reason)
