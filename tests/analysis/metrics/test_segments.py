"""A segment's figures are those of its users alone."""

import numpy as np
import pytest

from analysis.metrics.bootstrap import bootstrap
from analysis.metrics.segments import by_segment


def test_each_segment_is_measured_by_itself() -> None:
    values = np.random.default_rng(1).random((30, 2))
    segments = np.repeat(["new", "heavy", "light"], [1, 9, 20])
    found = by_segment(values, segments, 100, seed=3)
    assert list(found) == ["heavy", "light", "new"]
    assert [means.num_users for means in found.values()] == [9, 20, 1]
    alone = bootstrap(values[1:10], 100, seed=3)
    np.testing.assert_array_equal(found["heavy"].mean, alone[0])
    np.testing.assert_array_equal(found["heavy"].low, alone[1])
    np.testing.assert_array_equal(found["heavy"].high, alone[2])
    assert found["new"].low.tolist() == found["new"].high.tolist() == values[0].tolist()


def test_no_users_have_no_segments_and_a_missing_segment_is_refused() -> None:
    assert by_segment(np.zeros((0, 2)), np.zeros(0), 10, seed=1) == {}
    with pytest.raises(ValueError, match="3 users have a metric, 2 a segment"):
        by_segment(np.zeros((3, 1)), np.zeros(2), 10, seed=1)
