"""``gold.models``: one trained model version.

Training runs in its own environment (Petastorm pins an old pyarrow), so this job starts it as a process and only
gates its outcome. ``FEEDLAKE_TRAIN_PYTHON`` names that environment's interpreter.
"""

import os
import subprocess
from pathlib import Path

from spark_jobs.night import Night

ROOT = Path(__file__).resolve().parent.parent.parent


def train_command(night: Night) -> list[str]:
    """Command line of the training process for this night."""
    python = os.environ.get("FEEDLAKE_TRAIN_PYTHON", str(ROOT / ".venv" / "train" / "bin" / "python"))
    options = {
        "--lake": night.lake.root,
        "--ds": night.ds.isoformat(),
        "--landing": night.landing,
        "--runs": str(night.runs),
        "--preset": night.settings.model_preset,
        "--seed": str(night.settings.seed),
    }
    return [python, "-m", "models.train", *(word for pair in options.items() for word in pair)]


def main(night: Night) -> None:
    """Train; raises ``CalledProcessError`` when training fails, whose own message is already printed."""
    night.lake.create("gold.models")
    # The lake environment's path entries must not leak into the other interpreter.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK", "SPARK"))}
    subprocess.run(train_command(night), cwd=ROOT, env=environment | {"PYTHONPATH": str(ROOT)}, check=True)
