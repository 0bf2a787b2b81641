"""What a user does is noted for their feed."""

from datetime import datetime, timedelta

from contracts.epochs import MAX_ACTS
from contracts.redis_keys import ACTED, acted_key
from contracts.settings import PublishRules
from tests.serving.collector.collector_world import NOW, OpenCollector, engagement
from tests.serving.reader_world import OpenReader, RedisServer, Seed

KEY = acted_key(17)
LIFETIME_S = ACTED.ttl_s(PublishRules.key_ttl_s) or 0


def noted(server: RedisServer) -> set[bytes]:
    return set(server.client.zrange(KEY, 0, -1))


async def test_likes_comments_and_shares_are_noted_until_taken_back(
    redis_server: RedisServer, open_collector: OpenCollector
) -> None:
    async with open_collector(serving=redis_server) as client:
        await client.post("/api/v1/posts/1/like")
        await client.post("/api/v1/posts/2/share")
        made = (await client.post("/api/v1/posts/1/comments", {"text": "well"})).json()["event_id"]
        await client.post("/api/v1/posts/3/hide")
        assert noted(redis_server) == {b"like:1", b"share:2", b"comment:1"}
        assert 0 <= LIFETIME_S - redis_server.client.ttl(KEY) < 60
        await client.delete("/api/v1/posts/1/like")
        await client.delete(f"/api/v1/posts/1/comments/{made}", key=None)
    assert noted(redis_server) == {b"share:2"}


async def test_a_late_retry_changes_nothing(redis_server: RedisServer, open_collector: OpenCollector) -> None:
    async with open_collector(serving=redis_server) as client:
        await client.post("/api/v1/posts/1/like", key="a")
        await client.delete("/api/v1/posts/1/like", key="b")
        await client.post("/api/v1/posts/1/like", key="a")
        assert noted(redis_server) == set()
        await client.post("/api/v1/posts/1/like", key="c")
        await client.delete("/api/v1/posts/1/like", key="b")
    assert noted(redis_server) == {b"like:1"}


async def test_the_last_act_of_a_batch_counts(redis_server: RedisServer, open_collector: OpenCollector) -> None:
    liked, unliked, shared = (
        engagement(number, post_id=post, engagement_type=kind)
        for number, (post, kind) in enumerate([(5, "like"), (5, "unlike"), (-6, "share")])
    )
    async with open_collector(serving=redis_server) as client:
        assert (await client.send(liked, unliked, shared, engagement(7, post_id=8))).status_code == 200
    assert noted(redis_server) == {b"share:-6", b"like:8"}


async def test_old_acts_and_all_but_the_latest_are_forgotten(
    redis_server: RedisServer, open_collector: OpenCollector
) -> None:
    redis_server.client.zadd(KEY, {"like:1": (NOW - timedelta(seconds=LIFETIME_S + 1)).timestamp()})
    redis_server.client.zadd(KEY, {f"like:{post}": NOW.timestamp() - 1 - post for post in range(10, 10 + MAX_ACTS)})
    async with open_collector(serving=redis_server) as client:
        await client.post("/api/v1/posts/2/like")
    found = noted(redis_server)
    assert len(found) == MAX_ACTS
    assert {b"like:2", b"like:10"} <= found
    assert not found & {b"like:1", f"like:{9 + MAX_ACTS}".encode()}


async def test_events_are_taken_where_nothing_can_be_noted(
    redis_server: RedisServer, open_collector: OpenCollector
) -> None:
    redis_server.client.set(KEY, b"no sorted set")
    async with open_collector(serving=redis_server) as client:
        assert (await client.post("/api/v1/posts/1/like")).status_code == 200


async def test_a_feed_shows_a_like_on_the_next_request(
    redis_server: RedisServer, open_collector: OpenCollector, open_reader: OpenReader
) -> None:
    redis_server.write_user(2, 17, [Seed(1), Seed(2)])
    redis_server.write_public(2, "popular", [Seed(1)])
    redis_server.flip(2)

    def later() -> datetime:
        return NOW + timedelta(minutes=5)

    async with open_reader() as reader, open_collector(serving=redis_server, now=later) as client:
        for send, is_liked in ((client.post, True), (client.delete, False)):
            await send("/api/v1/posts/1/like")
            posts = (await reader.feed(user_id=17))["posts"]
            assert [post["user_interaction"]["liked"] for post in posts] == [is_liked, False]
