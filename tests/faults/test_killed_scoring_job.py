"""A scoring job killed while it writes leaves the table as it was, and a rerun completes it."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.settings import Settings
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.rules.night_model import model_of
from spark_jobs.score import post_embeddings, scored_candidates
from spark_jobs.score.pair_stream import Inputs
from tests import scoring_lake

ROOT = Path(__file__).resolve().parents[2]
TABLE = "gold.scored_candidates"
NUM_TASKS = 64
JOB = """
import sys
from datetime import date
from pathlib import Path
from contracts.settings import Settings
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.score import scored_candidates
from spark_jobs.night.session import open_session

spark = open_session("killed")
spark.conf.set("spark.sql.shuffle.partitions", sys.argv[2])
lake = Lake(spark, sys.argv[1])
scored_candidates.main(Night(lake, date(2026, 3, 6), "", Path(sys.argv[1]) / "runs", Settings()))
"""


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path) -> Night:
    """A lake scored once, whose candidates have changed since."""
    night = Night(Lake(spark, str(tmp_path / "lake")), date(2026, 3, 6), "", tmp_path, Settings())
    scoring_lake.register_model(night)
    scoring_lake.write_features(night, 200, 200)
    scoring_lake.write_candidates(night, 200, 200, share=0.1)
    post_embeddings.main(night)
    scored_candidates.main(night)
    scoring_lake.write_candidates(night, 200, 200, share=0.9)
    return night


@pytest.mark.slow
def test_killed_scoring_job(night: Night) -> None:
    before, version = checksum(night.read(TABLE)), night.lake.version(TABLE)
    folder = Path(night.lake.path(TABLE))
    committed = set(folder.rglob("*.parquet"))
    # The child starts its own JVM: nothing of this one's may leak into it.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK", "SPARK"))}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-c", JOB, night.lake.root, str(NUM_TASKS)]
    job = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        while job.poll() is None and not set(folder.rglob("*.parquet")) - committed:
            time.sleep(0.02)
    finally:
        os.killpg(job.pid, signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL, "the job ended before it wrote a file"
    written = set(folder.rglob("*.parquet")) - committed
    assert 0 < len(written) < NUM_TASKS

    assert night.lake.version(TABLE) == version
    assert checksum(night.read(TABLE)) == before

    scored_candidates.main(night)
    after = night.read(TABLE)
    assert after.count() == night.read("gold.feed_candidates").count()
    read = (night.read(f"gold.{name}") for name in ("feed_candidates", "affinity_features", "user_features"))
    wanted = scored_candidates.transform(Inputs(*read), scored_candidates.read_config(night, model_of(night)))
    assert checksum(after.drop("ds")) == checksum(wanted)
    assert checksum(after) != before
