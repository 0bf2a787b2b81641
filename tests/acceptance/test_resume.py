"""Training that is killed -9 in mid-epoch and started again: the same model, bit for bit, as without the kills.

Real processes, as the train stage starts them; where two train together, all are killed.
"""

import shutil
from pathlib import Path

import pytest

from tests.model_examples import read_models, write_examples
from tests.training_runs import TrainingRun

pytestmark = pytest.mark.slow
ROWS = 12_000
"""Of each of two training days: 47 batches an epoch."""


@pytest.mark.parametrize("processes", [1, 2])
def test_resume(tmp_path: Path, processes: int) -> None:
    changes = ("training.save_steps=3", f"training.processes={processes}")
    whole, killed = (TrainingRun(tmp_path / name, changes) for name in ("whole", "killed"))
    write_examples(whole.root / "lake", num_rows=ROWS)
    shutil.copytree(whole.root / "lake", killed.root / "lake")
    expected = whole.finish()
    print(f"{processes} processes, not killed: model {expected}, weights {whole.weights(expected)}")
    for epoch in (1, 3):
        place = killed.kill_in(epoch)
        print(f"killed -9 in epoch {len(place['epochs']) + 1}, {place['batches']} of 47 batches after it began")
        assert (len(place["epochs"]), place["batches"] in range(3, 47)) == (epoch - 1, True)
        assert not (killed.root / "lake" / "gold" / "models").exists(), "nothing is registered before the end"
    found = killed.finish()
    print(f"started again: model {found}, weights {killed.weights(found)}")
    assert killed.log_text().count("training was cut off and goes on from") == 2
    assert (found, killed.weights(found)) == (expected, whole.weights(expected))
    assert not killed.state.exists()
    assert not whole.state.exists()
    (row,) = read_models(killed.root / "lake")
    assert row["metrics"] == read_models(whole.root / "lake")[0]["metrics"]
