"""The raw axis: the sources of an edit one after the other, on one clock in seconds.

Time runs from 0 to the sum of the sources' durations. Frames do not lie on it evenly: each source
begins with a frame of its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Source


class SourceRun(NamedTuple):
    """Samples `[start, end)` of the source of that number, at its own rate."""

    source: int
    start: int
    end: int


def bounds_s(sources: Sequence[Source]) -> np.ndarray:
    """(S + 1,) float64, the instants at which the S sources begin, and the end of the last."""
    durations = [source.samples / source.sample_rate for source in sources]
    return np.concatenate([[0.0], np.cumsum(durations)])


def frame_times_s(sources: Sequence[Source], grid: FrameGrid) -> np.ndarray:
    """(F,) float64, the instants of the frames of all sources, ascending."""
    counts = [grid.frames(source.samples, sample_rate=source.sample_rate) for source in sources]
    starts = bounds_s(sources)[:-1]
    return np.concatenate([s + grid.times(n) for s, n in zip(starts, counts, strict=True)])


def frame_borders_s(sources: Sequence[Source], grid: FrameGrid) -> np.ndarray:
    """(F + 1,) float64, the instants halfway between the frames of all sources, ascending.

    The first and the last are the beginning and the end of the axis. A source's first and last
    frame reach to its beginning and end.
    """
    times, bounds = frame_times_s(sources, grid), bounds_s(sources)
    borders = np.concatenate([[0.0], (times[1:] + times[:-1]) / 2, bounds[-1:]])
    counts = [grid.frames(source.samples, sample_rate=source.sample_rate) for source in sources]
    borders[np.cumsum(counts)] = bounds[1:]
    return borders


def source_runs(sources: Sequence[Source], start_s: float, end_s: float) -> list[SourceRun]:
    """What a span of the raw axis plays, in order; what reaches beyond the axis is left out."""
    bounds = bounds_s(sources)
    runs = []
    for number, source in enumerate(sources):
        start, end = (
            min(max(round((t - float(bounds[number])) * source.sample_rate), 0), source.samples)
            for t in (start_s, end_s)
        )
        if end > start:
            runs.append(SourceRun(number, start, end))
    return runs
