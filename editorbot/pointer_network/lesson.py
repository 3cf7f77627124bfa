"""What a model of the pointer network brings to its training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch.utils.data import Dataset

from editorbot.train.loop import FitSettings
from editorbot.train.task import SupervisedTask


class Finished(NamedTuple):
    """How some weights' answers are best decoded, and what comes of it."""

    decoding: dict[str, Any]
    measures: dict[str, float]
    scores: Sequence[float] = ()
    """Of each validation song's decoded edit; empty where weights are not compared by that."""


@dataclass(frozen=True)
class Lesson:
    """A model, its songs, and how it learns from them."""

    task: SupervisedTask
    """Holds the model."""
    train: Dataset
    validation: Dataset
    """May be empty."""
    collate: Callable[[Sequence[Any]], Any]
    settings: FitSettings
    data: dict[str, Any]
    """What the songs are, for the checkpoint."""
    finish: Callable[[], Finished]
    """Choose how the model's answers are decoded, with the weights that it then has."""
