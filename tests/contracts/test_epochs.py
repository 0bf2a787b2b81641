import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.epochs import POOL_DTYPES, Pointer, bytes_per_item, pack_pool, pool_key, unpack_pool

WIDE = st.integers(-(2**63), 2**63 - 1)


def columns(post_ids: list[int]) -> dict[str, np.ndarray]:
    count = len(post_ids)
    made = {name: np.arange(count).astype(dtype) for name, dtype in POOL_DTYPES.items()}
    return made | {"post_id": np.array(post_ids, dtype="<i8")}


@given(st.lists(WIDE, max_size=300), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_pool_survives_packing_with_64_bit_ids(post_ids: list[int], epoch: int, generated_at: int) -> None:
    packed = pack_pool(epoch, generated_at, columns(post_ids))
    pool = unpack_pool(packed)
    assert (pool.epoch, pool.generated_at, pool.count) == (epoch, generated_at, len(post_ids))
    assert pool.columns["post_id"].tolist() == post_ids
    assert len(packed) == 20 + len(post_ids) * bytes_per_item()


@given(st.integers(0, 19 + 3 * bytes_per_item()))
def test_any_damaged_byte_is_noticed(position: int) -> None:
    packed = bytearray(pack_pool(7, 8, columns([1, 2, 3])))
    original = unpack_pool(bytes(packed))
    packed[position] ^= 0xFF
    try:
        pool = unpack_pool(bytes(packed))
    except ValueError:
        return
    # Only the header's epoch and time, and one pad byte, are outside the checksum.
    assert position in {5, *range(8, 16)}
    assert all((pool.columns[name] == original.columns[name]).all() for name in POOL_DTYPES)


def test_a_truncated_pool_is_refused() -> None:
    packed = pack_pool(1, 1, columns([1, 2, 3]))
    for size in (0, 10, 20, len(packed) - 1):
        with pytest.raises(ValueError, match="pool"):
            unpack_pool(packed[:size])


def test_columns_must_match_and_be_of_one_length() -> None:
    short = columns([1, 2]) | {"score": np.zeros(1, "<f2")}
    with pytest.raises(ValueError, match="differ in length"):
        pack_pool(1, 1, short)
    with pytest.raises(ValueError, match="pool columns"):
        pack_pool(1, 1, {"post_id": np.zeros(1, "<i8")})


def test_a_users_keys_share_one_cluster_slot() -> None:
    assert pool_key(12, 2**60 + 1) == "pool:12:{u1152921504606846977}"


def test_the_pointer_survives_and_a_broken_one_is_refused() -> None:
    pointer = Pointer(5, None, 1_770_000_000)
    assert Pointer.loads(pointer.dumps()) == pointer
    with pytest.raises(ValueError, match="lacks a field"):
        Pointer.loads('{"stable": 1}')
