"""Two processes that train together reach the loss that one reaches, within 1 %, from rows in any number of files.

The same command of the train stage, by the setting ``training.processes``. In the second lake each day is one file of
one row group, and there are more processes than row groups.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.model_examples import DAYS, write_examples
from tests.training_runs import TrainingRun

pytestmark = pytest.mark.slow


def trained(root: Path, processes: int) -> dict[str, Any]:
    run = TrainingRun(root, (f"training.processes={processes}",))
    version = run.finish()
    report = run.report()
    assert (report["model_version"], report["processes"]) == (version, processes)
    best = report["epochs"][report["best_epoch"] - 1]
    print(
        f"{processes} processes: {report['rows']:,} rows, best epoch {report['best_epoch']}: training loss "
        f"{best['training_loss']:.4f}, calibration loss {best['calibration_loss']:.4f}, "
        f"like AUC {report['metrics']['like']['auc']:.4f}, {report['rows_per_s']:,} rows/s"
    )
    return dict(report)


@pytest.mark.parametrize(("num_files", "processes"), [(3, 2), (1, 3)])
def test_ddp(tmp_path: Path, num_files: int, processes: int) -> None:
    write_examples(tmp_path / "lake", DAYS, 6000, num_files=num_files)
    one, several = trained(tmp_path, 1), trained(tmp_path, processes)
    assert one["rows"] == several["rows"] == 12_000
    for loss in ("training_loss", "calibration_loss"):
        first, second = (report["epochs"][report["best_epoch"] - 1][loss] for report in (one, several))
        print(f"{loss}: {processes} processes differ from one by {second / first - 1:+.2%}")
        assert second == pytest.approx(first, rel=0.01)
