"""A reader of a Redis Cluster: commands go to the masters concerned, and a master without its data does not count."""

import asyncio
from collections.abc import Iterator

import pytest

from contracts.pointer import Pointer
from contracts.redis_cluster import held_key
from contracts.redis_keys import NARROWED_KEY, TAKEDOWN_KEY, block_key, hidden_key, pool_key
from contracts.settings import PublishRules
from spark_jobs.publish import epoch_store
from spark_jobs.publish.epoch_store import PublishFailed
from tests.redis_cluster import NUM_NODES, ThreeMasters
from tests.serving.reader_world import GENERATED_AT, Seed, open_reader_on

RULES = PublishRules()
OWN = [Seed(post_id, author_id=100 + post_id) for post_id in range(1, 6)]
POPULAR = [Seed(post_id, author_id=200 + post_id, source="popular") for post_id in range(11, 16)]
USERS = range(1, 40)


@pytest.fixture(scope="module")
def masters() -> Iterator[ThreeMasters]:
    yield from ThreeMasters.running()


@pytest.fixture
def cluster(masters: ThreeMasters) -> ThreeMasters:
    """A cluster with one epoch."""
    masters.client.flushall(target_nodes="primaries")
    for user in USERS:
        masters.write_user(1, user, OWN)
    masters.write_public(1, "popular", POPULAR)
    epoch_store.begin_held(masters.client)
    epoch_store.write_held(masters.client, 1)
    masters.flip(1)
    return masters


async def test_every_user_is_served_from_their_master(cluster: ThreeMasters) -> None:
    assert {cluster.node_of(pool_key(1, user)) for user in USERS} == set(range(NUM_NODES))
    cluster.client.sadd(hidden_key(3), 2)
    cluster.client.sadd(block_key(4), 101)
    cluster.client.sadd(TAKEDOWN_KEY, 5)
    async with open_reader_on(cluster) as client:
        assert await client.ids(3) == [1, 3, 4]
        assert await client.ids(4) == [2, 3, 4]
        assert {tuple(await client.ids(user)) for user in USERS if user not in (3, 4)} == {(1, 2, 3, 4)}
        assert (await client.feed(7))["metadata"]["served_from"] == "redis"


@pytest.mark.parametrize("shared", [TAKEDOWN_KEY, NARROWED_KEY])
async def test_a_slot_without_its_data_does_not_count(cluster: ThreeMasters, shared: str) -> None:
    async with open_reader_on(cluster) as client:
        cluster.client.delete(held_key(pool_key(1, 5)))
        assert await client.ids(5) == [11, 12, 13, 14, 15]
        assert await client.ids(6) == [1, 2, 3, 4, 5]
        cluster.client.delete(held_key(shared))
        assert await client.ids(6) == [11, 12, 13, 14, 15]
        assert not await client.app.state.keeper.try_refresh()


async def test_an_older_snapshot_of_a_master_does_not_count(cluster: ThreeMasters) -> None:
    epoch_store.write_held(cluster.client, 2)
    for user in USERS:
        cluster.write_user(2, user, OWN)
    cluster.write_public(2, "popular", POPULAR)
    cluster.flip(2, 1, GENERATED_AT + 1)
    async with open_reader_on(cluster) as client:
        cluster.client.set(held_key(pool_key(1, 5)), 1)
        assert (await client.feed(5))["metadata"]["served_from"] == "popular"
        cluster.client.set(held_key(pool_key(1, 5)), 3)
        assert (await client.feed(5))["metadata"]["served_from"] == "redis"


async def test_authors_of_a_slot_without_its_data_are_left_out_of_public_posts(cluster: ThreeMasters) -> None:
    cluster.client.delete(held_key(block_key(211)))
    async with open_reader_on(cluster, breaker_open_s=60.0) as client:
        cluster.client.delete(held_key(pool_key(1, 5)))
        assert await client.ids(5) == [12, 13, 14, 15]


def test_a_publish_finds_out_that_a_slot_lost_its_data(cluster: ThreeMasters) -> None:
    with epoch_store.connect(cluster.url, RULES) as client:
        epoch_store.write_held(client, 7)
        epoch_store.verify_held(client, 7)
        cluster.client.delete(held_key("anything"))
        with pytest.raises(PublishFailed, match="1 slots of the cluster lost their data while the epoch was loaded"):
            epoch_store.verify_held(client, 7)


async def test_a_publish_finds_out_that_a_slot_lost_its_data_while_suppression_was_written(
    cluster: ThreeMasters,
) -> None:
    with epoch_store.connect(cluster.url, RULES) as client:
        cluster.client.delete(held_key(pool_key(1, 5)))
        epoch_store.begin_held(client)
        async with open_reader_on(cluster) as reader:
            assert await reader.ids(5) == [11, 12, 13, 14, 15], "a mark is no note"
        cluster.client.delete(held_key(pool_key(1, 5)), held_key("anything"))
        with pytest.raises(PublishFailed, match="2 slots of the cluster lost their data while suppression was written"):
            epoch_store.write_held(client, 7)


def test_the_pointer_moves_only_from_where_it_was_seen(cluster: ThreeMasters) -> None:
    first, second, third = Pointer(1, None, GENERATED_AT), Pointer(2, 1, GENERATED_AT), Pointer(3, 1, GENERATED_AT)
    with epoch_store.connect(cluster.url, RULES) as client:
        epoch_store.flip(client, first, second)
        epoch_store.flip(client, first, second)  # as after a lost reply
        with pytest.raises(PublishFailed, match="another publish, or a rollback"):
            epoch_store.flip(client, first, third)
        assert epoch_store.read_pointer(client) == second


def test_memory_and_policy_are_those_of_every_master(cluster: ThreeMasters) -> None:
    with epoch_store.connect(cluster.url, RULES) as client:
        epoch_store.check_server(client)
        cluster.client.config_set("maxmemory-policy", "allkeys-lru", target_nodes=cluster.client.get_primaries()[1])
        with pytest.raises(PublishFailed, match="maxmemory-policy allkeys-lru"):
            epoch_store.check_server(client)
        cluster.client.config_set("maxmemory-policy", "noeviction", target_nodes="primaries")
        cluster.client.config_set("maxmemory", 50 << 20, target_nodes=cluster.client.get_primaries()[2])
        epoch_store.check_memory(client, 60 << 20, RULES)
        with pytest.raises(PublishFailed, match="raise maxmemory"):
            epoch_store.check_memory(client, 300 << 20, RULES)
        cluster.client.config_set("maxmemory", 0, target_nodes="primaries")


def test_a_node_is_not_taken_for_one_server(cluster: ThreeMasters) -> None:
    with (
        epoch_store.connect(f"redis://127.0.0.1:{cluster.ports[0]}", RULES) as client,
        pytest.raises(PublishFailed, match=r"name it as redis\+cluster"),
    ):
        epoch_store.check_server(client)


async def test_a_failover_is_followed(cluster: ThreeMasters) -> None:
    """The last test: the cluster has another master afterwards."""
    lost = cluster.node_of(pool_key(1, 5))
    cluster.add_replica(lost)
    async with open_reader_on(cluster, breaker_open_s=0.05) as client:
        assert (await client.feed(5))["metadata"]["served_from"] == "redis"
        cluster.kill_node(lost)
        assert (await client.feed(5))["metadata"]["served_from"] == "popular"
        cluster.wait_for_promotion()
        for _ in range(100):
            await client.app.state.keeper.try_refresh()
            if (await client.feed(5))["metadata"]["served_from"] == "redis":
                break
            await asyncio.sleep(0.1)
        assert await client.ids(5) == [1, 2, 3, 4, 5]
