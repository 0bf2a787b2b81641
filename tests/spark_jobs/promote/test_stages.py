"""Stages of models follow from the verdicts of all nights, whichever night was judged last."""

from dataclasses import replace
from datetime import date

from spark_jobs.promote.stages import ModelStage, NightVerdict, changes_of

A, B, C = "a" * 16, "b" * 16, "c" * 16
WORSE = "B is clearly worse"


def model(day: int, version: str, stage: str = "candidate", reason: str | None = None) -> ModelStage:
    return ModelStage(date(2026, 3, day), version, stage, reason)


def verdict(day: int, word: str, scorer: str, challenger: str | None, reason: str = "") -> NightVerdict:
    return NightVerdict(date(2026, 3, day), word, scorer, challenger, reason)


MODELS = [model(6, A), model(7, B), model(8, C)]
VERDICTS = [
    verdict(6, "promoted", A, A),
    verdict(7, "rejected", A, B, WORSE),
    verdict(8, "promoted", C, C),
]
SETTLED = [model(6, A, "retired"), model(7, B, "rejected", WORSE), model(8, C, "serving")]


def test_a_champion_serves_until_a_model_is_promoted() -> None:
    assert changes_of(MODELS[:1], VERDICTS[:1]) == [model(6, A, "serving")]
    assert changes_of(MODELS[:2], VERDICTS[:2]) == [model(6, A, "serving"), model(7, B, "rejected", WORSE)]
    assert changes_of(MODELS, VERDICTS) == SETTLED


def test_what_is_in_line_is_left_alone_and_an_older_night_judged_again_changes_no_later_one() -> None:
    assert changes_of(SETTLED, VERDICTS) == []
    assert changes_of(SETTLED, [*VERDICTS[1:], VERDICTS[0]]) == []
    again = model(6, B), verdict(6, "promoted", B, B)
    assert changes_of([again[0], *SETTLED[2:]], [again[1], *VERDICTS[1:]]) == [model(6, B, "retired")]


def test_a_model_that_was_not_judged_is_a_candidate() -> None:
    unproven = verdict(8, "unproven", A, C)
    assert changes_of(SETTLED, [*VERDICTS[:2], unproven]) == [model(6, A, "serving"), model(8, C)]
    retrained = [replace(SETTLED[2], model_version=B, stage="candidate")]
    assert changes_of(retrained, [verdict(8, "rejected", "simple-score", C, WORSE)]) == []
    assert changes_of([model(1, B, "trained"), model(2, A, "trained")], VERDICTS[:1]) == [model(2, A, "serving")]


def test_a_night_of_the_simple_score_retires_the_model_before() -> None:
    untrained = verdict(8, "untrained", "simple-score", None)
    assert changes_of(SETTLED[:2], [*VERDICTS[:2], untrained]) == []
    assert changes_of([model(6, A, "serving")], [*VERDICTS[:2], untrained]) == [model(6, A, "retired")]
