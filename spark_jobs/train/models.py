"""``gold.models``: the model of each role that a night trains.

Grain: night and role. The heavy model comes first, because a student learns from it. Training runs in its own
environment (Petastorm pins an old pyarrow), so this job starts it as a process and only gates its outcome.
``FEEDLAKE_TRAIN_PYTHON`` names that environment's interpreter.
"""

import os
import subprocess
import sys
from pathlib import Path

from contracts.settings.models import HEAVY, ROLES, STUDENT_PRESETS
from contracts.settings.options import VARIABLE, words_of
from models.registry import forget
from models.untrained import leave_untrained
from spark_jobs.night.night import Night
from spark_jobs.rules.last_model import last_model

ROOT = Path(__file__).resolve().parent.parent.parent
PREFIX = "train: "
"""The training process begins the line about its error with this."""


class TrainingFailed(Exception):  # noqa: N818 - a verdict on the data or the environment, with the process's own message
    """The training process ended with an error."""


def train_command(night: Night, role: str, champion: str | None = None, teacher: str | None = None) -> list[str]:
    """Command line of the training process for this night and role.

    ``champion`` is the model to begin with, ``teacher`` the one to learn from.
    """
    python = os.environ.get("FEEDLAKE_TRAIN_PYTHON", str(ROOT / ".venv" / "train" / "bin" / "python"))
    processes = night.settings.training.processes
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    options = {
        "--lake": night.lake.root,
        "--ds": night.ds.isoformat(),
        "--landing": night.landing,
        "--runs": str(night.runs),
        "--role": role,
    }
    options |= {"--champion": champion} if champion else {}
    options |= {"--teacher": teacher} if teacher else {}
    words = [word for pair in options.items() for word in pair]
    many = torchrun if processes > 1 else []
    return [python, *many, "-m", "models.train", *words, *words_of(night.settings)]


def main(night: Night) -> None:
    """Train each role; raises ``TrainingFailed`` with the last line of a training process that fails."""
    night.lake.create("gold.models")
    serves = last_model(night) if night.settings.training.warm_start else None
    presets = night.settings.models.trained
    for role in ROLES:
        if role not in presets:
            # An earlier run of the night may have trained one.
            forget(night.lake.root, night.ds, role)
        elif presets[role] in STUDENT_PRESETS:
            _train_student(night, role)
        else:
            _train(night, role, champion=serves[0] if serves and role == HEAVY else None)


def _train_student(night: Night, role: str) -> None:
    """Train with tonight's heavy model as the teacher; without one, the role has no model."""
    heavy = night.files.training(HEAVY).read()
    if heavy["model_version"] is None:
        reason = f"its teacher, the heavy model, was not trained: {heavy['reason']}"
        leave_untrained(night.lake.root, night.runs, night.ds, role, reason)
        print(f"gold.models: no {role} model is trained: {reason}")
    else:
        _train(night, role, teacher=heavy["model_version"])


def _train(night: Night, role: str, champion: str | None = None, teacher: str | None = None) -> None:
    # The lake environment's path entries must not leak into the other interpreter.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK", "SPARK"))}
    # The command line holds every setting that is no default; the file may have changed since the night began.
    environment = {key: value for key, value in environment.items() if key != VARIABLE} | {"PYTHONPATH": str(ROOT)}
    last_line = ""
    with subprocess.Popen(
        train_command(night, role, champion, teacher), cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None, "its errors go through a pipe"
        for line in process.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            if not last_line.startswith(PREFIX):  # torchrun says much after it
                last_line = line.strip() or last_line
    if process.returncode != 0:
        raise TrainingFailed(last_line or f"the training process ended with {process.returncode} and said nothing")
