"""One set of tests for a folder on a disk and one on S3: what is built on them cannot tell the difference."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.folders import Folder, LocalFolder, as_folder
from contracts.places import PlaceError
from contracts.run_files import RunFiles
from storage import open_folder
from storage.s3 import StorageError
from tests.fake_s3 import BUCKET, fake_s3


@pytest.fixture(params=["disk", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    if request.param == "disk":
        yield open_folder(tmp_path / "runs")
        return
    with fake_s3():
        yield open_folder(f"s3://{BUCKET}/net/runs")


def test_a_file_comes_back_as_it_was_written(folder: Folder) -> None:
    assert not folder.exists("a/b.json")
    with pytest.raises(FileNotFoundError, match=r"runs/a/b\.json"):
        folder.read("a/b.json")
    folder.write("a/b.json", b"old")
    folder.write("a/b.json", b"\x00new\xff")
    assert folder.exists("a/b.json")
    assert folder.read("a/b.json") == folder.below("a").read("b.json") == b"\x00new\xff"
    folder.remove("a/b.json")
    folder.remove("a/b.json")
    assert not folder.exists("a/b.json")


def test_files_and_folders_are_listed_in_order(folder: Folder) -> None:
    assert (folder.files(), folder.folders()) == ([], [])
    names = ["a/b/c.json", "a-b.json", "b.json", "ab/x", "a/b.json"]
    for name in names:
        folder.write(name, b"x")
    assert folder.files() == sorted(names)
    assert folder.folders() == ["a", "ab"]
    assert folder.below("a").files() == ["b.json", "b/c.json"]
    assert folder.below("a", "b").folders() == []


def test_the_files_of_a_night_lie_in_either(folder: Folder) -> None:
    files = RunFiles.of(folder, "2026-03-08")
    for name, at in (("score", 2), ("clean", 1)):
        record = {"started_at": f"2026-03-09T0{at}:00:00+00:00", "seconds": 1.0}
        files.stage(name).write(record)  # type: ignore[arg-type]
    assert [file.stage for file in files.stages()] == ["clean", "score"]
    files.write_report("<p>é</p>")
    assert folder.read("2026-03-08/report.html").decode() == "<p>é</p>"
    assert files.report == f"{folder.place}/2026-03-08/report.html"
    assert str(files.metrics) == f"{folder.place}/2026-03-08/metrics.json"


def test_a_location_of_this_machine_is_a_folder_and_one_on_s3_must_be_opened(tmp_path: Path) -> None:
    assert isinstance(as_folder(tmp_path), LocalFolder)
    with pytest.raises(PlaceError, match="lies on S3"):
        as_folder("s3://bucket/runs")


def test_a_file_that_is_being_written_is_none(tmp_path: Path) -> None:
    (tmp_path / ".metrics.json.tmp").write_text("half")
    assert open_folder(tmp_path).files() == []


def test_what_s3_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_s3():
        with pytest.raises(StorageError, match=r"s3://other-bucket/x: http://.* has no bucket other-bucket"):
            open_folder("s3://other-bucket").read("x")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stranger")
        with pytest.raises(StorageError, match=r"does not know these credentials .InvalidAccessKeyId.*stranger"):
            open_folder(f"s3://{BUCKET}").write("x", b"")
