"""Scoring with a trained ranker: towers once per user and once per post, then only the cross terms per pair.

Runs wherever torch does, on one thread. Results do not depend on what else is in a call: towers run in double
precision and are rounded, and every product runs on blocks of a multiple of 64 rows, padded with zeros, since a
matrix product picks its kernel, and with it the order of its sums, by the number of rows.

Shape suffixes: N rows, F features, D tower output, S shared layer, C cross features, H heads, K dot and cross features.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from contracts.features import HEADS
from models.checkpoint import Checkpoint, read_checkpoint
from models.losses import DWELL
from models.network import NUM_CROSS, NUM_POST, NUM_USER, FeedRanker, HeadLayer, Standardise

Array = NDArray[np.float32]
Linear = Callable[[Tensor], Tensor]

BLOCK_ROWS = 64
CHUNK_ROWS = 512
"""Rows per product: more leave a core's cache; with at most eight distinct shapes, kernels are generated once."""
OUTPUTS: tuple[str, ...] = tuple("dwell_s" if head == "dwell" else f"p_{head}" for head in HEADS)


class Ranker:
    """A frozen model. Not for use by several threads at once; sets torch to one thread in this process."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        torch.set_num_threads(1)
        self.model_version = checkpoint.model_version
        network = copy.deepcopy(checkpoint.network).double()
        user_SD, post_SD, _ = _split_shared(network)
        self._users = _Tower(network.user_input, network.user_tower, user_SD, network.shared.bias)
        self._posts = _Tower(network.post_input, network.post_tower, post_SD, torch.zeros_like(network.shared.bias))
        self._scorer = _Scorer(checkpoint)

    @staticmethod
    def load(folder: Path | str) -> "Ranker":
        """Load a checkpoint folder; a damaged one, or one of another feature registry, raises ``ValueError``."""
        return Ranker(read_checkpoint(folder))

    def user_vectors(self, features_NF: Array) -> tuple[Array, Array]:
        """Embeddings (N, D) and projections (N, S) of users; features in the order of ``names_of("user")``."""
        return self._users.vectors(features_NF, NUM_USER)

    def post_vectors(self, features_NF: Array) -> tuple[Array, Array]:
        """Embeddings (N, D) and projections (N, S) of posts; features in the order of ``names_of("post")``."""
        return self._posts.vectors(features_NF, NUM_POST)

    def score(
        self,
        user_embedding_D: Array,
        user_projection_S: Array,
        post_embedding_ND: Array,
        post_projection_NS: Array,
        cross_NC: Array,
    ) -> dict[str, Array]:
        """Calibrated scores of one user's candidates, each of shape (N,): p_like ... p_report, and dwell_s in seconds.

        ``cross_NC`` holds the pair features, then the context features, in registry order.
        """
        count = len(post_embedding_ND)
        if cross_NC.shape != (count, NUM_CROSS) or len(post_projection_NS) != count:
            raise ValueError(
                f"cross features of shape {cross_NC.shape} for {count} post embeddings and "
                f"{len(post_projection_NS)} projections; expected ({count}, {NUM_CROSS})"
            )
        scores_NH = np.empty((count, len(HEADS)), dtype=np.float32)
        with torch.inference_mode():
            user_D, user_S = torch.tensor(user_embedding_D), torch.tensor(user_projection_S)
            for start in range(0, count, CHUNK_ROWS):
                rows = slice(start, start + CHUNK_ROWS)
                pairs = [_padded(values[rows]) for values in (post_embedding_ND, post_projection_NS, cross_NC)]
                chunk_NH = self._scorer.score(user_D, user_S, *pairs)
                scores_NH[rows] = chunk_NH.numpy()[: len(scores_NH[rows])]
        return {name: np.ascontiguousarray(scores_NH[:, index]) for index, name in enumerate(OUTPUTS)}


class _Tower:
    """One tower in double precision, with its share of the shared layer."""

    def __init__(self, standardise: Standardise, tower: torch.nn.Module, weight_SD: Tensor, bias_S: Tensor) -> None:
        self._standardise, self._tower, self._weight_SD, self._bias_S = standardise, tower, weight_SD, bias_S

    def vectors(self, features_NF: Array, num_features: int) -> tuple[Array, Array]:
        if features_NF.shape[1:] != (num_features,):
            raise ValueError(f"features of shape {features_NF.shape}; expected (N, {num_features})")
        embedding_ND = np.empty((len(features_NF), self._weight_SD.shape[1]), dtype=np.float32)
        projection_NS = np.empty((len(features_NF), self._weight_SD.shape[0]), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(features_NF), CHUNK_ROWS):
                rows = slice(start, start + CHUNK_ROWS)
                tower_ND = self._tower(self._standardise(_padded(features_NF[rows]).double()))
                shared_NS = functional.linear(tower_ND, self._weight_SD, self._bias_S)
                count = len(embedding_ND[rows])
                embedding_ND[rows] = tower_ND.float().numpy()[:count]
                projection_NS[rows] = shared_NS.float().numpy()[:count]
        return embedding_ND, projection_NS


class _Scorer:
    """The part of the network that runs per pair, with its weights laid out for the fastest product."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        network = checkpoint.network
        first, second, third = (cast("HeadLayer", layer) for layer in network.heads)
        self._standardise, self._dot_scale = network.cross_input, network.dot_scale
        self._cross_SK = _split_shared(network)[2].contiguous()
        self._norm = network.norm
        self._first = _linear(first.weight.permute(0, 2, 1).flatten(0, 1), first.bias.flatten(), relu=True)
        self._second = [_linear(w.T, b, relu=True) for w, b in zip(second.weight, second.bias, strict=True)]
        blocks: Tensor = torch.block_diag(*third.weight.transpose(1, 2))  # type: ignore[no-untyped-call]
        self._third = _linear(blocks, third.bias.flatten(), relu=False)
        calibration = [checkpoint.config.calibration[head] for head in HEADS]
        self._scale_H = torch.tensor([item.scale for item in calibration], dtype=torch.float32)
        self._offset_H = torch.tensor([item.offset for item in calibration], dtype=torch.float32)

    def score(self, user_D: Tensor, user_S: Tensor, post_ND: Tensor, post_NS: Tensor, cross_NC: Tensor) -> Tensor:
        dot_N1 = (post_ND @ user_D).unsqueeze(1) * self._dot_scale
        input_NK = torch.cat([dot_N1, self._standardise(cross_NC)], dim=1)
        shared_NS = torch.addmm(post_NS, input_NK, self._cross_SK.T).add_(user_S)
        hidden = self._first(self._norm(shared_NS).relu_())
        parts = hidden.chunk(len(HEADS), dim=1)
        logits_NH = self._third(
            torch.cat([layer(part) for layer, part in zip(self._second, parts, strict=True)], dim=1)
        )
        scores_NH = torch.sigmoid(logits_NH * self._scale_H + self._offset_H)
        scores_NH[:, DWELL] = self._scale_H[DWELL] * torch.expm1(logits_NH[:, DWELL].clamp_min(0.0))
        return scores_NH


