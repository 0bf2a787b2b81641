"""Choose the event among several lines with the same event id, independent of the order in which they were read.

The line received first is the event; ties are broken by source and line. Another line is a copy of it if it has the
same event time, or if both landed at most ``days`` days apart; an id that is used again later is another event. The
choice depends on the set of lines only: a line read later may replace one in bronze.events, which then goes to the
quarantine.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.rules.refused_lines import with_times

PLACE = ("source", "line")
_COLUMNS = ("event_id", "event_type", "event_time", "received_at", "source", "line", "raw", "landing_date", "batch")
_IN_BRONZE, _NEW, _REFUSED = range(3)


def repeated_ids(lines: DataFrame, known: DataFrame) -> DataFrame:
    """Hashes of event ids that several acceptable lines share, or a line and ``known``; column ``id_hash``, distinct.

    Few ids repeat. Counting 64-bit hashes finds all of them at a fraction of the cost of sorting ids. An id that occurs
    twice in ``known`` is included even if no line has it.
    """
    ids = acceptable(lines).select("event_id").unionByName(known.select("event_id"))
    return ids.groupBy(F.xxhash64("event_id").alias("id_hash")).count().where(F.col("count") > 1).select("id_hash")


def acceptable(lines: DataFrame) -> DataFrame:
    """Lines that break no rule by themselves."""
    return lines.where(F.col("reason").isNull())


def known_copies(refused: DataFrame) -> DataFrame:
    """Rows of bronze.quarantine that are copies, as acceptable lines."""
    is_copy = (F.col("writer") == "bronze.events") & (F.col("reason") == "duplicate_event")
    return with_times(refused.where(is_copy))


def find_copies(lines: DataFrame, bronze: DataFrame, refused: DataFrame, ids: DataFrame, days: int) -> DataFrame:
    """All lines with one of ``ids``: new, in bronze, or refused as copies; grain: source, line.

    ``lines`` are validated and have a ``batch``, ``bronze`` are rows of bronze.events, ``refused`` those of
    ``known_copies``. ``is_event``: the line is the event; ``detail`` names the line that is. ``is_new``: it was not
    read before. ``is_in_bronze``: it is in bronze.events. ``was_event``: it is there, and an event with other content
    replaces it.
    """
    never = F.lit(None).cast("boolean").alias("was_event")
    some = bronze.select(*_COLUMNS, never, F.lit(_IN_BRONZE).alias("place"))
    some = some.unionByName(acceptable(lines).select(*_COLUMNS, never, F.lit(_NEW).alias("place")))
    some = some.unionByName(refused.select(*_COLUMNS, "was_event", F.lit(_REFUSED).alias("place")))
    some = some.join(ids, F.xxhash64("event_id") == F.col("id_hash"), "left_semi")
    best_place = Window.partitionBy(*PLACE).orderBy("place")
    once = some.withColumn("copy", F.row_number().over(best_place)).where(F.col("copy") == 1)
    own = F.struct("received_at", *PLACE, _content_hash().alias("content_hash"))
    at_once = Window.partitionBy("event_id", "event_time")
    near = Window.partitionBy("event_id").orderBy(F.unix_date("landing_date")).rangeBetween(-days, days)
    ranked = once.withColumn("own", own).withColumn(
        "first", F.least(F.min("own").over(at_once), F.min("own").over(near))
    )
    is_event = F.col("first") == F.col("own")
    is_in_bronze = F.col("place") == _IN_BRONZE
    named = F.concat_ws(
        "", F.lit("event_id="), "event_id", F.lit(", first in "), "first.source", F.lit(":"), "first.line"
    )
    return ranked.select(
        *_COLUMNS,
        is_event.alias("is_event"),
        (F.col("place") == _NEW).alias("is_new"),
        is_in_bronze.alias("is_in_bronze"),
        F.when(~is_event, named).alias("detail"),
        F.when(is_in_bronze, ~is_event & (F.col("first.content_hash") != F.col("own.content_hash")))
        .otherwise(F.col("was_event"))
        .alias("was_event"),
    )


def _content_hash() -> Column:
    """A hash of a line without ``received_at``, which differs between two deliveries of the same event."""
    fields = F.map_filter(F.from_json("raw", "map<string,string>"), lambda name, _: name != "received_at")
    return F.xxhash64(F.to_json(F.array_sort(F.map_entries(fields))))
