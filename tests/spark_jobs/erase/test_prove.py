"""The proof searches every Redis that it is given, the collector's too."""

import json
from collections.abc import Iterator

import pytest

from contracts.collector_keys import LINE_FIELD, STREAM
from contracts.settings import Settings
from spark_jobs.erase.needles import Needles
from spark_jobs.erase.prove import search_services
from spark_jobs.erase.search_list import SearchList
from tests.serving.reader_world import RedisServer

PERSON = 1_000_153
NEEDLES = Needles(SearchList("r", (PERSON,)))


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


@pytest.mark.parametrize("events", [None, ""])
def test_without_a_collector_only_the_readers_redis_is_searched(server: RedisServer, events: str | None) -> None:
    server.client.flushall()
    assert [searched.place for searched in search_services(NEEDLES, Settings(), server.url, events)] == ["Redis"]


def test_an_event_that_waits_in_the_collectors_redis_is_found(server: RedisServer) -> None:
    server.client.flushall()
    readers, collectors = server.url, server.url.removesuffix("0") + "1"
    server.client.select(1)
    server.client.xadd(STREAM, {LINE_FIELD: json.dumps({"user_id": PERSON})})
    server.client.select(0)
    first, second = search_services(NEEDLES, Settings(), readers, collectors)
    assert (first.place, first.items, first.findings) == ("Redis", 0, ())
    assert second.place == "the collector's Redis"
    assert {(where, what) for where, _, what in second.findings} == {(STREAM, str(PERSON)), (STREAM, f"user {PERSON}")}
