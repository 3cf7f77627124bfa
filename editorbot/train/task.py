"""What the training loop asks of a system."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from torch import Tensor, nn


class Ratio(NamedTuple):
    """A mean in the making: batches add up sums and counts, so that each item counts once."""

    sum: Tensor
    count: Tensor


class StepResult(NamedTuple):
    """Of one batch."""

    losses: dict[str, Tensor]
    """Raw scalars by name; the loop weights them."""
    measures: dict[str, Ratio]


class SupervisedTask(nn.Module, ABC):
    """A model with its losses; `loss_weights` names all of them."""

    def __init__(self, model: nn.Module, *, loss_weights: dict[str, float]):
        super().__init__()
        self.model, self.loss_weights = model, loss_weights

    @abstractmethod
    def step(self, batch: Any) -> StepResult:
        """Losses and measures of one batch, in training and validation alike."""

    @abstractmethod
    def songs_of(self, batch: Any) -> str:
        """The names of a batch's songs, for messages."""
