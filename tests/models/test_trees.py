import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from contracts.heads import HEADS
from contracts.settings import Training
from models import processes
from models.calibration import calibrate
from models.checkpoint import TREE_FILES, Checkpoint, read_checkpoint, write_checkpoint
from models.examples import FEATURES, Shard
from models.inference import Ranker
from models.network import NUM_CROSS, NUM_POST, NUM_USER
from models.presets import preset_of
from models.presets.lightgbm import lightgbm
from models.presets.tiny import tiny
from models.training import Trained, TrainingConfig, fit, judge
from models.trees import INPUTS, Trees, inputs_of
from models.warm_start import start_of
from storage import open_folder
from tests.model_examples import DAYS, make_config
from tests.models.test_training import WEEKDAYS, _InMemory

if TYPE_CHECKING:
    from models.examples import Examples

RULES = replace(lightgbm().boosting, rounds=12, leaves=4, leaf_curvature=5.0, bins=15, learning_rate=0.3)
SMALL = replace(lightgbm(), boosting=RULES)
ROWS = 3_000
"""Of each day; the shares of likes of two days differ by 4 %."""
LABELS = {"like": 1.0, "share": 0.0}
"""One label of a head in all training rows, in place of the planted ones."""


def _rows(day: int) -> _InMemory:
    return _InMemory(DAYS[day : day + 1], num_rows=ROWS)


def _one_label(rows: _InMemory) -> _InMemory:
    for shard in rows:
        for head, label in LABELS.items():
            shard.labels[:, [item.name for item in HEADS].index(head)] = label
    return rows


def _grow(seed: int = 20, training: _InMemory | None = None, lines: list[str] | None = None) -> Trained:
    rows, calibration, holdout = (cast("Examples", part) for part in (training or _rows(0), _rows(2), _rows(3)))
    config, said = TrainingConfig(SMALL, seed, num_days=5), [] if lines is None else lines
    return judge(fit(rows, calibration, config, said.append), calibration, holdout, config)


@pytest.fixture(scope="module")
def grown() -> Trained:
    return _grow()


@pytest.fixture
def folder(grown: Trained, tmp_path: Path) -> Path:
    config = replace(make_config("lightgbm"), preset=SMALL, calibration=grown.calibration)
    return tmp_path / write_checkpoint(tmp_path, grown.fitted.model, config)


def _unseen() -> Shard:
    return next(iter(_rows(3)))


def test_the_planted_preference_is_found_and_calibrated(grown: Trained) -> None:
    like = grown.metrics["like"]
    assert like["auc"] is not None
    assert like["auc"] > 0.62
    assert like["mean_predicted"] == pytest.approx(like["mean_observed"], rel=0.1)
    (epoch,) = grown.fitted.epochs
    assert epoch.losses["like"] < float(np.log(2)) - 0.02


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(grown: Trained) -> None:
    assert _grow().fitted.model.files() == grown.fitted.model.files()
    assert _grow(seed=21).fitted.model.files() != grown.fitted.model.files()


def test_a_head_of_one_label_is_a_constant_and_says_so() -> None:
    lines: list[str] = []
    model = _grow(training=_one_label(_rows(0)), lines=lines).fitted.model
    assert {line.partition(":")[0] for line in lines if "all labels of the training rows are equal" in line} == {
        "like",
        "share",
        "report",
    }
    chances = model.outputs(_unseen().features).sigmoid().numpy()
    for index, rate in ((0, (ROWS + 0.5) / (ROWS + 1)), (2, 0.5 / (ROWS + 1)), (4, 0.5 / (ROWS + 1))):
        np.testing.assert_allclose(chances[:, index], rate, rtol=1e-5)
    assert chances[:, 1].std() > 0


def test_trees_that_do_not_help_are_left_out() -> None:
    calibration = _rows(2)
    for shard in calibration:  # what was liked is disliked
        for name in ("user_interest_sports", "pair_like_rate"):
            shard.features[:, INPUTS.index(name)].mul_(-1.0).add_(1.0)
    lines: list[str] = []
    fit(cast("Examples", _rows(0)), cast("Examples", calibration), TrainingConfig(SMALL, 20), lines.append)
    assert any(line.startswith("like: no tree, as none helps: calibration loss") for line in lines)


def test_without_calibration_days_all_rounds_are_kept() -> None:
    lines: list[str] = []
    nothing = cast("Examples", [])
    fitted = fit(cast("Examples", _rows(0)), nothing, TrainingConfig(SMALL, 20), lines.append)
    assert lines[0].startswith(f"like: {SMALL.boosting.rounds} trees")
    assert fitted.epochs[0].calibration_loss is None