def _linear(weight: Tensor, bias: Tensor, *, relu: bool) -> Linear:
    """``x @ weight.T + bias``, then ReLU where asked.

    oneDNN's product where this build of torch has it, under the name by which torch's own compiler calls it: on AMD
    cores it is twice as fast as MKL's, which is what ``functional.linear`` uses.
    """
    weight, bias = weight.contiguous(), bias.contiguous()
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        product: Any = torch.ops.mkldnn._linear_pointwise
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, CHUNK_ROWS)
        after = "relu" if relu else "none"
        return lambda x: product(x, packed, bias, after, [], "")
    if relu:
        return lambda x: functional.linear(x, weight, bias).relu_()
    return lambda x: functional.linear(x, weight, bias)


def _split_shared(network: FeedRanker) -> tuple[Tensor, Tensor, Tensor]:
    """Weights of the shared layer by input: user (S, D), post (S, D), dot and cross (S, K)."""
    width = (network.shared.in_features - 1 - NUM_CROSS) // 2
    user_SD, post_SD, cross_SK = torch.split(network.shared.weight, [width, width, 1 + NUM_CROSS], dim=1)
    return user_SD, post_SD, cross_SK


def _padded(rows_NI: Array) -> Tensor:
    """A copy with zero rows added up to a multiple of BLOCK_ROWS."""
    num_rows, num_columns = rows_NI.shape
    padded = np.zeros((-(-num_rows // BLOCK_ROWS) * BLOCK_ROWS, num_columns), dtype=np.float32)
    padded[:num_rows] = rows_NI
    return torch.from_numpy(padded)
