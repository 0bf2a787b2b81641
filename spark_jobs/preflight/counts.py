"""Counts of the night's data, from a few passes over silver."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.heads import BINARY_HEADS
from contracts.visibility import is_open, is_shared
from spark_jobs.night.night import Night
from spark_jobs.rules.counters import POSITIVE, organic
from spark_jobs.rules.point_in_time import known_before
from spark_jobs.rules.recent_posts import existing_posts

EDGES = ("silver.friendships", "silver.page_follows", "silver.group_memberships")


@dataclass(frozen=True)
class Counts:
    """Counts as of the night.

    ``users`` are all known users; ``readers`` are those who did not write all posts of the candidate window. ``posts``
    of ``all_posts`` are live and in the window; ``shared`` of them may be proposed to others by some source;
    ``newest_posts`` is when the oldest of the newest ``pool.size`` posts was made. ``landed``
    events came on the night's day; ``newest_landed`` is the newest day with any. ``examples`` has a row for each day
    that has examples, oldest first, with its positive labels: of the training window, or of all days before the night.
    ``impressions`` and ``engagements`` of users are those of the training window.
    """

    users: int
    readers: int
    posts: int
    shared: int
    all_posts: int
    newest_posts: datetime | None
    landed: int
    newest_landed: date | None
    examples: tuple[tuple[date, int], ...]
    impressions: int
    engagements: int


@dataclass(frozen=True)
class Day:
    """Counts of one day of a log: rows, likes with comments and shares, and positive labels."""

    rows: int
    positives: int
    labels: int


@dataclass(frozen=True)
class Logs:
    """Impressions and engagements by day."""

    shown: dict[date, Day]
    acts: dict[date, Day]

    def examples(self, *, has_impressions: bool) -> tuple[tuple[date, int], ...]:
        """Days with examples, oldest first, each with its positive labels."""
        exposed = self.shown if has_impressions else (day for day, counts in self.acts.items() if counts.positives)
        return tuple((day, self.acts[day].labels if day in self.acts else 0) for day in sorted(exposed))


def count(night: Night) -> Counts:
    """Every count of the night; the logs are counted over its training window."""
    dataset = night.settings.dataset
    known = night.read("silver.users").where(known_before(night.as_of, "valid_from"))
    users = known.select("user_id").distinct()
    posts = count_posts(night)
    readers = users if posts.sole_author is None else users.where(F.col("user_id") != F.lit(posts.sole_author))
    landed, newest_landed = count_landed(night)
    logs = read_logs(night, night.ds - timedelta(days=dataset.training_days))
    return Counts(
        users=users.count(),
        readers=readers.count() if posts.recent else 0,
        posts=posts.recent,
        shared=posts.shared,
        all_posts=posts.total,
        newest_posts=posts.newest,
        landed=landed,
        newest_landed=newest_landed,
        examples=logs.examples(has_impressions=dataset.has_impressions),
        impressions=sum(counts.rows for counts in logs.shown.values()),
        engagements=sum(counts.rows for counts in logs.acts.values()),
    )


def read_logs(night: Night, first: date | None) -> Logs:
    """The logs of the days before the night, from ``first`` on, or all if None."""

    def since(name: str) -> DataFrame:
        return night.read(name) if first is None else night.read(name).where(F.col("event_date") >= F.lit(first))

    shown = since("silver.impressions").withColumn("engagement_type", F.lit(None).cast("string"))
    acts = since("silver.engagements").where(F.col("user_id").isNotNull())
    return Logs(by_day(shown, night, "shown_at"), by_day(acts, night, "engaged_at"))


@dataclass(frozen=True)
class Posts:
    """Numbers of live posts in the window, of those that may be proposed, and of all posts.

    ``sole_author`` wrote all live posts in the window; None if there are several authors, or the author is unknown.
    """

    recent: int
    shared: int
    total: int
    sole_author: int | None
    newest: datetime | None


def count_posts(night: Night) -> Posts:
    """Count posts as the candidate sources use them: via edges to friends, pages and groups, or if they are open."""
    as_of = night.as_of
    oldest = as_of - timedelta(hours=night.settings.dataset.candidate_hours)
    live = existing_posts(night.read("silver.posts"), as_of)
    is_recent = F.col("created_at") >= F.lit(oldest)
    author = F.when(is_recent, F.struct("author_id"))  # in a struct, an unknown one counts
    row = live.agg(
        F.count_if(is_recent).alias("recent"),
        F.count_if(is_recent & is_shared(F.col("privacy"))).alias("by_edges"),
        F.count_if(is_recent & is_open(F.col("privacy"), F.col("source_type"))).alias("open"),
        F.count("*").alias("total"),
        F.countDistinct(author).alias("authors"),
        F.min(author).alias("author"),
    ).first()
    assert row is not None, "an aggregate without groups has one row"
    newest = live.select(F.col("created_at").cast("double").alias("at")).orderBy(F.desc("at"))
    began = newest.limit(night.settings.pool.size).agg(F.min("at")).first()
    return Posts(
        recent=row.recent,
        shared=row.open or (row.by_edges if any(not night.read(name).isEmpty() for name in EDGES) else 0),
        total=row.total,
        sole_author=row.author.author_id if row.authors == 1 else None,
        newest=None if began is None or began[0] is None else datetime.fromtimestamp(began[0], tz=as_of.tzinfo),
    )


def count_landed(night: Night) -> tuple[int, date | None]:
    """Number of events that landed on the night's day, and the newest day up to it with any."""
    events = night.read("bronze.events").where(F.col("landing_date") <= F.lit(night.ds))
    newest = events.groupBy("landing_date").count().orderBy(F.desc("landing_date")).first()
    if newest is None:
        return 0, None
    return newest["count"] if newest.landing_date == night.ds else 0, newest.landing_date


def by_day(log: DataFrame, night: Night, at: str) -> dict[date, Day]:
    """Counts of an organic log per day before the night, for rows whose label window has closed."""
    closed = night.as_of - timedelta(hours=night.settings.dataset.attribution_hours)
    is_past = (F.col("event_date") < F.lit(night.ds)) & (F.col(at) <= F.lit(closed))
    counted = (
        organic(log)
        .where(is_past & known_before(night.as_of, at))
        .groupBy("event_date")
        .agg(
            F.count("*").alias("rows"),
            F.count_if(F.col("engagement_type").isin(*POSITIVE)).alias("positives"),
            F.count_if(F.col("engagement_type").isin(*BINARY_HEADS)).alias("labels"),
        )
    )
    return {row.event_date: Day(row["rows"], row["positives"], row["labels"]) for row in counted.collect()}
