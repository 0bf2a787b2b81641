import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.pipeline import BY_NAME
from contracts.settings import Dataset
from spark_jobs.ingest import events, files, quarantine
from spark_jobs.ingest.copies import find_copies, known_copies, repeated_ids
from spark_jobs.ingest.validation import validate
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.gate.gate import check_grain, gated_days, run_gate
from spark_jobs.night.gate.rows import OnSpark
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from tests.landed import DS, Event, as_read, bronze_rows, event, land, user

PLACE = ("source", "line", "event_id")


def places(frame: DataFrame) -> list[tuple[str, int, str]]:
    return sorted(tuple(row) for row in frame.select(*PLACE).collect())


def test_first_received_copy_of_an_event_is_kept_across_files_and_nights(make_night: Callable[..., Night]) -> None:
    night = make_night()
    late = {"received_at": "2026-03-08T12:00:09Z"}
    land(night.landing, DS, [user(1) | late, user(1), user(2), user(3)], "b.jsonl")
    land(night.landing, DS, [user(2), user(3) | {"name": 3}], "a.jsonl")
    events.main(night)
    first = places(night.read("bronze.events"))
    assert first == [
        ("2026-03-08/a.jsonl", 1, "user-2"),
        ("2026-03-08/b.jsonl", 2, "user-1"),
        ("2026-03-08/b.jsonl", 4, "user-3"),
    ]
    tomorrow = Night(night.lake, DS + timedelta(days=1), night.landing, night.runs, night.settings)
    land(night.landing, tomorrow.ds, [user(1), user(4, at="2026-03-09T01:00:00Z")])
    events.main(tomorrow)
    assert places(night.read("bronze.events")) == [*first, ("2026-03-09/events.jsonl", 2, "user-4")]
    refused = night.read("bronze.quarantine").orderBy("source", "line").select("source", "line", "reason").collect()
    assert [tuple(row) for row in refused] == [
        ("2026-03-08/a.jsonl", 2, "wrong_type"),
        ("2026-03-08/b.jsonl", 1, "duplicate_event"),
        ("2026-03-08/b.jsonl", 3, "duplicate_event"),
        ("2026-03-09/events.jsonl", 1, "duplicate_event"),
    ]


