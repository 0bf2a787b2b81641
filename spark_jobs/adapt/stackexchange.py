"""Turn a Stack Exchange dump into a landing area.

``python -m spark_jobs.adapt.stackexchange --dump DIR --landing DIR`` reads ``Users.xml``, ``Posts.xml``,
``Comments.xml`` and ``Votes.xml`` with Spark's XML reader and writes ``<landing>/<YYYY-MM-DD>/stackexchange-*.jsonl``
and ``<landing>/dataset.json``. Every row of the four files becomes at least one line, even a dirty one: ingest and
clean refuse those. See ``docs/stackexchange.md``.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyspark import StorageLevel
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.settings import parse_dataset
from spark_jobs.adapt.stackexchange_events import Dump, transform
from spark_jobs.adapt.windows import measure, windows
from spark_jobs.night.night import newest_day
from spark_jobs.night.session import open_session
from storage.check import local_path

COLUMNS = {
    "Users": ("Id", "CreationDate", "DisplayName", "Location"),
    "Posts": ("Id", "PostTypeId", "ParentId", "OwnerUserId", "CreationDate", "Title", "Body", "Tags"),
    "Comments": ("Id", "PostId", "UserId", "CreationDate"),
    "Votes": ("Id", "PostId", "VoteTypeId", "UserId", "CreationDate"),
}

DATASET = {
    "name": "stackexchange",
    "has_impressions": False,
    "max_quarantined_share": 0.1,
}
"""Keys of ``dataset.json`` for every dump; ``spark_jobs/adapt/windows.py`` adds its windows."""

MARKUP = r"^\uFEFF?\s*(<\?xml[^>]*\?>)?\s*(</?(users|posts|comments|votes)>)?\s*$"
CLOSING_TAG = r"</(users|posts|comments|votes)>\s*$"
MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}$"
NUMBER = r"^-?\d+$"
LINES_PER_FILE = 100_000


def read_rows(spark: SparkSession, dump: str, name: str) -> DataFrame:
    """Rows of ``<dump>/<name>.xml`` as text columns, checked and kept for reuse; prints how many there are.

    A dump has one row per line, so the file is read line by line, and large files are split across workers. A missing
    file raises ``FileNotFoundError``; a line that is not XML, a row without a valid ``Id`` or date, or a truncated file
    raises ``ValueError``. Each message names the file.
    """
    path = f"{dump.rstrip('/')}/{name}.xml"
    schema = ", ".join(f"{column} STRING" for column in (*COLUMNS[name], "unparsed"))
    options = {"rowTag": "row", "attributePrefix": "", "multiLine": "false", "nullValue": "\u0001"}
    reader = spark.read.format("xml").options(**options, ignoreSurroundingSpaces="false", mode="PERMISSIVE")
    try:
        lines = reader.option("columnNameOfCorruptRecord", "unparsed").schema(schema).load(path)
    except AnalysisException as error:
        raise FileNotFoundError(f"{path}: no such file; a dump holds {', '.join(COLUMNS)} as .xml") from error
    lines = lines.persist(StorageLevel.MEMORY_AND_DISK)
    is_bad = F.when(F.col("unparsed").isNotNull(), ~F.col("unparsed").rlike(MARKUP)).otherwise(
        ~F.coalesce("Id", F.lit("")).rlike(NUMBER) | ~F.coalesce("CreationDate", F.lit("")).rlike(MOMENT)
    )
    shown = F.coalesce(
        F.substring("unparsed", 1, 120), F.concat(F.lit("bad Id or CreationDate, Id "), "Id"), F.lit("no Id")
    )
    counts = lines.agg(
        F.count(F.when(F.col("unparsed").isNull(), 1)).alias("rows"),
        F.min(F.when(is_bad, shown)).alias("bad"),
        F.max(F.col("unparsed").rlike(CLOSING_TAG)).alias("is_whole"),
    ).collect()[0]
    if counts["bad"] is not None:
        raise ValueError(f"{path}: not a row of a Stack Exchange dump: {counts['bad']!r}")
    if not counts["is_whole"]:
        raise ValueError(f"{path}: ends before its closing tag; the file is cut off")
    print(f"read {name + '.xml':<13} {counts['rows']:>12,} rows")
    return lines.where("unparsed IS NULL").drop("unparsed")


def write_landing(events: DataFrame, dataset: dict[str, Any], landing: Path) -> None:
    """Write events as one folder per day of ``received_at``, replacing this adapter's earlier files, and ``dataset``.

    Files are built beside the day folders and renamed into place; ``dataset.json`` is written last, so that a landing
    area with it is complete. Lines are sorted by time and event id: the same dump gives the same bytes.
    """
    building = landing / "_stackexchange"
    lines = events.select(
        F.to_json(F.struct(*events.columns)).alias("value"),
        F.substring("received_at", 1, 10).alias("day"),
        "event_time",
        "event_id",
    )
    ordered = lines.repartition("day").sortWithinPartitions("day", "event_time", "event_id")
    writer = ordered.select("value", "day").write.partitionBy("day").option("maxRecordsPerFile", LINES_PER_FILE)
    writer.mode("overwrite").text(str(building))
    for earlier in landing.glob("*/stackexchange-*.jsonl"):
        earlier.unlink()
    for folder in sorted(building.glob("day=*")):
        day = landing / folder.name.removeprefix("day=")
        day.mkdir(exist_ok=True)
        for number, part in enumerate(sorted(folder.glob("part-*.txt"))):
            part.rename(day / f"stackexchange-{number:05d}.jsonl")
    shutil.rmtree(building)
    text = json.dumps(dataset, indent=2) + "\n"
    parse_dataset(text)
    (landing / "dataset.json").write_text(text)


def print_summary(events: DataFrame) -> None:
    """Print how many events of each kind there are."""
    kind = F.concat_ws(" / ", "event_type", "engagement_type", "detail").alias("kind")
    for row in events.groupBy(kind).count().orderBy("kind").collect():
        print(f"wrote {row['kind']:<40} {row['count']:>12,} events")


def adapt(spark: SparkSession, dump: str, landing: Path) -> None:
    """Read the dump, write the landing area, print what was read and written."""
    started = time.monotonic()
    landing.mkdir(parents=True, exist_ok=True)
    frames = {name.lower(): read_rows(spark, dump, name) for name in COLUMNS}
    events = transform(Dump(**frames))
    rhythm = measure(events)
    dataset = {**DATASET, **windows(rhythm)}
    write_landing(events, dataset, landing)
    print_summary(events)
    print(
        f"the last {rhythm.days} days: {rhythm.posts:,} posts, {rhythm.engagements:,} engagements on "
        f"{rhythm.active_days} days; so {', '.join(f'{key} {dataset[key]}' for key in windows(rhythm))}"
    )
    spark.catalog.clearCache()
    print(f"landing area {landing} written in {time.monotonic() - started:.1f} s")
    print(f"last day: {newest_day(str(landing))}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code, 1 for a dump that cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", required=True, help="folder or URI with Users, Posts, Comments and Votes as .xml")
    parser.add_argument("--landing", type=local_path, required=True, help="folder to write, on a shared disk")
    options = parser.parse_args(arguments)
    spark = open_session("adapt stackexchange")
    try:
        adapt(spark, options.dump, options.landing)
    except (FileNotFoundError, ValueError) as error:
        print(f"stackexchange: {error}", file=sys.stderr)
        return 1
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
