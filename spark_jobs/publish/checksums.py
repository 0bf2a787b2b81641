"""Checksums of frames: sums of the hashes of their rows, which do not depend on the order of the rows."""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F


def halves_of(kind: str) -> tuple[str, str]:
    """Names of the two sums that make the checksum of a kind of rows."""
    return f"_{kind}_high", f"_{kind}_low"


def checksum(columns: Sequence[str], kind: str) -> list[Column]:
    """Aggregates: the sum of the hashes of a frame's rows, in any order, by the halves of each hash.

    Sums of halves fit 64 bits for two billion rows; a sum of whole hashes would need decimals, which are slow.
    """
    row, (high, low) = F.xxhash64(*columns), halves_of(kind)
    return [sum_of(F.shiftright(row, 32)).alias(high), sum_of(row.bitwiseAND(F.lit(0xFFFFFFFF))).alias(low)]


def joined(counts: dict[str, int], kind: str) -> int:
    """The checksum of one kind, whose halves leave ``counts``."""
    high, low = (counts.pop(name) for name in halves_of(kind))
    return (high << 32) + low


def sum_of(values: Column | str) -> Column:
    """The sum, 0 for no rows."""
    return F.coalesce(F.sum(values), F.lit(0))
