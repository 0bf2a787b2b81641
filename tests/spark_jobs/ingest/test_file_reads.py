import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.ingest.file_reads import Measured, Reading, measure, part_to_read
from spark_jobs.ingest.landing_area import LandingFile
from spark_jobs.ingest.landing_files import read_file
from tests.landed import DS

ONE, TWO, THREE = (json.dumps({"event_id": name}, ensure_ascii=False).encode() for name in ("one", "zwei é", "three"))
Line = tuple[int, bytes]


def listed(path: Path) -> LandingFile:
    return LandingFile(f"{DS}/{path.name}", str(path), DS, path.stat().st_size, 0)


def look(path: Path, known: Reading) -> tuple[Measured, list[Line]]:
    """How far the file is read now, and the lines that are new."""
    measured = measure(listed(path), known)
    part = part_to_read(listed(path), known, measured.reading)
    batches = [] if part is None else list(read_file(part))
    lines = [(batch.column("line"), batch.column("raw").cast("binary")) for batch in batches]
    return measured, [(line.as_py(), raw.as_py()) for pair in lines for line, raw in zip(*pair, strict=True)]


def grow(path: Path, *contents: bytes) -> list[tuple[Measured, list[Line]]]:
    """What each look sees while ``contents`` are appended one after another."""
    known, found = Reading(), []
    for content in contents:
        with path.open("ab") as file:
            file.write(content)
        measured, lines = look(path, known)
        found.append((measured, lines))
        known = measured.reading
    return found


def test_a_file_that_grows_is_read_on(tmp_path: Path) -> None:
    steps = grow(tmp_path / "a.jsonl", ONE + b"\n\n" + TWO[:9], TWO[9:], b"\r\n" + THREE + b"\n", b"  \n", b" ")
    assert [lines for _, lines in steps] == [[(1, ONE)], [(3, TWO)], [(4, THREE)], [], []]
    assert [step.reading.num_lines for step, _ in steps] == [2, 3, 4, 5, 5]
    assert [step.reason for step, _ in steps] == ["unfinished", None, None, None, None]
    assert steps[0][0].problem == (
        "ends within line 3, which waits for the rest: end the file, or remove it and put it there whole"
    )


def test_members_are_appended_to_a_gzip_file(tmp_path: Path) -> None:
    last = gzip.compress(b"\n" + THREE + b"\n")
    path = tmp_path / "a.jsonl.gz"
    steps = grow(path, gzip.compress(ONE + b"\n" + TWO[:9]), gzip.compress(TWO[9:]), last[:20], last[20:], bytes(512))
    assert [lines for _, lines in steps] == [[(1, ONE)], [(2, TWO)], [], [(3, THREE)], []]
    assert [step.reason for step, _ in steps] == ["unfinished", None, "unfinished", None, None]
    at = len(gzip.compress(ONE + b"\n" + TWO[:9])) + len(gzip.compress(TWO[9:]))
    assert steps[2][0].problem is not None
    assert f"the gzip member at byte {at:,}" in steps[2][0].problem


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_whose_beginning_changed_is_refused_and_keeps_its_reading(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / ("a.jsonl" if pack is bytes else "a.jsonl.gz")
    [(first, _)] = grow(path, pack(ONE + b"\n" + TWO))
    original = path.read_bytes()
    for changed in (pack(TWO + b"\n" + TWO), original[:-1], pack(TWO + b"\n" + TWO) + pack(b"\n" + THREE + b"\n")):
        path.write_bytes(changed)
        measured, lines = look(path, first.reading)
        assert (measured.reading, measured.reason, lines) == (first.reading, "changed", [])
        assert measured.problem is not None
        assert f"its first {first.reading.num_bytes:,} bytes are not those any more" in measured.problem
    path.write_bytes(original + pack(b" more\n" + THREE + b"\n"))
    measured, lines = look(path, first.reading)
    assert (measured.reading, measured.reason, lines) == (first.reading, "changed", [])
    assert measured.problem is not None
    assert "line 2, which was whole, goes on now" in measured.problem


def test_what_is_no_gzip_file_and_what_is_damaged(tmp_path: Path) -> None:
    [(plain, lines)] = grow(tmp_path / "plain.jsonl.gz", ONE + b"\n")
    assert (plain.reason, plain.reading, lines) == ("not_gzip", Reading(), [])
    [(cut, lines)] = grow(tmp_path / "cut.jsonl.gz", b"\x1f\x8b\x08\x00 cut off")
    assert (cut.reason, cut.reading, lines) == ("damaged", Reading(), [])
    whole = gzip.compress(ONE + b"\n")
    [(damaged, lines)] = grow(tmp_path / "damaged.jsonl.gz", whole + b"\x1f\x8b\x08garbage that no gzip file holds")
    assert (damaged.reason, damaged.reading.num_bytes, lines) == ("damaged", len(whole), [(1, ONE)])
    assert damaged.problem is not None
    assert f"from byte {len(whole)} on" in damaged.problem


@pytest.mark.parametrize(
    ("tail", "is_read"),
    [
        (b'{"a": 1}', True),
        (b'{"a": 1} \r', True),
        (b'{"a": "\xff"}', True),
        (b'{"a": {"b": 1}', False),
        (b'{"a": "}', False),
        (b"[1]", False),
        (b"17", False),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, True),
    ],
)
def test_a_last_line_without_an_end_is_read_when_it_is_a_whole_object(
    tmp_path: Path, tail: bytes, is_read: bool
) -> None:
    [(measured, lines)] = grow(tmp_path / "a.jsonl", ONE + b"\n" + tail)
    assert len(lines) == 1 + is_read
    assert (measured.reading.num_lines, measured.reading.is_open) == (1 + is_read, is_read)
    assert (measured.reason is None) == is_read


RAW = st.lists(st.sampled_from([ONE, TWO, THREE, b"", b"  ", b"x", b"{", b"\r"]), max_size=8)


@settings(max_examples=200, deadline=None)
@given(lines=RAW, ends=st.booleans(), data=st.data())
def test_nothing_is_lost_and_nothing_comes_twice_however_a_file_grows(
    lines: list[bytes], ends: bool, data: st.DataObject
) -> None:
    content = b"\n".join(lines) + (b"\n" if ends else b"")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=6)))
    pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    with TemporaryDirectory() as folder:
        for name, pack in (("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress)):
            steps = grow(Path(folder, name), *map(pack, pieces))
            [(_, at_once)] = grow(Path(folder, f"whole-{name}"), pack(content))
            found = [line for _, new in steps for line in new]
            assert found == at_once
            last = content.rpartition(b"\n")[2]
            waits = [] if steps[-1][0].reason is None else [last]
            read = [line.rstrip(b"\r") for line in content.split(b"\n")]
            expected = [(at, line) for at, line in enumerate(read, start=1) if line.strip(b" \t")]
            assert found == expected[: len(expected) - len(waits)]
