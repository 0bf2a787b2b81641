"""The drain: every event of the stream is in the landing area once, on the day on which it was received."""

import errno
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.collector_keys import DRAINING, STREAM
from contracts.settings import DrainRules
from serving.drain import landed_files
from serving.drain.drain import Drained, DrainFailed, connect, drain, only_drain
from serving.drain.landed_files import write_lines
from spark_jobs.ingest.landing_area import list_files
from spark_jobs.validate.validate_landing import check_area
from tests.serving.collector.collector_world import NOW, engagement, impression, open_collector_on
from tests.serving.reader_world import RedisServer

RULES = DrainRules(file_events=10)


def landed(landing: Path) -> list[dict[str, Any]]:
    files, refused = list_files(str(landing))
    assert refused == []
    return [json.loads(line) for file in files for line in Path(file.path).read_bytes().splitlines()]


def ids(landing: Path) -> list[str]:
    return sorted((event["event_id"] for event in landed(landing)), key=lambda text: int(text.removeprefix("17:")))


def lines_of(path: str) -> list[int]:
    return [int(json.loads(line)["event_id"].removeprefix("17:")) for line in Path(path).read_bytes().splitlines()]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def leftovers(landing: Path) -> list[Path]:
    return list(landing.rglob(".collected*"))


async def fill(server: RedisServer, count: int, first: int = 0, late: timedelta = timedelta()) -> None:
    async with open_collector_on(server, now=lambda: NOW + late) as client:
        for start in range(first, first + count, 100):
            batch = [impression(number) for number in range(start, min(start + 100, first + count))]
            assert (await client.send(*batch)).status_code == 200


async def test_events_go_to_their_day_in_the_order_they_came(event_redis: RedisServer, tmp_path: Path) -> None:
    await fill(event_redis, 23)
    await fill(event_redis, 4, first=23, late=timedelta(hours=12))
    assert drain(event_redis.client, tmp_path, RULES) == Drained(27, 27, 0, 4)
    assert ids(tmp_path) == [f"17:{number}" for number in range(27)]
    assert names_in(tmp_path) == {"2026-03-08", "2026-03-09"}
    for file in list_files(str(tmp_path))[0]:
        lines = lines_of(file.path)
        assert lines == list(range(lines[0], lines[0] + len(lines)))
    assert (event_redis.client.xlen(STREAM), event_redis.client.exists(DRAINING)) == (0, 0)
    assert drain(event_redis.client, tmp_path, RULES) == Drained()


async def test_what_is_landed_passes_the_landing_check(event_redis: RedisServer, tmp_path: Path) -> None:
    async with open_collector_on(event_redis) as client:
        await client.send(impression(1, post_id=5), engagement(2, post_id=5))
        await client.post("/api/v1/posts/5/comments", {"text": "hi\u2028 \u00e9 \U0001f600"})
        await client.post("/api/v1/posts", {"text": "made #here", "privacy": "custom", "audience": [2**63 - 2]})
    drain(event_redis.client, tmp_path, RULES)
    files, violations, refused = check_area(str(tmp_path))
    assert (sum(file.num_lines for file in files), refused) == (4, [])
    # Their user and post are known to no landing area that holds nothing else.
    assert set(violations["reason"].to_pylist()) <= {"unknown_user", "unknown_post", "withheld_post"}


FOREIGN: list[tuple[dict[bytes, bytes], str]] = [
    ({b"a": b"b"}, "not_an_entry"),
    ({b"line": b"{}", b"more": b"\xff\x00"}, "not_an_entry"),
    ({b"line": b"{}"}, "missing_field"),
    ({b"line": b""}, "malformed_json"),
    ({b"line": b"\xff"}, "not_utf8"),
    ({b"line": b"{}\n{}"}, "not_one_line"),
    ({b"line": b"[" * 5_000}, "beyond_limits"),
    ({b"line": json.dumps(impression(1) | {"received_at": "2026-03-08T23:30:00-01:00"}).encode()}, "not_utc"),
]


async def test_entries_that_are_not_ours_go_aside_with_the_reason(event_redis: RedisServer, tmp_path: Path) -> None:
    for fields, _ in FOREIGN:
        event_redis.client.xadd(STREAM, fields)
    await fill(event_redis, 1)
    assert drain(event_redis.client, tmp_path, RULES) == Drained(len(FOREIGN) + 1, 1, len(FOREIGN), 2)
    assert ids(tmp_path) == ["17:0"]
    (aside,) = (tmp_path / "_collected_aside").iterdir()
    entries = [json.loads(line) for line in aside.read_text().splitlines()]
    assert [one["reason"] for one in entries] == [reason for _, reason in FOREIGN]
    assert entries[1]["fields"] == {"line": "{}", "more": "\\xff\x00"}
    assert event_redis.client.xlen(STREAM) == 0


async def test_one_id_twice_in_a_batch_is_one_line(event_redis: RedisServer, tmp_path: Path) -> None:
    for later in (0, 2_000):
        await fill(event_redis, 3, late=timedelta(seconds=later))
    assert event_redis.client.xlen(STREAM) == 6
    assert drain(event_redis.client, tmp_path, RULES) == Drained(6, 3, 0, 1)
    assert ids(tmp_path) == ["17:0", "17:1", "17:2"]


def no_room(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["fsync", "rename", "mkdir", "second_day"])
async def test_a_full_disk_leaves_everything_in_the_stream(
    event_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await fill(event_redis, 3)
    await fill(event_redis, 2, first=3, late=timedelta(hours=12))
    with monkeypatch.context() as patch:
        if step == "fsync":
            patch.setattr(os, "fsync", no_room)
        elif step == "second_day":
            synced = landed_files.sync_folder
            patch.setattr(landed_files, "sync_folder", lambda a: no_room() if a.name > "2026-03-08" else synced(a))
        else:
            patch.setattr(Path, step, no_room)
        for _ in range(2):
            with pytest.raises(DrainFailed, match="cannot be written: No space left on device"):
                drain(event_redis.client, tmp_path, RULES)
    assert event_redis.client.xlen(STREAM) == 5
    assert leftovers(tmp_path) == []
    await fill(event_redis, 1, first=5, late=timedelta(hours=12))
    assert drain(event_redis.client, tmp_path, RULES).num_entries == 6
    assert sorted(ids(tmp_path)) == [f"17:{number}" for number in range(6)]


async def test_without_redis_a_pass_fails_and_says_so(tmp_path: Path) -> None:
    client = connect("redis://127.0.0.1:1", DrainRules(redis_timeout_s=0.2))
    with pytest.raises(DrainFailed, match="does not answer"):
        drain(client, tmp_path, RULES)
    assert names_in(tmp_path) == set()


def test_a_second_drain_is_refused(tmp_path: Path) -> None:
    with only_drain(tmp_path), pytest.raises(DrainFailed, match="another drain"), only_drain(tmp_path):
        pass
    leftover = tmp_path / "2026-03-08" / ".collected-1.jsonl"
    leftover.parent.mkdir()
    leftover.touch()
    with only_drain(tmp_path):
        assert not leftover.exists()


def test_other_bytes_are_another_file(tmp_path: Path) -> None:
    first = write_lines(tmp_path, "1-0", "2-0", [b"{}"])
    place = first.stat().st_ino
    again = write_lines(tmp_path, "1-0", "2-0", [b"{}"])
    assert again.stat().st_ino == place
    other = write_lines(tmp_path, "1-0", "2-0", [b"[]"])
    assert (first, first != other) == (again, True)
    assert len(list(tmp_path.iterdir())) == 2
