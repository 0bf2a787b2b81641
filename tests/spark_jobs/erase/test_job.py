"""A small lake with a person in every kind of table: erased in spite of two failures, proven, others untouched."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from pyspark.sql import functions as F

from contracts.collector_keys import LINE_FIELD, STREAM
from contracts.erasure import KEY_FILE_VARIABLE, NOBODY, id_key
from contracts.page_records import file_of
from contracts.redis_keys import pool_key
from contracts.settings import ErasureRules, Settings
from contracts.settings.hashes import hash_of_read
from models.erasure import is_before_erasure, state_file
from spark_jobs.erase import job
from spark_jobs.erase.needles import Needles
from spark_jobs.erase.prove import report
from spark_jobs.erase.search import Searched, search_folder, search_redis
from spark_jobs.erase.search_list import SearchList
from spark_jobs.night.lake import Lake
from tests.feed_rows import put
from tests.landed import bronze_rows, engagement, event, post, user
from tests.serving.reader_world import RedisServer
from tests.spark_jobs.erase.pools import packed

KEY = b"an erasure key for tests, 32 bytes"
PERSON, FRIEND, OTHER = 1_000_153, 1_000_154, 1_000_155
THEIRS, OLD, OTHERS, PAGE, SOLD = 3_000_000_001, 3_000_000_002, 3_000_000_003, 4_000_000_001, 4_000_000_002
NAME, TEXT = "Cleo Quill", "a sentence that nobody else has ever written here"
FIRST_TEXT = "what the sentence that nobody else has ever written was before"
MODEL = f"models/{'a' * 16}"
NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)

EVENTS: list[dict[str, Any]] = [
    user(PERSON, name=NAME),
    user(PERSON, "user-renamed", name="Cleo Q. Quill", at="2026-03-07T12:00:00Z"),
    user(FRIEND, name="Tess Harbor"),
    event("page_upserted", "page", page_id=PAGE, owner_id=PERSON, name="Quill's pens"),
    event("page_upserted", "sold", page_id=SOLD, owner_id=PERSON, name="Sold pens"),
    event("group_upserted", "group", group_id=9, owner_id=PERSON, name="Cooks"),
    post(THEIRS, PERSON, text=TEXT),
    post(OTHERS, FRIEND, mentions=[PERSON, OTHER], audience=[PERSON]),
    engagement("liked-theirs", FRIEND, THEIRS),
    engagement("liked-others", FRIEND, OTHERS),
    engagement("liked-old", FRIEND, OLD),
]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


@pytest.fixture
def request_(tmp_path: Path, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> job.Request:
    (tmp_path / "key").write_bytes(KEY)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(tmp_path / "key"))
    verdict = tmp_path / "runs" / "2026-03-08" / "verdicts" / "silver.posts.json"
    verdict.parent.mkdir(parents=True)
    verdict.write_text(json.dumps({"rows": 3, "message": f"breaks it, for example {{'user_id': {PERSON}}} {NAME}"}))
    server.client.flushdb()
    server.client.set(pool_key(1, FRIEND), packed([THEIRS, OTHERS], [PERSON, FRIEND]))
    server.client.set(pool_key(1, PERSON), packed([OTHERS], [FRIEND]))
    collected = collector_of(server)
    collected.flushdb()
    for user_id in (PERSON, FRIEND):
        collected.xadd(STREAM, {LINE_FIELD: json.dumps({"user_id": user_id})})
    records = tmp_path / "records"
    records.mkdir()
    (records / file_of(NOW.date())).write_text(json.dumps({"user_id": FRIEND, "blocked": [PERSON]}) + "\n")
    (records / "of an operator.txt").write_text("page records of reader 3")
    urls = (server.url, f"redis://127.0.0.1:{server.port}/1")
    places = (tmp_path / "search.json", urls[0], tmp_path / "runs", urls[1], [records])
    return job.Request("ticket-17", [PERSON], *places)


def collector_of(server: RedisServer) -> Any:
    return redis.Redis(port=server.port, db=1)


def fill(lake: Lake) -> None:
    lake.create("bronze.events")
    bronze_rows(lake.spark, EVENTS).write.format("delta").mode("append").save(lake.path("bronze.events"))
    refused = {"writer": "bronze.events", "source": "s", "reason": "malformed_json"}
    broken = [{"raw": f'{{"user_id": {PERSON}'}, {"raw": "{broken"}, {"raw": "{}", "detail": f"friend_id={PERSON}"}]
    waiting = {"writer": "silver.posts", "reason": "unknown_user", "detail": f"author_id={OTHER}"}
    broken += [{**waiting, "raw": json.dumps(post(9, OTHER, mentions=[PERSON, FRIEND]))}]
    broken += [{**waiting, "writer": "silver.groups", "raw": json.dumps(EVENTS[5]), "detail": f"owner_id={PERSON}"}]
    put(lake, "bronze.quarantine", [{**refused, "line": at, **row} for at, row in enumerate(broken, 1)])
    put(lake, "silver.users", [{"user_id": PERSON, "name": NAME}, {"user_id": FRIEND, "name": "Tess Harbor"}])
    put(lake, "silver.pages", [{"page_id": PAGE, "owner_id": PERSON}, {"page_id": SOLD, "owner_id": FRIEND}])
    put(lake, "silver.groups", [{"group_id": 9, "owner_id": PERSON, "name": "Cooks"}])
    put(lake, "silver.friendships", [{"user_id": a, "friend_id": b} for a, b in [(PERSON, FRIEND), (OTHER, FRIEND)]])
    posts = [
        {"post_id": THEIRS, "author_id": PERSON, "text": TEXT},
        {"post_id": OLD, "author_id": FRIEND, "source_type": "page", "source_id": PAGE},
        {"post_id": OTHERS, "author_id": FRIEND, "mentions": [PERSON, OTHER], "audience": [PERSON]},
    ]
    put(lake, "silver.posts", posts)
    put(lake, "silver.post_edits", [{**posts[0], "text": FIRST_TEXT}, posts[2]])
    ranked = [
        {"user_id": FRIEND, "rank": 1, "post_id": THEIRS, "author_id": PERSON},
        {"user_id": FRIEND, "rank": 2, "post_id": OTHERS, "author_id": FRIEND},
        {"user_id": PERSON, "rank": 1, "post_id": OTHERS, "author_id": FRIEND},
    ]
    put(lake, "gold.ranked_feeds", ranked)
    put(lake, "gold.affinity_features", [{"user_id": FRIEND, "author_id": PERSON}])
    put(lake, "gold.affinity_features", [{"user_id": FRIEND, "author_id": OTHER}])  # they are in its history only
    (Path(lake.root) / MODEL).mkdir(parents=True)
    (Path(lake.root) / "models" / state_file(NOW.date(), "heavy")).write_bytes(b"of a training that was killed")


def findings(lake: Lake, request: job.Request, server: RedisServer, search_list: SearchList) -> list[Searched]:
    needles = Needles(search_list)
    folders = [
        search_folder(lake.spark, str(folder), needles) for folder in (lake.root, request.runs, *request.records)
    ]
    in_redis = [search_redis(client, "Redis", needles) for client in (server.client, collector_of(server))]
    return [*folders, *in_redis]


@contextmanager
def failing_at(monkeypatch: pytest.MonkeyPatch, name: str, call: int) -> Iterator[None]:
    """The ``call``-th call of a step raises; earlier ones do their work."""
    real, calls = getattr(job, name), iter(range(1, 100))

    def failing(*arguments: Any) -> Any:
        if next(calls) == call:
            raise OSError(f"killed in {name}")
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(job, name, failing)
        yield


@pytest.mark.slow
def test_a_person_is_erased_in_spite_of_failures_and_others_stay(
    lake: Lake, request_: job.Request, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake)
    settings = Settings(erasure=ErasureRules(reader_refresh_s=0.0))
    with failing_at(monkeypatch, "erase_keys", 1), pytest.raises(OSError, match="killed in erase_keys"):
        job.erase(lake, request_, settings)
    search_list = SearchList.load(request_.search_list)
    assert search_list == SearchList(
        "ticket-17", (PERSON,), (THEIRS, OLD), (PAGE,), phrases=tuple(sorted((NAME, "Cleo Q. Quill", TEXT, FIRST_TEXT)))
    )
    before = findings(lake, request_, server, search_list)
    print(*(line for searched in before for line in report(searched, "items")), sep="\n")
    places = {(file.split("/part-")[0].split("/0000")[0], part) for file, part, _ in before[0].findings}
    assert places >= {
        ("bronze/events/landing_date=2026-03-08", "raw"),
        ("silver/users", "name"),
        ("silver/users", "statistics of user_id"),
        ("silver/posts", "text"),
        ("silver/posts", "mentions"),
        ("silver/post_edits", "text"),
        ("silver/post_edits", "mentions"),
        ("silver/friendships", "user_id"),
        ("gold/affinity_features/_delta_log", "content"),
        ("gold/affinity_features/ds=2026-03-08", "author_id"),
    }
    assert all(searched.findings for searched in before)

    with failing_at(monkeypatch, "forget", 4), pytest.raises(OSError, match="killed in forget"):
        job.erase(lake, request_, settings)
    assert (is_before_erasure(Path(lake.root) / MODEL), [*Path(lake.root).glob("models/*.state")]) == (True, [])
    removed = job.erase(lake, request_, settings)
    after = findings(lake, request_, server, search_list)
    assert [searched.findings for searched in after] == [(), (), (), (), ()]
    assert [path.name for path in request_.records[0].iterdir()] == ["of an operator.txt"]
    assert collector_of(server).xlen(STREAM) == 1
    assert min(searched.items for searched in after) >= 1
    assert (removed["settings"], removed["models"]) == (hash_of_read(settings, "erasure", "publish"), 1)
    assert set(removed["tables"]) >= {"bronze.events", "silver.posts", "gold.ranked_feeds"}

    def left(name: str, *columns: str) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in lake.read(name).select(*columns).collect())

    assert left("silver.users", "user_id") == [(FRIEND,)]
    assert left("silver.pages", "page_id") == [(SOLD,)]
    assert left("silver.groups", "group_id", "owner_id", "name") == [(9, NOBODY, "Cooks")]
    assert left("silver.friendships", "user_id", "friend_id") == [(OTHER, FRIEND)]
    for name in ("silver.posts", "silver.post_edits"):
        assert left(name, "post_id", "mentions", "audience") == [(OTHERS, [OTHER], [])]
    assert left("gold.ranked_feeds", "user_id", "rank") == [(FRIEND, 2)]
    assert left("gold.affinity_features", "author_id") == [(OTHER,)]
    # What waits for its author loses the mention, as its line in bronze.events does.
    waits: dict[str, Any] = {"post_id": 9, "mentions": [FRIEND], "detail": f"author_id={OTHER}"}
    group = {"group_id": 9, "owner_id": NOBODY, "detail": None}
    kept_lines = [(row.raw, row.detail) for row in lake.read("bronze.quarantine").orderBy("line").collect()]
    assert kept_lines[0][0] == "{broken"
    for (raw, detail), expected in zip(kept_lines[1:], (waits, group), strict=True):
        assert {name: ({**json.loads(raw), "detail": detail})[name] for name in expected} == expected
    kept = [row[0] for row in left("bronze.events", "event_id")]
    assert kept == ["group", "liked-others", f"post-{OTHERS}", f"user-{FRIEND}"]
    ledger = {row["id_key"]: row for row in lake.read("bronze.erasures").collect()}
    assert set(ledger) == {id_key(KEY, "user", PERSON), id_key(KEY, "page", PAGE)} | {
        id_key(KEY, "post", i) for i in (THEIRS, OLD)
    }
    assert all(row["requested_at"] <= row["erased_at"] for row in ledger.values())
    assert json.loads(ledger[id_key(KEY, "user", PERSON)]["removed"])["redis"] == {"deleted": 0, "rewritten": 0}
    version = lake.version("silver.users")
    with pytest.raises(Exception, match=r"(?i)version"):
        lake.read("silver.users", version - 2).count()
    lake.read("silver.users").limit(1).write.format("delta").mode("append").save(lake.path("silver.users"))

    put(lake, "silver.blocks", [{"user_id": FRIEND, "blocked_id": PERSON}])
    [(file, _, what), *_] = findings(lake, request_, server, search_list)[0].findings
    assert file.startswith("silver/blocks/")
    assert str(PERSON) in what


def test_no_erasure_beside_a_publish(lake: Lake, request_: job.Request) -> None:
    put(lake, "gold.epochs", [{"epoch": 3, "status": "building", "created_at": NOW, "updated_at": NOW}])
    with pytest.raises(job.CannotEraseError, match="epoch 3 is being published"):
        job.erase(lake, request_, Settings())
    assert not request_.search_list.exists()
    assert lake.read("bronze.erasures").where(F.col("request_id") == "ticket-17").count() == 0
