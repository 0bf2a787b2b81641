"""Graph features and communities of a real network, the SNAP ego-Facebook graph, against networkx."""

from datetime import date
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.settings import CommunityRules, SuggestionRules
from spark_jobs.features.graph import communities, people_suggestions
from spark_jobs.features.graph.mutual_friends import mutual_friends
from spark_jobs.features.graph.network_features import network_features
from tests.feature_frames import frames_of, pair_features
from tests.silver_rows import at, silver

EDGES = Path(__file__).resolve().parents[2] / "../shared/data/ego_facebook/facebook_combined.txt"
DAY = date(2026, 3, 8)
IN_SWEEPS = CommunityRules(one_task_edges=50_000)
"""Less than the graph has, so that its first level is found by sweeps in columns and the rest in one task."""

pytestmark = [pytest.mark.skipif(not EDGES.exists(), reason="needs ../shared/data/ego_facebook"), pytest.mark.many_rows]


@pytest.fixture(scope="module")
def graph() -> nx.Graph:
    return nx.read_edgelist(EDGES, nodetype=int)


@pytest.fixture(scope="module")
def friendships(spark: SparkSession) -> DataFrame:
    edges = spark.read.csv(str(EDGES), sep=" ", schema="user_id bigint, friend_id bigint")
    both = edges.unionByName(edges.select(F.col("user_id").alias("friend_id"), F.col("friend_id").alias("user_id")))
    never = F.lit(None).cast("timestamp")
    moments = {"valid_from": F.lit(at(1)), "valid_to": never, "end_known_at": never, "received_at": F.lit(at(1))}
    moments |= {"relation": F.lit("friend")}
    return both.withColumns(moments).localCheckpoint()


def test_ego_facebook_mutual_friends(friendships: DataFrame, graph: nx.Graph) -> None:
    counts = mutual_friends(friendships, [DAY]).select("user_id", "author_id", "num_mutual_friends").toArrow()
    users, others, shared = (column.to_pylist() for column in counts.columns)
    found = dict(zip(zip(users, others, strict=True), shared, strict=True))
    triangles = sum(found.values()) // 6
    friends = {node: set(graph[node]) for node in graph}
    expected = {(a, b): len(friends[a] & friends[b]) for edge in graph.edges for a, b in (edge, edge[::-1])}
    agree = sum(found.get(pair, 0) == count for pair, count in expected.items())
    print(f"{graph.number_of_nodes():,} users, {graph.number_of_edges():,} friendships, {triangles:,} triangles")
    print(f"mutual friends as in networkx for {agree:,} of {len(expected):,} ordered pairs")
    assert triangles == 1_612_010
    assert found == {pair: count for pair, count in expected.items() if count}


def test_ego_facebook_people_suggestions(spark: SparkSession, friendships: DataFrame, graph: nx.Graph) -> None:
    rules = SuggestionRules(per_user=10, most_friends=graph.number_of_nodes())
    nobody = spark.createDataFrame([], "user_id BIGINT, blocked_id BIGINT")
    edges = friendships.select("user_id", "friend_id")
    rows = people_suggestions.transform(edges, nobody, rules).orderBy("user_id", "rank").collect()
    pairs = [(row.user_id, row.suggested_id) for row in rows]
    scores = np.array([score for _, _, score in nx.adamic_adar_index(graph, pairs)])
    shared = sum(
        row.num_mutual_friends == len(set(graph[a]) & set(graph[b])) for row, (a, b) in zip(rows, pairs, strict=True)
    )
    print(f"{len(rows):,} suggestions for {len({a for a, _ in pairs}):,} users; ", end="")
    print(f"friends in common as in networkx for {shared:,}; ", end="")
    print(f"greatest difference of a score {np.abs(scores - [row.score for row in rows]).max():.1e}")
    assert shared == len(rows)
    assert scores == pytest.approx([row.score for row in rows], abs=1e-6)
    # Nobody better was left out: for some users, all others are looked at.
    best = {row.user_id: row.score for row in rows if row["rank"] == rules.per_user}
    for user in list(graph)[::400]:
        others = [(user, other) for other in graph if other != user and not graph.has_edge(user, other)]
        greatest = sorted((score for _, _, score in nx.adamic_adar_index(graph, others)), reverse=True)
        assert best[user] == pytest.approx(greatest[rules.per_user - 1], abs=1e-6)


def test_ego_facebook_clustering(spark: SparkSession, friendships: DataFrame, graph: nx.Graph) -> None:
    pairs = pair_features({**frames_of(spark, {}), "friendships": friendships}, [DAY])
    rows = network_features(pairs, silver(spark, "gold.communities")).select("user_id", "network_density").collect()
    found, expected = {row.user_id: row.network_density for row in rows}, nx.clustering(graph)
    print(f"mean clustering {np.mean(list(found.values())):.4f}, networkx {np.mean(list(expected.values())):.4f}")
    assert found == pytest.approx(expected)
    assert np.mean(list(found.values())) == pytest.approx(0.6055, abs=5e-5)


def test_ego_facebook_communities(spark: SparkSession, friendships: DataFrame, graph: nx.Graph) -> None:
    nobody = silver(spark, "silver.users")
    found = {}
    for name, rules in (("sweeps", IN_SWEEPS), ("one task", CommunityRules())):
        frame = communities.transform(users=nobody, friendships=friendships, days=[DAY], rules=rules)
        members = frame.groupBy("community_id").agg(F.collect_list("user_id").alias("members")).orderBy("community_id")
        found[name] = [set(row.members) for row in members.collect()]
    theirs = nx.community.louvain_communities(graph, seed=20)
    figures = [nx.community.modularity(graph, sets) for sets in (found["sweeps"], theirs)]
    print(f"{len(found['sweeps'])} communities of modularity {figures[0]:.4f}, ", end="")
    print(f"networkx {len(theirs)} of {figures[1]:.4f}")
    assert found["sweeps"] == found["one task"]
    assert figures[0] > figures[1] - 0.02
