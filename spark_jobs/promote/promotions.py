"""``gold.promotions``: what scores the night, and how the model that it trained was judged.

Grain: role and night; only the heavy model scores. The new model, the challenger, is compared with the champion on
held-out examples that neither was trained on; without a usable champion it is compared with the simple score. It scores
the night unless it is clearly worse or cannot be judged; then its opponent does. The model stages in ``gold.models``
are derived from the judgements of all nights, so a rerun repairs a kill between the two tables.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from analysis.promotion import Comparison, ScoredRows, compare, losses
from contracts.model_stages import REJECTED
from contracts.places import checkpoint_path
from contracts.settings import Promotion
from contracts.settings.models import HEAVY
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.promote.champion import Champion, find_champion
from spark_jobs.promote.heldout_rows import by_model, by_simple_score
from spark_jobs.promote.stages import update_stages
from spark_jobs.rules.heldout_scores import Config, heldout_days, read_examples, sample_users
from spark_jobs.rules.night_model import SIMPLE_SCORE, NightModel, folder_of, model_of, why_no_model

TABLE = "gold.promotions"
PROMOTED, UNPROVEN, UNTRAINED = "promoted", "unproven", "untrained"


@dataclass(frozen=True)
class Judged:
    """A row of the table without ``ds``; ``metrics`` and ``heads`` are those of ``Comparison``."""

    verdict: str
    model_version: str
    path: str | None
    reason: str
    challenger: str | None = None
    champion: str | None = None
    baseline: str | None = None
    why_not_champion: str | None = None
    examples_version: int | None = None
    heldout_days: tuple[str, ...] = ()
    num_users: int = 0
    num_examples: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    heads: dict[str, Any] = field(default_factory=dict)
    role: str = HEAVY


@dataclass(frozen=True)
class Baseline:
    """The opponent of the challenger. ``rows`` is None if no held-out day is unknown to both."""

    version: str
    path: str | None
    called: str
    rows: ScoredRows | None


def judge(night: Night) -> Judged:
    """Compare the night's model with what served before it, and decide which one scores."""
    champion = find_champion(night)
    version = champion.version if champion else None
    if (reason := why_no_model(night)) is not None:
        sentence = f"no model was trained: {reason}; the simple score ranks the night"
        return Judged(UNTRAINED, SIMPLE_SCORE, None, sentence, champion=version)
    model = model_of(night)
    examples = read_examples(night, model)
    days = heldout_days(examples, night.ds, night.settings.dataset)
    baseline, why_not, judged_days = choose_baseline(night, examples, days, champion)
    rows = score(night, sampled(examples, judged_days, night), model) if judged_days else None
    compared = compared_by(rows, baseline, night)
    verdict, sentence = verdict_of(compared, night.settings.promotion, baseline)
    if rows is not None and not rows.is_finite:
        verdict, sentence = REJECTED, f"some of its scores are no numbers; {baseline.called} scores the night"
    promoted = (model.version, checkpoint_path(model.version))
    serves = promoted if verdict == PROMOTED else (baseline.version, baseline.path)
    lead = "" if why_not is None else f"the champion {why_not}; "
    return Judged(
        verdict,
        *serves,
        reason=f"{lead}model {model.version} is {verdict}: {sentence}",
        challenger=model.version,
        champion=version,
        baseline=baseline.version,
        why_not_champion=why_not,
        examples_version=model.examples_version,
        heldout_days=tuple(map(str, judged_days)),
        num_users=compared.num_users if compared else 0,
        num_examples=compared.num_examples if compared else 0,
        metrics=compared.metrics if compared else {},
        heads=compared.heads if compared else {},
    )


