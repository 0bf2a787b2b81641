"""Random numbers that depend on their keys alone: a rerun draws the same, independent of batches."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def uniform(seed: int, *keys: Ints | int) -> NDArray[np.float64]:
    """A number in [0, 1) per row of ``keys``, each ``(n,)`` or one number for all.

    Keys are mixed in turn by the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
    Generators", OOPSLA 2014).
    """
    # Mixed before it meets a key: seeds would else only exchange users.
    bits = _mix(np.asarray([seed], dtype=np.int64).view(np.uint64))
    for key in keys:
        bits = _mix(bits ^ np.atleast_1d(np.asarray(key, dtype=np.int64)).view(np.uint64))
    return np.asarray((bits >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)), dtype=np.uint64)
