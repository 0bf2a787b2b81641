from datetime import date
from math import log1p
from typing import Any

import networkx as nx
import numpy as np
import pytest
from pyspark.sql import SparkSession

from spark_jobs.features.graph.network_features import NAMES, network_features

DAYS = (date(2026, 3, 7), date(2026, 3, 8))


def of_graphs(
    spark: SparkSession, graphs: dict[date, nx.Graph], community: dict[tuple[date, int], int]
) -> dict[tuple[int, date], dict[str, Any]]:
    pairs = [
        (a, b, ds, 1.0, float(np.float32(log1p(len(list(nx.common_neighbors(graph, a, b)))))))
        for ds, graph in graphs.items()
        for edge in graph.edges
        for a, b in (edge, edge[::-1])
    ]
    met = [(1, 99, DAYS[0], 0.0, float(np.float32(log1p(7))))]  # someone met, no friend: counts nowhere
    columns = "user_id bigint, author_id bigint, ds date, is_friend float, log_mutual_friends float"
    places = [(user, place, ds) for (ds, user), place in community.items()]
    frame = network_features(
        spark.createDataFrame([*pairs, *met], columns),
        spark.createDataFrame(places, "user_id bigint, community_id bigint, ds date"),
    )
    return {(row.user_id, row.ds): row.asDict() for row in frame.collect()}


def test_density_is_the_clustering_coefficient_and_diversity_the_spread(spark: SparkSession) -> None:
    graphs = {ds: nx.gnp_random_graph(25, 0.3, seed=day) for day, ds in enumerate(DAYS)}
    community = {(ds, user): user * (1 + day) % 5 for day, ds in enumerate(DAYS) for user in range(25)}
    got = of_graphs(spark, graphs, community)
    assert set(got) == {(user, ds) for ds, graph in graphs.items() for user in graph if graph.degree(user)}
    for (user, ds), row in got.items():
        graph, friends = graphs[ds], list(graphs[ds][user])
        shared = [len(list(nx.common_neighbors(graph, user, friend))) for friend in friends]
        shares = np.bincount([community[ds, friend] for friend in friends]) / len(friends)
        expected = (nx.clustering(graph, user), log1p(np.mean(shared)), 1 - np.square(shares).sum())
        assert [row[name] for name in NAMES] == pytest.approx(expected)


def test_one_friend_and_friends_without_a_community(spark: SparkSession) -> None:
    got = of_graphs(spark, {DAYS[0]: nx.path_graph(3)}, {(DAYS[1], 0): 0})
    assert [got[0, DAYS[0]][name] for name in NAMES] == [0.0, 0.0, 0.0]
    assert [got[1, DAYS[0]][name] for name in NAMES] == [0.0, 0.0, 0.5]
