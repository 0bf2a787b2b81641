"""The chosen estimator: by hand on made-up intervals, and in worlds where each of them is the right one."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from analysis.off_policy.choice import Choice, choose, choose_for_decisions, choose_for_feeds
from analysis.off_policy.estimates import Estimate
from analysis.off_policy.feeds import FeedLog
from analysis.off_policy.reward_model import predict_decisions, predict_feeds
from contracts.metrics.columns import Floats
from tests.analysis.off_policy.worlds import decide, read_feeds, true_value

RUNS = 100
LOGGING, TARGET = np.array([0.8, 0.1, 0.1]), np.array([0.2, 0.4, 0.4])


def candidate(name: str, value: float, half_width: float) -> Estimate:
    return Estimate(name, value, half_width / 2, value - half_width, value + half_width, 500.0, 1.0, ())


@pytest.mark.parametrize(
    ("candidates", "chosen", "reason"),
    [
        ([("a", 0.0, 1.0)], "a", "a: narrowest, ± 1"),
        ([("a", 0.0, 1.0), ("b", 1.0, 0.5)], "b", "b: narrowest, ± 0.5; agrees with a, less biased and wider"),
        ([("a", 0.0, 1.0), ("b", 3.1, 0.5)], "a", "a: ± 1; b: narrower, but contradicts less biased ones"),
        ([("a", 0.0, 1.0), ("b", 0.1, 1.0)], "a", "a: narrowest, ± 1; b: not narrower than a less biased one"),
        # c agrees with b, but not with what a and b have in common
        ([("a", 0.0, 1.0), ("b", 2.0, 0.5), ("c", 2.5, 0.2)], "b", "b: ± 0.5; agrees with a, less biased and wider; c"),
    ],
)
def test_by_hand(candidates: list[tuple[str, float, float]], chosen: str, reason: str) -> None:
    found = choose([candidate(*row) for row in candidates])
    assert found.estimate.estimator == chosen
    assert found.reason.startswith(reason)
    assert [estimate.estimator for estimate in found.candidates] == [row[0] for row in candidates]


def test_nothing_to_choose_from_is_refused() -> None:
    with pytest.raises(ValueError, match="no estimator"):
        choose([])


def rewards_where_weights_are_small(seed: int) -> Choice:
    return choose_for_decisions(decide(LOGGING, TARGET, np.array([0.9, 0.02, 0.02]), 1_000, seed).log)


def rewards_much_the_same(seed: int) -> Choice:
    return choose_for_decisions(decide(LOGGING, TARGET, np.array([0.95, 0.93, 0.94]), 1_000, seed).log)


def rewards_that_items_explain(seed: int) -> Choice:
    decisions = decide(LOGGING, TARGET, np.array([0.02, 0.98, 0.5]), 1_000, seed)
    contexts = np.zeros(1_000, dtype=np.int64)
    return choose_for_decisions(
        decisions.log, predict_decisions(decisions.log, decisions.items, contexts, decisions.target)
    )


LOGGED_FEEDS, TARGET_FEEDS = np.tile(LOGGING, (4, 1)), np.tile([0.5, 0.25, 0.25], (4, 1))


def feeds_clicked_where_weights_are_small(seed: int) -> Choice:
    clicks = np.tile([0.9, 0.02, 0.02], (4, 1))
    return choose_for_feeds(read_feeds(LOGGED_FEEDS, TARGET_FEEDS, clicks, num_positions=3, size=1_000, seed=seed).log)


EVENLY = np.full((4, 3), 0.6)
BY_ITEM = np.tile([0.05, 0.4, 0.8], (4, 1))


def feeds_clicked_evenly(seed: int) -> Choice:
    return choose_for_feeds(read_feeds(LOGGED_FEEDS, TARGET_FEEDS, EVENLY, num_positions=3, size=1_000, seed=seed).log)


def feeds_that_items_explain(seed: int) -> Choice:
    feeds = read_feeds(LOGGED_FEEDS, TARGET_FEEDS, BY_ITEM, num_positions=3, size=1_000, seed=seed)
    return choose_for_feeds(feeds.log, predict_feeds(feeds.log, feeds.items, feeds.above, feeds.target))


def feeds_read_from_below(seed: int) -> Choice:
    """The first position earns what the second shows: no cascade."""
    feeds = read_feeds(LOGGED_FEEDS, TARGET_FEEDS, BY_ITEM, num_positions=2, size=3_000, seed=seed)
    rewards = np.column_stack([feeds.items[:, 1] == 2, np.zeros(3_000)]).astype(np.float64)
    return choose_for_feeds(FeedLog(rewards, feeds.log.logged, feeds.log.target))


CLICKED_LITTLE: Floats = np.tile([0.9, 0.02, 0.02], (4, 1))


@pytest.mark.parametrize(
    ("world", "truth", "right"),
    [
        (rewards_where_weights_are_small, 0.2 * 0.9 + 0.8 * 0.02, "ips"),
        (rewards_much_the_same, 0.2 * 0.95 + 0.4 * 0.93 + 0.4 * 0.94, "self_normalised"),
        (rewards_that_items_explain, 0.2 * 0.02 + 0.4 * 0.98 + 0.4 * 0.5, "doubly_robust"),
        (feeds_clicked_where_weights_are_small, true_value(TARGET_FEEDS, CLICKED_LITTLE, 3), "cascade_ips"),
        (feeds_clicked_evenly, true_value(TARGET_FEEDS, EVENLY, 3), "cascade_self_normalised"),
        (feeds_that_items_explain, true_value(TARGET_FEEDS, BY_ITEM, 3), "cascade_doubly_robust"),
        (feeds_read_from_below, 0.25, "feed_ips"),
    ],
)
def test_the_right_one_is_chosen(world: Callable[[int], Choice], truth: float, right: str) -> None:
    choices = [world(seed) for seed in range(RUNS)]
    errors = {
        name: float(np.sqrt(np.mean([(estimate.value - truth) ** 2 for estimate in estimates])))
        for name, estimates in (
            (row[0].estimator, row) for row in zip(*(choice.candidates for choice in choices), strict=True)
        )
    }
    counts = Counter(choice.estimate.estimator for choice in choices)
    of_choice = float(np.sqrt(np.mean([(choice.estimate.value - truth) ** 2 for choice in choices])))
    print(f"{right}: chosen {dict(counts)}, error {of_choice:.4f} of {errors}")
    assert min(errors, key=errors.__getitem__) == right
    assert counts[right] > RUNS / 2
    assert of_choice < 1.5 * errors[right]
