from datetime import date, timedelta
from pathlib import Path

import pytest

from contracts.places import Place
from spark_jobs.ingest.landing_area import arrow_entries, list_files, local_entries, open_bytes
from tests.landed import DS, land


def read(landing: Path | str, ds: date | None = DS) -> list[str]:
    return [file.source for file in list_files(str(landing), ds)[0]]


def refused(landing: Path) -> dict[str, str]:
    return {file.source: file.reason for file in list_files(str(landing), DS)[1]}


@pytest.mark.parametrize(
    "name",
    ["a.jsonl", "b+c=1.jsonl.gz", "x.JSONL", "x.json", "x.ndjson", "x.json.GZ", "hour=00/x.jsonl", "a/b/c.jsonl"],
)
def test_files_of_json_lines_are_read_whatever_their_folders(tmp_path: Path, name: str) -> None:
    (tmp_path / str(DS) / name).parent.mkdir(parents=True)
    (tmp_path / str(DS) / name).write_text("x\n")
    assert read(tmp_path) == [f"{DS}/{name}"]
    assert refused(tmp_path) == {}


def test_what_spark_writes_is_read(tmp_path: Path) -> None:
    folder = tmp_path / str(DS) / "events.jsonl"
    folder.mkdir(parents=True)
    for name in ("_SUCCESS", "._SUCCESS.crc", ".part-00000-ab-c000.json.crc", "part-00000-ab-c000.json"):
        (folder / name).write_text("x\n")
    assert read(tmp_path) == [f"{DS}/events.jsonl/part-00000-ab-c000.json"]
    assert refused(tmp_path) == {}


def test_later_days_and_unfinished_names_do_not_count(tmp_path: Path) -> None:
    land(tmp_path, DS, ["x"], "a.jsonl")
    land(tmp_path, DS, ["x"], "_half.jsonl")
    land(tmp_path, DS, ["x"], ".half.jsonl")
    land(tmp_path, DS + timedelta(days=1), ["x"], "b.jsonl")
    (tmp_path / str(DS) / "empty.jsonl").touch()
    for hidden in (tmp_path / "_truth", tmp_path / str(DS) / "_temporary"):
        hidden.mkdir()
        (hidden / "t.jsonl").write_text("x\n")
    (tmp_path / "dataset.json").write_text("{}")
    assert read(tmp_path) == [f"{DS}/a.jsonl"]
    assert read(tmp_path, None) == [f"{DS}/a.jsonl", f"{DS + timedelta(days=1)}/b.jsonl"]
    assert refused(tmp_path) == {}
    assert list_files(str(tmp_path / "nowhere"), DS) == ([], [])


def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    land(tmp_path, DS, ["x"], "a[1].jsonl")
    land(tmp_path, DS, ["x"], "notes.txt")
    land(tmp_path, DS, ["x"], "a.jsonl.zst")
    land(tmp_path, DS, ["x"], "good.jsonl")
    (tmp_path / str(DS) / "gone.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    (tmp_path / str(DS) / "link.jsonl").symlink_to(tmp_path / str(DS) / "good.jsonl")
    (tmp_path / str(DS) / "round").symlink_to(tmp_path / str(DS))
    (tmp_path / "lost.jsonl").write_text("x\n")
    for folder in ("2026-02-30", "20260308", "ds=2026-03-08"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jsonl").write_text("x\n")
    assert refused(tmp_path) == {
        f"{DS}/a[1].jsonl": "name_not_allowed",
        f"{DS}/notes.txt": "not_json_lines",
        f"{DS}/a.jsonl.zst": "not_json_lines",
        f"{DS}/gone.jsonl": "not_a_file",
        f"{DS}/round": "not_a_file",
        "lost.jsonl": "not_in_a_day",
        "2026-02-30/a.jsonl": "not_a_day",
        "20260308/a.jsonl": "not_a_day",
        "ds=2026-03-08/a.jsonl": "not_a_day",
    }
    assert read(tmp_path) == [f"{DS}/good.jsonl", f"{DS}/link.jsonl"]


def test_another_store_is_listed_in_the_same_way(tmp_path: Path) -> None:
    land(tmp_path, DS, ["x"], "a.jsonl")
    land(tmp_path, DS, ["x"], "_half.jsonl")
    (tmp_path / str(DS) / "deeper").mkdir()
    (tmp_path / str(DS) / "deeper" / "b.jsonl").write_text("y\n")
    remote, local = (
        sorted(listed, key=str) for listed in (arrow_entries(Place.parse(tmp_path)), local_entries(tmp_path))
    )
    assert local == remote
    assert [open_bytes(entry.path).read() for entry in remote] == [b"x\n", b"y\n"]


def test_an_area_may_be_a_uri(tmp_path: Path) -> None:
    land(tmp_path, DS, ["x"], "a.jsonl")
    for landing in (f"file://{tmp_path}", f"{tmp_path}/"):
        [file], _ = list_files(landing, DS)
        assert open_bytes(file.path).read() == b"x\n"
        assert (file.source, file.num_bytes, file.landing_date) == (f"{DS}/a.jsonl", 2, DS)
