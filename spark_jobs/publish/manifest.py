"""The manifest of an epoch: everything that decides its content, and its size."""

from dataclasses import asdict
from typing import Any

from pyspark.sql import functions as F

from contracts.code_revision import code_revision
from contracts.features import schema_hash
from contracts.pipeline import BY_NAME, TABLES
from contracts.run_records import AuditRecord
from contracts.settings.hashes import hash_of
from spark_jobs.night.night import Night
from spark_jobs.publish.epoch_store import PublishFailed

_RULES = ("pool", "rerank", "exploration", "ads")
"""Sections of the settings that say how pools are made of scores."""


def read_audit(night: Night) -> AuditRecord:
    """The night's passed audit; raises ``PublishFailed`` if there is none."""
    file = night.files.audit
    if not file.exists():
        raise PublishFailed(f"refusing to publish {night.ds}: {file} is missing, run the audit stage first")
    audit = file.read()
    if audit["ds"] != night.ds.isoformat() or audit["passed"] is not True:
        failed = ", ".join(check["name"] for check in audit["checks"] if not check["passed"])
        raise PublishFailed(f"refusing to publish {night.ds}: its audit ({audit['ds']}) did not pass: {failed}")
    return audit


def pin_versions(night: Night, audit: AuditRecord) -> dict[str, int]:
    """Delta version of every table of the night; pools and ads are pinned to the versions that were audited."""
    for name in BY_NAME["gold.epochs"].inputs:
        night.lake.create(name)
    versions = {
        table.full_name: night.lake.version(table.full_name) for table in TABLES if night.lake.exists(table.full_name)
    }
    return versions | {"gold.ranked_feeds": audit["ranked_version"], "gold.ranked_ads": audit["ads_version"]}


def describe(night: Night, versions: dict[str, int]) -> dict[str, Any]:
    """The part of the manifest that is known before the epoch is built."""
    return {
        "ds": night.ds.isoformat(),
        "as_of": night.as_of.isoformat(),
        "versions": versions,
        "feature_schema": schema_hash(),
        "model_version": _model_version(night, versions),
        "settings": night.settings_hash,
        "value_preset": night.settings.value_preset,
        "weights": hash_of(asdict(night.settings.value)),
        "rules": hash_of({name: asdict(getattr(night.settings, name)) for name in _RULES}),
        "data_set": night.settings.dataset.name,
        "code_revision": code_revision(),
    }


def _model_version(night: Night, versions: dict[str, int]) -> str:
    if "gold.scored_candidates" not in versions:
        return "unknown"
    scored = night.lake.read("gold.scored_candidates", versions["gold.scored_candidates"])
    tonight = scored.where(F.col("ds") == F.lit(night.ds))
    row = tonight.agg(F.array_join(F.sort_array(F.collect_set("model_version")), ",")).first()
    return str(row[0]) if row is not None and row[0] else "unknown"
