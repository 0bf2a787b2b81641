"""Several lines with one event id: which of them is the event, whatever the order in which they were read.

The line received first is the event, then the one with the lesser source and line. A line is a copy of a better one
that tells the same event time, or that landed at most so many days apart; what is used again after that is another
event. Whether a line is a copy follows from the set of lines: one that is read later may be better than one that is in
bronze.events already, which then goes to the quarantine.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.rules.refused_lines import with_times

PLACE = ("source", "line")
_COLUMNS = ("event_id", "event_type", "event_time", "received_at", "source", "line", "raw", "landing_date", "batch")
_IN_BRONZE, _NEW, _REFUSED = range(3)


def repeated_ids(lines: DataFrame, known: DataFrame) -> DataFrame:
    """Hashes of event ids that several acceptable lines have, or a line and ``known``; column ``id_hash``, distinct.

    Few ids repeat. Counting hashes of 64 bits finds all that do, and costs a fraction of putting all ids in order. An
    id that ``known`` alone holds more than once is among them too, and is no line's.
    """
    ids = acceptable(lines).select("event_id").unionByName(known.select("event_id"))
    return ids.groupBy(F.xxhash64("event_id").alias("id_hash")).count().where(F.col("count") > 1).select("id_hash")


def acceptable(lines: DataFrame) -> DataFrame:
    """Lines that break no rule of their own."""
    return lines.where(F.col("reason").isNull())


def known_copies(refused: DataFrame) -> DataFrame:
    """Rows of bronze.quarantine that are copies, as acceptable lines."""
    is_copy = (F.col("writer") == "bronze.events") & (F.col("reason") == "duplicate_event")
    return with_times(refused.where(is_copy))


def find_copies(lines: DataFrame, bronze: DataFrame, refused: DataFrame, ids: DataFrame, days: int) -> DataFrame:
    """The lines with one of ``ids`` that are new, in bronze, or refused as copies; grain: source, line.

    ``lines`` are validated and have a ``batch``, ``bronze`` are rows of bronze.events, ``refused`` those of
    ``known_copies``. ``is_event``: it is the event. ``detail`` names the one that is, ``is_new`` says that it has not
    been read before, ``is_in_bronze`` that it stands in bronze.events; ``was_event``: it stands there, and the event
    that takes its place says something else.
    """
    never = F.lit(None).cast("boolean").alias("was_event")
    some = bronze.select(*_COLUMNS, never, F.lit(_IN_BRONZE).alias("place"))
    some = some.unionByName(acceptable(lines).select(*_COLUMNS, never, F.lit(_NEW).alias("place")))
    some = some.unionByName(refused.select(*_COLUMNS, "was_event", F.lit(_REFUSED).alias("place")))
    some = some.join(ids, F.xxhash64("event_id") == F.col("id_hash"), "left_semi")
    best_place = Window.partitionBy(*PLACE).orderBy("place")
    once = some.withColumn("copy", F.row_number().over(best_place)).where(F.col("copy") == 1)
    own = F.struct("received_at", *PLACE, _said().alias("said"))
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
        F.when(is_in_bronze, ~is_event & (F.col("first.said") != F.col("own.said")))
        .otherwise(F.col("was_event"))
        .alias("was_event"),
    )


def _said() -> Column:
    """A hash of all that a line says but when it was received, which differs between two deliveries of one event."""
    fields = F.map_filter(F.from_json("raw", "map<string,string>"), lambda name, _: name != "received_at")
    return F.xxhash64(F.to_json(F.array_sort(F.map_entries(fields))))
