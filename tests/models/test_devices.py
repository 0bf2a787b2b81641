"""Training on a GPU, where there is one, and in bfloat16."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import processes
from models.devices import device_of
from models.examples import NUM_INPUTS
from models.resume import ResumeFile
from models.training import Fitted, fit
from storage import open_folder
from tests.models.test_resume import CALIBRATION, CONFIG, TRAINING, killed_after

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA GPU")


def fitted(device: str, *, bf16: bool = False, resume: ResumeFile | None = None) -> Fitted:
    return fit(TRAINING, CALIBRATION, replace(CONFIG, device=device, bf16=bf16), lambda _: None, resume=resume)


def calibration_losses(fitted: Fitted) -> list[float]:
    return [epoch.calibration_loss for epoch in fitted.epochs if epoch.calibration_loss is not None]


@pytest.fixture(scope="module")
def on_cores() -> Fitted:
    return fitted("cpu")


@pytest.mark.parametrize(
    ("device", "bf16"),
    [("cpu", True), pytest.param("cuda", False, marks=needs_gpu), pytest.param("cuda", True, marks=needs_gpu)],
)
def test_another_device_or_precision_learns_as_much(on_cores: Fitted, device: str, *, bf16: bool) -> None:
    found, expected = calibration_losses(fitted(device, bf16=bf16)), calibration_losses(on_cores)
    assert (found == expected) is (device == "cpu" and not bf16), "an option that did nothing"
    assert found == pytest.approx(expected, rel=0.002), "of the 1 % that training gains"


@needs_gpu
def test_a_gpu_gives_the_same_weights_again_and_when_killed(tmp_path: Path) -> None:
    whole, again = (fitted("cuda", bf16=True).model.files() for _ in range(2))
    assert whole == again
    file = ResumeFile(open_folder(tmp_path), "training-one.state", "this one", every=2)
    with killed_after(15):
        fitted("cuda", bf16=True, resume=file)
    torch.manual_seed(99)
    assert fitted("cuda", bf16=True, resume=file).model.files() == whole


def test_weights_and_losses_stay_in_float32(on_cores: Fitted) -> None:
    network = fitted("cpu", bf16=True).model
    assert {value.dtype for value in network.state_dict().values()} == {  # type: ignore[attr-defined]
        value.dtype
        for value in on_cores.model.state_dict().values()  # type: ignore[attr-defined]
    }
    features = torch.from_numpy(np.zeros((3, NUM_INPUTS), dtype=np.float32))
    assert network.outputs(features).dtype == torch.float32


def test_a_gpu_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"training\.device is cuda, but PyTorch .* (finds no GPU|was built without)"):
        fitted("cuda")


def test_several_processes_do_not_share_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count", lambda: 2)
    with pytest.raises(ValueError, match=r"set training\.processes to 1"):
        device_of("cuda")
