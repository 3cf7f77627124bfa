"""What an editor did to each step of a raw, read off the pointers of the recovered edit.

A step is `stride` mel frames of the raw; places count in steps from the raw's beginning, with
fractions, so that step i covers [i, i + 1). The path plays runs, in the order of the edit; between
two of them it jumps: it leaves at the end of the one and resumes at the beginning of the other.
Some jumps border on what is never played; at the others, of loops and of passages that change
places, the sound on either side is kept.
"""

from typing import NamedTuple

import numpy as np

from editorbot.edl.frames import NO_SOURCE

SLACK_FRAMES = 3
"""Pointers that advance, or go back, by that many frames do not jump: the run is stretched."""
END = -1
"""Where the path goes on after its last run."""


class Jump(NamedTuple):
    """From the end of a run to the beginning of the next, in steps; END after the last."""

    leave: float
    resume: float


class Labels(NamedTuple):
    """Of a raw of R steps."""

    kept: np.ndarray
    """(R,) float32, the share of the step's frames that are played at least once."""
    starts: np.ndarray
    """(S,) float32 places where played sound follows sound that is not, in ascending order."""
    ends: np.ndarray
    """(S,) float32 places where it ends."""
    first: float
    """Where the edit begins."""
    jumps: tuple[Jump, ...]
    """In the order of the edit; the last one leads to END."""

    @property
    def runs(self) -> list[tuple[float, float]]:
        """Runs [start, end) in the order of the edit."""
        starts = [self.first, *(jump.resume for jump in self.jumps[:-1])]
        return [(start, jump.leave) for start, jump in zip(starts, self.jumps, strict=True)]

    @property
    def inner(self) -> np.ndarray:
        """(K,) float32 places at which the path leaves though the raw that follows is kept too."""
        ends = set(self.ends.tolist())
        leaves = [np.float32(jump.leave) for jump in self.jumps if jump.resume != END]
        return np.array([leave for leave in leaves if float(leave) not in ends], np.float32)


def labels_of(pointers: np.ndarray, *, raw_frames: int, stride: int) -> Labels:
    """Read (E,) int64 raw mel frames, -1 where there is no source, as what `Labels` holds.

    Raises:
        ValueError: No frame has a source, or one lies beyond the raw.
    """
    if pointers.max(initial=NO_SOURCE) < 0 or pointers.max() >= raw_frames:
        raise ValueError(
            f"expected pointers from 0 to {raw_frames - 1}, got {len(pointers)} of them up to "
            f"{pointers.max(initial=NO_SOURCE)}"
        )
    played = _filled(pointers, raw_frames)
    edges = np.flatnonzero(np.diff(played, prepend=False, append=False)).astype(np.float32)
    steps = -(-raw_frames // stride)
    padded = np.zeros(steps * stride, np.float32)
    padded[:raw_frames] = played
    # The last step of a raw is seldom whole.
    sizes = np.minimum(stride, raw_frames - stride * np.arange(steps))
    runs = [(start / stride, end / stride) for start, end in _runs(pointers)]
    leaves, resumes = [end for _, end in runs], [start for start, _ in runs]
    return Labels(
        kept=(padded.reshape(steps, stride).sum(axis=1) / sizes).astype(np.float32),
        starts=edges[::2] / stride,
        ends=edges[1::2] / stride,
        first=resumes[0],
        jumps=tuple(map(Jump, leaves, [*resumes[1:], END])),
    )


def _filled(pointers: np.ndarray, raw_frames: int) -> np.ndarray:
    """(F,) bool, the raw frames that are played, with those that a faster run leaps over."""
    played = np.zeros(raw_frames, bool)
    for start, end in _runs(pointers):
        played[start:end] = True
    return played


def _runs(pointers: np.ndarray) -> list[tuple[int, int]]:
    """Half-open runs of raw frames, in the order of the edit; a reversed run counts from below."""
    heard = np.flatnonzero(pointers != NO_SOURCE)
    values = pointers[heard]
    jumps = (np.diff(heard) > 1) | (np.abs(np.diff(values)) > SLACK_FRAMES)
    parts = np.split(values, np.flatnonzero(jumps) + 1)
    return [(int(part.min()), int(part.max()) + 1) for part in parts]
