"""A reward model for few items: cross-fitted means per item, position and context, shrunk towards those of all items.

The shrinkage is estimated from the rewards: a mean of ``n`` rows keeps ``n / (n + s)`` of its distance, where ``s`` is
the variance within items over that between them (Bühlmann and Straub, "Glaubwürdigkeit für Schadensätze", 1970). If
items do not differ by more than chance, all have the mean of their context. Each row is predicted from the other folds,
and a cluster is in one fold (Chernozhukov et al., "Double/Debiased Machine Learning", Econometrics Journal 2018).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.off_policy.decisions import DecisionLog
from analysis.off_policy.feeds import FeedLog
from analysis.off_policy.predicted import Predicted
from contracts.metrics.columns import Floats

NUM_FOLDS = 5
Ints = NDArray[np.integer[Any]]


def predict_decisions(log: DecisionLog, items: Ints, contexts: Ints, target: Floats) -> Predicted:
    """Expected reward of each decision; ``items`` and ``contexts`` are ``(n,)``, contexts being codes from 0.

    ``target``, ``(n, a)``, holds the target policy's probability of every item, items being codes from 0 to ``a - 1``.
    Raises ``ValueError`` for codes out of range, and for probabilities that do not sum to 1 or are not the log's.
    """
    feeds = FeedLog(log.rewards[:, None], log.logged[:, None], log.target[:, None], log.clusters)
    predicted = _predict(feeds, items[:, None], contexts[:, None], target[:, None, :])
    return Predicted(predicted.of_logged[:, 0], predicted.of_target[:, 0])


def predict_feeds(log: FeedLog, items: Ints, contexts: Ints, target: Floats) -> Predicted:
    """Expected reward from each position down; ``items`` and ``contexts`` are ``(n, k)``, ``target`` is ``(n, k, a)``.

    Fitted from the last position upwards: the target of a position is its reward plus the expected reward of the target
    policy below. A context may contain the items above, for example the one before. After the end of a feed, name any
    item and let the target policy choose it with probability 1. Raises ``ValueError`` as ``predict_decisions``.
    """
    return _predict(log, items, contexts, target)


def _predict(log: FeedLog, items: Ints, contexts: Ints, target: Floats) -> Predicted:
    """Predict every fold from the others."""
    _check_policy(log, items, contexts, target)
    rewards = log.rewards
    _, cluster_of = np.unique(log.cluster_of, return_inverse=True)
    fold_of = cluster_of % min(NUM_FOLDS, int(cluster_of.max()) + 1)
    of_logged, of_target = np.empty(rewards.shape), np.empty(rewards.shape)
    for fold in range(int(fold_of.max()) + 1):
        is_held_out = fold_of == fold
        below = np.zeros(len(rewards))
        for position in range(rewards.shape[1] - 1, -1, -1):
            item, context = items[:, position], contexts[:, position]
            earned = rewards[:, position] + below
            means = shrunk_means(
                item[~is_held_out], context[~is_held_out], earned[~is_held_out], num_items=target.shape[-1]
            )
            known = means[np.minimum(context, len(means) - 1)]
            below = (target[:, position] * known).sum(axis=1)
            of_logged[is_held_out, position] = known[np.arange(len(item)), item][is_held_out]
            of_target[is_held_out, position] = below[is_held_out]
    return Predicted(of_logged, of_target)


def _check_policy(log: FeedLog, items: Ints, contexts: Ints, target: Floats) -> None:
    rewards, num_items = log.rewards, target.shape[-1]
    if items.shape != rewards.shape or contexts.shape != rewards.shape or target.shape[:-1] != rewards.shape:
        shapes = f"items {items.shape}, contexts {contexts.shape}, target {target.shape}"
        raise ValueError(f"a row of the log lacks its item, context or target policy: {shapes}, log {rewards.shape}")
    if items.min() < 0 or items.max() >= num_items or contexts.min() < 0:
        raise ValueError(f"items must be codes from 0 to {num_items - 1}, contexts codes from 0")
    if not (np.all(target >= 0) and np.allclose(target.sum(axis=-1), 1.0)):
        raise ValueError("the target policy's probabilities of all items are not at least 0 with sum 1")
    of_logged = np.take_along_axis(target, items[..., None], axis=-1)[..., 0]
    if not np.allclose(of_logged, log.target):
        raise ValueError("the target policy's probability of a logged item is not the one in the log")


def shrunk_means(items: Ints, contexts: Ints, rewards: Floats, num_items: int) -> Floats:
    """Shrunk mean reward per context and item, ``(c + 1, num_items)``, from rows ``(n,)``.

    The last row is for contexts that were not seen: the mean of all rows.
    """
    num_contexts = int(contexts.max()) + 2
    cells = contexts * num_items + items
    shape = (num_contexts, num_items)
    ones = np.ones(len(rewards))
    sums = [np.bincount(cells, weights=values, minlength=shape[0] * shape[1]) for values in (ones, rewards, rewards**2)]
    count, total, squares = (np.asarray(values, dtype=np.float64).reshape(shape) for values in sums)
    in_context = count.sum(axis=1, keepdims=True)
    prior = _ratio(total.sum(axis=1, keepdims=True), in_context, float(rewards.mean()))
    means = _ratio(total, count, 0.0)
    num_cells, num_seen = int((count > 0).sum()), int((in_context > 0).sum())
    within = (squares.sum() - (count * means**2).sum()) / max(len(rewards) - num_cells, 1)
    spread = (count * (means - prior) ** 2).sum() - (num_cells - num_seen) * within
    between = spread / max(len(rewards) - _ratio((count**2).sum(axis=1, keepdims=True), in_context, 0.0).sum(), 1e-12)
    if between <= 0:
        return np.repeat(prior, num_items, axis=1)
    strength = max(within, 0.0) / between
    return np.asarray(prior + _ratio(count, count + strength, 0.0) * (means - prior))


def _ratio(numerator: Floats, denominator: Floats, otherwise: float) -> Floats:
    """Quotient, ``otherwise`` where the denominator is 0."""
    quotient = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), otherwise)
    return np.asarray(np.divide(numerator, denominator, out=quotient, where=denominator > 0), dtype=np.float64)
