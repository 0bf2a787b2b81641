"""Scoring with a trained ranker: once per user, once per post, then only the rest per pair.

Runs wherever torch does, on one thread. Results do not depend on what else is in a call: every product runs on blocks
of a multiple of 64 rows, padded with zeros, since a matrix product picks its kernel, and with it the order of its
sums, by the number of rows.

Shape suffixes: N rows, F features, D embedding, S projection, C cross features, H heads.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contracts.heads import HEADS
from contracts.places import Location
from models.calibration import calibrate
from models.checkpoint import Checkpoint, read_checkpoint
from models.layers import CHUNK_ROWS
from models.model import Side
from models.network import NUM_CROSS, NUM_POST, NUM_USER

Array = NDArray[np.float32]

BLOCK_ROWS = 64


class Ranker:
    """A frozen model. Not for use by several threads at once; sets torch to one thread in this process."""

    def __init__(self, checkpoint: Checkpoint, *, is_judged: bool = False) -> None:
        torch.set_num_threads(1)
        self.model_version = checkpoint.model_version
        self._parts = checkpoint.model.parts()
        config = checkpoint.config
        self._calibration = config.judged_calibration if is_judged else config.calibration

    @staticmethod
    def load(folder: Location, *, is_judged: bool = False) -> "Ranker":
        """Load a checkpoint folder; a damaged one, or one of another feature registry, raises ``ValueError``.

        A ranker that ``is_judged`` is calibrated without the days that its training held out.
        """
        return Ranker(read_checkpoint(folder), is_judged=is_judged)

    def user_vectors(self, features_NF: Array) -> tuple[Array, Array]:
        """Embeddings (N, D) and projections (N, S) of users; features in the order of ``names_of("user")``."""
        return _vectors(self._parts.user, features_NF, NUM_USER)

    def post_vectors(self, features_NF: Array) -> tuple[Array, Array]:
        """Embeddings (N, D) and projections (N, S) of posts; features in the order of ``names_of("post")``."""
        return _vectors(self._parts.post, features_NF, NUM_POST)

    def score(
        self,
        user_embedding_D: Array,
        user_projection_S: Array,
        post_embedding_ND: Array,
        post_projection_NS: Array,
        cross_NC: Array,
    ) -> dict[str, Array]:
        """Calibrated scores of one user's candidates by score column, each (N,): probabilities, or seconds.

        ``cross_NC`` holds the pair features, then the context features, in registry order.
        """
        count = len(post_embedding_ND)
        if cross_NC.shape != (count, NUM_CROSS) or len(post_projection_NS) != count:
            raise ValueError(
                f"cross features of shape {cross_NC.shape} for {count} post embeddings and "
                f"{len(post_projection_NS)} projections; expected ({count}, {NUM_CROSS})"
            )
        logits_HN = np.empty((len(HEADS), count), dtype=np.float32)
        with torch.inference_mode():
            user_D, user_S = torch.tensor(user_embedding_D), torch.tensor(user_projection_S)
            for start in range(0, count, CHUNK_ROWS):
                rows = slice(start, start + CHUNK_ROWS)
                posts = [_padded(values[rows]) for values in (post_embedding_ND, post_projection_NS, cross_NC)]
                num_rows = min(CHUNK_ROWS, count - start)
                logits_HN[:, rows] = self._parts.pair(user_D, user_S, *posts).numpy()[:num_rows].T
        return {
            head.score_column: calibrate(self._calibration[head.name], logits_N)
            for head, logits_N in zip(HEADS, logits_HN, strict=True)
        }


def _vectors(side: Side | None, features_NF: Array, num_features: int) -> tuple[Array, Array]:
    count = len(features_NF)
    if features_NF.shape[1:] != (num_features,):
        raise ValueError(f"features of shape {features_NF.shape}; expected (N, {num_features})")
    if side is None:
        return np.ascontiguousarray(features_NF, dtype=np.float32), np.empty((count, 0), dtype=np.float32)
    embeddings, projections = [], []
    with torch.inference_mode():
        for start in range(0, max(count, 1), CHUNK_ROWS):
            rows = features_NF[start : start + CHUNK_ROWS]
            embedding_ND, projection_NS = side(_padded(rows))
            embeddings.append(embedding_ND.numpy()[: len(rows)])
            projections.append(projection_NS.numpy()[: len(rows)])
    return np.concatenate(embeddings), np.concatenate(projections)


def _padded(rows_NI: Array) -> Tensor:
    """A copy with zero rows added up to a multiple of BLOCK_ROWS."""
    num_rows, num_columns = rows_NI.shape
    padded = np.empty((-(-num_rows // BLOCK_ROWS) * BLOCK_ROWS, num_columns), dtype=np.float32)
    padded[:num_rows], padded[num_rows:] = rows_NI, 0.0
    return torch.from_numpy(padded)
