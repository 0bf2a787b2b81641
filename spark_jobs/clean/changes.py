"""Find the recomputed rows that differ from a table, so that a merge rewrites only files that change."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def changed_rows(rows: DataFrame, existing: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The rows that are new or differ in any column; ``keys`` bound the part of ``existing`` that is compared.

    Neither frame may hold duplicates.
    """
    known = existing.join(rows.select(*keys).distinct(), on=list(keys), how="left_semi").select(*rows.columns)
    known = known.withColumnsRenamed({column: f"_known_{column}" for column in rows.columns})
    is_same = [F.col(column).eqNullSafe(F.col(f"_known_{column}")) for column in rows.columns]
    return rows.join(known, on=is_same, how="left_anti")
