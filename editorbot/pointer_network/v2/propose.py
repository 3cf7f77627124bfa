"""The network V2's path -> a tidy one, as raw mel frames."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from editorbot.edl.frames import FrameGrid
from editorbot.pointer_network.songs import Frames
from editorbot.pointer_network.v2.decode import Decoding, decode_steps
from editorbot.pointer_network.v2.model import PointerNetwork


def v2_pointers(
    model: PointerNetwork,
    decoding: Decoding,
    mel: Frames,
    stems_mel: Frames | None,
    *,
    grid: FrameGrid,
) -> np.ndarray:
    """(E,) int64 raw mel frames that an edit of (M, F) mel and (S, M, F) stems' mels plays."""
    params = model.params
    steps = decode_steps(
        model,
        mel,
        stems_mel,
        decoding=decoding,
        max_length_ratio=params.max_length_ratio,
        progress=True,
    )
    stride = params.dimensions.stride
    step_s = stride * grid.seconds
    tidied = tidy(
        steps,
        jitter=int(params.jitter_s / step_s),
        shortest=int(np.ceil(params.shortest_segment_s / step_s)),
    )
    pointers = (tidied[:, None] * stride + np.arange(stride)).reshape(-1)
    # The last step of a raw is seldom whole.
    return pointers[pointers < mel.shape[-1]]


class _Run(NamedTuple):
    first: int
    length: int

    @property
    def end(self) -> int:
        return self.first + self.length


def tidy(steps: np.ndarray, *, jitter: int, shortest: int) -> np.ndarray:
    """Take the noise out of a path, (T,) int64 raw steps.

    A jump by at most `jitter` steps from the line is undone, then each run of fewer than
    `shortest` steps goes on along the run before it. A short run at the start is dropped, unless
    nothing else is left.
    """
    starts = [0, *(np.flatnonzero(np.diff(steps) != 1) + 1).tolist(), len(steps)]
    runs = [_Run(int(steps[a]), b - a) for a, b in pairwise(starts)]
    last = int(steps.max())
    runs = _join(runs, last, lambda before, run: abs(run.first - before.end) <= jitter)
    while len(runs) > 1 and runs[0].length < shortest:
        runs = runs[1:]
    runs = _join(runs, last, lambda before, run: run.length < shortest)
    runs = _join(runs, last, lambda before, run: abs(run.first - before.end) <= jitter)
    return np.concatenate([np.arange(run.first, run.end) for run in runs])


def _join(runs: list[_Run], last: int, belongs) -> list[_Run]:
    """Let a run before go on for the length of each run that `belongs` to it, up to step `last`."""
    joined = [runs[0]]
    for run in runs[1:]:
        before = joined[-1]
        if belongs(before, run):
            length = min(before.length + run.length, last + 1 - before.first)
            joined[-1] = _Run(before.first, length)
        else:
            joined.append(run)
    return joined
