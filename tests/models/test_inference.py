from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.heads import HEADS, SCORE_COLUMNS
from models.calibration import calibrate
from models.checkpoint import write_checkpoint
from models.inference import Ranker
from models.layers import CHUNK_ROWS
from models.network import NUM_CROSS, NUM_POST, NUM_USER
from tests.model_examples import NETWORK_PRESETS, make_config, make_network

NUM_POSTS = 2 * CHUNK_ROWS + 37


@pytest.fixture(scope="module", params=NETWORK_PRESETS)
def preset(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def ranker(preset: str, tmp_path_factory: pytest.TempPathFactory) -> Ranker:
    folder = tmp_path_factory.mktemp("models")
    return Ranker.load(folder / write_checkpoint(folder, make_network(preset), make_config(preset)))


def _features(num_rows: int, num_features: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (num_rows, num_features)).astype(np.float32)


USER, POSTS, CROSS = _features(1, NUM_USER), _features(NUM_POSTS, NUM_POST), _features(NUM_POSTS, NUM_CROSS)


def _score(ranker: Ranker, rows: np.ndarray) -> dict[str, np.ndarray]:
    user_embedding, user_projection = ranker.user_vectors(USER)
    post_embedding, post_projection = ranker.post_vectors(POSTS)
    return ranker.score(user_embedding[0], user_projection[0], post_embedding[rows], post_projection[rows], CROSS[rows])


def test_equals_the_plain_forward(ranker: Ranker, preset: str) -> None:
    network, config = make_network(preset), make_config(preset)
    users = torch.from_numpy(np.repeat(USER, NUM_POSTS, axis=0))
    logits = network(users, torch.from_numpy(POSTS), torch.from_numpy(CROSS)).double().numpy()
    scores = _score(ranker, np.arange(NUM_POSTS))
    assert tuple(scores) == SCORE_COLUMNS == ("p_like", "p_comment", "p_share", "p_hide", "p_report", "dwell_s")
    for index, (head, name) in enumerate(zip(HEADS, SCORE_COLUMNS, strict=True)):
        assert scores[name].dtype == np.float32
        assert scores[name].std() > 0
        wanted = calibrate(config.calibration[head.name], logits[:, index])
        np.testing.assert_allclose(scores[name], wanted, atol=1e-5, rtol=2e-6)  # some dwell for a minute


def test_a_judged_ranker_is_calibrated_without_the_heldout_days(tmp_path: Path) -> None:
    folder = tmp_path / write_checkpoint(tmp_path, make_network(), make_config())
    config, rows = make_config(), np.arange(200)
    users = torch.from_numpy(np.repeat(USER, len(rows), axis=0))
    logits = make_network()(users, torch.from_numpy(POSTS[rows]), torch.from_numpy(CROSS[rows])).double().numpy()
    for is_judged, calibration in ((False, config.calibration), (True, config.judged_calibration)):
        scores = _score(Ranker.load(folder, is_judged=is_judged), rows)
        for index, head in enumerate(HEADS):
            wanted = calibrate(calibration[head.name], logits[:, index])
            np.testing.assert_allclose(scores[head.score_column], wanted, atol=1e-5)


@pytest.mark.parametrize("num_rows", [1, 2, 7, 63, 64, 65, 200, CHUNK_ROWS, CHUNK_ROWS + 1, NUM_POSTS - 1])
def test_a_score_does_not_depend_on_the_other_candidates(ranker: Ranker, num_rows: int) -> None:
    everything = _score(ranker, np.arange(NUM_POSTS))
    rows = np.random.default_rng(num_rows).permutation(NUM_POSTS)[:num_rows]
    for name, values in _score(ranker, rows).items():
        np.testing.assert_array_equal(values, everything[name][rows])


@pytest.mark.parametrize("num_rows", [1, 3, 64, 130, NUM_POSTS - 5])
def test_vectors_do_not_depend_on_the_batch(ranker: Ranker, num_rows: int) -> None:
    rows = np.random.default_rng(num_rows).permutation(NUM_POSTS)[:num_rows]
    for whole, part in zip(ranker.post_vectors(POSTS), ranker.post_vectors(POSTS[rows]), strict=True):
        np.testing.assert_array_equal(whole[rows], part)
    users = _features(NUM_POSTS, NUM_USER, seed=2)
    for whole, part in zip(ranker.user_vectors(users), ranker.user_vectors(users[rows]), strict=True):
        np.testing.assert_array_equal(whole[rows], part)


def test_no_candidates(ranker: Ranker) -> None:
    assert all(values.shape == (0,) for values in _score(ranker, np.arange(0)).values())
    assert ranker.post_vectors(POSTS[:0])[0].shape[0] == 0


def test_read_only_and_strided_inputs(ranker: Ranker) -> None:
    wide = np.asfortranarray(POSTS)
    wide.setflags(write=False)
    np.testing.assert_array_equal(ranker.post_vectors(wide)[0], ranker.post_vectors(POSTS)[0])


def test_wrong_shapes_are_refused(ranker: Ranker) -> None:
    with pytest.raises(ValueError, match=r"features of shape \(3, 5\); expected \(N, \d+\)"):
        ranker.user_vectors(_features(3, 5))
    embedding, projection = ranker.post_vectors(POSTS[:4])
    user_embedding, user_projection = ranker.user_vectors(USER)
    with pytest.raises(ValueError, match="for 4 post embeddings and 4 projections"):
        ranker.score(user_embedding[0], user_projection[0], embedding, projection, CROSS[:3])


def test_one_thread(ranker: Ranker) -> None:
    assert ranker.model_version
    assert torch.get_num_threads() == 1


def test_a_missing_checkpoint_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Ranker.load(tmp_path / "none")
