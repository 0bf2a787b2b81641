"""Training as the train stage starts it, in real processes that can be killed."""

import hashlib
import json
import os
import subprocess
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil
from safetensors.numpy import load

from contracts.settings.load import load as load_settings
from contracts.settings.models import HEAVY
from models.erasure import state_file
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.train.models import train_command
from tests.model_examples import read_models
from tests.nights import ROOT

DS = date(2026, 3, 8)
PATIENCE_S = 900


@dataclass(frozen=True)
class TrainingRun:
    """Training of the night's heavy model over the examples under ``root``, with settings that are no defaults."""

    root: Path
    changes: tuple[str, ...] = ()
    champion: str | None = None

    @property
    def night(self) -> Night:
        no_spark: Any = None
        settings = load_settings(None, None, self.changes).settings
        lake = Lake(no_spark, str(self.root / "lake"))
        return Night(lake, DS, str(self.root / "landing"), self.root / "runs", settings)

    @property
    def state(self) -> Path:
        return self.root / "lake" / "models" / state_file(DS, HEAVY)

    def place(self) -> dict[str, Any]:
        """The place in the training that the state has."""
        if not self.state.exists():
            return {"epochs": [], "batches": 0}
        tensors = load(self.state.read_bytes().partition(b"\n")[2])
        place: dict[str, Any] = json.loads(bytes(tensors["content"]))["place"]
        return place

    def start(self) -> subprocess.Popen[bytes]:
        self.root.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        with (self.root / "train.log").open("ab") as log:
            words = train_command(self.night, HEAVY, self.champion)
            return subprocess.Popen(words, cwd=ROOT, env=env, stdout=log, stderr=log)

    def kill_in(self, epoch: int) -> dict[str, Any]:
        """Start, kill -9 every process in the middle of an epoch, and return the place in the state that is left."""
        process = self.start()
        deadline = time.monotonic() + PATIENCE_S
        while (place := self.place())["batches"] < 3 or len(place["epochs"]) != epoch - 1:
            assert process.poll() is None, self.log_text()
            assert time.monotonic() < deadline, self.log_text()
            time.sleep(0.002)
        tree = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for each in tree:
            each.kill()
        process.wait()
        psutil.wait_procs(tree)
        return self.place()

    def finish(self) -> str:
        """Run to the end; the model's version."""
        process = self.start()
        assert process.wait(PATIENCE_S) == 0, self.log_text()
        (row,) = read_models(self.root / "lake")
        return str(row["model_version"])

    def log_text(self) -> str:
        return (self.root / "train.log").read_text()

    def report(self) -> dict[str, Any]:
        return self.night.files.training().read()

    def weights(self, version: str) -> str:
        file = self.root / "lake" / "models" / version / "weights.safetensors"
        return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
