"""Write the landing area: mix in a known amount of dirt, and rename complete files into place."""

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from spark_jobs.simulate.lines import as_lines, moment
from spark_jobs.simulate.posts import page_post_id
from spark_jobs.simulate.world import DAY_MS, FIRST_USER_ID, HOUR_MS, World

MAX_LINES = 100_000
LINES_PER_FILE = 50_000
LINES_PER_USER_DAY = 50
DUPLICATED_SHARE = 0.002
TRUNCATED_SHARE = 0.001
RETRY_MS = 90_000
STRAYS = ("unknown_type", "unknown_user", "unknown_post", "future")
KINDS = ("clean", "duplicate", "malformed", *STRAYS)
"""Kinds of lines. Dirt is added only: the clean lines are complete without it."""


def strays(spark: SparkSession, world: World) -> list[DataFrame]:
    """One event a day of each dirty kind: a reference to something unknown, or a time two hours after its arrival."""
    kind, day = F.col("kind"), F.col("id")
    days = spark.range(world.days).withColumn("kind", F.explode(F.array(*(F.lit(name) for name in STRAYS))))
    noon = F.lit(world.start_ms) + day * DAY_MS + 12 * HOUR_MS
    ahead_ms = F.when(kind == "future", 2 * HOUR_MS).otherwise(0)
    stray = days.withColumns({"event_id": F.concat_ws("-", kind, day), "event_ms": noon + ahead_ms})
    known_post = page_post_id(F.lit(0).cast("long"), day - 1, 0)
    fields = {
        "user_id": F.when(kind == "unknown_user", FIRST_USER_ID + world.users + 7).otherwise(FIRST_USER_ID),
        "post_id": F.when(kind == "unknown_post", day + 2**61 + 1).otherwise(known_post),
        "engagement_type": F.lit("like"),
    }
    events = (("engagement", stray.where(kind != "unknown_type")), ("wave", stray.where(kind == "unknown_type")))
    lines = [as_lines(world, frame, event_type, fields, -ahead_ms) for event_type, frame in events]
    return [frame.withColumn("kind", F.element_at(F.split("event_id", "-"), 1)) for frame in lines]


def with_dirt(spark: SparkSession, world: World, clean: list[DataFrame]) -> DataFrame:
    """All lines with their ``kind``: clean lines, repeated ones, truncated ones, and strays."""
    union = _union(clean)
    key = F.xxhash64("event_id")
    resent_ms = F.col("received_ms") + RETRY_MS
    is_resent = (world.uniform("dirt/duplicate", key) < DUPLICATED_SHARE) & (resent_ms < world.end_ms)
    is_cut = world.uniform("dirt/malformed", key) < TRUNCATED_SHARE
    length = (F.length("line") * (0.3 + 0.6 * world.uniform("dirt/cut", key))).cast("int")
    kinds = F.array(F.lit("clean"), F.when(is_resent, "duplicate"), F.when(is_cut, "malformed"))
    resent, cut = F.col("kind") == "duplicate", F.col("kind") == "malformed"
    sent = union.withColumn("kind", F.explode(F.array_compact(kinds))).withColumns(
        {
            "line": F.when(resent, _received_later())
            .when(cut, F.substring("line", F.lit(1), length))
            .otherwise(F.col("line")),
            "received_ms": F.when(resent, resent_ms).otherwise(F.col("received_ms")),
        }
    )
    return _union([*strays(spark, world), sent])


def _union(frames: list[DataFrame]) -> DataFrame:
    """Union as a balanced tree: a chain analyses its first frames once per further frame."""
    if len(frames) == 1:
        return frames[0]
    half = len(frames) // 2
    return _union(frames[:half]).unionByName(_union(frames[half:]))


def _received_later() -> Column:
    """The line with the ``received_at`` of its retry."""
    later = moment(F.col("received_ms") + RETRY_MS)
    return F.regexp_replace(
        "line", F.lit('"received_at":"[^"]*"'), F.concat(F.lit('"received_at":"'), later, F.lit('"'))
    )


def write_landing(world: World, lines: DataFrame, landing: str) -> dict[str, int]:
    """Replace the landing area by ``lines`` and return the number of lines of each kind.

    Files are named by a hash of the event id and sorted by arrival, so that a rerun writes the same bytes.
    """
    counts = _write_days(world, lines, Path(landing), 0)
    kept = {(world.start_date + timedelta(days=day)).isoformat() for day in range(world.days)}
    for folder in Path(landing).glob("????-??-??"):
        if folder.name not in kept:
            _remove_events(folder, set())
    write_json(Path(landing), "dataset.json", {"name": "simulated", "has_impressions": True})
    return counts


def write_last_day(world: World, lines: DataFrame, landing: str) -> dict[str, int]:
    """Replace the folder of the world's last day by ``lines``, all received on it; the rest of the area stays."""
    return _write_days(world, lines, Path(landing), world.days - 1)


def _write_days(world: World, lines: DataFrame, root: Path, first: int) -> dict[str, int]:
    """Replace the folders of the days from ``first`` on."""
    root.mkdir(parents=True, exist_ok=True)
    staging = root / "_staging"
    num_buckets = -(-world.users * LINES_PER_USER_DAY // LINES_PER_FILE)
    counts = Observation("lines")
    kinds = [F.count_if(F.col("kind") == kind).alias(kind) for kind in KINDS]
    day = F.floor((F.col("received_ms") - world.start_ms) / DAY_MS) - first
    file = day * num_buckets + F.pmod(F.xxhash64("event_id"), F.lit(num_buckets))
    placed = lines.repartitionById((world.days - first) * num_buckets, file.cast("int"))
    ordered = placed.sortWithinPartitions("received_ms", "event_id", "kind").observe(counts, *kinds).select("line")
    ordered.write.mode("overwrite").option("maxRecordsPerFile", MAX_LINES).text(str(staging))
    _move_into_place(world, root, first, num_buckets)
    return {kind: int(counts.get[kind]) for kind in KINDS}


def _move_into_place(world: World, root: Path, first: int, num_buckets: int) -> None:
    """Rename staged files to ``<day>/events-<bucket>-<part>.jsonl`` and remove what an earlier run left there."""
    kept: set[Path] = set()
    for file in sorted((root / "_staging").glob("part-*")):
        task, part = re.fullmatch(r"part-(\d+)-.*-c(\d+)\.txt", file.name).groups()  # type: ignore[union-attr]
        day, bucket = divmod(int(task), num_buckets)
        folder = root / (world.start_date + timedelta(days=first + day)).isoformat()
        folder.mkdir(exist_ok=True)
        kept.add(file.replace(folder / f"events-{bucket:05d}-{part}.jsonl"))
    for day in range(first, world.days):
        _remove_events(root / (world.start_date + timedelta(days=day)).isoformat(), kept)
    shutil.rmtree(root / "_staging")


def _remove_events(folder: Path, kept: set[Path]) -> None:
    """Remove a day's event files except those ``kept``, and the folder if it is empty."""
    for file in folder.glob("events-*.jsonl"):
        if file not in kept:
            file.unlink()
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def write_json(root: Path, name: str, content: object) -> None:
    """Write a small JSON file beside and rename it into place."""
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"_{target.name}")
    beside.write_text(json.dumps(content, indent=1) + "\n")
    beside.replace(target)
