"""Grows the trees of each head under the loss that networks train by.

Shape suffixes: N rows, F inputs (user, post, cross), I inputs and products, H heads.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contracts.heads import HEADS, Head
from models.examples import Examples
from models.losses import head_loss, total_loss
from models.outputs import losses_of
from models.preparing import Prepared
from models.preset import Boosting, TreePreset
from models.progress import Epoch
from models.trees import INPUTS, Trees, inputs_of

Floats = NDArray[np.float64]
LOSS, UNSEEN = "loss", "calibration"


@dataclass(frozen=True)
class _Target:
    """The loss of one head: labels and weights of its rows, both (N,)."""

    head: Head
    labels: Tensor
    weight: Tensor

    @property
    def has_one_label(self) -> bool:
        return bool((self.labels == self.labels[0]).all())

    def derivatives(self, outputs: Floats) -> tuple[Floats, Floats]:
        """First and second derivative of each row's loss. The second of Huber's is taken as 1, as LightGBM does."""
        outputs_N = torch.from_numpy(outputs).requires_grad_()
        (slope_N,) = torch.autograd.grad(self._losses(outputs_N).sum(), outputs_N)
        chance_N = outputs_N.detach().sigmoid()
        curvature_N = chance_N * (1.0 - chance_N) if self.head.is_binary else torch.ones_like(chance_N)
        return slope_N.numpy(), curvature_N.numpy()

    def loss(self, outputs: Floats) -> float:
        """Mean loss of the rows."""
        return float(self._losses(torch.from_numpy(outputs)).mean())

    def _losses(self, outputs_N: Tensor) -> Tensor:
        return head_loss(self.head, outputs_N, self.labels, self.weight)


@dataclass(frozen=True)
class _Rows:
    """Rows as LightGBM holds them, labels (N, H) and weights (N,)."""

    inputs: lightgbm.Dataset
    labels: Tensor
    weight: Tensor

    @property
    def num_rows(self) -> int:
        return len(self.weight)

    def target(self, index: int, start: float) -> _Target:
        """The loss of one head, whose outputs begin with ``start``."""
        self.inputs.set_init_score(np.full(self.num_rows, start))
        return _Target(HEADS[index], self.labels[:, index], self.weight)


@dataclass(frozen=True)
class _Grower:
    """Grows one head after the other on the same rows; ``unseen`` are those of the calibration days."""

    rows: _Rows
    unseen: _Rows
    rules: Boosting
    settings: dict[str, Any]
    report: Callable[[str], None]

    def booster(self, index: int, start: float) -> lightgbm.Booster:
        """The trees of a head whose outputs begin with ``start``."""
        started, name = time.perf_counter(), HEADS[index].name
        target, judge = self.rows.target(index, start), self.unseen.target(index, start)
        if target.has_one_label:
            self.report(f"{name}: no tree, as all labels of the training rows are equal")
            return self._constant(start)
        losses: dict[str, Any] = {}
        watched: dict[str, Any] = {}
        if self.unseen.num_rows:
            watched = {
                "valid_sets": [self.unseen.inputs],
                "valid_names": [UNSEEN],
                "feval": lambda outputs, _: (LOSS, judge.loss(outputs), False),
                "callbacks": [
                    lightgbm.record_evaluation(losses),
                    lightgbm.early_stopping(self.rules.patience, verbose=False),
                ],
            }
        # LightGBM copies its parameters deeply, but for functions.
        objective = {"objective": lambda outputs, _: target.derivatives(outputs)}
        booster = lightgbm.train(self.settings | objective, self.rows.inputs, self.rules.rounds, **watched)
        _begin_at(start, booster)
        took = f"{time.perf_counter() - started:.0f} s"
        if not self.unseen.num_rows:
            self.report(f"{name}: {booster.num_trees()} trees, {took}")
            return booster
        best, without = min(losses[UNSEEN][LOSS]), judge.loss(np.full(self.unseen.num_rows, start))
        compared = f"calibration loss {best:.4f}, without trees {without:.4f}, {took}"
        if best >= without:
            self.report(f"{name}: no tree, as none helps: {compared}")
            return self._constant(start)
        self.report(f"{name}: {booster.best_iteration} trees, {compared}")
        return booster

    def _constant(self, value: float) -> lightgbm.Booster:
        """One tree of one leaf."""

        def level(outputs: Floats, _: lightgbm.Dataset) -> tuple[Floats, Floats]:
            return np.zeros_like(outputs), np.ones_like(outputs)

        booster = lightgbm.train(self.settings | {"objective": level}, self.rows.inputs, 1)
        _begin_at(value, booster)
        return booster


def grow(
    training: Examples,
    calibration: Examples,
    preset: TreePreset,
    prepared: Prepared,
    *,
    seed: int,
    report: Callable[[str], None],
) -> tuple[Trees, Epoch]:
    """The trees of every head, and their losses as one epoch. All rows are held in memory.

    A head whose training rows have one label only is a constant; so is one that no tree improves on the calibration
    days.
    Equal rows, preset and seed give equal trees.
    """
    started = time.perf_counter()
    is_read_F = prepared.statistics.std.isfinite()
    settings = _settings_of(preset, seed)
    rows = _rows_of(training, is_read_F, settings)
    unseen = _rows_of(calibration, is_read_F, settings, like=rows.inputs)
    grower = _Grower(rows, unseen, preset.boosting, settings, report)
    starts = prepared.statistics.base_rate.tolist()
    boosters = [grower.booster(index, start) for index, start in enumerate(starts)]
    trees, speed = Trees(tuple(boosters)), rows.num_rows / (time.perf_counter() - started)
    fitted_H, unseen_H = losses_of(trees, training), losses_of(trees, calibration)
    assert fitted_H is not None, "there are training rows"
    losses = {} if unseen_H is None else {head.name: loss for head, loss in zip(HEADS, unseen_H.tolist(), strict=True)}
    calibration_loss = None if unseen_H is None else float(total_loss(unseen_H))
    return trees, Epoch(1, float(total_loss(fitted_H)), calibration_loss, losses, speed)


def _settings_of(preset: TreePreset, seed: int) -> dict[str, Any]:
    rules = preset.boosting
    return {
        "learning_rate": rules.learning_rate,
        "num_leaves": rules.leaves,
        "min_data_in_leaf": 1,
        "min_sum_hessian_in_leaf": rules.leaf_curvature,
        "feature_fraction": rules.inputs_share,
        "max_bin": rules.bins,
        "lambda_l2": rules.ridge,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": preset.threads,
        "verbosity": -1,
    }


def _rows_of(
    examples: Examples, is_read_F: Tensor, settings: dict[str, Any], like: lightgbm.Dataset | None = None
) -> _Rows:
    """An input that must not be read is 0 in all rows, so that no tree asks for it."""
    inputs, labels, weight = [np.zeros((0, len(INPUTS)), np.float32)], [torch.zeros(0, len(HEADS))], [torch.zeros(0)]
    for shard in examples:
        inputs.append(inputs_of(torch.where(is_read_F, shard.features, torch.zeros(()))))
        labels.append(shard.labels)
        weight.append(shard.weight)
    values = np.concatenate(inputs)
    data = lightgbm.Dataset(values, np.zeros(len(values)), reference=like, feature_name=list(INPUTS), params=settings)
    return _Rows(data, torch.cat(labels).double(), torch.cat(weight).double())


def _begin_at(start: float, booster: lightgbm.Booster) -> None:
    """Move the start of the outputs, which the text format leaves out, into the leaves of the first tree."""
    (first,) = booster.dump_model(num_iteration=1)["tree_info"]
    for leaf in range(first["num_leaves"]):
        booster.set_leaf_output(0, leaf, booster.get_leaf_output(0, leaf) + start)
