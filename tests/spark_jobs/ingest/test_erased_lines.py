"""Late events of an erased user: refused without being kept, whoever sent them; others' lines lose the id only."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.erasure import KEY_FILE_VARIABLE, NOBODY, id_key
from spark_jobs.erase import erasures
from spark_jobs.erase.search_list import SearchList
from spark_jobs.ingest.events import main
from spark_jobs.night.night import Night
from spark_jobs.rules.erased_ids import with_id_key
from tests.landed import DS, event, impression, land, post, user

KEY = b"an erasure key for tests, 32 bytes"
ERASED, PAGE, POST = 1_000_153, 2_000_000_007, 3_000_000_001
WANTED = SearchList("ticket-17", (ERASED,), (POST,), (PAGE,))


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "erasure_key"
    path.write_bytes(KEY)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(path))
    return path


def test_spark_computes_the_keyed_hash_that_the_contract_does(spark: SparkSession) -> None:
    pairs = [("user", 12), ("post", -(2**63)), ("page", PAGE)]
    rows = with_id_key(spark.createDataFrame(pairs, "kind STRING, id BIGINT"), KEY).collect()
    assert {(row["kind"], row["id"]): row["id_key"] for row in rows} == {p: id_key(KEY, *p) for p in pairs}  # type: ignore[arg-type]


@pytest.mark.usefixtures("key_file")
def test_lines_of_the_erased_are_refused_unkept_and_lists_of_others_lose_the_id(
    make_night: Callable[..., Night],
) -> None:
    night = make_night()
    erasures.begin(night.lake, WANTED, KEY)
    own: list[dict[str, Any] | str] = [
        user(ERASED, name="Cleo Quill"),
        event("friendship_created", "f1", user_id=1_000_154, friend_id=ERASED),
        event("user_blocked", "b1", user_id=1_000_154, blocked_id=ERASED),
        post(5, ERASED),
        post(6, 1_000_154, source_type="page", source_id=PAGE),
        impression("i1", 1_000_154, POST),
        event("page_followed", "p1", user_id=1_000_154, page_id=PAGE),
        event("page_upserted", "p2", page_id=8, owner_id=ERASED, name="Mine"),
        f'{{"event_id": "broken", "user_id": "{ERASED}"',
    ]
    others = [
        user(1_000_154),
        post(7, 1_000_154, mentions=[ERASED, 1_000_155], audience=[ERASED], text=f"to {ERASED + 1}"),
        event("group_upserted", "g1", group_id=9, owner_id=ERASED, name="Cooks"),
        impression("i2", 1_000_154, 7, position=3),
    ]
    land(night.landing, DS, [*own, *others, "{broken", user(1_000_154)])
    main(night)
    kept = {row["event_id"]: json.loads(row["raw"]) for row in night.read("bronze.events").collect()}
    assert set(kept) == {line["event_id"] for line in others}
    assert kept["post-7"] == {**others[1], "mentions": [1_000_155], "audience": []}
    assert kept["g1"] == {**others[2], "owner_id": NOBODY}
    assert kept["i2"] == others[3]
    refused = {row["line"]: row for row in night.read("bronze.quarantine").collect()}
    for line in range(1, len(own) + 1):
        row = refused.pop(line)
        assert (row["reason"], row["raw"], row["detail"], row["event_id"]) == ("erased_user", "", None, None)
    assert {row["reason"] for row in refused.values()} == {"malformed_json", "duplicate_event"}
    assert "{broken" in {row["raw"] for row in refused.values()}


def test_without_its_key_or_with_another_a_night_stops(
    make_night: Callable[..., Night], key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = make_night()
    erasures.begin(night.lake, WANTED, KEY)
    land(night.landing, DS, [user(1)])
    key_file.write_bytes(b"another key of the tests, 32 bytes")
    with pytest.raises(ValueError, match="was written under erasure key"):
        main(night)
    monkeypatch.delenv(KEY_FILE_VARIABLE)
    with pytest.raises(ValueError, match="must name the file of the erasure key"):
        main(night)
    assert night.read("bronze.events").where(F.col("event_id") == "user-1").count() == 0
