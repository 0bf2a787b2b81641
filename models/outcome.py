"""Results of a training beside its checkpoint: the model's row in the registry, and the report of the night."""

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from contracts.model_stages import CANDIDATE
from contracts.places import checkpoint_path
from models import processes
from models.checkpoint import CheckpointConfig
from models.registry import ModelRow
from models.snapshot import Split
from models.training import Trained
from models.warm_start import Start


@dataclass(frozen=True)
class Outcome:
    """A trained model of a role: its version and configuration, its days, the weights it began with, its teacher."""

    model_version: str
    role: str
    config: CheckpointConfig
    split: Split
    trained: Trained
    start: Start
    teacher: str | None = None

    def row(self, ds: date, examples_version: int) -> ModelRow:
        """Its row in ``gold.models``."""
        fitted = self.trained.fitted
        metrics = {
            "holdout": self.trained.metrics,
            **self._calibrations,
            "best_epoch": fitted.best_epoch,
            "calibration_loss": fitted.epochs[fitted.best_epoch - 1].calibration_loss,
            "began_with": self.start.version,
            "taught_by": self.teacher,
        }
        return ModelRow(
            model_version=self.model_version,
            ds=ds,
            preset=self.config.preset.name,
            stage=CANDIDATE,
            feature_schema=self.config.feature_schema,
            features=self.config.features,
            examples_version=examples_version,
            training_partitions=self.config.training_partitions,
            num_examples=fitted.prepared.num_examples,
            metrics=json.dumps(metrics, sort_keys=True, allow_nan=False),
            code_revision=self.config.code_revision,
            path=checkpoint_path(self.model_version),
            role=self.role,
        )

    def report(self, seconds: float) -> dict[str, Any]:
        """The role's report of this training; the run report shows that of the heavy model."""
        epochs, num_examples = self.trained.fitted.epochs, self.trained.fitted.prepared.num_examples
        return {
            "model_version": self.model_version,
            "role": self.role,
            "preset": self.config.preset.name,
            "began_with": self.start.version,
            "beginning": self.start.message,
            "taught_by": self.teacher,
            "processes": processes.count(),
            "seconds": round(seconds, 3),
            "rows": num_examples,
            "rows_per_s": round(len(epochs) / sum(1.0 / epoch.rows_per_s for epoch in epochs)),
            "epochs": [asdict(epoch) for epoch in epochs],
            "best_epoch": self.trained.fitted.best_epoch,
            "days": {name: [str(day) for day in days] for name, days in asdict(self.split).items()},
            **self._calibrations,
            "metrics": self.trained.metrics,
        }

    @property
    def _calibrations(self) -> dict[str, Any]:
        of_both = {"calibration": self.trained.calibration, "judged_calibration": self.trained.judged_calibration}
        return {name: {head: asdict(values) for head, values in fitted.items()} for name, fitted in of_both.items()}