def choose_baseline(
    night: Night, examples: DataFrame, days: list[date], champion: Champion | None
) -> tuple[Baseline, str | None, list[date]]:
    """The champion on held-out days that it was not trained on, else the simple score on all; why not the champion."""
    why_not = None if champion is None else champion.why_unused
    if champion is not None and why_not is None:
        unknown = [day for day in days if not champion.knows(day)]
        model = NightModel(champion.version, folder_of(night, champion.path), -1)
        rows = score(night, sampled(examples, unknown, night), model) if unknown else None
        if rows is None or rows.is_finite:
            called = f"the champion {champion.version}"
            return Baseline(champion.version, champion.path, called, rows), None, unknown
        why_not = f"{champion.version} gives scores that are no numbers"
    rows = by_simple_score(sampled(examples, days, night), night.settings) if days else None
    return Baseline(SIMPLE_SCORE, None, "the simple score", rows), why_not, days


def sampled(examples: DataFrame, days: list[date], night: Night) -> DataFrame:
    """The examples of the days, of at most about ``max_users`` users."""
    heldout = examples.where(F.col("ds").isin(days))
    rules: Promotion = night.settings.promotion
    return sample_users(heldout, heldout.select("user_id").distinct().count(), rules.max_users)


def score(night: Night, examples: DataFrame, model: NightModel) -> ScoredRows:
    """The examples, scored by a model with the night's value weights."""
    return by_model(examples, Config.of(night, model))


def compared_by(rows: ScoredRows | None, baseline: Baseline, night: Night) -> Comparison | None:
    """Compare both on the same rows; None if there are none, or if some scores are not numbers."""
    if rows is None or baseline.rows is None or not rows.is_finite:
        return None
    rules, evaluation = night.settings.promotion, night.settings.evaluation
    return compare(
        rows,
        baseline.rows,
        rules.guarded,
        resamples=evaluation.resamples,
        num_bins=evaluation.calibration_bins,
        seed=night.settings.seed,
    )


def verdict_of(compared: Comparison | None, rules: Promotion, baseline: Baseline) -> tuple[str, str]:
    """The judgement, and its reason in words."""
    if compared is None:
        return UNPROVEN, f"no held-out day is unknown to it and to {baseline.called}, which scores the night"
    lost = losses(compared, rules.guarded, rules.tolerated_loss)
    if lost is None:
        what = f"{', '.join(rules.guarded)} cannot be measured on {compared.num_examples} held-out examples"
        return UNPROVEN, f"{what}; {baseline.called} scores the night"
    figures = "; ".join(figure_text(compared, name) for name in (lost or rules.guarded))
    on = f"on {compared.num_examples:,} held-out examples: {figures}"
    if lost:
        return REJECTED, f"clearly worse than {baseline.called}, which scores the night, {on}"
    return PROMOTED, f"not clearly worse than {baseline.called} {on}"


def figure_text(compared: Comparison, metric: str) -> str:
    """Text with one metric of both sides, and the difference with its interval."""
    figure = compared.metrics[metric]
    if figure is None:
        return f"{metric} is undefined"
    ours, theirs, gained = (figure[side] for side in ("challenger", "baseline", "difference"))
    interval = f"{gained['mean']:+.4f} [{gained['low']:+.4f}, {gained['high']:+.4f}]"
    return f"{metric} {ours['mean']:.4f} against {theirs['mean']:.4f}, {interval}"


def to_frame(night: Night, judged: Judged) -> DataFrame:
    """The row of the table."""
    row = asdict(judged) | {"metrics": json.dumps(judged.metrics, sort_keys=True, allow_nan=False), "ds": night.ds}
    schema = read_schema(TABLE)
    return night.spark.createDataFrame([tuple(row[item.name] for item in schema)], schema)


def main(night: Night) -> None:
    """Judge the night's model, write the judgement, update the model stages, write ``promotion.json``."""
    judged = judge(night)
    write_partition(night.lake, TABLE, to_frame(night, judged), [night.ds])
    update_stages(night)
    night.files.promotion.write({"ds": night.ds.isoformat(), **asdict(judged)})
    night.add_notes(TABLE, [judged.reason])
