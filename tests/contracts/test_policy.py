"""The rules of policy against a direct implementation."""

import numpy as np
import pytest

from contracts.landing import FEED_PREFERENCES, LABELS
from contracts.policy import HIDES, RULES, Judged, any_of, broken_rules, flags

THRESHOLDS = {"clickbait": 0.25, "nsfw": 0.5, "misinformation": 0.125}


def test_every_label_can_be_hidden_and_every_preference_that_hides_is_a_rule() -> None:
    assert sorted(HIDES.values()) == sorted(LABELS)
    assert [rule for rule in RULES if rule in FEED_PREFERENCES] == [w for w in FEED_PREFERENCES if w[:5] == "hide_"]


@pytest.mark.parametrize("seed", range(3))
def test_random_cases_equal_a_direct_reading(seed: int) -> None:
    draw, size = np.random.default_rng(seed), 20_000
    refuted = draw.random(size) < 0.2
    labelled = {label: draw.random(size) < 0.3 for label in LABELS}
    # Eighths, so that many risks are at the threshold.
    risk = {label: draw.integers(0, 9, size) / 8 for label in LABELS}
    asks = {word: draw.random(size) < 0.5 for word in HIDES}
    found = broken_rules(flags(Judged(refuted, labelled, risk), THRESHOLDS), asks)
    hidden = any_of(found)
    for case in range(size):
        reasons = set()
        if refuted[case]:
            reasons.add("fact_checked")
        for label in ("clickbait", "nsfw", "misinformation"):
            if asks[f"hide_{label}"][case] and (labelled[label][case] or risk[label][case] >= THRESHOLDS[label]):
                reasons.add(f"hide_{label}")
        assert {rule for rule in RULES if found[rule][case]} == reasons
        assert hidden[case] == bool(reasons)


def test_a_post_is_flagged_for_those_who_did_not_ask_too() -> None:
    nothing, no = np.float64(0), np.bool_()
    post = Judged(no, dict.fromkeys(LABELS, no), {**dict.fromkeys(LABELS, nothing), "nsfw": np.float64(0.5)})
    flagged = flags(post, THRESHOLDS)
    assert [rule for rule, is_flagged in flagged.items() if is_flagged] == ["hide_nsfw"]
    assert not any_of(broken_rules(flagged, dict.fromkeys(HIDES, no)))
