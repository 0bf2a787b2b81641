"""Runs of equal keys begin where any key changes."""

import numpy as np

from analysis.groups import group_starts


def test_a_run_begins_where_any_key_changes() -> None:
    assert group_starts(np.array([3, 3, 1, 1, 3])).tolist() == [0, 2, 4]
    assert group_starts(np.array([3, 3, 3]), np.array([1, 2, 2])).tolist() == [0, 1]
    assert group_starts(np.zeros(0)).tolist() == []
