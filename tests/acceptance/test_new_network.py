"""A network is one file and a preset another: no other file changes to train, register, load and score it.

The test copies the code that trains and scores, adds the two files, trains the heavy model and the new one on the same
examples in one night, and scores with both.
"""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from contracts.heads import SCORE_COLUMNS
from tests.model_examples import read_models, write_examples

ROOT = Path(__file__).resolve().parents[2]
TRAIN = ROOT / ".venv" / "train" / "bin" / "python"
NETWORK = """
from dataclasses import dataclass

import torch
from torch import nn

from contracts.heads import HEADS
from models.network import NUM_CROSS, NUM_POST, NUM_USER, Network


@dataclass(frozen=True)
class _Sizes:
    width: int


class Toy(Network):
    Sizes = _Sizes

    def __init__(self, sizes):
        super().__init__(sizes)
        self.first = nn.Linear(NUM_USER + NUM_POST + NUM_CROSS, sizes.width)
        self.last = nn.Linear(sizes.width, len(HEADS))

    def forward(self, user, post, cross):
        return self.last(torch.relu(self.first(torch.cat([user, post, cross], dim=1))))
"""
PRESET = """
from models.networks.toy import Toy
from models.preset import Optimiser, Preset


def toy():
    return Preset("toy", "toy", Toy.Sizes(width=16), Optimiser(learning_rate=0.01, batch_size=128), epochs=2)
"""
SCORE = """
import json, sys
import numpy as np
from models.inference import Ranker
from models.network import NUM_CROSS, NUM_POST, NUM_USER

draw = np.random.default_rng(0)
shapes = (1, NUM_USER), (700, NUM_POST), (700, NUM_CROSS)
user, posts, cross = (draw.random(shape, dtype=np.float32) for shape in shapes)
found = {}
for role, folder in json.loads(sys.argv[1]).items():
    ranker = Ranker.load(folder)
    (mine, own), theirs = ranker.user_vectors(user), ranker.post_vectors(posts)
    scores = [ranker.score(mine[0], own[0], *(part[rows] for part in theirs), cross[rows]) for rows in
              (np.arange(700), np.arange(699, -1, -1))]
    assert all(np.array_equal(scores[0][name], scores[1][name][::-1]) for name in scores[0]), "order changes scores"
    found[role] = {name: values.tolist() for name, values in scores[0].items()}
print(json.dumps(found))
"""


def _run(code: Path, python: Path | str, *words: str) -> str:
    env = os.environ | {"PYTHONPATH": str(code)}
    done = subprocess.run([str(python), *words], cwd=code, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not TRAIN.exists(), reason="the training environment is not set up")
def test_a_new_network_is_one_file_and_one_preset(tmp_path: Path) -> None:
    code, lake = tmp_path / "code", tmp_path / "lake"
    for package in ("contracts", "models", "storage"):
        shutil.copytree(ROOT / package, code / package)
    before = {path for path in code.rglob("*.py") if path.is_file()}
    (code / "models/networks/toy.py").write_text(NETWORK)
    (code / "models/presets/toy.py").write_text(PRESET)
    assert {path.name for path in code.rglob("*.py")} - {path.name for path in before} == {"toy.py"}
    write_examples(lake, num_rows=600)
    for role, preset in (("heavy", "tiny"), ("trial", "toy")):
        folders = ["--lake", str(lake), "--landing", str(tmp_path / "landing"), "--runs", str(tmp_path / "runs")]
        words = ["-m", "models.train", *folders, "--ds", "2026-03-08", "--role", role, "--preset", preset]
        print(_run(code, TRAIN, *words).splitlines()[-7])
    rows = {row["role"]: row for row in read_models(lake)}
    assert {role: (row["ds"], row["preset"]) for role, row in rows.items()} == {
        "heavy": (date(2026, 3, 8), "tiny"),
        "trial": (date(2026, 3, 8), "toy"),
    }
    reports = [
        json.loads((tmp_path / "runs/2026-03-08" / name).read_text()) for name in ("train.json", "train.trial.json")
    ]
    assert [report["model_version"] for report in reports] == [
        rows[role]["model_version"] for role in ("heavy", "trial")
    ]
    folders_of = json.dumps({role: str(lake / row["path"]) for role, row in rows.items()})
    scores = json.loads(_run(code, sys.executable, "-c", SCORE, folders_of))
    for role, of_role in scores.items():
        assert tuple(of_role) == SCORE_COLUMNS
        spread = {name: round(float(np.std(values)), 5) for name, values in of_role.items()}
        print(f"{role}: model {rows[role]['model_version']}, spread of the scores of 700 posts {spread}")
        assert spread["p_like"] > 0
    assert not np.allclose(scores["heavy"]["p_like"], scores["trial"]["p_like"])
