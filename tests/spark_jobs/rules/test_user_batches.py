"""Whole users, wherever the batches end."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.rules.user_batches import at_least, float_matrix, whole_users


@given(st.lists(st.integers(0, 4), max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_every_user_is_whole_and_no_row_is_lost(users: list[int], cuts: list[int]) -> None:
    users.sort()
    table = pa.record_batch({"user_id": pa.array(users, pa.int64()), "row": pa.array(range(len(users)), pa.int64())})
    bounds = [0, *sorted(min(cut, len(users)) for cut in cuts), len(users)]
    batches = [table.slice(start, end - start) for start, end in itertools.pairwise(bounds)]
    got = list(whole_users(batches))
    assert [row for batch in got for row in batch.column("row").to_pylist()] == list(range(len(users)))
    seen = [user for batch in got for user in sorted(set(batch.column("user_id").to_pylist()))]
    assert seen == sorted(set(users))


def test_small_batches_are_put_together() -> None:
    table = pa.record_batch({"row": pa.array(range(10))})
    parts = [table.slice(start, length) for start, length in ((0, 3), (3, 1), (4, 5), (9, 1))]
    got = [batch.column("row").to_pylist() for batch in at_least(parts, 4)]
    assert got == [[0, 1, 2, 3], [4, 5, 6, 7, 8], [9]]
    assert list(at_least([], 4)) == []


def test_float_matrix_reads_a_slice_and_refuses_ragged_lists() -> None:
    column = pa.array([[9.0, 9.0], [1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32()))
    assert float_matrix(column.slice(1)).tolist() == [[1, 2], [3, 4]]
    assert float_matrix(column.slice(1)).dtype == np.float32
    with pytest.raises(ValueError, match="differ in length"):
        float_matrix(pa.array([[1.0], [2.0, 3.0]], pa.list_(pa.float32())))
