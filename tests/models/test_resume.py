import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from contracts.heads import LABEL_COLUMNS
from models.erasure import remove_states
from models.examples import FEATURE_COLUMNS, Examples, Shard
from models.presets.deep_cross import deep_cross
from models.resume import FROM_NOTHING, ResumeFile, Saved, code_hash, training_key
from models.steps import Steps
from models.training import Fitted, TrainingConfig, fit
from storage import open_folder
from tests.model_examples import DAYS, make_columns


class Killed(Exception):  # noqa: N818 - what happens to the training
    pass


class Rows:
    """Two shards of 1,300 rows, which are six batches of deep_cross, or one of 900."""

    def __init__(self, days: slice, num_rows: int) -> None:
        self.shards = []
        for day in DAYS[days]:
            columns = make_columns(day, num_rows)
            features = torch.from_numpy(np.column_stack([np.asarray(columns[name]) for name in FEATURE_COLUMNS]))
            labels = torch.from_numpy(np.stack([columns[name] for name in LABEL_COLUMNS], axis=1))
            self.shards.append(Shard(features, labels, torch.from_numpy(columns["weight"])))

    def __iter__(self) -> Iterator[Shard]:
        return iter(self.shards)


TRAINING, CALIBRATION = (cast("Examples", Rows(*of)) for of in ((slice(2), 1300), (slice(2, 3), 900)))
CONFIG = TrainingConfig(replace(deep_cross(), epochs=3), seed=20)


def fitted(resume: ResumeFile | None = None, lines: list[str] | None = None) -> Fitted:
    messages = [] if lines is None else lines
    return fit(TRAINING, CALIBRATION, CONFIG, messages.append, resume=resume)


@contextmanager
def killed_after(steps: int) -> Iterator[None]:
    """End the training under way when it has taken so many steps."""
    take = Steps.take

    def take_until_killed(self: Steps, loss: Any) -> None:
        if self.taken == steps:
            raise Killed
        take(self, loss)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Steps, "take", take_until_killed)
        with pytest.raises(Killed):
            yield


@pytest.fixture(scope="module")
def whole() -> Fitted:
    return fitted()


@pytest.mark.parametrize(
    ("after", "told"), [(5, "epoch 1, after 4 of"), (6, "epoch 2, after 0"), (15, "epoch 3, after 2")]
)
def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path, whole: Fitted, after: int, told: str) -> None:
    file = ResumeFile(open_folder(tmp_path), "training-one.state", "this one", every=2)
    with killed_after(after):
        fitted(file)
    torch.manual_seed(99)
    lines: list[str] = []
    found = fitted(file, lines)
    assert lines[0].startswith(f"training was cut off and goes on from {file}: {told}")
    assert found.model.files() == whole.model.files()
    assert [replace(epoch, rows_per_s=1) for epoch in found.epochs] == [
        replace(epoch, rows_per_s=1) for epoch in whole.epochs
    ]


def test_one_that_was_killed_before_it_was_registered_takes_no_step_again(tmp_path: Path, whole: Fitted) -> None:
    file = ResumeFile(open_folder(tmp_path), "training-one.state", "this one", every=100)
    fitted(file)
    lines: list[str] = []
    found = fitted(file, lines)
    assert len(lines) == 1
    assert found.best_epoch == whole.best_epoch
    file.remove()
    assert list(tmp_path.iterdir()) == []


def written(folder: Path, key: str = "mine") -> ResumeFile:
    file = ResumeFile(open_folder(folder), "training-2026-03-08-heavy.state", key, every=1)
    file.write(Saved({"weights": torch.arange(5.0)}, {"taken": 3}))
    return file


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    saved, _ = written(tmp_path).read()
    assert saved is not None
    assert saved.content == {"taken": 3}
    assert torch.equal(saved.tensors["weights"], torch.arange(5.0))
    assert ResumeFile(open_folder(tmp_path), "none.state", "mine", 1).read() == (None, "")


def test_a_state_of_another_training_is_not_taken(tmp_path: Path) -> None:
    written(tmp_path, "another")
    saved, message = replace(written(tmp_path, "another"), key="mine").read()
    assert saved is None
    assert message.endswith(f"is of other rows, settings or code, and is not used; {FROM_NOTHING}")


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-7], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda _: b"", lambda b: b"0" + b]
)
def test_a_damaged_state_is_not_taken(tmp_path: Path, damage: Any) -> None:
    file = written(tmp_path)
    path = tmp_path / file.name
    path.write_bytes(damage(path.read_bytes()))
    saved, message = file.read()
    assert saved is None
    assert message.endswith(f"is cut short or was changed, and is not used; {FROM_NOTHING}")


def test_a_half_written_state_hides_nothing_and_goes_with_it(tmp_path: Path) -> None:
    file = written(tmp_path)
    half = tmp_path / f".{file.name}.tmp"
    half.write_bytes((tmp_path / file.name).read_bytes()[:20])
    assert file.read()[0] is not None
    file.remove()
    assert list(tmp_path.iterdir()) == []


def test_an_erasure_removes_states_and_nothing_else(tmp_path: Path) -> None:
    file = written(tmp_path)
    (tmp_path / f".{file.name}.tmp").write_bytes(b"half")
    (tmp_path / ".training-2026-03-09-heavy.state.tmp").write_bytes(b"half of the first one")
    (tmp_path / "0123456789abcdef").mkdir()
    assert remove_states(tmp_path) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["0123456789abcdef"]
    assert remove_states(tmp_path / "nothing") == 0


def test_the_key_is_of_all_that_is_given_and_of_the_code(tmp_path: Path) -> None:
    assert training_key(seed=1) == training_key(seed=1) != training_key(seed=2)
    for package in ("contracts", "models", "storage"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "a.py").write_text("1\n")
    before = code_hash(tmp_path)
    (tmp_path / "models" / "notes.txt").write_text(json.dumps({}))
    assert code_hash(tmp_path) == before
    (tmp_path / "models" / "a.py").write_text("2\n")
    assert code_hash(tmp_path) != before
