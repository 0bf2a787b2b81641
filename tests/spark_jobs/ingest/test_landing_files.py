import gzip
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.ingest.landing_files import LandingError, list_files, new_files, read_lines
from spark_jobs.night import Night
from tests.landed import DS, land


def test_lines_keep_their_number_in_plain_and_gzipped_files(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "2026-03-07").mkdir()
    (tmp_path / "2026-03-08").mkdir()
    (tmp_path / "2026-03-08" / "a.jsonl").write_bytes(b"one\r\n\n  \nfour\nlast without an end")
    (tmp_path / "2026-03-07" / "b+c=1.jsonl.gz").write_bytes(gzip.compress("ä\nö\n".encode()))
    rows = read_lines(spark, list_files(spark, str(tmp_path), DS)).orderBy("source", "line").collect()
    assert not any(row["plain_event_id"] for row in rows)
    assert [tuple(row)[:4] for row in rows] == [
        ("2026-03-07/b+c=1.jsonl.gz", 1, "ä", date(2026, 3, 7)),
        ("2026-03-07/b+c=1.jsonl.gz", 2, "ö", date(2026, 3, 7)),
        ("2026-03-08/a.jsonl", 1, "one", DS),
        ("2026-03-08/a.jsonl", 4, "four", DS),
        ("2026-03-08/a.jsonl", 5, "last without an end", DS),
    ]


def test_files_of_later_days_and_unfinished_ones_do_not_count(spark: SparkSession, tmp_path: Path) -> None:
    land(tmp_path, DS, ["x"], "a.jsonl")
    land(tmp_path, DS, ["x"], "_half.jsonl")
    land(tmp_path, DS, ["x"], ".half.jsonl")
    land(tmp_path, DS, ["x"], "notes.txt")
    land(tmp_path, DS + timedelta(days=1), ["x"], "b.jsonl")
    (tmp_path / "2026-03-08" / "empty.jsonl").touch()
    (tmp_path / "_truth").mkdir()
    (tmp_path / "_truth" / "t.jsonl").write_text("x\n")
    (tmp_path / "2026-03-08" / "deeper").mkdir()
    (tmp_path / "2026-03-08" / "deeper" / "c.jsonl").write_text("x\n")
    assert [file.source for file in list_files(spark, str(tmp_path), DS)] == ["2026-03-08/a.jsonl"]


def test_names_that_could_mislead_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    path = land(tmp_path, DS, ["x"], "a[1].jsonl")
    with pytest.raises(LandingError, match="may hold letters"):
        list_files(spark, str(tmp_path), DS)
    path.unlink()
    (tmp_path / "2026-02-30").mkdir()
    (tmp_path / "2026-02-30" / "a.jsonl").write_text("x\n")
    with pytest.raises(LandingError, match="2026-02-30 is no calendar day"):
        list_files(spark, str(tmp_path), DS)


def test_an_area_in_which_nothing_landed_is_an_error(make_night: Callable[..., Night]) -> None:
    night = make_night()
    with pytest.raises(LandingError, match=r"nothing has landed in .*landing up to 2026-03-08: put event files"):
        new_files(night)
    land(night.landing, DS + timedelta(days=1), ["x"])
    with pytest.raises(LandingError, match="nothing has landed"):
        new_files(night)
