"""Inputs whose products are known by hand."""

import torch
from torch import Tensor

from contracts.features import place_of
from models.network import NUM_POST, NUM_USER


def gamer_and_posts() -> tuple[Tensor, Tensor]:
    """A user who likes games and, less, sports, twice: with a post on both, and one on sports alone."""
    user, post = torch.zeros(2, NUM_USER), torch.zeros(2, NUM_POST)
    user[:, place_of("user", "interest_gaming")] = torch.tensor([0.5, 0.5])
    user[:, place_of("user", "interest_sports")] = torch.tensor([0.2, 0.2])
    post[:, place_of("post", "topic_gaming")] = torch.tensor([1.0, 0.0])
    post[:, place_of("post", "topic_sports")] = torch.tensor([0.5, 1.0])
    return user, post
