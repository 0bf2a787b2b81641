import math

import pytest
import torch

from models.losses import head_losses, teacher_losses, total_loss


def test_losses_by_hand() -> None:
    logits = torch.tensor([[0.0, 0, 0, 0, 0, 1.0], [2.0, 0, 0, 0, 0, 5.0]])
    labels = torch.tensor([[1.0, 0, 0, 0, 0, 1.5], [0.0, 0, 0, 0, 0, 1.0]])
    losses = head_losses(logits, labels, torch.tensor([1.0, 3.0]))
    # like: -log(0.5) and log(1 + e^2); dwell: 0.5 * 0.5^2 inside the Huber bend, 4 - 0.5 outside, 5 - 0.5 from zero
    assert losses[0].item() == pytest.approx((math.log(2) + math.log1p(math.exp(2))) / 2)
    assert losses[1].item() == pytest.approx(math.log(2))
    assert losses[5].item() == pytest.approx((0.125 + 4.5 + 3 * (3.5 - 4.5)) / 2)


def test_a_weight_multiplies_what_a_label_adds() -> None:
    logits, labels = torch.full((1, 6), 0.7), torch.ones(1, 6)
    seen, unseen, weighted = (
        head_losses(logits, given, torch.tensor([weight]))
        for given, weight in ((labels, 1.0), (0 * labels, 2.5), (labels, 2.5))
    )
    torch.testing.assert_close(weighted, unseen + 2.5 * (seen - unseen))


def least(weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The constant output of each head with the least loss."""
    logits = torch.zeros(6, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = head_losses(logits.expand(len(labels), 6), labels, weight).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return logits.detach()


def test_what_is_learnt_does_not_depend_on_the_position_of_a_post() -> None:
    """Of two posts alike, one always first and one always looked at by four in ten: both get what those who look do."""
    generator = torch.Generator().manual_seed(5)
    wanted = (torch.rand(200_000, 6, generator=generator) < 0.3).float() * torch.tensor([1, 1, 1, 1, 1, 1.5])
    looked = (torch.rand(200_000, 1, generator=generator) < 0.4).float()
    first, buried = torch.ones(200_000), torch.full((200_000,), 1 / 0.4)
    top = least(first, wanted)
    torch.testing.assert_close(least(buried, wanted * looked), top, atol=0.03, rtol=0)
    # neither without a weight nor with one on whole rows, which is a constant here
    assert (least(first, wanted * looked) < top - 0.2).all()


def test_task_weights() -> None:
    # like 1, comment 2, share 3, hide 2, report 2, dwell 0.5
    assert total_loss(torch.tensor([1.0, 10.0, 100.0, 1e3, 1e4, 1e5])).item() == 1 + 20 + 300 + 2e3 + 2e4 + 5e4


def test_losses_against_a_teacher_by_hand() -> None:
    taught = torch.tensor([[0.0, 0, 0, 0, 0, 3.0], [math.log(3), 0, 0, 0, 0, 1.0]])
    losses = teacher_losses(torch.tensor([[0.0, 0, 0, 0, 0, 1.0], [0.0, 0, 0, 0, 0, 1.0]]), taught)
    # Huber: 2 - 0.5 outside the bend, then nothing
    assert losses.tolist() == pytest.approx([math.log(2)] * 5 + [0.75])


def test_nothing_is_less_than_the_loss_at_the_teachers_own_outputs() -> None:
    taught = torch.randn(50, 6, generator=torch.Generator().manual_seed(1))
    logits = taught.clone().requires_grad_()
    teacher_losses(logits, taught).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(50, 6), atol=1e-7, rtol=0)
