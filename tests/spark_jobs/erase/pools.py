"""Packed pools for tests of erasure."""

from collections.abc import Sequence

import numpy as np

from contracts.epochs import POOL_DTYPES, pack_pool

GENERATED_AT = 1_770_000_000


def packed(posts: Sequence[int], authors: Sequence[int], owner: int | None = None) -> bytes:
    """A pool of epoch 7; every other column counts from 0."""
    columns = {name: np.arange(len(posts)).astype(dtype) for name, dtype in POOL_DTYPES.items()}
    ids = {"post_id": np.array(posts), "author_id": np.array(authors)}
    return pack_pool(7, GENERATED_AT, owner, columns | ids)
