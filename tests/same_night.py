"""Checksums of one night of fixed input: refactoring must not change these results.

``python -m tests.same_night`` records them again in ``tests/acceptance/same_night.json``; run it in the commit that
changes a result on purpose. Columns and tables that name the code, the settings or the time are left out: versions and
paths of models, and gold.epochs.
"""

import hashlib
import json
import tempfile
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from contracts.pipeline import TABLES
from contracts.redis_keys import parse_key, scan_pattern
from models.network import WEIGHTS_FILE
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night, load_settings
from spark_jobs.night.session import open_session
from spark_jobs.publish.epoch_store import connect
from spark_jobs.rules.night_model import model_of
from spark_jobs.simulate import simulate
from storage import open_folder
from tests.landed import DS
from tests.nights import pointer, redis_server, run_night

RECORDED = Path(__file__).with_name("acceptance") / "same_night.json"
USERS, DAYS, SEED = 1000, 8, 20
OTHERWISE_NAMED = frozenset(
    {"model_version", "path", "challenger", "champion", "code_revision", "examples_version", "feature_schema"}
)
"""Columns that name code, files or versions of tables."""
LEFT_OUT = {
    "gold.models": ("metrics",),
    "gold.promotions": ("reason",),
    "gold.post_embeddings": ("light_embedding", "light_projection"),
}
"""Columns that contain seconds or a model's version in a sentence, or are new since and null in this night."""


def run(spark: SparkSession, folder: Path) -> dict[str, str]:
    """Simulate the network, run its night and return its checksums by table, file and kind of key."""
    landing = str(folder / "landing")
    simulate(spark, users=USERS, days=DAYS, seed=SEED, end_date=DS, landing=landing)
    with redis_server(folder) as url:
        night = Night(Lake(spark, str(folder / "lake")), DS, landing, folder / "runs", load_settings(landing), url)
        run_night(night)
        return checksums(night)


def checksums(night: Night) -> dict[str, str]:
    """Checksums of a night that has run: gold tables, weights and published values."""
    return {**tables_of_gold(night), **weights(night), **published_values(night)}


def tables_of_gold(night: Night) -> dict[str, str]:
    """Checksum of each gold table."""
    checksums_by_table = {}
    for name in (table.full_name for table in TABLES if table.layer == "gold" and table.name != "epochs"):
        checksums_by_table[name] = checksum(night.read(name).drop(*OTHERWISE_NAMED, *LEFT_OUT.get(name, ())))
    return checksums_by_table


def weights(night: Night) -> dict[str, str]:
    """Checksum of the trained weights."""
    content = open_folder(model_of(night).folder).read(WEIGHTS_FILE)
    return {"weights": hashlib.sha256(content).hexdigest()[:16]}


def published_values(night: Night) -> dict[str, str]:
    """Number and checksum of the epoch's values, by kind of key; values are ordered by the arm and id in their key."""
    with closing(connect(night.redis_url, night.settings.publish)) as client:
        texts = list(client.scan_iter(scan_pattern(pointer(night.redis_url).stable), count=1000))
        contents: Any = client.mget(texts)  # of a key that holds no value but a set: None
    values: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for text, value in zip(texts, contents, strict=True):
        key = parse_key(text)
        if key is not None and value is not None:
            values[key.kind.name].append((f"{key.arm}:{key.identity}", value))
    return {f"redis {kind}": _digest(sorted(found)) for kind, found in values.items()}


def _digest(values: list[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, value in values:
        digest.update(f"{name} {len(value)} ".encode() + value)
    return f"{len(values)}:{digest.hexdigest()[:16]}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        recorded = run(open_session("same night"), Path(place))
    RECORDED.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
