from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from analysis.communities import louvain
from contracts.settings import CommunityRules
from spark_jobs.features.graph import communities
from spark_jobs.features.graph.sweeps import cut_lineage
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from tests.silver_rows import at, put, silver

DAY = date(2026, 3, 8)
RULES = CommunityRules()
PARTITIONS = "spark.sql.shuffle.partitions"
Rows = list[dict[str, Any]]


def friends(edges: list[tuple[int, int]], **interval: Any) -> Rows:
    both = [*edges, *((b, a) for a, b in edges)]
    return [{"user_id": a, "friend_id": b, "valid_from": at(1), **interval} for a, b in both]


def find(
    spark: SparkSession,
    friendships: DataFrame,
    users: Sequence[dict[str, Any]] = (),
    days: Sequence[date] = (DAY,),
    rules: CommunityRules = RULES,
) -> DataFrame:
    known = silver(spark, "silver.users", users)
    return communities.transform(users=known, friendships=friendships, days=days, rules=rules)


def places(frame: DataFrame, day: date = DAY) -> dict[int, tuple[int, int]]:
    return {row.user_id: (row.community_id, row.num_members) for row in frame.collect() if row.ds == day}


def two_cliques() -> Rows:
    return friends([*combinations(range(1, 6), 2), *combinations(range(11, 16), 2), (5, 11)])


def test_two_cliques_with_a_bridge_and_users_without_friends(spark: SparkSession) -> None:
    users = [{"user_id": user, "valid_from": at(1)} for user in (1, 2, 20, 21)]
    users.append({"user_id": 22, "valid_from": at(8), "received_at": at(9)})
    found = places(find(spark, silver(spark, "silver.friendships", two_cliques()), users))
    first, second = (dict.fromkeys(range(start, start + 5), (start, 5)) for start in (1, 11))
    assert found == {**first, **second, 20: (20, 1), 21: (21, 1)}


def test_a_network_without_friendships_and_one_without_users(spark: SparkSession) -> None:
    nobody = silver(spark, "silver.friendships")
    assert places(find(spark, nobody, [{"user_id": 7, "valid_from": at(1)}])) == {7: (7, 1)}
    assert places(find(spark, nobody, rules=CommunityRules(one_task_edges=0))) == {}


def test_each_day_has_the_communities_of_its_own_graph(spark: SparkSession) -> None:
    """Users 1 and 2 are friends up to the 6th; 3 becomes the friend of 2 on the 5th, which is received on the 7th."""
    edges = [*friends([(1, 2)], valid_to=at(7)), *friends([(2, 3)], valid_from=at(5), received_at=at(7))]
    users = [{"user_id": user, "valid_from": at(1)} for user in (1, 2, 3)]
    days = tuple(date(2026, 3, day) for day in (6, 7))
    found = find(spark, silver(spark, "silver.friendships", edges), users, days)
    assert places(found, days[0]) == {1: (1, 2), 2: (1, 2), 3: (3, 1)}
    assert places(found, days[1]) == {1: (1, 1), 2: (2, 2), 3: (2, 2)}


def random_edges(seed: int) -> list[tuple[int, int]]:
    """Friends of groups of ten, some of them across groups; ids are large and far apart."""
    generator = np.random.default_rng(seed)
    ids = np.sort(generator.choice(2**62, 60, replace=False))
    likely = np.equal.outer(np.arange(60) // 10, np.arange(60) // 10) * 0.5 + 0.04
    drawn = np.triu(generator.random((60, 60)) < likely, 1)
    return [(int(ids[a]), int(ids[b])) for a, b in np.argwhere(drawn)]


@pytest.fixture(params=[2, 7])
def partitions(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[int]:
    before = str(spark.conf.get(PARTITIONS))
    spark.conf.set(PARTITIONS, request.param)
    yield request.param
    spark.conf.set(PARTITIONS, before)


@pytest.mark.parametrize("one_task_edges", [0, 20])
def test_sweeps_over_the_cluster_reach_what_one_task_reaches(
    spark: SparkSession, partitions: int, one_task_edges: int
) -> None:
    rows = friends(random_edges(5))
    rules = CommunityRules(max_sweeps=2, one_task_edges=one_task_edges)
    spread = silver(spark, "silver.friendships", rows).repartition(partitions)
    found = {user: community for user, (community, _) in places(find(spark, spread, rules=rules)).items()}
    source, target = (np.array([row[name] for row in rows]) for name in ("user_id", "friend_id"))
    users, expected = louvain(source, target, np.ones(len(rows), dtype=np.int64), rules)
    assert found == dict(zip(users.tolist(), expected.tolist(), strict=True))
    assert 1 < len(set(found.values())) < 20


def test_lineage_is_cut_reliably_where_the_deployment_names_a_folder(spark: SparkSession, tmp_path: Path) -> None:
    def checkpointed() -> list[Path]:
        assert cut_lineage(spark.range(5)).count() == 5
        return list(tmp_path.rglob("part-*"))

    context: Any = spark.sparkContext
    assert not checkpointed()
    context.setCheckpointDir(str(tmp_path))
    try:
        assert checkpointed()
    finally:  # the session is shared
        getattr(context._jsc.sc(), "checkpointDir_$eq")(getattr(getattr(context._jvm.scala, "None$"), "MODULE$"))
    assert context.getCheckpointDir() is None


def test_the_backlog_is_built_once_and_a_rerun_changes_nothing(lake: Lake, make_night: Callable[..., Night]) -> None:
    put(lake, "silver.friendships", two_cliques())
    put(lake, "silver.users", [{"user_id": 30, "valid_from": at(4)}])
    communities.main(make_night())
    built = lake.read(communities.TABLE)
    first, sizes = checksum(built), {row.ds.day: row["count"] for row in built.groupBy("ds").count().collect()}
    assert sizes == {day: 10 if day < 4 else 11 for day in range(1, 9)}
    communities.main(make_night())
    assert checksum(lake.read(communities.TABLE)) == first
