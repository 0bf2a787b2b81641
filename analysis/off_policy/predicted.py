"""Predictions of a reward model for a log."""

from dataclasses import dataclass

from analysis.off_policy.checks import check_finite
from contracts.metrics.columns import Floats


@dataclass(frozen=True)
class Predicted:
    """Expected rewards by a reward model, in the shape of the log's rewards.

    ``of_logged``: the reward of the logged action. ``of_target``: the mean reward of the target policy's actions in the
    same context. In a feed both include what the positions below will earn. A model must not have seen the reward that
    it predicts; ``reward_model`` has one that is cross-fitted.
    """

    of_logged: Floats
    of_target: Floats

    def check(self, rewards: Floats) -> None:
        """Raise ``ValueError`` if the predictions do not fit the log's rewards."""
        for name, values in (("of_logged", self.of_logged), ("of_target", self.of_target)):
            if values.shape != rewards.shape:
                raise ValueError(f"predicted {name} has shape {values.shape}, the rewards {rewards.shape}")
            check_finite(f"predicted {name}", values)
