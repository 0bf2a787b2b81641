"""Numbers and sentences of the run report, from a night's JSON files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.folders import Folder
from contracts.pipeline import STAGES, TABLES
from contracts.places import Location
from contracts.run_files import RunFile, RunFiles
from contracts.run_records import Json

HEADLINE_METRIC = "ndcg@10"
HEADLINE_PAIR = "ranker-chronological"


@dataclass(frozen=True)
class Run:
    """A night's files. ``problems`` names, per missing or unreadable file, what is wrong and which stage writes it.

    ``notes`` are the notes of a table's job, by table.
    """

    ds: str
    stages: dict[str, Json]
    verdicts: dict[str, Json]
    preflight: Json
    late_files: Json
    train: Json
    promotion: Json
    metrics: Json
    audit: Json
    difference: Json
    publish: Json
    problems: dict[str, str]
    notes: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The report's one sentence and its colour: ``good``, ``warning``, ``bad`` or ``unfinished``."""

    state: str
    sentence: str


def read_run(folder: Folder | Location) -> Run:
    """Read ``<runs>/<ds>``; a file that is missing or is no JSON object is noted, never fatal."""
    problems: dict[str, str] = {}
    files = RunFiles(folder)

    def read(file: RunFile[Any]) -> Json:
        name, stage = file.name, file.stage
        try:
            value = file.read()
        except FileNotFoundError:
            problems[name] = f"{name} is missing: the {stage} stage has not written it."
            return {}
        except ValueError as error:
            problems[name] = f"{name}, written by the {stage} stage, cannot be read: {error}"
            return {}
        if isinstance(value, dict):
            return value
        problems[name] = f"{name}, written by the {stage} stage, is not a JSON object."
        return {}

    stages = {stage: read(files.stage(stage)) for stage in STAGES}
    verdicts = {table.full_name: read(files.verdict(table.full_name)) for table in TABLES}
    return Run(
        files.folder.place.path.rpartition("/")[2],
        {name: value for name, value in stages.items() if value},
        {name: value for name, value in verdicts.items() if value},
        read(files.preflight),
        read(files.late_files),
        read(files.training()),
        read(files.promotion),
        read(files.metrics),
        read(files.audit),
        read(files.difference),
        read(files.publish),
        problems,
        {table.full_name: sentences for table in TABLES if (sentences := _read_notes(files.notes(table.full_name)))},
    )


def _read_notes(notes: RunFile[list[str]]) -> list[str]:
    return notes.read() if notes.exists() else []


def table_rows(run: Run) -> dict[str, int]:
    """Rows written to each table, in the order of the night, from its verdict or else its stage record."""
    counts: dict[str, int] = {}
    for table in TABLES:
        name = table.full_name
        timing = run.stages.get(table.stage, {}).get("tables", {}).get(name, {})
        rows = run.verdicts.get(name, {}).get("rows", timing.get("rows"))
        if rows is not None:
            counts[name] = int(rows)
    return counts


def stage_seconds(run: Run) -> dict[str, tuple[float, float]]:
    """Seconds of each stage spent starting, and at work with its gates, which run beside the building of tables."""
    return {
        name: (float(stage.get("startup_seconds") or 0), float(stage.get("seconds") or 0))
        for name, stage in run.stages.items()
    }


def funnel_per_user(run: Run) -> dict[str, float]:
    """Mean items per published user at each step; empty without a number of users."""
    users = run.publish.get("users")
    if not users:
        return {}
    rows = table_rows(run)
    steps: dict[str, float | None] = {
        "candidates": rows.get("gold.feed_candidates"),
        "scored": rows.get("gold.scored_candidates"),
        "ranked": rows.get("gold.ranked_feeds"),
        "published": run.publish.get("pool_rows"),
    }
    return {name: value / users for name, value in steps.items() if value is not None}


def redis_bytes_per_user(publish: Mapping[str, Any]) -> dict[str, float]:
    """Bytes of values in Redis per user, by kind of key if the publish recorded kinds."""
    users = publish.get("users")
    if not users:
        return {}
    kinds = publish.get("bytes_by_kind") or {"all keys": publish.get("bytes") or 0}
    return {kind: value / users for kind, value in kinds.items()}


def intervals(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """``{"mean", "low", "high"}`` objects as triples; incomplete ones are left out."""
    ends = ("mean", "low", "high")
    return {
        outer: {
            name: (float(value["mean"]), float(value["low"]), float(value["high"]))
            for name, value in inner.items()
            if isinstance(value, dict) and all(value.get(end) is not None for end in ends)
        }
        for outer, inner in groups.items()
    }


def broken_rules(run: Run) -> list[Json]:
    """Every broken rule with its table, critical ones first, then in the order of the night."""
    broken = [
        {"table": name, **result}
        for name, verdict in run.verdicts.items()
        for result in verdict.get("results", [])
        if not result["success"]
    ]
    return sorted(broken, key=lambda rule: rule["severity"] != "critical")


def describe(run: Run) -> Verdict:
    """The night in one sentence: gates, audit, quality against newest first, and what was published."""
    failed = [name for name, verdict in run.verdicts.items() if not verdict["success"]]
    warnings = sum(rule["severity"] != "critical" for rule in broken_rules(run))
    passed = len(run.verdicts) - len(failed)
    noted = f" ({warnings} warning{'s' * (warnings > 1)})" if warnings else ""
    parts = [f"the night stopped at its start: {stop}" for stop in run.preflight.get("stops", [])]
    parts += [f"{passed} tables passed, {len(failed)} failed{noted}"]
    if run.audit:
        checks = run.audit.get("checks", [])
        held = sum(bool(check["passed"]) for check in checks)
        parts.append(f"audit {'passed' if run.audit['passed'] else 'FAILED'}, {held} of {len(checks)} checks hold")
    if "reason" in run.train:
        parts.append("no model was trained, the simple score ranks")
    elif run.promotion.get("verdict") in ("rejected", "unproven"):
        parts.append(f"the new model is {run.promotion['verdict']}, {run.promotion['model_version']} scores the night")
    if quality := _quality(run.metrics):
        parts.append(quality)
    if "epoch" in run.publish:
        parts.append(f"epoch {run.publish['epoch']} published for {run.publish.get('users', 0):,} users")
    if run.problems:
        parts.append(f"{len(run.problems)} files are missing or unreadable")
    if failed or run.preflight.get("stops") or (run.audit and not run.audit["passed"]):
        state = "bad"
    elif run.problems:
        state = "unfinished"
    else:
        state = "warning" if warnings or run.preflight.get("notes") else "good"
    return Verdict(state, "; ".join(parts) + ".")


def _quality(metrics: Mapping[str, Any]) -> str | None:
    headline = intervals(metrics.get("differences", {})).get(HEADLINE_METRIC, {}).get(HEADLINE_PAIR)
    if headline is None:
        return None
    mean, low, high = headline
    if low > 0:
        relation = "beats"
    elif high < 0:
        relation = "is behind"
    else:
        relation = "does not differ clearly from"
    return f"the ranker {relation} newest first by {mean:+.3f} [{low:+.3f}, {high:+.3f}] {HEADLINE_METRIC.upper()}"
