"""Publishing against a real Redis; the tests share a lake and run in order, as nights do."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from contracts.epochs import (
    FLAG_PUBLIC,
    FLAG_SENSITIVE,
    POOL_HEADER_BYTES,
    REASONS,
    SOURCES,
    bytes_per_item,
    unpack_pool,
)
from contracts.features import place_of, width_of
from contracts.pointer import Pointer
from contracts.redis_key_kind import FALLBACKS
from contracts.redis_keys import (
    POINTER_KEY,
    TAKEDOWN_KEY,
    block_key,
    card_key,
    fallback_key,
    features_key,
    hidden_key,
    pool_key,
)
from contracts.settings import PublishRules
from contracts.settings.hashes import settings_hash
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish import building, epoch_store, epochs, ledger, suppression
from spark_jobs.publish.epoch_store import PublishFailed
from tests.feed_rows import AS_OF, hours
from tests.killed import Killed
from tests.published_night import (
    AD,
    ANN,
    BOB,
    CAT,
    DELETED_POST,
    OLD_POST,
    PAGE,
    PAGE_POST,
    PROFILE_POST,
    PROMOTED,
    RANKED,
    prepare,
)
from tests.serving.reader_world import RedisServer


@pytest.fixture(scope="module")
def night(spark: SparkSession, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("published")
    client = redis_server.client
    # What was there before: a block since lifted on both sides, one lifted on one side only, a live block by a service.
    client.sadd(block_key(BOB), 6, 7, 5)
    client.sadd(hidden_key(ANN), OLD_POST)
    return prepare(Lake(spark, str(folder / "lake")), folder / "runs", redis_server.url)


def pointer_of(server: RedisServer) -> Pointer | None:
    value = server.client.get(POINTER_KEY)
    return None if value is None else Pointer.loads(value)


def stable_of(server: RedisServer) -> int:
    pointer = pointer_of(server)
    return 0 if pointer is None else pointer.stable


def epochs_in(server: RedisServer) -> set[int]:
    kinds = (b"pool:", b"uf:", b"post:", b"global:")
    return {int(key.split(b":")[1]) for key in server.client.scan_iter() if key.startswith(kinds)}


def statuses(night: Night) -> dict[int, str]:
    return {row.epoch: row.status for row in ledger.read_rows(night.lake.path(ledger.TABLE))}


def members(server: RedisServer, key: str) -> set[int]:
    return {int(member) for member in server.client.smembers(key)}


def pools(server: RedisServer, epoch: int) -> dict[int, dict[str, Any]]:
    return {user: unpack_pool(server.client.get(pool_key(epoch, user))).columns for user, _ in RANKED}


@pytest.fixture(scope="module")
def first(night: Night, redis_server: RedisServer) -> int:
    epochs.main(night)
    return stable_of(redis_server)


def test_pools_hold_the_ranked_posts_in_order(first: int, redis_server: RedisServer) -> None:
    for user, ranked in RANKED:
        pool = unpack_pool(redis_server.client.get(pool_key(first, user)))
        assert pool.epoch == first
        assert pool.generated_at == int(AS_OF.timestamp())
        is_post = pool.columns["source"] != SOURCES.index("ad")
        assert pool.columns["post_id"][is_post].tolist() == [post for post, _, _ in ranked]
        assert [SOURCES[code] for code in pool.columns["source"][is_post]] == [source for _, source, _ in ranked]
    ann = {name: np.delete(column, 2) for name, column in pools(redis_server, first)[ANN].items()}
    assert ann["score"].tolist() == [65504.0, 2.5, float(np.float16(0.1))]
    assert ann["flags"].tolist() == [0, FLAG_SENSITIVE, FLAG_PUBLIC]  # a post in a group is never public
    assert ann["created_at"].tolist() == [int(hours(h).timestamp()) for h in (1, 1, 2)]
    assert [REASONS[code] for code in ann["reason"]] == ["friend_posted", "group_posted", "page_posted"]
    assert ann["source_id"].tolist()[2] == PAGE


def test_an_ad_stands_after_its_post_names_itself_and_has_a_card_however_old_the_post(
    first: int, redis_server: RedisServer
) -> None:
    ad = {name: column[2] for name, column in pools(redis_server, first)[ANN].items()}
    assert (SOURCES[ad["source"]], REASONS[ad["reason"]], ad["source_id"]) == ("ad", "ad", AD)
    assert (ad["post_id"], ad["author_id"], ad["flags"]) == (PROMOTED, CAT, FLAG_PUBLIC)
    assert np.isnan(ad["score"])
    assert np.isnan(ad["propensity"])
    card = json.loads(redis_server.client.get(card_key(first, PROMOTED)))
    assert (card["author"]["name"], card["stats"]) == ("Cat", None)


def test_features_cards_and_fallbacks(first: int, redis_server: RedisServer) -> None:
    client = redis_server.client
    vector = np.frombuffer(client.get(features_key(first, CAT)), "<f2")
    assert len(vector) == width_of("user") == 128
    assert vector[place_of("user", "interest_food")] == 0.5
    assert vector[place_of("user", "age")] == np.float16(CAT % 7 / 10)
    tastes = vector[place_of("user", "topic_preference") :]
    assert tastes.tolist() == [0.25] + [0.0] * 48 + [-0.5] + [0.0] * 8
    card = json.loads(client.get(card_key(first, PAGE_POST)))
    assert card == {
        "id": str(PAGE_POST),
        "author": {"id": str(BOB), "name": "Bobby"},
        "content": {"type": "status", "text": "", "hashtags": [], "media_count": 0},
        "source": {"type": "page", "id": str(PAGE), "name": "Bees & Co"},
        "created_at": "2026-03-08T22:00:00Z",
        "stats": {"likes": 12, "comments": 3, "shares": 0},
        "privacy": "public",
    }
    profile = json.loads(client.get(card_key(first, PROFILE_POST)))
    assert profile["author"]["id"] == str(CAT)
    assert profile["source"] == {"type": "friend", "id": str(CAT), "name": "Cat"}
    assert profile["content"] == {"type": "status", "text": 'Ö "x"', "hashtags": ["a"], "media_count": 2}
    shown = {kind: unpack_pool(client.get(fallback_key(first, kind))).columns for kind in FALLBACKS}
    assert shown["popular"]["post_id"].tolist() == [PAGE_POST, PROFILE_POST]
    assert shown["chronological"]["post_id"].tolist() == [PROFILE_POST, PAGE_POST]
    assert shown["popular"]["flags"].tolist() == [FLAG_PUBLIC] * 2
    assert [REASONS[code] for code in shown["popular"]["reason"]] == ["popular", "recent"]  # nobody engaged with it
    assert 6 * 86_400 < client.ttl(pool_key(first, ANN)) <= 7 * 86_400
    assert client.ttl(fallback_key(first, "popular")) > 6 * 86_400


def test_suppression_sets_gain_and_lose_single_members(first: int, redis_server: RedisServer) -> None:
    assert first
    assert members(redis_server, block_key(ANN)) == {8, 9}  # also the block made after the as-of
    assert members(redis_server, block_key(9)) == {ANN}
    assert members(redis_server, block_key(BOB)) == {5, 7}  # 6 was lifted, 7 still blocks Bob, 5 came from elsewhere
    assert members(redis_server, hidden_key(ANN)) == {PROFILE_POST}  # too old a post is forgotten
    assert members(redis_server, TAKEDOWN_KEY) == {DELETED_POST}


def test_the_manifest_says_what_was_published(first: int, night: Night, redis_server: RedisServer) -> None:
    (row,) = ledger.read_rows(night.lake.path(ledger.TABLE))
    assert (row.epoch, row.status, row.ds) == (first, "current", night.ds)
    manifest = json.loads(row.manifest)
    assert (manifest["users"], manifest["posts"], manifest["pool_rows"]) == (3, 5, 6)
    assert manifest["keys"] == 3 + 3 + 5 + 2 == sum(1 for _ in redis_server.client.scan_iter(match=f"*:{first}:*"))
    for name in ("gold.ranked_feeds", "gold.ranked_ads"):
        assert manifest["versions"][name] == night.lake.version(name)
    pool_bytes = 3 * POOL_HEADER_BYTES + 6 * bytes_per_item()
    assert manifest["mean_bytes_per_user"] == round(pool_bytes / 3 + 2 * width_of("user"), 1)
    assert manifest["settings"] == settings_hash(night.settings)
    assert (manifest["value_preset"], manifest["data_set"]) == ("default", "network")
    assert json.loads(row.audit)["passed"] is True
    report = json.loads((night.folder / "publish.json").read_text())
    assert report["epoch"] == first
    assert report["checksum"] == manifest["checksum"]
    assert {"load", "verify", "finish"} <= set(report["seconds"])


def test_a_publish_that_dies_after_the_flip_is_completed_by_the_next(
    first: int, night: Night, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    before = pools(redis_server, first)
    with monkeypatch.context() as patch:
        patch.setattr(epochs, "finish", die)
        with pytest.raises(Killed):
            epochs.main(night)
    assert stable_of(redis_server) == first + 1
    assert statuses(night) == {first: "current", first + 1: "built"}
    assert epochs_in(redis_server) == {first, first + 1}
    epochs.main(night)
    pointer = pointer_of(redis_server)
    assert pointer is not None
    assert (pointer.stable, pointer.previous) == (first + 2, first + 1)
    assert statuses(night) == {first: "retired", first + 1: "previous", first + 2: "current"}
    assert epochs_in(redis_server) == {first + 1, first + 2}
    difference = night.files.difference.read()
    assert (difference["live"], difference["new"], difference["users"]) == (first + 1, first + 2, 3)
    assert (difference["changed"], difference["inputs"]) == (0.0, {})
    assert f"Against the live epoch {first + 1}, 0.0%" in night.files.notes("gold.epochs").read()[0]
    # The same night again has equal pools under another number.
    for epoch in (first + 1, first + 2):
        after = pools(redis_server, epoch)
        for user, columns in before.items():
            assert all(np.array_equal(after[user][name], columns[name], equal_nan=True) for name in columns)


def test_keys_that_read_back_differently_stop_the_flip(
    night: Night, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, verify = pointer_of(redis_server), building.verify

    def damaged(*arguments: Any) -> None:
        key = pool_key(arguments[2], BOB)
        value = redis_server.client.get(key)
        redis_server.client.set(key, value[:-1] + bytes([value[-1] ^ 1]))
        verify(*arguments)

    monkeypatch.setattr(building, "verify", damaged)
    with pytest.raises(PublishFailed, match="verification of pool keys failed in partitions"):
        epochs.main(night)
    assert pointer_of(redis_server) == live
    failed = max(statuses(night))
    assert statuses(night)[failed] == "bad"
    assert failed not in epochs_in(redis_server)


def test_running_out_of_memory_leaves_the_live_epoch(
    night: Night, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, before = pointer_of(redis_server), epochs_in(redis_server)
    monkeypatch.setattr(epoch_store, "check_memory", lambda *_: None)
    monkeypatch.setattr(suppression, "apply", lambda *_: 0)
    redis_server.client.config_set("maxmemory", redis_server.client.info("memory")["used_memory"])
    try:
        with pytest.raises(PublishFailed, match=r"^Redis ran out of memory during the load; raise maxmemory"):
            epochs.main(night)
    finally:
        redis_server.client.config_set("maxmemory", 0)
    assert pointer_of(redis_server) == live
    assert epochs_in(redis_server) == before
    assert statuses(night)[max(statuses(night))] == "bad"


def test_an_epoch_that_would_not_fit_is_not_started(night: Night, redis_server: RedisServer) -> None:
    live, before = pointer_of(redis_server), statuses(night)
    redis_server.client.config_set("maxmemory", 100 * 2**20)
    huge = replace(night.settings, publish=PublishRules(bytes_per_key=10 * 2**20))
    try:
        with pytest.raises(PublishFailed, match=r"the epoch needs about 130\.0 MiB, but Redis uses .* of 100\.0 MiB"):
            epochs.main(replace(night, settings=huge))
    finally:
        redis_server.client.config_set("maxmemory", 0)
    assert pointer_of(redis_server) == live
    assert statuses(night) == before


def test_an_older_night_is_refused(night: Night, redis_server: RedisServer) -> None:
    live = pointer_of(redis_server)
    older = replace(night, ds=night.ds - timedelta(days=1))
    with pytest.raises(PublishFailed, match="refusing to publish an older night: 2026-03-07 is before 2026-03-08"):
        epochs.refuse_older(older, live)
    with pytest.raises(PublishFailed, match="refusing to publish an older night"):
        epochs.refuse_older(older, None)
    epochs.refuse_older(night, live)
