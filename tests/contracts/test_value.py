"""The value score: hand-computed values, and the order that it must keep."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.heads import SCORE_COLUMNS
from contracts.settings import VALUE_PRESETS, ValueWeights
from contracts.value import safety_of, value_score

WEIGHTS = VALUE_PRESETS["seed"]
share = st.floats(0, 1, width=32)
hours = st.floats(0, 1e6)


def score(columns: dict[str, float], weights: ValueWeights = WEIGHTS) -> float:
    scores, others = (
        {name: np.array([columns.get(name, 0.0)]) for name in names}
        for names in (SCORE_COLUMNS, ("age_h", "author_negative_rate"))
    )
    return float(value_score(scores, **others, weights=weights)[0])


def test_hand_computed_values() -> None:
    heads = {"p_like": 0.2, "p_comment": 0.1, "p_share": 0.05, "p_hide": 0.01, "p_report": 0.001, "dwell_s": 4.0}
    # 0.2 + 0.35 + 0.4 - 0.15 - 0.04 + 0.2 = 0.96
    assert score(heads) == pytest.approx(0.96)
    assert score(heads | {"age_h": 20.0}) == pytest.approx(0.96 * np.exp(-1))
    assert score(heads | {"age_h": 20.0, "author_negative_rate": 0.25}) == pytest.approx(0.96 * np.exp(-1) * 0.75)
    assert score(heads | {"author_negative_rate": 0.99}) == pytest.approx(0.096)  # min_quality
    assert score({"p_hide": 0.1}) == pytest.approx(-1.5)
    assert score({"p_hide": 0.1, "age_h": 20.0}) == pytest.approx(-1.5 * (2 - np.exp(-1)))


@given(share, share, hours, hours, share)
def test_older_is_never_better(like: float, hide: float, age: float, more: float, rate: float) -> None:
    rates = {"p_like": like, "p_hide": hide, "author_negative_rate": rate}
    young, old = score(rates | {"age_h": age}), score(rates | {"age_h": age + more})
    assert np.isfinite(old)
    assert old <= young
    assert np.sign(old) in (0, np.sign(young))


@given(share, share, hours, share, share)
def test_a_worse_author_is_never_better(like: float, hide: float, age: float, rate: float, other: float) -> None:
    rates = {"p_like": like, "p_hide": hide, "age_h": age}
    better, worse = sorted((rate, other))
    assert score(rates | {"author_negative_rate": worse}) <= score(rates | {"author_negative_rate": better})


@given(share, share, share, hours)
def test_a_likelier_like_is_never_worse(hide: float, like: float, other: float, age: float) -> None:
    low, high = sorted((like, other))
    rates = {"p_hide": hide, "age_h": age}
    assert score({"p_like": low} | rates) <= score({"p_like": high} | rates)


def test_only_a_preset_makes_age_count() -> None:
    heads = {"p_like": 0.2, "p_hide": 0.001}
    assert score(heads | {"age_h": 20.0}, ValueWeights()) == score(heads, ValueWeights())
    assert score(heads | {"age_h": 20.0}) < score(heads)


def test_quality_can_be_worth_something_by_itself() -> None:
    rated = {"author_negative_rate": 0.25}
    assert score(rated, replace(WEIGHTS, quality=0.4)) == pytest.approx(0.4 * 0.75 * 0.75)
    assert score(rated, WEIGHTS) == 0.0


def test_risks_are_factors_of_the_quality() -> None:
    risks = {"clickbait": np.array([0.5, 0.0]), "nsfw": np.array([0.2, 0.0]), "misinformation": np.array([0.1, 0.0])}
    weights = replace(ValueWeights(), nsfw_risk=0.5, misinformation_risk=0.0)
    safety = safety_of(risks, weights)
    assert safety == pytest.approx([0.5 * 0.9, 1.0])
    scores = {name: np.array([0.2 * (name == "p_like")] * 2) for name in SCORE_COLUMNS}
    none, rate = np.zeros(2), np.array([0.2, 0.2])
    value = value_score(scores, age_h=none, author_negative_rate=rate, weights=weights, safety=safety)
    assert value == pytest.approx([0.2 * 0.8 * 0.45, 0.2 * 0.8])
    worst = value_score(scores, age_h=none, author_negative_rate=rate, weights=weights, safety=np.zeros(2))
    assert worst == pytest.approx([0.2 * weights.min_quality] * 2)


def test_weights_come_from_settings() -> None:
    assert score({"p_share": 1.0}, replace(WEIGHTS, share=2.0)) == 2
