from collections.abc import Callable
from itertools import combinations
from math import log
from typing import Any

import networkx as nx
import pytest
from pyspark.sql import Row, SparkSession

from contracts.pipeline import BY_NAME
from contracts.settings import SuggestionRules
from spark_jobs.features.graph import people_suggestions
from spark_jobs.night.gate.checks import cross_checks
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from tests.silver_rows import at, put

TABLE = people_suggestions.TABLE
PARTITIONS = "spark.sql.shuffle.partitions"


def both(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [*pairs, *((b, a) for a, b in pairs)]


def suggest(
    spark: SparkSession, friends: list[tuple[int, int]], blocked: list[tuple[int, int]], rules: SuggestionRules
) -> list[Row]:
    edges = spark.createDataFrame(both(friends), "user_id BIGINT, friend_id BIGINT")
    apart = spark.createDataFrame(both(blocked), "user_id BIGINT, blocked_id BIGINT")
    return people_suggestions.transform(edges, apart, rules).orderBy("user_id", "rank").collect()


def test_friends_of_friends_by_hand(spark: SparkSession) -> None:
    # 1 and 4 share 2 and 3; 1 and 5 share 3; 6 and 4 share nobody but 5, whom 6 knows.
    friends = [(1, 2), (1, 3), (2, 4), (3, 4), (3, 5), (4, 5), (5, 6)]
    rows = suggest(spark, friends, [(2, 5)], SuggestionRules())
    found = {(row.user_id, row.suggested_id): (row["rank"], row.num_mutual_friends, row.score) for row in rows}
    two, three = 1 / log(2), 1 / log(3)
    assert {pair: figures[:2] for pair, figures in found.items() if pair[0] == 1} == {(1, 4): (1, 2), (1, 5): (2, 1)}
    assert found[1, 4][2] == pytest.approx(two + three)  # 2 has two friends, 3 has three
    assert found[1, 5][2] == pytest.approx(three)
    assert found[6, 3][1:] == pytest.approx((1, three))
    assert not {(2, 5), (5, 2)} & set(found), "a block in either direction keeps them apart"
    assert not set(both(friends)) & set(found)
    assert not any(row.user_id == row.suggested_id for row in rows)


def test_it_is_the_index_of_networkx_and_cut_to_the_best(spark: SparkSession) -> None:
    graph = nx.gnm_random_graph(60, 240, seed=20)
    rows = suggest(spark, list(graph.edges), [], SuggestionRules(per_user=5, most_friends=60))
    pairs = [(a, b) for a, b in combinations(graph, 2) if not graph.has_edge(a, b)]
    index = {(a, b): score for a, b, score in nx.adamic_adar_index(graph, pairs) if score}
    index |= {(b, a): score for (a, b), score in index.items()}
    for user in graph:
        own = sorted(((-score, other) for (one, other), score in index.items() if one == user))[:5]
        found = [row for row in rows if row.user_id == user]
        assert [row.suggested_id for row in found] == [other for _, other in own]
        assert [row.score for row in found] == pytest.approx([-score for score, _ in own])
        for row in found:
            assert row.num_mutual_friends == len(set(graph[user]) & set(graph[row.suggested_id]))


def test_a_friend_of_very_many_says_nothing(spark: SparkSession) -> None:
    star = [(0, leaf) for leaf in range(1, 8)]
    assert not suggest(spark, star, [], SuggestionRules(most_friends=6))
    assert len(suggest(spark, star, [], SuggestionRules(most_friends=7))) == 7 * 6


@pytest.fixture
def night(make_night: Callable[..., Night]) -> Night:
    night = make_night()
    friends = nx.gnm_random_graph(40, 120, seed=1).edges
    edges = [{"user_id": a + 1, "friend_id": b + 1, "valid_from": at(1)} for a, b in both(list(friends))]
    late = {"valid_from": at(8), "received_at": at(9, 1)}
    put(night.lake, "silver.friendships", [*edges, {"user_id": 1, "friend_id": 99, **late}])
    put(night.lake, "silver.blocks", [])
    people_suggestions.main(night)
    return night


def test_a_night_is_the_same_when_run_again_or_split_otherwise(spark: SparkSession, night: Night) -> None:
    once, before = checksum(night.read(TABLE)), spark.conf.get(PARTITIONS)
    assert night.read(TABLE).count() > 100
    assert night.read(TABLE).where("user_id = 99").isEmpty(), "an edge that has not been received is not known"
    assert run_gate(night, TABLE)["success"]
    try:
        spark.conf.set(PARTITIONS, "7")
        people_suggestions.main(night)
    finally:
        spark.conf.set(PARTITIONS, str(before))
    assert checksum(night.read(TABLE)) == once


def test_a_tie_that_begins_at_midnight_belongs_to_the_next_day(night: Night) -> None:
    first = night.read(TABLE).where("user_id = 1 AND rank = 1").first()
    assert first is not None
    edge = {"valid_from": night.as_of, "received_at": at(1)}
    put(night.lake, "silver.friendships", [{"user_id": 1, "friend_id": first.suggested_id, **edge}])
    put(night.lake, "silver.blocks", [{"user_id": 1, "blocked_id": first.suggested_id, **edge}])
    assert all(result["success"] for result in cross_checks(night, BY_NAME[TABLE]))


def test_the_gate_finds_each_kind_of_wrong_suggestion(night: Night) -> None:
    first = night.read(TABLE).where("user_id = 1 AND rank = 1").first()
    assert first is not None
    wrong: list[dict[str, Any]] = [
        {"user_id": 1, "suggested_id": 1, "rank": 50},
        {"user_id": 2, "suggested_id": 3, "rank": 50},
    ]
    edge = {"valid_from": at(1), "received_at": at(1)}
    put(night.lake, "silver.friendships", [{"user_id": 2, "friend_id": 3, **edge}])
    put(night.lake, "silver.blocks", [{"user_id": first.suggested_id, "blocked_id": 1, "valid_from": at(1)}])
    numbers = {"num_mutual_friends": 1, "score": 1.0, "ds": night.ds}
    rows = night.spark.createDataFrame([{**row, **numbers} for row in wrong], night.read(TABLE).schema)
    rows.write.format("delta").mode("append").save(night.lake.path(TABLE))
    failed = {result["expectation"] for result in cross_checks(night, BY_NAME[TABLE]) if not result["success"]}
    assert failed == {
        "nobody_is_suggested_a_friend",
        "nobody_is_suggested_whom_a_block_keeps_apart",
        "nobody_is_suggested_to_themself",
        "ranks_count_from_one",
    }
