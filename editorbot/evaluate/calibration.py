"""Whether confidences mean what they say: of those said to be right at .9, 90 % are.

segment right   at least `RIGHT_SHARE` of its frames play within one frame of where the truth
                does, or have no source as there; frames within 50 ms of its ends do not count
                unless all are: where it ends is the cuts' matter
cut right       the truth has a cut within 50 ms; where the source goes on and only gain or
                polarity changes, a boundary of any kind
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from editorbot.edl.frames import NO_SOURCE, to_pointers
from editorbot.edl.model import Edit, goes_on
from editorbot.evaluate.alignment import CUT_TOLERANCE_S, GRID, cut_times_s

RIGHT_SHARE = 0.95
BIN_EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)


def segments_right(truth: Edit, found: Edit) -> np.ndarray:
    """(S,) bool, whether each segment of `found` is right."""
    pointers, true_pointers = to_pointers(found, GRID), to_pointers(truth, GRID)
    frames = min(len(pointers), len(true_pointers))
    pointers, true_pointers = pointers[:frames], true_pointers[:frames]
    both = (pointers != NO_SOURCE) & (true_pointers != NO_SOURCE)
    right = np.where(both, np.abs(pointers - true_pointers) <= 1, pointers == true_pointers)
    margin = CUT_TOLERANCE_S / GRID.seconds
    shares = []
    for segment in found.segments:
        first, last = (
            end / found.sample_rate / GRID.seconds for end in (segment.out_start, segment.out_end)
        )
        if last - first > 2 * margin + 1:
            first, last = first + margin, last - margin
        begin = min(int(np.ceil(first)), frames - 1)
        shares.append(right[begin : max(begin + 1, int(np.ceil(last)))].mean())
    return np.array(shares) >= RIGHT_SHARE


def cuts_right(truth: Edit, found: Edit) -> np.ndarray:
    """(S - 1,) bool, whether each boundary between segments of `found` is right."""
    cuts = cut_times_s(truth)
    boundaries = np.array([s.out_start for s in truth.segments[1:]]) / truth.sample_rate
    right = []
    for before, after in zip(found.segments[:-1], found.segments[1:], strict=True):
        there = boundaries if goes_on(before, after) else cuts
        distance = np.abs(there - after.out_start / found.sample_rate)
        right.append(bool((distance <= CUT_TOLERANCE_S).any()))
    return np.array(right, dtype=bool)


@dataclass(frozen=True)
class Bin:
    """Of those said at `low` to `high`: count, mean of what is said, share that is right."""

    low: float
    high: float
    count: int
    said: float
    right: float


@dataclass(frozen=True)
class Reliability:
    """How far confidences can be taken at their word.

    Attributes:
        bins: What was said and what was right, from the least to the most confident.
        calibration_error: Mean distance of said and right over bins, weighted by their counts.
        brier: Mean squared distance of what was said from 1 if right and 0 if not.
        brier_constant: The same if the share that is right were said of all.
    """

    bins: tuple[Bin, ...]
    calibration_error: float
    brier: float
    brier_constant: float


def reliability(
    said: Sequence[float], right: Sequence[bool], *, edges: Sequence[float] = BIN_EDGES
) -> Reliability:
    """Compare confidences (N,) with whether each was right (N,); bins without any are left out.

    Raises:
        ValueError: Nothing to compare, of different lengths, or outside 0 to 1.
    """
    said, right = np.asarray(said, dtype=float), np.asarray(right, dtype=float)
    if len(said) != len(right) or len(said) == 0:
        raise ValueError(f"expected confidences and outcomes, got {len(said)} and {len(right)}")
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError(f"expected confidences 0 to 1, got {said.min()} to {said.max()}")
    number = np.clip(np.searchsorted(edges, said, side="right") - 1, 0, len(edges) - 2)
    bins = []
    for n in np.unique(number):
        here = number == n
        bins.append(
            Bin(
                edges[n],
                edges[n + 1],
                int(here.sum()),
                float(said[here].mean()),
                float(right[here].mean()),
            )
        )
    error = sum(b.count * abs(b.said - b.right) for b in bins) / len(said)
    return Reliability(
        bins=tuple(bins),
        calibration_error=float(error),
        brier=float(np.mean((said - right) ** 2)),
        brier_constant=float(np.mean((right.mean() - right) ** 2)),
    )
