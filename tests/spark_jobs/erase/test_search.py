"""One file of every kind that a lake holds, searched as a worker does it."""

import gzip
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as filesystems
from deltalake import write_deltalake
from pyarrow import parquet

from spark_jobs.erase.needles import Needles
from spark_jobs.erase.search import search_file, table_of
from spark_jobs.erase.search_list import SearchList

USER = 1_000_153
NEEDLES = Needles(SearchList("r", (USER, 12)))


def search(path: Path, root: Path) -> set[tuple[str, str]]:
    return set(search_file(filesystems.LocalFileSystem(), str(path), str(path.relative_to(root)), NEEDLES))


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_table_with_them_is_found_by_column_statistics_and_log(tmp_path: Path) -> None:
    table = tmp_path / "silver" / "friendships"
    write_deltalake(table, pa.table({"user_id": [USER, 5], "friend_id": [7, 12], "note": ["x", f"see {USER}"]}))
    [data], [log] = table.glob("*.parquet"), (table / "_delta_log").glob("*.json")
    found = search(data, tmp_path)
    assert found >= {
        ("user_id", f"user {USER}"),
        ("friend_id", "user 12"),
        ("note", str(USER)),
        ("statistics of user_id", str(USER)),
    }
    assert ("content", str(USER)) in search(log, tmp_path)


def test_a_table_without_them_holds_nothing(tmp_path: Path) -> None:
    table = tmp_path / "silver" / "friendships"
    write_deltalake(table, pa.table({"user_id": [4, 5], "friend_id": [7, 8], "valid_to": [12, 12]}))
    assert [search(path, tmp_path) for path in table.rglob("*") if path.is_file()] == [set(), set()]


def test_nested_log_columns_and_footers_are_searched(tmp_path: Path) -> None:
    path = tmp_path / "gold" / "models" / "_delta_log" / "00000000000000000004.checkpoint.parquet"
    path.parent.mkdir(parents=True)
    stats = {
        "add": [{"stats": f'{{"minValues":{{"user_id":{USER}}}}}', "stats_parsed": {"minValues": {"user_id": USER}}}]
    }
    parquet.write_table(pa.table(stats).replace_schema_metadata({"made by": f"x {USER}"}), path)
    assert search(path, tmp_path) >= {("add", str(USER)), ("add", f"id {USER}"), ("footer made by", str(USER))}


def test_other_files_are_read_as_they_are(tmp_path: Path) -> None:
    line = f'{{"user_id": {USER}}}\n'.encode()
    assert search(write(tmp_path / "2026-03-08" / "a.jsonl.gz", gzip.compress(line)), tmp_path)
    assert search(write(tmp_path / "2026-03-08" / "b.jsonl.gz", gzip.compress(b'{"user_id": 13}\n')), tmp_path) == set()
    assert search(write(tmp_path / "weights.safetensors", b"abc" + struct.pack("<q", USER)), tmp_path) == {
        ("content", f"packed {USER}")
    }
    assert search(write(tmp_path / ".hidden", str(USER).encode()), tmp_path) == {("content", str(USER))}
    assert search(write(tmp_path / f"of-{USER}.txt", b""), tmp_path) == {("file name", str(USER))}
    [(part, what)] = search(write(tmp_path / "damaged.gz", gzip.compress(line)[:-9]), tmp_path) - {
        ("content", str(USER)),
        ("content", f"user {USER}"),
    }
    assert (part, what[:14]) == ("content", "cannot be read")


def test_an_id_that_a_large_file_holds_across_two_pieces_is_found(tmp_path: Path, monkeypatch: object) -> None:
    import spark_jobs.erase.search as searching

    pieces = write(tmp_path / "large.bin", b"x" * 93 + str(USER).encode() + b"y" * 50)
    monkeypatch.setattr(searching, "_PIECE_BYTES", 96)  # type: ignore[attr-defined]
    assert search(pieces, tmp_path) == {("content", str(USER))}


def test_a_file_belongs_to_the_table_of_its_first_two_folders() -> None:
    assert table_of("gold/ranked_feeds/ds=2026-03-08/part-0.parquet") == "gold.ranked_feeds"
    assert table_of("models/abc/weights.safetensors") == "models.abc"
