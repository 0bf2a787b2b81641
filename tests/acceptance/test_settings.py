"""Wrong settings end a job before Spark starts; right ones change what is published, and the manifest says so."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import redis
from deltalake import DeltaTable

from contracts.epochs import unpack_pool
from contracts.pipeline import RUNNER, STAGES
from contracts.settings.hashes import settings_hash
from contracts.settings.load import load
from contracts.settings.options import VARIABLE
from spark_jobs.publish import ledger
from tests.nights import ROOT, pointer, redis_server
from tests.small_sites import DS, without_positions

SECONDS = 10.0
SPARK = ("SPARK", "PYSPARK", VARIABLE)
BAD: dict[str, tuple[bytes, str]] = {
    "unknown section": (b"[pol]\nsize = 5", "unknown section [pol]; did you mean 'pool'?"),
    "unknown key": (b"[pool]\nsise = 5", "unknown key 'pool.sise' = 5; did you mean 'pool.size'?"),
    "unknown plain key": (b"sed = 5", "unknown key 'sed' = 5; did you mean 'seed'?"),
    "key of another section": (b"[pool]\ntotal = 5", "did you mean 'candidates.total'?"),
    "text for a number": (b'[pool]\nsize = "5"', 'pool.size = "5": allowed is a whole number from 1 to 1,700'),
    "bool for a number": (b"[pool]\nsize = true", "pool.size = true: allowed is a whole number from 1 to 1,700"),
    "fraction for a count": (b"[pool]\nsize = 1.5", "pool.size = 1.5: allowed is a whole number from 1 to 1,700"),
    "not a number": (b"[value]\nlike = nan", "value.like = nan: allowed is a number from 0 to 1,000,000"),
    "infinite": (b"[value]\nhide = -inf", "value.hide = -inf: allowed is a number from -1,000,000 to 0"),
    "out of bounds": (b"[candidates]\nseen_days = -1", "candidates.seen_days = -1: allowed is a whole number from 0"),
    "unknown preset": (b'value_preset = "sead"', "allowed is one of default, seed, balanced, time, quality, x-2026"),
    "contradiction": (b"[candidates]\ntotal = 50", "pool.size must be at most candidates.total: pool.size = 100"),
    "nothing is worth anything": (
        b"[value]\nlike = 0\ncomment = 0\nshare = 0\ndwell_per_s = 0",
        "one of value.like, value.comment, value.share, value.dwell_per_s, value.quality must be above 0",
    ),
    "key of the data set": (b"[dataset]\ntraining_days = 3", "stands in dataset.json of its landing area"),
    "no TOML": (b"[pool\nsize = 5", "no TOML: "),
    "empty": (b"", "is empty; leave it out to use the defaults"),
    "not UTF-8": (b"# gr\xf6\xdfer", "is not UTF-8: byte 5 is wrong"),
}


@dataclass(frozen=True)
class Ended:
    """How a job ended: exit code, the last it said, packages it imported, seconds."""

    code: int
    output: str
    imported: set[str]
    seconds: float


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(SPARK)}
    return kept | {"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable}


def run_job(folder: Path, *words: str, **variables: str) -> Ended:
    """The runner of stages with the imports that it made."""
    places = [word for name in ("lake", "landing", "runs") for word in (f"--{name}", str(folder / name))]
    command = [sys.executable, "-X", "importtime", RUNNER, "ingest", "--ds", "2026-03-08", *places, *words]
    begun = time.monotonic()
    env = environment() | variables
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
    lines = done.stderr.splitlines()
    imports = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines if line.startswith("import time:")}
    output = "\n".join(line for line in lines if not line.startswith("import time:"))
    return Ended(done.returncode, output or done.stdout, imports, time.monotonic() - begun)


def refused(folder: Path, ended: Ended, message: str) -> None:
    assert ended.code == 2, ended.output
    assert message in ended.output
    assert not {"pyspark", "py4j", "delta", "pandas"} & ended.imported
    assert "tomllib" in ended.imported, "imports are seen"
    assert not (folder / "lake").exists()
    assert not (folder / "runs").exists()
    assert ended.seconds < SECONDS


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_ends_the_job_before_spark(kind: str, tmp_path: Path) -> None:
    content, message = BAD[kind]
    file = tmp_path / "night.toml"
    file.write_bytes(content)
    ended = run_job(tmp_path, "--settings", str(file))
    refused(tmp_path, ended, message)
    assert str(file) in ended.output
    print(f"{kind}: {ended.output} ({ended.seconds:.1f} s)")


def test_what_is_no_file_ends_the_job_before_spark(tmp_path: Path) -> None:
    refused(tmp_path, run_job(tmp_path, "--settings", str(tmp_path)), f"{tmp_path}: is a directory; name a file")
    gone = str(tmp_path / "gone.toml")
    refused(tmp_path, run_job(tmp_path, **{VARIABLE: gone}), f"{gone}: there is no such file")
    refused(tmp_path, run_job(tmp_path, "--set", "pool.size=0"), "pool.size = 0: allowed is a whole number from 1")


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "dataset.json").write_text('{"training_days": 2}')
    file = tmp_path / "night.toml"
    file.write_text("[pool]\nsize = 0\n[value]\nshare = true\n[audit]\nmax_per_author = 1\n")
    ended = run_job(tmp_path, "--settings", str(file), "--set", "sed=1")
    for message in (
        "5 problems with the settings",
        "dataset.json: training_days (2) must exceed calibration_days + holdout_days (1 + 1)",
        "pool.size = 0: ",
        "value.share = true: ",
        "did you mean 'seed'?",
        "pool.max_per_author must be at most audit.max_per_author",
    ):
        refused(tmp_path, ended, message)


def test_help_loads_no_spark(tmp_path: Path) -> None:
    ended = run_job(tmp_path, "--help")
    assert ended.code == 0
    assert "--set KEY=VALUE" in ended.output
    assert not {"pyspark", "py4j"} & ended.imported


CHANGED = """\
value_preset = "seed"

