"""A student learns from its teacher's outputs; what cannot teach is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from contracts.heads import HEADS
from models.batches import Batch
from models.checkpoint import write_checkpoint
from models.examples import FEATURES
from models.losses import head_losses, teacher_losses, total_loss
from models.model import Model
from models.network import by_entity
from models.preset import Preset
from models.presets import preset_of
from models.presets.light import light
from models.resume import ResumeFile
from models.steps import Steps
from models.teacher import Teacher, teacher_of
from models.training import Fitted, TrainingConfig, fit
from storage import open_folder
from tests.damaged_models import DAMAGES
from tests.model_examples import DAYS, make_config, make_network, untrained
from tests.models.test_resume import CALIBRATION, TRAINING, killed_after
from tests.models.test_training import _InMemory

if TYPE_CHECKING:
    from models.examples import Examples

RESERVED = (date(2026, 3, 6), date(2026, 3, 7))
NAMES = [feature.example_column for feature in FEATURES for _ in range(feature.size)]


class Oracle(Model):
    """Knows how the planted labels of ``make_columns`` come about, and counts its answers."""

    def __init__(self) -> None:
        self.answers = 0

    def outputs(self, features_NF: Tensor) -> Tensor:  # noqa: N803
        self.answers += 1
        sports, topic, liked = (
            features_NF[:, NAMES.index(name)] - 0.5
            for name in ("user_interest_sports", "post_topic_sports", "pair_like_rate")
        )
        return (-1.0 + 10.0 * sports * topic + 3.0 * liked).unsqueeze(1).expand(-1, len(HEADS))

    def files(self) -> dict[str, bytes]:
        return {}


def quick(share: float) -> Preset:
    optimiser = replace(light().optimiser, learning_rate=0.02, batch_size=64, patience=4)
    return replace(light(), optimiser=optimiser, epochs=4, teacher_share=share)


def shuffled() -> "Examples":
    rows = _InMemory(DAYS[:2], num_rows=2000)
    for shard in rows:
        shard.labels.copy_(shard.labels[torch.randperm(2000, generator=torch.Generator().manual_seed(3))])
    return cast("Examples", rows)


def agreement(share: float, teacher: Oracle) -> float:
    """Correlation of the student's likes with the teacher's on new rows; all labels are those of other rows."""
    calibration = cast("Examples", _InMemory(DAYS[2:3], num_rows=1000))
    student = fit(shuffled(), calibration, TrainingConfig(quick(share), 20), lambda _: None, teacher=teacher).model
    features = next(iter(_InMemory(DAYS[3:], num_rows=1000))).features
    learnt, known = (model.outputs(features)[:, 0].numpy() for model in (student, Oracle()))
    return float(np.corrcoef(learnt, known)[0, 1])


def test_a_student_whose_labels_say_nothing_follows_its_teacher() -> None:
    teacher = Oracle()
    assert agreement(1.0, teacher) > 0.9
    assert teacher.answers > 0


def test_without_a_share_the_teacher_is_not_asked() -> None:
    teacher = Oracle()
    assert abs(agreement(0.0, teacher)) < 0.5
    assert teacher.answers == 0


def first_batch() -> Batch:
    rows = next(iter(_InMemory(DAYS[:1], num_rows=100)))
    return Batch(rows.features, rows.labels, torch.full((100,), 1.5), 200)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_loss_is_that_of_labels_and_of_the_teacher_by_their_shares(share: float) -> None:
    network, teacher, batch = make_network("light"), make_network("tiny"), first_batch()
    with torch.inference_mode():
        logits, taught = network(*by_entity(batch.features)), teacher(*by_entity(batch.features))
    labels, likeness = head_losses(logits, batch.labels, batch.weight), teacher_losses(logits, taught)
    wanted = total_loss((1.0 - share) * labels + share * likeness) / 2  # half of the batch's rows are here
    steps = Steps(network, replace(light(), teacher_share=share), 100, teacher=teacher)
    assert steps.loss(batch).item() == pytest.approx(wanted.item(), rel=1e-5)
    assert wanted.item() != pytest.approx(total_loss(labels).item() / 2, rel=1e-3)


def test_a_teacher_neither_drops_units_nor_learns() -> None:
    torch.manual_seed(2)
    network, teacher, batch = untrained("light"), untrained("tiny").train(), first_batch()
    steps = Steps(network.eval(), light(), 100, teacher=teacher)
    loss = steps.loss(batch)
    assert loss.item() == steps.loss(batch).item()
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_student_without_a_teacher_is_refused() -> None:
    with pytest.raises(ValueError, match="preset light learns from a teacher, and none is given"):
        fit(TRAINING, CALIBRATION, TrainingConfig(light(), 20), lambda _: None)


def fitted(resume: ResumeFile | None = None) -> Fitted:
    config = TrainingConfig(replace(light(), epochs=2), seed=20)
    return fit(TRAINING, CALIBRATION, config, lambda _: None, teacher=make_network("tiny"), resume=resume)


def test_a_killed_student_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = fitted()
    file = ResumeFile(open_folder(tmp_path), "training-one.state", "this one", every=2)
    with killed_after(9):
        fitted(file)
    torch.manual_seed(99)
    found = fitted(file)
    assert found.model.files() == whole.model.files() == fitted().model.files()
    assert [replace(epoch, rows_per_s=1) for epoch in found.epochs] == [
        replace(epoch, rows_per_s=1) for epoch in whole.epochs
    ]


def taught_by(folder: Path, version: str | None, preset: str = "light") -> Teacher:
    return teacher_of(open_folder(folder), version, preset_of(preset), RESERVED)


def write_teacher(folder: Path, days: tuple[str, ...] = ("2026-03-04",)) -> str:
    return write_checkpoint(folder, make_network(), make_config(training_partitions=days))


def test_a_teacher_is_loaded_with_the_days_it_knows(tmp_path: Path) -> None:
    version = write_teacher(tmp_path)
    found = taught_by(tmp_path, version)
    assert (found.version, found.days) == (version, {"2026-03-04"})
    share = f"{light().teacher_share:.0%}"
    assert found.message == f"{share} of the loss compares with the outputs of the teacher {version}"
    features = first_batch().features
    assert found.model is not None
    assert torch.equal(found.model.outputs(features), make_network().outputs(features))


@pytest.mark.parametrize("preset", ["tiny", "lightgbm"])
def test_other_presets_have_none(tmp_path: Path, preset: str) -> None:
    assert taught_by(tmp_path, write_teacher(tmp_path), preset) == Teacher(None, "")
    found = taught_by(tmp_path, None, preset)
    assert (found.version, found.model, found.days) == (None, None, set())


def test_a_missing_teacher_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="preset light learns from a teacher: name a trained model by --teacher VERSI"):
        taught_by(tmp_path, None)


@pytest.mark.parametrize(("damage", "why"), DAMAGES)
def test_a_teacher_that_cannot_be_used_says_why(tmp_path: Path, damage: Callable[[Path], None], why: str) -> None:
    version = write_teacher(tmp_path)
    damage(tmp_path / version)
    with pytest.raises(ValueError, match=f"^the teacher {version} {why}"):
        taught_by(tmp_path, version)


def test_a_teacher_that_knows_a_day_that_judges_its_student_is_refused(tmp_path: Path) -> None:
    version = write_teacher(tmp_path, ("2026-03-05", "2026-03-06"))
    with pytest.raises(ValueError, match=r"was trained on 2026-03-06, which calibrate or are held out tonight"):
        taught_by(tmp_path, version)
