"""A night whose lake, landing area, runs and artefacts lie on a real S3 server is the night on a disk.

The server is killed once in mid-night. A second writer of a table is refused, and a killed one keeps nobody waiting.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from pyspark.sql import SparkSession

from contracts.pipeline import STAGES
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from spark_jobs.night.run import run_stage
from spark_jobs.simulate import simulate
from storage import open_folder
from storage.leases import OWNER, Leases, TableIsWritten, leases_of_process
from tests.landed import DS
from tests.nights import ROOT, redis_server, run_night
from tests.s3_server import S3Server, s3_server
from tests.same_night import checksums

pytestmark = pytest.mark.slow

USERS, DAYS, SEED = 200, 8, 20
BUCKET = "feedlake"
HIT = "features"
"""The stage during which the server is killed."""

LASTS_S, RENEWED_S = 12.0, 1.0
"""Of the leases in the test of a second writer: shorter, to wait less."""

HOLDER = f"""
import time
from contracts.places import Place
from storage.leases import Leases
Leases("other", "another night", {LASTS_S}, {RENEWED_S}).hold(Place.parse("s3://{BUCKET}/lake/gold/ranked_feeds"))
print("held", flush=True)
time.sleep(600)
"""


@dataclass
class Nights:
    server: S3Server
    on_disk: Night
    on_s3: Night


@pytest.fixture(scope="module")
def nights(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """The night on a disk, which has run, and the same one on S3, of which only the files have landed."""
    folder = tmp_path_factory.mktemp("s3")
    landing = str(folder / "landing")
    with s3_server(folder / "served", BUCKET) as server:
        simulate(spark, users=USERS, days=DAYS, seed=SEED, end_date=DS, landing=landing)
        upload(landing, f"s3://{BUCKET}/landing")
        places = [(str(folder / "lake"), landing, str(folder / "runs"))]
        places += [(f"s3://{BUCKET}/lake", f"s3://{BUCKET}/landing", f"s3://{BUCKET}/runs")]
        (folder / "redis 0").mkdir()
        (folder / "redis 1").mkdir()
        with redis_server(folder / "redis 0") as first, redis_server(folder / "redis 1") as second:
            on_disk, on_s3 = (
                Night(Lake(spark, lake), DS, area, runs, load_settings(area), url)
                for (lake, area, runs), url in zip(places, (first, second), strict=True)
            )
            begun = time.monotonic()
            run_night(on_disk)
            print(f"\nnight on a disk: {time.monotonic() - begun:.0f} s, {USERS} users, {DAYS} days")
            yield Nights(server, on_disk, on_s3)


def upload(landing: str, location: str) -> None:
    area, there = open_folder(landing), open_folder(location)
    for name in area.files():
        if not name.startswith("_"):
            there.write(name, area.read(name))


def kill_while_it_writes(server: S3Server) -> threading.Thread:
    """Kill the server once the stage has put a data file, and start it again a while later."""

    def strike() -> None:
        lake = server.data / BUCKET / "lake" / "gold"
        while not any(lake.glob("*/**/*.parquet")):
            time.sleep(0.1)
        server.kill()

    thread = threading.Thread(target=strike, daemon=True)
    thread.start()
    return thread


def test_a_night_on_s3_ends_as_on_a_disk_though_the_server_was_killed(nights: Nights) -> None:
    night, server = nights.on_s3, nights.server
    before = list(STAGES)[: list(STAGES).index(HIT)]
    run_night(night, before)
    striker, begun = kill_while_it_writes(server), time.monotonic()
    with pytest.raises(Exception) as failure:  # noqa: PT011 - whatever Hadoop, boto3 or delta-rs say first
        run_stage(night, HIT)
    striker.join()
    print(
        f"server killed: {HIT} ended after {time.monotonic() - begun:.0f} s: {str(failure.value).splitlines()[0][:150]}"
    )
    server.start()
    begun = time.monotonic()
    run_night(night)
    print(f"night on S3, run again from its start: {time.monotonic() - begun:.0f} s")
    disk, s3 = checksums(nights.on_disk), checksums(night)
    for name in sorted(disk.keys() | s3.keys()):
        was, now = disk.get(name, "none"), s3.get(name, "none")
        print(f"{name:28} {was:>28} {now:>28} {'same' if was == now else 'DIFFERS'}")
    assert s3 == disk
    assert {file.stage for file in night.files.stages()} == set(STAGES)
    assert not any(path.name.startswith("s3:") for path in ROOT.iterdir()), (
        "nothing took S3 for a folder of this machine"
    )


def test_a_second_writer_is_refused_and_a_killed_one_keeps_nobody_waiting(nights: Nights) -> None:
    own = Leases(leases_of_process().owner, "rerank of the test", LASTS_S, RENEWED_S)
    night = replace(nights.on_s3, lake=replace(nights.on_s3.lake, leases=own))
    table = night.lake.place_of("gold.ranked_feeds")
    nights.on_s3.lake.leases.release_all()  # the first night has ended
    env = {name: value for name, value in os.environ.items() if name != OWNER} | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", HOLDER], env=env, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        version, begun = night.lake.version("gold.ranked_feeds"), time.monotonic()
        with pytest.raises(TableIsWritten, match="ranked_feeds is being written by another night") as refusal:
            run_stage(night, "rerank")
        print(f"\nrefused after {time.monotonic() - begun:.1f} s: {refusal.value}")
        assert night.lake.version("gold.ranked_feeds") == version
        holder.kill()
    begun = time.monotonic()
    own.hold(table)
    print(f"the killed writer's lease was taken after {time.monotonic() - begun:.1f} s")
    run_stage(night, "rerank")
    assert checksums(night)["gold.ranked_feeds"] == checksums(nights.on_disk)["gold.ranked_feeds"]
    own.release_all()


def test_the_run_report_is_drawn_from_files_on_s3(nights: Nights) -> None:
    from analysis.report import main

    assert main(["--runs", str(nights.on_s3.runs), "--ds", str(DS)]) == 0
    assert b"<html" in open_folder(nights.on_s3.runs).read(f"{DS}/report.html")[:500].lower()