def test_no_tree_asks_for_a_weekday_that_training_saw_once(grown: Trained) -> None:
    features, names = _unseen().features, [item.example_column for item in FEATURES for _ in range(item.size)]
    other = features.clone()
    for name in WEEKDAYS:
        other[:, names.index(name)] += 1.0
    assert torch.equal(grown.fitted.model.outputs(other), grown.fitted.model.outputs(features))


def test_the_inputs_are_those_of_networks_and_the_products() -> None:
    features = torch.zeros(1, NUM_USER + NUM_POST + NUM_CROSS)
    names = [item.example_column for item in FEATURES for _ in range(item.size)]
    features[0, names.index("user_interest_sports")], features[0, names.index("post_topic_sports")] = 0.5, 0.25
    found = dict(zip(INPUTS, inputs_of(features)[0].tolist(), strict=True))
    assert {name: value for name, value in found.items() if value} == {
        "user_interest_sports": 0.5,
        "post_topic_sports": 0.25,
        "cross_topic_interests_0": 0.125,
        "cross_topic_interest": 0.125,
    }


def test_a_ranker_scores_what_was_written_whatever_else_is_in_the_call(folder: Path, grown: Trained) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(("config.json", *TREE_FILES))
    assert all((folder / name).read_text().startswith("tree\n") for name in TREE_FILES), "LightGBM's text"
    ranker, features = Ranker.load(folder), _unseen().features.numpy().copy()
    features[:, :NUM_USER] = features[0, :NUM_USER]
    users, posts = ranker.user_vectors(features[:1, :NUM_USER]), ranker.post_vectors(features[:, NUM_USER:-NUM_CROSS])
    logits = grown.fitted.model.outputs(torch.from_numpy(features)).numpy()
    for rows in (np.arange(800), np.arange(700, 5, -1), np.array([3])):
        scores = ranker.score(users[0][0], users[1][0], posts[0][rows], posts[1][rows], features[rows, -NUM_CROSS:])
        for index, head in enumerate(HEADS):
            wanted = calibrate(grown.calibration[head.name], logits[rows, index])
            np.testing.assert_array_equal(scores[head.score_column], wanted)


def _truncate(folder: Path) -> None:
    file = folder / TREE_FILES[1]
    file.write_text(file.read_text()[: len(file.read_text()) // 2])


def _tamper(folder: Path) -> None:
    file = folder / TREE_FILES[0]
    file.write_text(file.read_text().replace("leaf_value=", "leaf_value=9", 1))


def _reshape(folder: Path) -> None:
    file = folder / "config.json"
    content = json.loads(file.read_text())
    content["preset"]["boosting"]["leaves"] = 5
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("damage", [_truncate, _tamper, _reshape])
def test_damaged_files_are_refused(folder: Path, damage: Callable[[Path], None]) -> None:
    assert read_checkpoint(folder).config.preset == SMALL
    damage(folder)
    with pytest.raises(ValueError, match="it is damaged"):
        read_checkpoint(folder)


def test_trees_of_other_inputs_are_refused(grown: Trained) -> None:
    files = {name: text.replace(b"cross_taste", b"cross_smell") for name, text in grown.fitted.model.files().items()}
    with pytest.raises(ValueError, match=r"trees.like.txt was grown on other inputs or products of inputs; train it"):
        Trees.of_files(files)


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count", lambda: 2)
    with pytest.raises(ValueError, match=r"trees of lightgbm are grown by one process: set training\.processes to 1"):
        _grow()


def test_trees_begin_with_nothing_and_no_network_begins_with_trees(folder: Path) -> None:
    rules: Any = Training(warm_start=True)
    found = start_of(open_folder(folder.parent), folder.name, SMALL, rules, ())
    assert (found.champion, found.weights) == (None, None)
    assert found.message == "training begins with nothing: the trees of lightgbm grow from nothing"
    found = start_of(open_folder(folder.parent), folder.name, tiny(), rules, ())
    assert found.message.endswith(f"{folder.name} is of the preset lightgbm, not of tiny, or in other sizes")


def test_the_preset_survives_the_checkpoint(folder: Path) -> None:
    found: Checkpoint = read_checkpoint(folder)
    assert found.config.preset == SMALL
    assert preset_of("lightgbm") == lightgbm()
