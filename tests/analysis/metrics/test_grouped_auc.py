"""AUC within groups equals counting the pairs of each group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.metrics.grouped_auc import auc_by_group, grouped_auc
from contracts.metrics.auc import auc

rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), min_size=1, max_size=30)


@given(rows)
def test_equals_counting_pairs(data: list[tuple[int, int, bool]]) -> None:
    groups, scores, labels = (np.array(column) for column in zip(*data, strict=True))
    want = []
    for group in np.unique(groups):
        up = scores[(groups == group) & labels]
        down = scores[(groups == group) & ~labels]
        pairs = [1.0 if u > d else 0.5 if u == d else 0.0 for u in up for d in down]
        want.append(np.mean(pairs) if pairs else np.nan)
    got = auc_by_group(groups, scores, labels)
    np.testing.assert_allclose(got, np.array(want, dtype=np.float64))
    alone = [auc(scores[groups == group], labels[groups == group]) for group in np.unique(groups)]
    np.testing.assert_allclose(got, np.array(alone, dtype=np.float64))


def test_the_mean_weighs_groups_by_their_rows_and_leaves_out_those_of_one_class() -> None:
    groups = np.array([1, 1, 2, 2, 2, 2, 3, 3])
    scores = np.array([0.9, 0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    labels = np.array([1, 0, 1, 0, 0, 0, 1, 1])
    # group 1: 1 of 1 pair, two rows; group 2: 0 of 3 pairs, four rows; group 3 has no negative
    assert grouped_auc(groups, scores, labels) == pytest.approx(2 / 6)
    assert grouped_auc(groups, scores, np.ones(8)) is None
    assert grouped_auc(np.zeros(0), np.zeros(0), np.zeros(0)) is None