[value]
like = 2
comment = 0
share = 0
hide = 0
report = 0
dwell_per_s = 0
age_decay_per_h = 0
min_quality = 1

[candidates]
total = 12
"""
"""Worth is the like alone: twice its probability."""

SIZE = 7


@dataclass(frozen=True)
class Published:
    """What one run of the night left behind."""

    manifest: dict[str, Any]
    depths: list[int]
    candidates: Counter[int]
    scored: pa.Table
    training_days: tuple[str, ...]
    model_settings: str
    verdicts: set[str]


def run_stages(folder: Path, url: str, stages: tuple[str, ...], *words: str) -> None:
    places = [word for name in ("lake", "landing", "runs") for word in (f"--{name}", str(folder / name))]
    command = [
        sys.executable,
        RUNNER,
        *stages,
        "--ds",
        DS.isoformat(),
        *places,
        "--redis",
        url,
        "--strict",
    ]
    done = subprocess.run(
        [*command, *words], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=1800
    )
    assert done.returncode == 0, done.stderr[-3000:]


def look_at(folder: Path, url: str, tables: tuple[str, ...]) -> Published:
    def read(name: str) -> pa.Table:
        path = folder / "lake" / name.replace(".", "/")
        return DeltaTable(str(path)).to_pyarrow_table()

    epoch = pointer(url).stable
    client: Any = redis.Redis.from_url(url)
    pools = client.mget(list(client.scan_iter(match=f"pool:{epoch}:*", count=1000)))
    (row,) = [row for row in ledger.read_rows(str(folder / "lake" / "gold" / "epochs")) if row.epoch == epoch]
    (model,) = read("gold.models").to_pylist()
    config = json.loads((folder / "lake" / model["path"] / "config.json").read_text())
    verdicts = [folder / "runs" / DS.isoformat() / "verdicts" / f"{name}.json" for name in tables]
    return Published(
        json.loads(row.manifest),
        [len(unpack_pool(pool).columns["post_id"]) for pool in pools],
        Counter(read("gold.feed_candidates")["user_id"].to_pylist()),
        read("gold.scored_candidates"),
        tuple(model["training_partitions"]),
        config["settings"],
        {json.loads(path.read_text())["settings"] for path in verdicts},
    )


def is_twice_the_like(scored: pa.Table) -> bool:
    likes, values = (scored[name].to_numpy() for name in ("p_like", "value_score"))
    return bool(np.allclose(values, 2 * likes, rtol=1e-5))


@pytest.mark.slow
def test_settings_change_what_is_published(tmp_path: Path) -> None:
    without_positions(tmp_path / "landing")
    dataset = tmp_path / "landing" / "dataset.json"
    file = tmp_path / "night.toml"
    file.write_text(CHANGED)
    again = ("examples", "train", "promote", "candidates", "score", "rerank", "audit", "publish")
    tables = ("gold.feed_candidates", "gold.scored_candidates", "gold.ranked_feeds", "gold.epochs")
    with redis_server(tmp_path) as url:
        run_stages(tmp_path, url, tuple(stage for stage in STAGES if stage != "evaluate"))
        before, first_hash = look_at(tmp_path, url, tables), settings_hash(load(str(dataset.parent)).settings)
        dataset.write_text(json.dumps({**json.loads(dataset.read_text()), "training_days": 5}))
        run_stages(tmp_path, url, again, "--settings", str(file), "--set", f"pool.size={SIZE}")
        after = look_at(tmp_path, url, tables)
    second_hash = settings_hash(load(str(dataset.parent), file, [f"pool.size={SIZE}"]).settings)
    assert first_hash != second_hash
    for run, name in ((before, first_hash), (after, second_hash)):
        assert (run.manifest["settings"], run.model_settings, run.verdicts) == (name, name, {name})
    assert [run.manifest["value_preset"] for run in (before, after)] == ["default", "seed"]
    assert max(before.depths) > SIZE >= max(after.depths)
    assert max(before.candidates.values()) > 12 >= max(after.candidates.values())
    assert [is_twice_the_like(run.scored) for run in (before, after)] == [False, True]
    # Slates begin on March 2nd: a window of seven days holds all of their days, one of five leaves out the first.
    assert before.training_days == ("2026-03-02", *after.training_days)
    assert after.training_days == ("2026-03-03", "2026-03-04", "2026-03-05")
    for name, run in (("defaults", before), ("file", after)):
        print(
            f"{name}: settings {run.manifest['settings'][:12]}, preset {run.manifest['value_preset']}, "
            f"{len(run.depths)} pools of at most {max(run.depths)}, at most {max(run.candidates.values())} candidates, "
            f"trained on {len(run.training_days)} days, worth twice the like: {is_twice_the_like(run.scored)}"
        )
