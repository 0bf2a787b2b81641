"""A Redis Cluster of three masters: nights are published to it, read, rolled back, and erased from; a master is lost.

The pools are those of real publishes from Delta tables. One master is killed -9: its users get public posts, the others
their own. It comes back empty: what it says of blocks and hidden posts does not count until the next publish.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from benchmarks.publish_lake import FIRST_ID, FIRST_POST_ID, POSTS_PER_AUTHOR, build, night_of
from contracts.redis_cluster import NUM_SLOTS
from contracts.redis_keys import NARROWED_KEY, POINTER_KEY, TAKEDOWN_KEY, block_key, hidden_key, parse_key, pool_key
from contracts.settings import ErasureRules, PublishRules, Settings
from spark_jobs.erase.keys import erase_keys
from spark_jobs.erase.needles import Needles
from spark_jobs.erase.search import search_redis
from spark_jobs.erase.search_list import SearchList
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish import epoch_store, ledger
from spark_jobs.publish.epochs import main as publish
from spark_jobs.publish.orders import Order
from spark_jobs.publish.rollback import roll_back
from tests.redis_cluster import NUM_NODES, ThreeMasters
from tests.serving.reader_world import Client, open_reader_on

NUM_USERS, NUM_POSTS = 150, 600
USERS = range(FIRST_ID, FIRST_ID + NUM_USERS)
STRANGER = 5
"""Has no pool."""
RULES = Settings(publish=PublishRules(), erasure=ErasureRules(reader_refresh_s=0.0))
READER: dict[str, Any] = {"redis_timeout_s": 1.0, "breaker_open_s": 0.05}
EVERYBODY_THEIR_OWN = {(node, "redis") for node in range(NUM_NODES)}

pytestmark = [pytest.mark.slow, pytest.mark.many_rows]


@pytest.fixture
def cluster() -> Iterator[ThreeMasters]:
    yield from ThreeMasters.running()


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path, cluster: ThreeMasters) -> Night:
    made = night_of(Lake(spark, str(tmp_path / "lake")), str(tmp_path / "runs"), cluster.url)
    build(made, NUM_USERS, NUM_POSTS)
    return made


def master_of(user_id: int) -> int:
    return ThreeMasters.node_of(pool_key(1, user_id))


async def levels(client: Client) -> Counter[tuple[int, str]]:
    """Users by their master and the level that answers them; every answer is a whole page."""
    found: Counter[tuple[int, str]] = Counter()
    for user in USERS:
        page = await client.feed(user, count=10)
        assert len(page["posts"]) == 10
        found[master_of(user), page["metadata"]["served_from"]] += 1
    return found


async def first_page(client: Client, user_id: int) -> list[tuple[int, int]]:
    """Post and author of each place."""
    page = await client.feed(user_id, count=50)
    return [(int(post["id"]), int(post["author"]["id"])) for post in page["posts"]]


def levels_of(found: Counter[tuple[int, str]], master: int) -> set[str]:
    return {level for of, level in found if of == master}


async def test_cluster_redis(cluster: ThreeMasters, night: Night) -> None:
    publish(night)
    publish(night)
    kinds = Counter(key.kind.name for key in map(parse_key, cluster.client.scan_iter(count=1000)) if key)
    masters = Counter(map(master_of, USERS))
    print(f"\n{NUM_USERS} users published twice to {NUM_NODES} masters; users by master {dict(masters)}")
    print(f"keys by kind: {dict(kinds)}")
    assert min(masters.values()) > NUM_USERS // (2 * NUM_NODES)
    assert (kinds["pool"], kinds["held"]) == (2 * NUM_USERS, NUM_SLOTS)
    async with open_reader_on(cluster, **READER) as client:
        assert set(await levels(client)) == EVERYBODY_THEIR_OWN
        await lose_a_master(cluster, client, masters)
        publish(night)
        await client.refresh()
        assert set(await levels(client)) == EVERYBODY_THEIR_OWN
        publish(night)
        table = str(night.lake.place_of(ledger.TABLE))
        said = roll_back(table, cluster.client, Order("a test", "why not"), RULES.publish)
        await client.refresh()
        answered = {(await client.feed(user))["metadata"]["epoch"] for user in USERS}
        print(f"published twice more, and rolled back: {said.splitlines()[0]}")
        assert answered == {3}
        assert epoch_store.num_pools(cluster.client, 4) == 0
    erase_one(cluster)


async def lose_a_master(cluster: ThreeMasters, client: Client, masters: Counter[int]) -> None:
    """Kill the master of some users, start it again without data, and read as everybody after each."""
    shared = {cluster.node_of(key) for key in (POINTER_KEY, TAKEDOWN_KEY, NARROWED_KEY)}
    lost = next(node for node in range(NUM_NODES) if node not in shared)
    victim = next(user for user in USERS if master_of(user) == lost)
    (hidden, _), (_, blocked), *_ = await first_page(client, STRANGER)
    cluster.client.sadd(hidden_key(victim), hidden)
    cluster.client.sadd(block_key(victim), blocked)
    cluster.client.sadd(block_key(blocked), victim)
    await client.refresh()
    await client.feed(victim)

    cluster.kill_node(lost)
    while_down = await levels(client)
    print(f"master {lost} is killed; users by master and level: {dict(while_down)}")
    assert levels_of(while_down, lost) == {"popular"}
    others = sum(count for (node, level), count in while_down.items() if node != lost and level == "redis")
    assert others > (NUM_USERS - masters[lost]) / 2
    assert not forbidden(await first_page(client, victim), hidden, blocked)

    cluster.start_node(lost)
    cluster.wait_until_whole()
    await client.refresh()
    empty = await levels(client)
    print(f"it is back, empty; users by master and level: {dict(empty)}")
    assert levels_of(empty, lost) == {"popular"}
    assert all(levels_of(empty, node) == {"redis"} for node in range(NUM_NODES) if node != lost)
    assert not forbidden(await first_page(client, victim), hidden, blocked)
    async with open_reader_on(cluster, **READER) as newcomer:
        assert blocked not in {author for _, author in await first_page(newcomer, victim)}


def erase_one(cluster: ThreeMasters) -> None:
    """Erase a user with their posts, and search every key for traces."""
    posts = range(FIRST_POST_ID + 5, FIRST_POST_ID + NUM_POSTS, NUM_POSTS // POSTS_PER_AUTHOR)
    search_list = SearchList("r", (USERS[5],), tuple(posts))
    assert search_redis(cluster.client, "Redis", Needles(search_list)).findings
    done = erase_keys(cluster.client, search_list.ids, RULES)
    left = search_redis(cluster.client, "Redis", Needles(search_list)).findings
    print(f"erasure: {done}; traces left {len(left)}")
    assert done["deleted"] >= 2
    assert left == ()


def forbidden(posts: list[tuple[int, int]], hidden: int, blocked: int) -> bool:
    return any(post == hidden or author == blocked for post, author in posts)
