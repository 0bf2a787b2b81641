"""Which recomputed rows differ from what a table holds, so that a merge rewrites no file without need."""

from collections.abc import Sequence

from pyspark.sql import DataFrame


def changed_rows(rows: DataFrame, existing: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The rows that are new or differ in any column; ``keys`` bound the part of ``existing`` that is compared."""
    known = existing.join(rows.select(*keys).distinct(), on=list(keys), how="left_semi").select(*rows.columns)
    return rows.subtract(known)
