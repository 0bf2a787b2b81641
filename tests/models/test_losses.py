import math

import pytest
import torch

from models.losses import head_losses, total_loss


def test_losses_by_hand() -> None:
    logits = torch.tensor([[0.0, 0, 0, 0, 0, 1.0], [2.0, 0, 0, 0, 0, 5.0]])
    labels = torch.tensor([[1.0, 0, 0, 0, 0, 1.5], [0.0, 0, 0, 0, 0, 1.0]])
    losses = head_losses(logits, labels, torch.tensor([1.0, 3.0]))
    # like: -log(0.5) and log(1 + e^2); dwell: 0.5 * 0.5^2 inside the Huber bend, 4 - 0.5 outside
    assert losses[0].item() == pytest.approx((math.log(2) + 3 * math.log1p(math.exp(2))) / 4)
    assert losses[1].item() == pytest.approx(math.log(2))
    assert losses[5].item() == pytest.approx((0.125 + 3 * 3.5) / 4)


def test_task_weights() -> None:
    # like 1, comment 2, share 3, hide 2, report 2, dwell 0.5
    assert total_loss(torch.tensor([1.0, 10.0, 100.0, 1e3, 1e4, 1e5])).item() == 1 + 20 + 300 + 2e3 + 2e4 + 5e4
