import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.epochs import FLAG_EXPLORATION, FLAG_PUBLIC, POOL_DTYPES, bytes_per_item, pack_pool, unpack_pool

WIDE = st.integers(-(2**63), 2**63 - 1)


def columns(post_ids: list[int]) -> dict[str, np.ndarray]:
    count = len(post_ids)
    made = {name: np.arange(count).astype(dtype) for name, dtype in POOL_DTYPES.items()}
    return made | {"post_id": np.array(post_ids, dtype="<i8")}


@given(st.lists(WIDE, max_size=300), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.none() | WIDE)
def test_a_pool_survives_packing_with_64_bit_ids(
    post_ids: list[int], epoch: int, generated_at: int, owner: int | None
) -> None:
    packed = pack_pool(epoch, generated_at, owner, columns(post_ids))
    pool = unpack_pool(packed)
    assert (pool.epoch, pool.generated_at, pool.owner, pool.count) == (epoch, generated_at, owner, len(post_ids))
    assert pool.columns["post_id"].tolist() == post_ids
    assert len(packed) == 28 + len(post_ids) * bytes_per_item()


def test_a_pool_of_the_format_before_stays_readable_and_says_what_it_does_not_know() -> None:
    now = columns([1, 2, 3]) | {"flags": np.array([0, FLAG_EXPLORATION, FLAG_PUBLIC], "u1")}
    body = b"".join(now[name].tobytes() for name in POOL_DTYPES if name != "propensity")
    header = struct.pack("<4sBBHIIq", b"FLPL", 2, 1, 3, 7, 8, 9)
    pool = unpack_pool(header + struct.pack("<I", zlib.crc32(body, zlib.crc32(header))) + body)
    assert set(pool.columns) == set(POOL_DTYPES)
    assert np.array_equal(pool.columns["propensity"], [1.0, np.nan, 1.0], equal_nan=True)
    assert unpack_pool(pack_pool(7, 8, 9, pool.columns)).columns["flags"].tolist() == [0, FLAG_EXPLORATION, FLAG_PUBLIC]


@given(st.integers(0, 27 + 3 * bytes_per_item()), st.integers(1, 255))
def test_any_damaged_byte_is_refused(position: int, change: int) -> None:
    packed = bytearray(pack_pool(7, 8, 9, columns([1, 2, 3])))
    packed[position] ^= change
    with pytest.raises(ValueError, match="pool"):
        unpack_pool(bytes(packed))


def test_a_truncated_pool_is_refused() -> None:
    packed = pack_pool(1, 1, None, columns([1, 2, 3]))
    for size in (0, 10, 28, len(packed) - 1):
        with pytest.raises(ValueError, match="pool"):
            unpack_pool(packed[:size])


def test_columns_must_match_and_be_of_one_length() -> None:
    short = columns([1, 2]) | {"score": np.zeros(1, "<f2")}
    with pytest.raises(ValueError, match="differ in length"):
        pack_pool(1, 1, None, short)
    with pytest.raises(ValueError, match="pool columns"):
        pack_pool(1, 1, None, {"post_id": np.zeros(1, "<i8")})
