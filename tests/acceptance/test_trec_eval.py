"""Ranking metrics on the test set of NIST's trec_eval: its reference output, per query and over all, to four digits."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from analysis.metrics import ranking
from analysis.metrics.ranking import RankedLists, rank_lists
from contracts.metrics.columns import Floats

FOLDER = Path(__file__).resolve().parents[2] / "../shared/data/trec_eval"
LISTED = {
    "map": 0.1785,
    "recip_rank": 0.4064,
    "P_5": 0.2667,
    "P_10": 0.3000,
    "P_20": 0.3667,
    "ndcg": 0.4021,
    "ndcg_cut_5": 0.2768,
    "ndcg_cut_10": 0.3016,
    "ndcg_cut_20": 0.3525,
    "ndcg_cut_100": 0.3916,
}
"""The figures that the data's README lists, means over the queries."""


def read_lists() -> tuple[RankedLists, RankedLists, list[str]]:
    """The retrieved lists; per query, all judged documents from best to worst; the queries."""
    judged: dict[str, dict[str, float]] = defaultdict(dict)
    for line in (FOLDER / "qrels.test").read_text().splitlines():
        query, _, document, grade = line.split()
        judged[query][document] = float(grade)
    rows = [line.split() for line in (FOLDER / "results.test").read_text().splitlines()]
    documents = sorted({row[2] for row in rows}, reverse=True)
    place = {document: index for index, document in enumerate(documents)}
    retrieved = rank_lists(
        np.array([int(row[0]) for row in rows]),
        np.array([float(row[4]) for row in rows]),
        np.array([place[row[2]] for row in rows]),
        np.array([judged[row[0]].get(row[2], 0.0) for row in rows]),
    )
    queries = sorted(judged)
    of_query = np.concatenate([np.full(len(judged[query]), int(query)) for query in queries])
    grades = np.concatenate([np.array(list(judged[query].values())) for query in queries])
    return retrieved, rank_lists(of_query, grades, np.arange(len(grades)), grades), queries


def measure(name: str, lists: RankedLists, best: RankedLists) -> Floats | None:
    """The metric of that name per query; ``None`` for a name that is no metric of ours."""
    kind, _, cut = name.rpartition("_")
    if kind == "P":
        return ranking.precision(lists, int(cut))
    if kind == "recall":
        return ranking.recall(lists, int(cut), best.num_relevant)
    if kind == "ndcg_cut":
        return ranking.ndcg(lists, int(cut), best)
    whole = {
        "map": ranking.average_precision(lists, best.num_relevant),
        "recip_rank": ranking.reciprocal_rank(lists),
        "ndcg": ranking.ndcg(lists, None, best),
        "num_rel": best.num_relevant,
        "num_rel_ret": lists.num_relevant,
    }
    return whole.get(name)


@pytest.mark.skipif(not FOLDER.exists(), reason="needs ../shared/data/trec_eval")
def test_the_listed_figures() -> None:
    lists, best, queries = read_lists()
    assert queries == ["301", "302", "303"]
    for name, want in LISTED.items():
        values = measure(name, lists, best)
        assert values is not None
        print(f"{name:13} {values.mean():.4f}, reference {want:.4f}")
        assert round(float(values.mean()), 4) == want


@pytest.mark.skipif(not FOLDER.exists(), reason="needs ../shared/data/trec_eval")
def test_every_reference_figure_of_our_metrics_per_query() -> None:
    lists, best, queries = read_lists()
    num_compared = 0
    for line in (FOLDER / "out.test.aq").read_text().splitlines():
        name, query, want = line.split()
        values = measure(name, lists, best)
        if values is None:
            continue
        is_total = name.startswith("num_")
        over_all = values.sum() if is_total else values.mean()
        got = float(over_all if query == "all" else values[queries.index(query)])
        assert got == pytest.approx(float(want), abs=5.001e-5), (name, query)
        num_compared += 1
    print(f"{num_compared} figures of the reference output reproduced: per query and over all")
    assert num_compared == 4 * (9 + 9 + 9 + 5)  # three metrics at nine cuts, five of whole lists
