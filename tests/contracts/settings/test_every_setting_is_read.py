"""Every setting is read by some job; one that nobody reads is deleted."""

import pytest

from contracts.heads import HEADS
from tests.contracts.settings.setting_reads import all_settings, queries, settings_read, sources


def test_every_setting_is_read() -> None:
    unread = sorted(all_settings() - settings_read(sources(), queries()))
    assert unread == [], "nobody reads these settings: delete them, or let a job read them"


def test_a_setting_that_nobody_reads_is_found() -> None:
    code = [text.replace(".max_per_author", ".most_per_author") for text in sources()]
    assert all_settings() - settings_read(code, queries()) == {"pool.max_per_author", "audit.max_per_author"}
    assert "dataset.min_quarantined_lines" not in settings_read(sources(), [])


def test_reads_are_told_apart_by_section() -> None:
    code = """
def rank(rules: PoolRules, night: Night) -> None:
    other = night.settings.candidates
    print(rules.size, other.total, night.settings.seed, night.settings.value.like, unknown.seen_days)
"""
    assert settings_read([code]) == {"pool.size", "candidates.total", "seed", "value.like"}
    assert settings_read(["class Own(ReaderRules):\n    pass\ndef f(config: Own) -> None:\n    config.refresh_s"]) == {
        "reader.refresh_s"
    }
    assert settings_read(["def f(dataset: Dataset) -> int:\n    return dataset.reserved_days"]) == {
        "dataset.calibration_days",
        "dataset.holdout_days",
    }
    assert "labels.nsfw_share" in settings_read(["def f(labels: Labels) -> None:\n    labels.shares"])
    assert settings_read(["def f(weights: ValueWeights, name: str) -> None:\n    getattr(weights, name)"]) == {
        f"value.{head.value_weight}" for head in HEADS
    }
    with pytest.raises(AssertionError, match=r"list what getattr can read of \[simple_score\]"):
        settings_read(["def f(weights: SimpleScore, name: str) -> None:\n    getattr(weights, name)"])
    assert settings_read(["def f(weights: SimpleScore, name: str) -> None:\n    getattr(weights, 'view')"]) == {
        "simple_score.view"
    }
