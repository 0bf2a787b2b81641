"""An engagement at the very instant of its post's creation is an example; earlier ones are reported."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from spark_jobs.examples import training_examples
from spark_jobs.examples.exposures import first_engagements
from spark_jobs.examples.left_out import count_left_out
from spark_jobs.examples.window import Window
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.night import Night
from spark_jobs.rules import post_versions
from spark_jobs.rules.point_in_time import visible_micros
from spark_jobs.rules.post_versions import all_versions, join_versions
from tests.landed import Event, post
from tests.silver_rows import at
from tests.written_posts import clean_posts, edit

TICK = timedelta(microseconds=1)


def test_same_instant(unlogged: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    training_examples.main(unlogged)
    verdict = run_gate(unlogged, training_examples.TABLE)
    assert verdict["success"], verdict["results"]
    examples = unlogged.read(training_examples.TABLE)
    of_creation = examples.where("shown_at = post_created_at").persist()

    window = Window.of(unlogged)
    acts = window.received(unlogged.read("silver.engagements"), "engaged_at")
    firsts = first_engagements(acts, window)
    made = unlogged.read("silver.posts").select("post_id", F.col("created_at").alias("shown_at"))
    expected = firsts.join(made, ["post_id", "shown_at"], "left_semi")
    assert expected.join(of_creation, "example_id", "left_anti").count() == 0

    # Nothing that happened at the instant is counted at it: just what came before, which is told as impossible.
    earlier = acts.join(made, "post_id", "inner").where("engaged_at < shown_at").select("post_id")
    others = of_creation.join(earlier, "post_id", "left_anti")
    sums = others.agg(F.max("num_prior_likes").alias("likes"), F.max("post_log_comments").alias("comments"))
    assert sums.collect() == [(0, 0.0)]

    tables = unlogged.read("silver.posts"), unlogged.read("silver.post_edits")
    now = count_left_out(firsts, all_versions(*tables)).first()
    monkeypatch.setattr(post_versions, "existing_micros", visible_micros)  # the creation as an event like any other
    before = count_left_out(firsts, all_versions(*tables)).first()
    assert now is not None
    assert before is not None
    num_at_creation = expected.count()
    notes = json.loads((unlogged.folder / "notes" / f"{training_examples.TABLE}.json").read_text())
    share = num_at_creation / now.num_exposures
    print(f"{now.num_exposures} positives, {num_at_creation} ({share:.1%}) at the very instant of a creation")
    print(f"left out: {before.num_unknown} with the creation as an event, {now.num_unknown} now; told: {notes}")
    assert num_at_creation > 50
    assert (before.num_unknown, now.num_unknown) == (num_at_creation + 2, 2)
    why = "2 came before their post had been made and received, 0 before its created_at"
    assert notes == [f"2 of {now.num_exposures:,} engagements are no examples: {why}"]


def random_versions(random: Random, post_id: int) -> list[Event]:
    """Up to four versions of a post on a clock of three minutes, received up to two minutes late."""
    made = sorted(random.choices(range(3), k=random.randint(1, 4)))
    first = post(post_id, 1, f"{post_id}-0", minute(made[0]), minute(made[0] + random.choice([0, 0, 1, 2])))
    versions = [{**first, "text": f"{post_id}-0", "created_at": minute(0)}]
    for number, when in enumerate(made[1:], 1):
        received = minute(when + random.choice([0, 0, 1, 2]))
        versions.append(edit(versions[0], f"{post_id}-{number}", minute(when), received, text=f"{post_id}-{number}"))
    return versions


def minute(number: int) -> str:
    return (at(5) + timedelta(minutes=number)).isoformat()


def seen(versions: Sequence[Event], instant: datetime) -> str | None:
    """The rule word for word: of what was made before the instant and received by it, the newest; else the first."""

    def times(version: Event) -> tuple[datetime, datetime]:
        return datetime.fromisoformat(version["event_time"]), datetime.fromisoformat(version["received_at"])

    by_time = {version["event_time"]: version for version in versions}  # of one time, the greatest event id
    events = [version for version in by_time.values() if times(version)[0] < instant >= times(version)[1]]
    made_now = [version for version in by_time.values() if times(version)[0] == instant >= times(version)[1]]
    found = max(events or made_now, key=times, default=None)
    return None if found is None else str(found["text"])


def test_versions_in_columns_agree_with_the_rule_word_for_word(spark: SparkSession) -> None:
    random = Random(20)
    events_of_posts = {post_id: random_versions(random, post_id) for post_id in range(300)}
    versions = all_versions(*clean_posts(spark, [version for own in events_of_posts.values() for version in own]))
    instants = [at(5) + timedelta(minutes=n) + shift for n in range(6) for shift in (-TICK, timedelta(0), TICK)]
    expected = {
        (post_id, instant): text
        for post_id, own in events_of_posts.items()
        for instant in instants
        if (text := seen(own, instant)) is not None
    }
    asked_instants = spark.createDataFrame([(instant,) for instant in instants], "t TIMESTAMP")
    points = spark.range(300).withColumnRenamed("id", "post_id").crossJoin(asked_instants)
    kept: list[str | Column] = ["post_id", "text", "visible_from", "visible_until"]
    rows = join_versions(points, versions.select(*kept), "t").withColumn("micros", F.unix_micros("t")).collect()
    micros = {int(instant.timestamp()) * 1_000_000 + instant.microsecond: instant for instant in instants}
    got = {(row.post_id, micros[row.micros]): row.text for row in rows}
    assert len(got) == len(rows)
    assert got == expected
    made = {version["text"]: version["event_time"] for own in events_of_posts.values() for version in own}
    num_at_creation = sum(made[text] == instant.isoformat() for (_, instant), text in expected.items())
    num_points = 300 * len(instants)
    print(f"{len(expected):,} of {num_points:,} points see a version, {num_at_creation} at the instant it was made")
    assert num_at_creation > 100
