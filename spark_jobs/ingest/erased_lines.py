"""Refuse lines of erased people without keeping them, so that no late event brings a person back."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.erasure import KINDS, LINE_FIELDS, LINE_LISTS, LINE_OWNER, key_check, load_key
from spark_jobs.night.night import Night
from spark_jobs.rules.erased_ids import ErasedIds, has_number_of, is_theirs, numbers_in, parse_line, redact, with_id_key

REASON = "erased_user"


def refuse_erased(night: Night, validated: DataFrame) -> DataFrame:
    """``validated`` with the lines of erased people refused and blanked, and their ids removed from other lines.

    Raises ``ValueError`` if the ledger was written under another erasure key than this night's.
    """
    if not night.lake.exists("bronze.erasures"):
        return validated
    ledger = night.read("bronze.erasures")
    checks = {row[0] for row in ledger.select("key_check").distinct().collect()}
    if not checks:
        return validated
    key = load_key()
    if checks != {key_check(key)}:
        raise ValueError(
            f"bronze.erasures was written under erasure key {sorted(checks)}, this one is {key_check(key)}"
        )
    erased = with_id_key(named_ids(validated), key).join(ledger.select("id_key"), "id_key", "left_semi").collect()
    ids = ErasedIds.collect((row["kind"], row["id"]) for row in erased)
    return transform(validated, ids) if erased else validated


def named_ids(validated: DataFrame) -> DataFrame:
    """(kind, id): every distinct id in the lines that could be a person's.

    In a refused line, which may not parse, any long number could be one.
    """
    line = parse_line(F.col("raw"))
    pairs = [_pair(kind, line[name]) for name, kind in LINE_FIELDS.items()]
    pairs += [_pair("user", line[LINE_OWNER]), _pair("page", line["source_id"])]
    numbers = F.when(F.col("reason").isNotNull(), numbers_in(F.col("raw")))
    lists = [(kind, numbers) for kind in KINDS] + [("user", line[name]) for name in LINE_LISTS]
    listed = [_pairs(kind, values) for kind, values in lists]
    no_pairs = F.array().cast("array<struct<kind:string,id:bigint>>")
    every = F.concat(F.array(*pairs), *(F.coalesce(some, no_pairs) for some in listed))
    return validated.select(F.inline(every)).where("id IS NOT NULL").distinct()


def _pair(kind: str, identity: Column) -> Column:
    return F.struct(F.lit(kind).alias("kind"), identity.alias("id"))


def _pairs(kind: str, values: Column) -> Column:
    return F.transform(values, lambda one: _pair(kind, one))


def transform(validated: DataFrame, ids: ErasedIds) -> DataFrame:
    """Refuse and redact lines with ``ids``; a refused line keeps only its file, line number and event type."""
    lines = validated.withColumn("line_ids", parse_line(F.col("raw")))
    in_broken = F.col("reason").isNotNull() & has_number_of(F.col("raw"), ids)
    erased = lines.withColumn("is_erased", is_theirs(F.col("line_ids"), ids) | in_broken)
    is_erased = F.col("is_erased")
    blanked = erased.withColumns(
        {
            "reason": F.when(is_erased, F.lit(REASON)).otherwise(F.col("reason")),
            "detail": F.when(~is_erased, F.col("detail")),
            "event_id": F.when(~is_erased, F.col("event_id")),
            "raw": F.when(is_erased, F.lit("")).otherwise(redact(F.col("raw"), F.col("line_ids"), ids)),
        }
    )
    return blanked.select(*validated.columns)
