"""bronze.erasures: erased ids as keyed hashes, by which ingest refuses late events; grain: id_key.

A plain hash would still identify the person: ids are mostly small numbers, so all of them can be hashed in minutes. The
key is kept elsewhere; without it the table reveals nothing.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import functions as F

from contracts.broken_rules import describe_rule
from contracts.erasure import KINDS, id_key, key_check
from contracts.pipeline import BY_NAME
from spark_jobs.erase.search_list import SearchList
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.gate.gate import check_grain
from spark_jobs.night.gate.rows import OnSpark
from spark_jobs.night.gate.suites import expect, load_suite
from spark_jobs.night.lake import Lake
from spark_jobs.night.writers import merge_by_key

TABLE = "bronze.erasures"


def begin(lake: Lake, search_list: SearchList, key: bytes) -> None:
    """Record every id, so that from now on every line with it is refused; ids recorded before keep their time."""
    _refuse_other_key(lake, key)
    now = datetime.now(UTC)
    rows = [
        (id_key(key, kind, identity), kind, search_list.request_id, key_check(key), now, None, None)
        for kind in KINDS
        for identity in search_list.ids.of(kind)
    ]
    merge_by_key(lake, TABLE, lake.spark.createDataFrame(rows, read_schema(TABLE)), update_when=None)


def finish(lake: Lake, search_list: SearchList, key: bytes, removed: Mapping[str, Any]) -> None:
    """Record that files, history and Redis are done; raises ``ValueError`` if the ledger breaks its suite."""
    now = F.lit(datetime.now(UTC))
    mine = [id_key(key, kind, identity) for kind in KINDS for identity in search_list.ids.of(kind)]
    open_rows = lake.read(TABLE).where(F.col("id_key").isin(mine) & F.col("erased_at").isNull())
    summary = F.when(F.col("kind") == "user", F.lit(json.dumps(removed))).otherwise(F.col("removed"))
    merge_by_key(lake, TABLE, open_rows.withColumns({"erased_at": now, "removed": summary}), update_when="true")
    rows = OnSpark(lake.read(TABLE))
    grain, num_rows = check_grain(rows, BY_NAME[TABLE])
    results = [grain, *expect(rows, load_suite(BY_NAME[TABLE]), num_rows)]
    broken = [describe_rule(TABLE, result) for result in results if not result["success"]]
    if broken:
        raise ValueError("; ".join(broken))


def _refuse_other_key(lake: Lake, key: bytes) -> None:
    others = lake.read(TABLE).where(F.col("key_check") != key_check(key)).select("key_check").first()
    if others is not None:
        raise ValueError(f"{TABLE} was written under erasure key {others[0]}, this one is {key_check(key)}")
