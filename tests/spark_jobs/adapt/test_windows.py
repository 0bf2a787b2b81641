import pytest
from pyspark.sql import SparkSession

from contracts.settings import Dataset
from spark_jobs.adapt.windows import Aims, Rhythm, measure, windows

QUIET = Rhythm(days=365, active_days=73, engagements=146, posts=100)
BUSY = Rhythm(days=365, active_days=365, engagements=3_650_000, posts=365_000)


def test_a_busy_source_gets_the_default_windows() -> None:
    assert Dataset(**windows(BUSY)) == Dataset()


def test_a_quiet_source_gets_long_windows_and_reserves_a_seventh_of_the_days_that_have_examples() -> None:
    chosen = windows(QUIET)
    assert chosen["training_days"] == Aims().most_training_days == 180
    assert chosen["candidate_hours"] == 90 * 24
    days_with_examples = 180 * 73 / 365
    assert chosen["holdout_days"] == chosen["calibration_days"] == round(days_with_examples / 7) == 5
    assert 3 * chosen["holdout_days"] < days_with_examples, "most of them train"


@pytest.mark.parametrize(("engagements", "days"), [(4000, 100), (8000, 50), (2000, 180)])
def test_the_training_window_holds_as_much_as_it_should(engagements: int, days: int) -> None:
    rhythm = Rhythm(days=100, active_days=100, engagements=engagements, posts=500)
    chosen = windows(rhythm)
    assert (chosen["training_days"], chosen["candidate_hours"]) == (days, 40 * 24)


def test_a_source_without_events_gets_the_longest_windows() -> None:
    chosen = Dataset(**windows(Rhythm(0, 0, 0, 0)))
    assert (chosen.training_days, chosen.holdout_days, chosen.candidate_hours) == (180, 1, 90 * 24)


def test_the_rhythm_is_that_of_the_newest_year(spark: SparkSession) -> None:
    rows = [
        ("post_created", "2015-01-01T00:00:00.000Z", None),
        ("post_created", "2018-03-01T00:00:00.000Z", None),
        ("engagement", "2018-03-02T01:00:00.000Z", "comment"),
        ("engagement", "2018-03-02T02:00:00.000Z", "like"),
        ("engagement", "2018-03-02T02:00:00.000Z", "click"),
        ("reaction", "2018-03-03T00:00:00.000Z", "like"),
        ("engagement", "2018-03-04T23:59:59.000Z", "share"),
        ("user_upserted", "2018-05-01T00:00:00.000Z", None),
    ]
    events = spark.createDataFrame(rows, "event_type string, event_time string, engagement_type string")
    assert measure(events) == Rhythm(days=4, active_days=2, engagements=3, posts=1)
    assert measure(events.where("event_type = 'user_upserted'")) == Rhythm(0, 0, 0, 0)
