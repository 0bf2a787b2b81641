from collections.abc import Callable

from pyspark.sql import functions as F

from spark_jobs.clean.references import Reference, accepted, check, refuse_where, write_refused
from spark_jobs.clean.typed_events import typed_events
from spark_jobs.night.night import Night
from tests.landed import bronze_rows, engagement


def test_the_first_broken_reference_is_the_reason_and_is_kept_once(make_night: Callable[..., Night]) -> None:
    night = make_night()
    cases = [("fine", 1, 10), ("no user", 2, 10), ("no post", 1, 20), ("neither", 2, 20), ("excused", 3, 10)]
    events = typed_events(
        bronze_rows(night.spark, [engagement(name, user_id, post_id) for name, user_id, post_id in cases]), "engagement"
    ).drop("detail")
    events = events.withColumn("waited", F.lit(None).cast("string"))
    users = night.spark.createDataFrame([(1,), (1,)], "user_id bigint")
    posts = night.spark.createDataFrame([(10,)], "post_id bigint")
    checked = check(
        events,
        [
            Reference("user_id", users, "unknown_user", only_when=F.col("user_id") < 3),
            Reference("post_id", posts, "unknown_post"),
        ],
    )
    checked = refuse_where(checked, F.col("post_id") == 20, "self_edge", "post_id")
    assert sorted(row["event_id"] for row in accepted(checked).collect()) == ["excused", "fine"]
    for _ in range(2):
        write_refused(night, "silver.engagements", checked)
    rows = night.read("bronze.quarantine").orderBy("event_id").collect()
    assert [(row["event_id"], row["reason"], row["detail"]) for row in rows] == [
        ("neither", "unknown_user", "user_id=2"),
        ("no post", "unknown_post", "post_id=20"),
        ("no user", "unknown_user", "user_id=2"),
    ]
    assert {(row["writer"], row["event_type"]) for row in rows} == {("silver.engagements", "engagement")}