def test_a_run_killed_between_the_two_tables_is_healed(
    make_night: Callable[..., Night], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spark: SparkSession
) -> None:
    night = make_night()
    land(night.landing, DS, [user(1), "{", user(1)], "a.jsonl")
    land(night.landing, DS, ["nonsense", "more"], "hopeless.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(events, "append_rows", lambda *_: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception, match="killed"):
            events.main(night)
    assert night.read("bronze.events").count() == 0
    assert night.read("bronze.quarantine").count() == 4
    land(night.landing, DS, [user(1, event_id="user-1") | {"name": "from a file that came in between"}], "0.jsonl")
    events.main(night)
    rows = {name: checksum(night.read(name)) for name in ("bronze.events", "bronze.quarantine")}
    assert places(night.read("bronze.events")) == [("2026-03-08/0.jsonl", 1, "user-1")]
    assert rows["bronze.quarantine"].startswith("5:")

    events.main(night)
    quarantine.main(night)
    assert {name: checksum(night.read(name)) for name in rows} == rows
    unbroken = Night(Lake(spark, str(tmp_path / "unbroken")), DS, night.landing, night.runs, night.settings)
    events.main(unbroken)
    assert {name: checksum(unbroken.read(name)) for name in rows} == rows


@pytest.mark.slow
@pytest.mark.parametrize("killed_in", ["delete_by_key", "append_rows", "record"])
def test_lines_that_make_way_and_a_kill_anywhere(
    make_night: Callable[..., Night],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    spark: SparkSession,
    killed_in: str,
) -> None:
    night = make_night()
    later = {"received_at": "2026-03-08T12:00:09Z"}
    land(night.landing, DS, [user(1) | later | {"name": "another"}, user(2) | later], "a.jsonl")
    events.main(night)
    land(night.landing, DS, [user(1), user(2), user(3), "{"], "b.jsonl")
    with monkeypatch.context() as patch:
        module = files if killed_in == "record" else events
        patch.setattr(module, killed_in, lambda *_, **__: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception, match="killed"):
            events.main(night)
    events.main(night)
    events.main(night)
    unbroken = Night(Lake(spark, str(tmp_path / "unbroken")), DS, night.landing, night.runs, night.settings)
    events.main(unbroken)
    of_reads = ("batch", "was_event")
    for name in ("bronze.events", "bronze.quarantine", "bronze.files"):
        assert checksum(night.read(name).drop(*of_reads)) == checksum(unbroken.read(name).drop(*of_reads)), name
    replaced = night.read("bronze.quarantine").where("was_event").collect()
    assert [(row.source, row.line, row.batch) for row in replaced] == [(f"{DS}/a.jsonl", 1, 2)]


def test_a_day_without_files_is_no_error(make_night: Callable[..., Night]) -> None:
    night = make_night()
    land(night.landing, DS - timedelta(days=1), [user(1, at="2026-03-07T01:00:00Z")])
    (Path(night.landing) / "2026-03-08").mkdir()
    events.main(night)
    events.main(Night(night.lake, DS + timedelta(days=1), night.landing, night.runs, night.settings))
    assert places(night.read("bronze.events")) == [("2026-03-07/events.jsonl", 1, "user-1")]


SPAN = events.days_of_reuse(Dataset())


@pytest.mark.parametrize(
    "in_turn", [pytest.param(["a", "b", "c"], marks=pytest.mark.slow), ["c", "b", "a"], ["b", "ac"], ["bc", "a"]]
)
def test_the_line_received_first_is_the_event_in_whatever_order_files_are_read(
    make_night: Callable[..., Night], in_turn: list[str]
) -> None:
    """``a`` was received last and says the same as ``b``; ``c`` says something else, and was received between."""
    night = make_night()
    lines = {
        "a": [user(1) | {"received_at": "2026-03-08T12:00:09Z"}, user(2)],
        "b": [user(1)],
        "c": [user(1) | {"received_at": "2026-03-08T12:00:05Z", "name": "Other"}, user(3)],
    }
    for names in in_turn:
        for name in names:
            land(night.landing, DS, lines[name], f"{name}.jsonl")
        events.main(night)
    assert places(night.read("bronze.events")) == [
        (f"{DS}/a.jsonl", 2, "user-2"),
        (f"{DS}/b.jsonl", 1, "user-1"),
        (f"{DS}/c.jsonl", 2, "user-3"),
    ]
    refused = night.read("bronze.quarantine").orderBy("source").collect()
    first = f"event_id=user-1, first in {DS}/b.jsonl:1"
    assert [(row.source, row.line, row.reason, row.detail) for row in refused] == [
        (f"{DS}/a.jsonl", 1, "duplicate_event", first),
        (f"{DS}/c.jsonl", 1, "duplicate_event", first),
    ]
    said_something_else = {f"{DS}/c.jsonl"} if in_turn[0] == "c" else set()
    assert {row.source for row in refused if row.was_event} == said_something_else


def test_a_file_is_read_on_and_one_that_changed_is_refused_by_name(
    make_night: Callable[..., Night], capsys: pytest.CaptureFixture[str]
) -> None:
    night = make_night()
    path = land(night.landing, DS, [user(1), "", user(2)], "a.jsonl")
    land(night.landing, DS, [user(7)], "b.jsonl")
    events.main(night)
    with path.open("a") as file:
        file.write(json.dumps(user(3))[:20])
    events.main(night)
    assert [event_id for _, _, event_id in places(night.read("bronze.events"))] == ["user-1", "user-2", "user-7"]
    with path.open("a") as file:
        file.write(json.dumps(user(3))[20:] + "\n" + json.dumps(user(1)) + "\n")
    events.main(night)
    events.main(night)
    assert places(night.read("bronze.events")) == [
        (f"{DS}/a.jsonl", 1, "user-1"),
        (f"{DS}/a.jsonl", 3, "user-2"),
        (f"{DS}/a.jsonl", 4, "user-3"),
        (f"{DS}/b.jsonl", 1, "user-7"),
    ]
    assert [(row.source, row.line) for row in night.read("bronze.quarantine").collect()] == [(f"{DS}/a.jsonl", 5)]
    capsys.readouterr()
    path.write_text(json.dumps(user(4)) + "\n")
    land(night.landing, DS, [user(8)], "notes.txt")
    events.main(night)
    output = capsys.readouterr().out
    assert f"bronze.files: {DS}/a.jsonl was read before, and its first" in output
    assert f"bronze.files: {DS}/notes.txt is no file of JSON lines" in output
    reasons = {row.source: row.reason for row in night.read("bronze.files").collect()}
    assert reasons == {f"{DS}/a.jsonl": "changed", f"{DS}/b.jsonl": None, f"{DS}/notes.txt": "not_json_lines"}
    verdict = run_gate(night, "bronze.files")
    assert [(r["expectation"], r["severity"]) for r in verdict["results"] if not r["success"]] == [
        ("every_file_can_be_read", "critical"),
        ("every_file_is_read_to_its_end", "warning"),
    ]
    assert night.read("bronze.events").count() == 4
    path.unlink()
    (path.parent / "notes.txt").rename(path.parent / "c.jsonl")
    events.main(night)
    assert {row.source: row.reason for row in night.read("bronze.files").collect()} == {
        f"{DS}/a.jsonl": None,
        f"{DS}/b.jsonl": None,
        f"{DS}/c.jsonl": None,
    }
    assert run_gate(night, "bronze.files")["success"]


def landed_before(event_id: str, days: int) -> Event:
    return event("post_deleted", event_id, f"{DS - timedelta(days)}T12:00:00Z", post_id=1)


def test_an_id_used_again_for_another_event_is_refused_as_far_back_as_gates_look(
    make_night: Callable[..., Night],
) -> None:
    night = make_night()
    days = (1, 8, SPAN, SPAN + 1)
    for before in days:
        land(night.landing, DS - timedelta(before), [landed_before(f"e{before}", before)])
    events.main(replace(night, ds=DS - timedelta(1)))
    land(night.landing, DS, [landed_before(f"e{before}", 0) for before in days])
    events.main(night)
    refused = night.read("bronze.quarantine").orderBy("line").collect()
    assert [(row["source"], row["line"], row["reason"], row["detail"]) for row in refused] == [
        (
            f"{DS}/events.jsonl",
            at,
            "duplicate_event",
            f"event_id=e{before}, first in {DS - timedelta(before)}/events.jsonl:1",
        )
        for at, before in enumerate(days[:3], start=1)
    ]
    twice = night.read("bronze.events").groupBy("event_id").count().where("count > 1").collect()
    assert [row["event_id"] for row in twice] == [f"e{SPAN + 1}"], "the limit that docs/landing.md tells"
    table = BY_NAME["bronze.events"]
    in_gate = F.col("landing_date") >= F.date_sub(F.lit(DS), gated_days(Dataset()))
    grain, _ = check_grain(OnSpark(night.read("bronze.events").where(in_gate)), table)
    assert grain["success"]


def test_a_copy_of_an_event_is_refused_however_old_it_is(make_night: Callable[..., Night]) -> None:
    night = make_night()
    long_ago = DS - timedelta(40)
    # Its clock ran ahead, over midnight, so it landed on the day before it happened.
    ahead = user(1, at=f"{long_ago}T00:04:00Z") | {"received_at": f"{long_ago - timedelta(1)}T23:59:30Z"}
    land(night.landing, long_ago - timedelta(1), [ahead])
    events.main(replace(night, ds=long_ago))
    land(night.landing, DS, [ahead, user(2)])
    events.main(night)
    assert places(night.read("bronze.events"))[1:] == [(f"{DS}/events.jsonl", 2, "user-2")]
    assert [row["reason"] for row in night.read("bronze.quarantine").collect()] == ["duplicate_event"]


TEXTS = st.one_of(
    st.text(alphabet='{}[]",: a1\\u\t', max_size=12),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["event_id", "a"]), inner),
        max_leaves=4,
    ).map(json.dumps),
    st.builds(
        lambda at, kind, post_id: json.dumps(event(kind, f"e{at}", post_id=post_id, detail="x")),
        st.integers(0, 20),
        st.sampled_from(["post_deleted", "moderation", "user_upserted", "x"]),
        st.sampled_from([1, 2**63 - 1, 2**63, "1", None, 1.5]),
    ),
)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(
    lines=st.lists(TEXTS, min_size=60, max_size=120),
    known=st.dictionaries(st.integers(0, 20), st.integers(0, 2 * SPAN)),
)
def test_no_line_is_lost_and_no_event_comes_twice(spark: SparkSession, lines: list[str], known: dict[int, int]) -> None:
    """``known``: how many days ago another event with the id of one of the lines landed."""
    bronze = bronze_rows(spark, [landed_before(f"e{at}", days) for at, days in known.items()], source="0.jsonl")
    validated = validate(as_read(spark, lines), 3).persist()
    validated = validated.withColumn("batch", F.lit(2).cast("bigint"))
    bronze = bronze.withColumn("landing_date", F.to_date("event_time"))
    in_bronze = bronze.where(events.repeatable(validated, SPAN))
    none_refused = known_copies(spark.createDataFrame([], read_schema("bronze.quarantine")))
    copies = find_copies(validated, in_bronze, none_refused, repeated_ids(validated, in_bronze), SPAN).persist()
    checked = events.transform(validated, copies).persist()
    accepted = events.accepted(checked).collect()
    refused = events.refused(checked, copies.where("is_new"), 2).collect()
    copies.unpersist()
    checked.unpersist()
    validated.unpersist()
    assert sorted(row["line"] for row in [*accepted, *refused]) == list(range(len(lines)))
    ids = [row["event_id"] for row in accepted]
    assert len(ids) == len(set(ids))
    assert not set(ids) & {f"e{at}" for at, days in known.items() if days <= SPAN}
    assert all(row["raw"] == lines[row["line"]] for row in accepted)
