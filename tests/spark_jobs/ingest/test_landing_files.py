import gzip
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.ingest import landing_files
from spark_jobs.ingest.file_reads import Reading
from spark_jobs.ingest.files import find_news
from spark_jobs.ingest.landing_area import LandingError, LandingFile, list_files
from spark_jobs.ingest.landing_files import measure_files, read_lines, shared
from spark_jobs.night.night import Night
from tests.landed import DS, land


def test_lines_keep_their_number_in_plain_and_gzipped_files(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "2026-03-07").mkdir()
    (tmp_path / "2026-03-08" / "hour=00").mkdir(parents=True)
    (tmp_path / "2026-03-08" / "hour=00" / "a.jsonl").write_bytes(b"one\r\n\n  \nfour\nlast without an end")
    (tmp_path / "2026-03-07" / "b+c=1.jsonl.gz").write_bytes(gzip.compress("ä\nö\n".encode()))
    files, _ = list_files(str(tmp_path), DS)
    rows = read_lines(spark, files).orderBy("source", "line").collect()
    assert [tuple(row)[:4] for row in rows] == [
        ("2026-03-07/b+c=1.jsonl.gz", 1, "ä", date(2026, 3, 7)),
        ("2026-03-07/b+c=1.jsonl.gz", 2, "ö", date(2026, 3, 7)),
        ("2026-03-08/hour=00/a.jsonl", 1, "one", DS),
        ("2026-03-08/hour=00/a.jsonl", 4, "four", DS),
        ("2026-03-08/hour=00/a.jsonl", 5, "last without an end", DS),
    ]
    known = {"2026-03-07/b+c=1.jsonl.gz": Reading(1, 1, "another checksum")}
    measured = measure_files(spark, files, known)
    monkeypatch.setattr(landing_files, "BYTES_PER_TASK", 1)
    assert measure_files(spark, files, known) == measured, "here or in tasks"
    assert [(file.source, found.reading.num_lines, found.reason) for file, found in measured] == [
        ("2026-03-07/b+c=1.jsonl.gz", 1, "changed"),
        ("2026-03-08/hour=00/a.jsonl", 4, "unfinished"),
    ]


def test_small_files_are_read_by_few_tasks_in_few_batches(spark: SparkSession, tmp_path: Path) -> None:
    for at in range(300):
        land(tmp_path, DS - timedelta(days=at), [f"line of {at}"])
    files, _ = list_files(str(tmp_path), DS)
    lines = read_lines(spark, files)
    assert lines.rdd.getNumPartitions() == spark.sparkContext.defaultParallelism
    assert sorted(row.raw for row in lines.select("raw").collect()) == sorted(f"line of {at}" for at in range(300))


def test_shares_are_of_about_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing_files, "BYTES_PER_TASK", 100)
    sizes = [250, 90, 60, 50, 40, 30, 1, 1]
    files = [LandingFile(f"{DS}/{at}.jsonl", f"/{at}", DS, size, 0) for at, size in enumerate(sizes)]
    shares = shared(files, cores=2)
    assert sorted(file.source for share in shares for file in share) == [file.source for file in files]
    assert sorted(sum(file.num_bytes for file in share) for share in shares) == [32, 40, 50, 60, 90, 250]
    assert len(shared(files[:1], cores=2)) == 1
    assert shared([], cores=2) == []


def test_an_area_in_which_nothing_landed_is_an_error(make_night: Callable[..., Night]) -> None:
    night = make_night()
    with pytest.raises(LandingError, match=r"nothing has landed in .*landing up to 2026-03-08: put event files"):
        find_news(night)
    land(night.landing, DS + timedelta(days=1), ["x"])
    land(night.landing, DS, ["x"], "a.csv")
    with pytest.raises(LandingError, match=r"nothing has landed.*; 2026-03-08/a.csv is no file of JSON lines"):
        find_news(night)
