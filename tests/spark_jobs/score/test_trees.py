"""Trees score in bulk as they score rows: nothing is computed once per user or post."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import torch

from contracts.features import features_of, names_of
from contracts.heads import HEADS
from contracts.settings import ValueWeights
from models.calibration import calibrate
from models.checkpoint import write_checkpoint
from models.network import NUM_CROSS, NUM_POST, NUM_USER
from models.presets.lightgbm import lightgbm
from models.training import TrainingConfig, fit
from spark_jobs.rules.night_model import NightModel
from spark_jobs.rules.user_batches import float_matrix, number_lists
from spark_jobs.score.candidate_scorer import Candidates, Config, expected_context, score_heads
from spark_jobs.score.post_embeddings import embed
from spark_jobs.score.post_vectors import PostSource, Vectors
from tests.model_examples import DAYS, make_config
from tests.models.test_training import _InMemory

if TYPE_CHECKING:
    from models.examples import Examples


def test_trees_score_candidates_as_they_score_rows(tmp_path: Path) -> None:
    preset = replace(lightgbm(), boosting=replace(lightgbm().boosting, rounds=4, leaf_curvature=2.0))
    rows = _InMemory(DAYS[:1], num_rows=300)
    examples = cast("Examples", rows)
    model = fit(examples, examples, TrainingConfig(preset, 20), lambda _: None).model
    config = make_config("lightgbm")
    version = write_checkpoint(tmp_path, model, config)
    features = next(iter(rows)).features.numpy()
    users, posts, cross = np.split(features, [NUM_USER, NUM_USER + NUM_POST], axis=1)
    night_model = NightModel(version, str(tmp_path / version), 0)

    columns, start = {"post_id": pa.array(np.arange(300))}, 0
    for feature in features_of("post"):
        values = posts[:, start : start + feature.size]
        columns[feature.name] = pa.array(values[:, 0]) if feature.size == 1 else number_lists(values)
        start += feature.size
    batch = pa.record_batch({name: columns[name] for name in ("post_id", *names_of("post"))})
    (embedded,) = embed((night_model.folder, None), [batch])
    vectors = [float_matrix(embedded.column(name)) for name in ("embedding", "projection")]
    np.testing.assert_array_equal(vectors[0], posts)
    assert vectors[1].shape == (300, 0)

    scoring = Config(night_model, PostSource("", 0, "", 0, ""), ValueWeights(), 0, {}, 1)
    order, starts = np.arange(299, -1, -1), np.array([0, 120])
    num_pair = NUM_CROSS - expected_context(users[:1], {}).shape[1]
    pairs = cross[order, :num_pair]
    unread = np.zeros(300)
    candidates = Candidates(order, starts, users[:2], pairs, age_h=unread, is_exempt=unread > 0)
    scores = score_heads(scoring, night_model, Vectors(*vectors), candidates)
    of_user = users[:2][np.repeat([0, 1], [120, 180])]
    whole = np.hstack([of_user, posts[order], pairs, expected_context(of_user, {})])
    logits = model.outputs(torch.from_numpy(whole.astype(np.float32))).numpy()
    for index, head in enumerate(HEADS):
        wanted = calibrate(config.calibration[head.name], logits[:, index])
        np.testing.assert_array_equal(scores[head.score_column], wanted)
