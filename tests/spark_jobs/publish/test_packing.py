from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.epochs import POOL_DTYPES, pack_pool, pack_pools
from contracts.settings import PublishRules, Settings
from contracts.settings.hashes import settings_hash
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.loading import Part, Target, _features, _pools, verify, whole_users

TARGET = Target("", 4, "pool", 77, PublishRules())


def columns(rows: int) -> dict[str, Any]:
    generator = np.random.default_rng(rows)
    return {
        name: generator.integers(0, 100, rows).astype(np.float32 if name == "score" else np.int64)
        for name in POOL_DTYPES
    }


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_many_pools_pack_like_each_alone(sizes: list[int]) -> None:
    bounds = [0, *np.cumsum(sizes).tolist()]
    whole = columns(bounds[-1])
    slices = zip(range(-2, len(sizes) - 2), pairwise(bounds), strict=True)
    alone = [pack_pool(4, 77, owner, {n: c[a:b] for n, c in whole.items()}) for owner, (a, b) in slices]
    assert list(pack_pools(4, 77, range(-2, len(sizes) - 2), whole, bounds)) == alone


@given(sizes=st.lists(st.integers(1, 6), max_size=8), data=st.data())
def test_users_are_never_cut_wherever_batches_end(sizes: list[int], data: st.DataObject) -> None:
    rows = sum(sizes)
    users = np.repeat(np.arange(len(sizes)) * 3 - 4, sizes)
    cuts = sorted(data.draw(st.lists(st.integers(0, rows), max_size=6)))
    values = columns(rows)
    record = pa.RecordBatch.from_pydict({"user_id": users, **values})
    batches = [record.slice(a, b - a) for a, b in pairwise([0, *cuts, rows])]
    seen = [user for table in whole_users(batches) for user in dict.fromkeys(table.column("user_id").to_pylist())]
    assert seen == sorted(set(users.tolist()))
    bounds = [0, *np.cumsum(sizes).tolist()]
    expected = [] if not rows else list(zip(seen, pack_pools(4, 77, seen, values, bounds), strict=True))
    assert list(_pools(batches, TARGET)) == expected


def test_features_are_half_floats_in_column_order() -> None:
    batch = pa.RecordBatch.from_pydict({"user_id": [5, 6], "a": [0.5, 1.5], "b": [-2.0, 0.1]})
    packed = dict(_features([batch], TARGET))
    assert packed == {5: np.array([0.5, -2], "<f2").tobytes(), 6: np.array([1.5, 0.1], "<f2").tobytes()}


def test_a_vector_lies_between_its_neighbours() -> None:
    vectors = pa.array([[0.25, 4.0], [0.5, -4.0]], pa.list_(pa.float32()))
    batch = pa.RecordBatch.from_pydict({"user_id": [5, 6], "a": [1.0, 2.0], "v": vectors, "b": [8.0, 9.0]})
    expected = {5: [1.0, 0.25, 4.0, 8.0], 6: [2.0, 0.5, -4.0, 9.0]}
    for cuts in ([batch], [batch.slice(0, 1), batch.slice(1), batch.slice(2)]):
        assert dict(_features(cuts, TARGET)) == {user: np.array(v, "<f2").tobytes() for user, v in expected.items()}


def test_vectors_of_different_lengths_are_refused() -> None:
    vectors = pa.array([[0.25, 4.0], [0.5]], pa.list_(pa.float32()))
    with pytest.raises(ValueError, match="feature lists differ in length"):
        list(_features([pa.RecordBatch.from_pydict({"user_id": [5, 6], "v": vectors})], TARGET))


def test_verification_names_the_partitions_that_differ() -> None:
    written = [Part(0, 10, 100, 1), Part(1, 10, 100, 2), Part(2, 5, 50, 3)]
    verify("pool", written, list(written))
    with pytest.raises(PublishFailed, match=r"pool keys failed in partitions \[1, 2\]: wrote 25 keys, read back 19"):
        verify("pool", written, [Part(0, 10, 100, 1), Part(1, 9, 90, 2)])


def test_the_settings_hash_moves_with_any_number() -> None:
    assert settings_hash(Settings()) == settings_hash(Settings())
    assert settings_hash(Settings()) != settings_hash(Settings(seed=21))
