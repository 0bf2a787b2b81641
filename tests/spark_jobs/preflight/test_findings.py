from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.settings import Dataset, parse_dataset
from spark_jobs.preflight.counts import Counts
from spark_jobs.preflight.findings import notes, reasons_to_stop

DS = date(2026, 3, 8)


def examples(*back: int, labels: int = 10) -> tuple[tuple[date, int], ...]:
    return tuple((DS - timedelta(days=days), labels) for days in sorted(back, reverse=True))


ENOUGH = Counts(
    users=10,
    readers=10,
    posts=20,
    shared=20,
    all_posts=30,
    newest_posts=datetime(2026, 3, 1, 12, tzinfo=UTC),
    landed=5,
    newest_landed=DS,
    examples=examples(1, 2, 3, 4),
    impressions=100,
    engagements=40,
)


def test_a_night_with_enough_says_nothing() -> None:
    assert reasons_to_stop(ENOUGH, DS, Dataset()) == notes(ENOUGH, DS, Dataset()) == []


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (
            replace(ENOUGH, users=0, readers=0),
            "no user is known by the end of 2026-03-08: land `user_upserted` events by then; bronze.quarantine says",
        ),
        (replace(ENOUGH, posts=0, all_posts=0, newest_posts=None), "no post is there by the end of 2026-03-08"),
        (replace(ENOUGH, shared=0), "none of the 20 posts of the candidate window can be proposed to anybody"),
        (replace(ENOUGH, readers=0), "by the only known user, and nobody is shown their own posts"),
    ],
)
def test_a_night_stops_where_nobody_would_get_a_feed(counts: Counts, told: str) -> None:
    (sentence,) = reasons_to_stop(counts, DS, Dataset())
    assert told in sentence


def test_an_empty_window_names_the_hours_that_would_do() -> None:
    (sentence,) = reasons_to_stop(replace(ENOUGH, posts=0), DS, Dataset())
    assert sentence.startswith("the candidate window is empty: none of 30 posts was created in the 72 h before")
    assert sentence.endswith("set candidate_hours to 192 in dataset.json")
    oldest = datetime(2026, 3, 9, tzinfo=UTC) - timedelta(hours=192)
    assert ENOUGH.newest_posts is not None
    assert oldest <= ENOUGH.newest_posts < oldest + timedelta(days=1), "whole days, and no more than needed"


QUIET = Dataset(training_days=20, calibration_days=3, holdout_days=3)


def test_too_few_days_name_the_training_days_that_would_do() -> None:
    counts = replace(ENOUGH, examples=examples(2, 5, 10, 15, 25, 30, 40, 50))
    (note,) = notes(counts, DS, QUIET)
    assert "4 of the 20 days before 2026-03-08 have examples, and 7 are needed" in note
    assert "(calibration_days 3, holdout_days 3)" in note
    assert note.endswith("set training_days to 50 in dataset.json"), "two days train: one of 10 labels is not enough"
    assert notes(counts, DS, replace(QUIET, training_days=50)) == []
    assert len(notes(counts, DS, replace(QUIET, training_days=49))) == 1


def test_fewer_reserved_days_are_proposed_where_older_days_do_not_do() -> None:
    counts = replace(ENOUGH, examples=examples(2, 5, 10, 15))
    (note,) = notes(counts, DS, QUIET)
    assert note.endswith("set calibration_days to 1, holdout_days to 1 and training_days to 15 in dataset.json")
    assert notes(counts, DS, parse_dataset('{"calibration_days": 1, "holdout_days": 1, "training_days": 15}')) == []


def test_too_few_positives_are_told_and_no_setting_is_invented() -> None:
    counts = replace(ENOUGH, examples=examples(1, 2, 3, 4, labels=9))
    (note,) = notes(counts, DS, Dataset())
    assert "the simple score ranks the night: the days that train have 18 likes, comments, shares" in note
    assert "and 20 are needed; no setting would do" in note
    older = replace(counts, examples=examples(1, 2, 3, 4, 30, labels=9))
    assert notes(older, DS, Dataset())[0].endswith("set training_days to 30 in dataset.json")


def test_a_source_without_impressions_is_told_by_its_key() -> None:
    (first, second) = notes(replace(ENOUGH, impressions=0, examples=()), DS, Dataset())
    assert "40 engagements and no impression" in first
    assert first.endswith("set has_impressions to false in dataset.json")
    assert "no model will be trained" in second
    assert notes(replace(ENOUGH, impressions=0), DS, Dataset(has_impressions=False)) == []


def test_an_empty_last_day_is_told() -> None:
    yesterday = DS - timedelta(days=1)
    assert notes(replace(ENOUGH, landed=0, newest_landed=yesterday), DS, Dataset()) == [
        "nothing landed on 2026-03-08; the newest day until then is 2026-03-07"
    ]
