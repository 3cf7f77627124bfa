"""What the path model's answers are, how they are read, and what is read off them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

NEVER = 2.0
"""A threshold that no probability reaches."""


class PathDecoding(NamedTuple):
    """How answers become runs; chosen on validation songs."""

    keep_weight: float = 0.1
    """Worth of a kept step, by its logit."""
    cut_cost: float = 4.0
    """Of each end of a run."""
    leave: float = NEVER
    """Probability from which on the path leaves where the raw goes on being kept."""
    reorder: float = NEVER
    """Probability from which on a run is followed by another than the next one along the raw."""
    replay: float = NEVER
    """Probability from which on, where a run ends, what was played is played again."""
    temperature: float = 1.0
    """By which keep logits are divided to be those of honest probabilities."""


class Run(NamedTuple):
    """Steps [start, end) of the raw, whole or not."""

    start: float
    end: float


@dataclass(frozen=True)
class Answers:
    """Of one song of R steps."""

    keep: np.ndarray
    """(R,) logits."""
    start: np.ndarray
    end: np.ndarray
    leave: np.ndarray
    resume: Callable[[Sequence[int], bool, Sequence[Run]], np.ndarray]
    """Steps (K,) at which the path leaves, whether it has left there before, and what is kept,
    along the raw -> probabilities (K + 1, R + 1) of where it goes on, in the first row of where it
    begins, in the last column that it ends."""
    place: Callable[[Sequence[Run]], list[Run]]
    """Runs in the edit's order -> the same with their ends where exactly they belong."""


@dataclass(frozen=True)
class Limits:
    """What the edit must satisfy; spans are half-open, in steps."""

    keep: tuple[Run, ...] = ()
    drop: tuple[Run, ...] = ()
    length: float | None = None
    """Steps."""


def at_borders(logits: np.ndarray) -> np.ndarray:
    """(R,) logits of steps -> (R + 1,) of the borders before, between and after them."""
    padded = np.pad(logits.astype(np.float64), 1, mode="edge")
    return (padded[1:] + padded[:-1]) / 2
