"""A pass over a small lake: who gets which post, and that nothing else changes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.redis_keys import FRESHNESS_KEY, POINTER_KEY, card_key, fresh_key, parse_key
from contracts.settings import Settings, ValueWeights
from spark_jobs.fresh import passes
from spark_jobs.fresh.passes import PassRefusedError, run_pass
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.publish import loading
from tests.fresh_lake import (
    ANN,
    BOB,
    CAT,
    DAN,
    EPOCH,
    EVE,
    FAY,
    KNOWN,
    NEXT_DAY,
    ONE,
    UNMODELLED,
    changed,
    deleted,
    fresh_night,
    fresh_of,
    lands,
    made,
    posts_of,
    serve,
)
from tests.landed import event, land
from tests.serving.reader_world import RedisServer


@pytest.fixture(scope="module")
def published(spark: SparkSession, redis_process: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("fresh")
    return fresh_night(Lake(spark, str(folder / "lake")), folder / "landing", redis_process.url)


@pytest.fixture
def night(published: Night, tmp_path: Path, redis_server: RedisServer) -> Night:
    """A landing area of its own: a pass writes nothing to the lake."""
    serve(redis_server.client)
    return replace(published, landing=str(tmp_path))


def dump(server: RedisServer) -> dict[bytes, bytes]:
    """Every key but the time of the pass."""
    keys = [key for key in server.client.scan_iter() if key != FRESHNESS_KEY.encode()]
    return {key: server.client.get(key) for key in sorted(keys)}


def test_friends_get_the_post_and_nobody_else(night: Night, redis_server: RedisServer) -> None:
    events = [made(11), made(12, privacy="only_me"), made(13, BOB), changed(KNOWN), made(14, 77)]
    lands(night.landing, events)
    tables = ("silver.posts", "gold.epochs")
    before = [checksum(night.read(name)) for name in tables]
    assert len(run_pass(night)) == 1
    client = redis_server.client
    got = {user: posts_of(client, user) for user in (ANN, BOB, CAT, DAN, EVE, FAY)}
    assert got == {ANN: [13], BOB: [11], CAT: [11, 13], DAN: [], EVE: [], FAY: [11]}
    assert [checksum(night.read(name)) for name in tables] == before
    assert not night.read("bronze.events").count()
    pool = fresh_of(client, CAT)
    assert pool is not None
    assert (pool.epoch, pool.owner) == (EPOCH, CAT)
    scores = pool.columns["score"].tolist()
    assert scores == sorted(scores, reverse=True)
    card = json.loads(client.get(card_key(EPOCH, 11)))
    assert (card["author"], card["content"]["text"]) == ({"id": "1", "name": "User 1"}, "post 11")
    assert client.get(card_key(EPOCH, 12)) is None
    assert client.ttl(fresh_key(EPOCH, BOB)) > 0
    assert int(client.get(FRESHNESS_KEY)) > 0
    kinds = {parse_key(key).kind.name for key in client.scan_iter()}  # type: ignore[union-attr]
    assert kinds == {"fresh", "freshness", "card", "pointer"}


def test_a_pass_that_is_repeated_or_was_killed_leaves_the_same(
    night: Night, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lands(night.landing, [made(11), made(13, BOB)])
    run_pass(night)
    once = dump(redis_server)
    run_pass(night)
    assert dump(redis_server) == once
    redis_server.client.flushall()
    serve(redis_server.client)
    with monkeypatch.context() as patched:
        patched.setattr("spark_jobs.fresh.written_posts._write_lists", dies)
        with pytest.raises(Exception, match="killed"):
            run_pass(night)
    assert redis_server.client.get(card_key(EPOCH, 11)) is not None
    assert redis_server.client.get(FRESHNESS_KEY) is None
    run_pass(night)
    assert dump(redis_server) == once


def dies(*_: object, **__: object) -> Iterator[object]:
    """In the middle: cards are written, lists are not."""
    raise RuntimeError("killed")


def test_a_deleted_or_narrowed_post_leaves_the_lists(night: Night, redis_server: RedisServer) -> None:
    lands(night.landing, [made(11), made(12), made(13)])
    run_pass(night)
    assert posts_of(redis_server.client, BOB) == [11, 12, 13]
    narrowed = changed(12, privacy="custom", audience=[CAT])
    lands(night.landing, [deleted(11), narrowed, changed(13, privacy="only_me")], "collected-2.jsonl")
    run_pass(night)
    assert (posts_of(redis_server.client, BOB), posts_of(redis_server.client, CAT)) == ([], [12])
    assert redis_server.client.get(fresh_key(EPOCH, BOB)) is None


def test_a_tie_that_ended_since_the_night_brings_no_posts(night: Night, redis_server: RedisServer) -> None:
    lands(night.landing, [made(11), made(13, BOB)])
    run_pass(night)
    unfriended = event("friendship_removed", "bye", ONE, user_id=BOB, friend_id=ANN)
    blocked = event("user_blocked", "block", ONE, user_id=ANN, blocked_id=CAT)
    lands(night.landing, [unfriended, blocked, made(12, at="2026-03-09T14:00:00Z")], "collected-2.jsonl")
    run_pass(night)
    got = {user: posts_of(redis_server.client, user) for user in (ANN, BOB, CAT, FAY)}
    assert got == {ANN: [], BOB: [], CAT: [13], FAY: [11, 12]}


def test_limits_of_an_author_and_of_a_user_keep_the_best(night: Night, redis_server: RedisServer) -> None:
    lands(night.landing, [made(number) for number in range(20, 25)] + [made(number, BOB) for number in range(30, 35)])
    run_pass(night)
    every = fresh_of(redis_server.client, CAT)
    assert every is not None
    assert every.count == 6
    fewer = replace(night, settings=Settings(fresh=replace(night.settings.fresh, per_user=2)))
    run_pass(fewer)
    best = fresh_of(redis_server.client, CAT)
    assert best is not None
    assert best.columns["post_id"].tolist() == every.columns["post_id"].tolist()[:2]


def test_a_night_without_a_model_ranks_by_the_simple_score(night: Night, redis_server: RedisServer) -> None:
    serve(redis_server.client, UNMODELLED)
    lands(night.landing, [made(11, at=ONE)])
    run_pass(night)
    pool = fresh_of(redis_server.client, BOB, UNMODELLED)
    assert pool is not None
    # Recency of a post without age, no engagement, a friend.
    assert pool.columns["score"].tolist() == pytest.approx([0.6], abs=1e-3)


def test_an_epoch_that_is_served_no_more_keeps_no_key(
    night: Night, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lands(night.landing, [made(11)])
    lists_of, client = passes.lists_of, redis_server.client

    def flip_meanwhile(*given: object) -> object:
        serve(client, EPOCH + 9)
        return lists_of(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(passes, "lists_of", flip_meanwhile)
        assert run_pass(night) == ["epoch 3 is not served any more"]
    assert set(dump(redis_server)) == {POINTER_KEY.encode()}
    serve(client)
    load = loading.load

    def flip_while_writing(*given: object) -> object:
        serve(client, EPOCH + 9)
        return load(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr("spark_jobs.fresh.written_posts.loading.load", flip_while_writing)
        assert run_pass(night) == ["epoch 3 is not served any more"]
    assert set(dump(redis_server)) == {POINTER_KEY.encode()}


def test_other_weights_or_another_lake_are_refused(night: Night, redis_server: RedisServer) -> None:
    lands(night.landing, [made(11)])
    with pytest.raises(PassRefusedError, match="other value weights"):
        run_pass(replace(night, settings=Settings(value=ValueWeights(like=2.0))))
    serve(redis_server.client, EPOCH + 9)
    with pytest.raises(PassRefusedError, match=r"gold\.epochs does not know"):
        run_pass(night)
    redis_server.client.flushall()
    assert run_pass(night) == ["no epoch is served, so no feed waits for posts"]


def test_late_lines_and_lines_that_ingest_refuses(night: Night, redis_server: RedisServer) -> None:
    land(night.landing, night.ds, [made(11, at="2026-03-08T23:00:00Z")], "late.jsonl")
    land(night.landing, NEXT_DAY, [made(12), made(12, at=ONE), '{"event_type": "post_created"', "{}"])
    run_pass(night)
    assert posts_of(redis_server.client, BOB) == [11, 12]
