"""Posts and ended ties that landed since the night, by the code of ingest and clean. It writes nothing."""

from datetime import timedelta
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.clean import posts
from spark_jobs.clean.post_history import POST_EVENTS, check_versions
from spark_jobs.clean.references import accepted
from spark_jobs.clean.typed_events import typed_events
from spark_jobs.ingest.copies import acceptable
from spark_jobs.ingest.erased_lines import refuse_erased
from spark_jobs.ingest.files import unread_since
from spark_jobs.ingest.landing_files import read_lines
from spark_jobs.ingest.validation import validate
from spark_jobs.night.night import Night
from spark_jobs.rules.point_in_time import known_before
from spark_jobs.rules.visibility import both_directions

ENDED_BY = {"friendship_removed": "friend_id", "user_blocked": "blocked_id"}
"""Events after which two users are no friends, and the field with the other one."""
_READ = (*POST_EVENTS, *ENDED_BY)
_ESCAPED = "\\u"
"""A line may spell its event type with escapes."""


def landed_posts(night: Night, events: DataFrame) -> DataFrame:
    """Posts that the night did not have, in their latest version, deleted ones included; grain: post_id.

    ``events`` are those of ``landed_events``. A later version of a post that the night had is left out, and so is a
    post too old to be a candidate.
    """
    latest = posts.transform(
        accepted(check_versions(night, events)),
        typed_events(events, "post_deleted"),
        night.read("silver.posts").limit(0),
        night.read("silver.post_edits").limit(0),
    )
    known = night.read("silver.posts").where(known_before(night.as_of, "created_at")).select("post_id")
    oldest = night.as_of - timedelta(hours=night.settings.dataset.candidate_hours)
    return latest.where(F.col("created_at") >= F.lit(oldest)).join(known, "post_id", "left_anti")


def ended_ties(events: DataFrame) -> DataFrame:
    """(user_id, friend_id) of those who have ended a friendship or blocked one another since the night, both ways.

    If they are friends again, that counts from the next night on.
    """
    pairs = [
        typed_events(events, name).select("user_id", F.col(other).alias("blocked_id"))
        for name, other in ENDED_BY.items()
    ]
    return both_directions(reduce(DataFrame.unionByName, pairs)).toDF("user_id", "friend_id")


def landed_events(night: Night) -> DataFrame:
    """Events about posts and ended ties that landed since the night, each once; refused lines are left out."""
    lines = read_lines(night.spark, unread_since(night))
    # Most lines are about other events, and judging a line takes longer than searching it.
    may_be = reduce(or_, (F.contains("raw", F.lit(word)) for word in (*_READ, _ESCAPED)))
    validated = validate(lines.where(may_be), night.settings.dataset.late_days)
    events = acceptable(refuse_erased(night, validated)).where(F.col("event_type").isin(*_READ))
    # As ingest chooses among lines of one event id.
    first = Window.partitionBy("event_id").orderBy("received_at", "source", "line")
    once = events.withColumn("_place", F.row_number().over(first)).where(F.col("_place") == 1)
    return once.drop("_place", "reason", "detail")
