"""Changes of bronze.files when the landing area is listed again; no Spark."""

from dataclasses import replace
from typing import Any

from spark_jobs.ingest.file_reads import Measured, Reading
from spark_jobs.ingest.files import FileRow, compare
from spark_jobs.ingest.landing_area import LandingFile, RefusedFile
from tests.landed import DS

READ = Reading(10, 2, "checksum of ten bytes")
FILE = LandingFile(f"{DS}/a.jsonl", "/a.jsonl", DS, 10, 1)
ROW = FileRow(FILE.source, DS, 10, 1, 10, 2, READ.checksum, is_open=False, batch=3)
STRAY = RefusedFile(f"{DS}/a.csv", "not_json_lines", "is no file of JSON lines", DS)


def test_a_new_file_is_read_as_the_next_batch_and_then_known() -> None:
    news = compare({}, [FILE], [], [(FILE, Measured(READ))], batch=3, ds=DS)
    assert (news.parts, news.rows, news.gone) == ([FILE], [ROW], [])
    news = compare({FILE.source: ROW}, [FILE], [], [], batch=4, ds=DS)
    assert (news.parts, news.rows, news.gone) == ([], [], [])


def test_the_rest_of_a_file_that_grew_is_read() -> None:
    grown, further = replace(FILE, num_bytes=17, modified_us=2), Reading(16, 3, "of sixteen")
    found = Measured(further, "unfinished", "ends within line 4")
    news = compare({FILE.source: ROW}, [grown], [], [(grown, found)], batch=4, ds=DS)
    assert news.parts == [replace(grown, start=10, num_bytes=16, first_line=3)]
    event: dict[str, Any] = {
        "listed_bytes": 17,
        "modified_us": 2,
        "num_bytes": 16,
        "num_lines": 3,
        "checksum": "of sixteen",
    }
    assert news.rows == [replace(ROW, **event, batch=4, reason="unfinished", problem="ends within line 4")]


def test_a_file_that_was_touched_and_is_the_same_keeps_its_batch() -> None:
    touched = replace(FILE, modified_us=9)
    news = compare({FILE.source: ROW}, [touched], [], [(touched, Measured(READ))], batch=4, ds=DS)
    assert (news.parts, news.rows) == ([], [replace(ROW, modified_us=9)])


def test_what_is_refused_has_a_row_until_it_is_mended() -> None:
    news = compare({}, [], [STRAY], [], batch=1, ds=DS)
    [row] = news.rows
    assert (row.source, row.landing_date, row.batch, row.reason) == (STRAY.source, DS, None, "not_json_lines")
    known = {row.source: row}
    assert compare(known, [], [STRAY], [], batch=1, ds=DS).rows == []
    assert compare(known, [], [], [], batch=1, ds=DS).gone == [STRAY.source]
    # A night before its day does not look at it.
    earlier = {row.source: replace(row, landing_date=DS.replace(day=9))}
    assert compare(earlier, [], [], [], batch=1, ds=DS).gone == []


def test_what_was_read_of_a_file_is_kept_when_it_goes_or_cannot_be_read_any_more() -> None:
    changed = replace(ROW, reason="changed", problem="was read before")
    assert compare({FILE.source: changed}, [], [], [], batch=4, ds=DS).rows == [ROW]
    link = RefusedFile(FILE.source, "not_a_file", "is no file", DS)
    [row] = compare({FILE.source: ROW}, [], [link], [], batch=4, ds=DS).rows
    assert row == replace(ROW, listed_bytes=0, modified_us=0, reason="not_a_file", problem="is no file")
    # When it is back it is looked at, as its size and time are others.
    [again] = compare({FILE.source: row}, [FILE], [], [(FILE, Measured(READ))], batch=4, ds=DS).rows
    assert again == ROW
