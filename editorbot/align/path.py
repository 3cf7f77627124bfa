"""The most probable way of the edit through the raw: Viterbi over diagonals and "no source".

The evidence of a frame for a diagonal is -1/2 log(1 - c^2), the log likelihood ratio that the
edit there is a copy of the raw rather than unrelated, c being the correlation of the whitened
waveforms around the frame. Every change of diagonal costs the same, so that continuity decides
between places of the raw that sound the same.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from editorbot.align.diagonals import Diagonal
from editorbot.align.features import HOP, Features
from editorbot.align.whiten import slice_padded
from editorbot.progress import track

NOWHERE = -1
"""Diagonal number of "no source"."""
NOWHERE_SHARE = 0.75
"""Share of the switch cost to enter or leave "no source", since one insertion needs both."""
WINDOW_FRAMES = 15
"""Frames over which waveforms are correlated: 0.17 s."""
HIGHEST_CORRELATION = 0.998
MISSED_SOUND = -0.5
"""Evidence of a frame where the edit is silent but the diagonal predicts sound."""
UNLIKE = -1.0
"""Added where sound does not correlate although copies at that level do."""
LEVEL_STEP_DB = 6.0
"""Noise covers quiet sound: how alike copies are goes by level."""
LEAST_FRAMES = 40
"""Of a path at a level, to say how alike copies are there: half a second."""
LEAST_TYPICAL = 0.3
"""Where copies are less alike than this, unlikeness says nothing."""
SINC_TAPS = 16


class Run(NamedTuple):
    """Edit frames [first, last) that play along a diagonal, or NOWHERE."""

    first: int
    last: int
    diagonal: int


@dataclass(frozen=True)
class FoundPath:
    """The path, and what else could have been.

    Attributes:
        runs: The path, covering all frames.
        diagonals: The hypotheses it was found among.
        rivals: Per run the other diagonals that explain it almost as well.
        confidences: Per run the probability of its diagonal, None without source.
    """

    runs: list[Run]
    diagonals: list[Diagonal]
    rivals: list[list[int]]
    confidences: list[float | None]


def correlations(raw: np.ndarray, edit: np.ndarray, diagonal: Diagonal) -> np.ndarray:
    """(F,) float32 signed local correlation of whitened waveforms along a diagonal's span."""
    half = WINDOW_FRAMES * HOP // 2
    start, stop = diagonal.first * HOP - half, (diagonal.last - 1) * HOP + half
    whole = int(np.floor(diagonal.lag))
    heard = slice_padded(edit, start, stop)
    reach = SINC_TAPS // 2
    source = slice_padded(raw, start + whole - reach + 1, stop + whole + reach)
    played = np.convolve(source, _delay(diagonal.lag - whole), mode="valid")
    cross, own, other = (_windowed(x) for x in (heard * played, heard**2, played**2))
    # A floor far below any sound keeps digital silence from correlating by rounding.
    return (cross / np.sqrt((own + 1e-7) * (other + 1e-7))).astype(np.float32)


def _windowed(values: np.ndarray) -> np.ndarray:
    """Sums over windows a hop apart, from sums over half hops: a window begins on these."""
    halves = values.reshape(-1, HOP // 2).sum(axis=1, dtype=np.float64)
    sums = np.concatenate([[0], np.cumsum(halves)])
    return (sums[2 * WINDOW_FRAMES :] - sums[: -2 * WINDOW_FRAMES])[::2]


def _delay(fraction: float) -> np.ndarray:
    """(SINC_TAPS,) filter for np.convolve that reads `fraction` of a sample further on."""
    if fraction == 0:
        return np.eye(1, SINC_TAPS, SINC_TAPS // 2)[0]
    position = np.arange(SINC_TAPS) - SINC_TAPS // 2 + fraction
    taps = np.sinc(position) * np.cos(np.pi * position / (SINC_TAPS + 2)) ** 2
    return taps.astype(np.float32)


def evidence(
    raw: Features, edit: Features, diagonal: Diagonal, c: np.ndarray, *, nowhere: float
) -> np.ndarray:
    """(F,) evidence of each frame of a diagonal's span, from its correlations `c`.

    Where both are quiet it is `nowhere`, as for no source: silence decides nothing.
    """
    frames = np.arange(diagonal.first, diagonal.last)
    there = frames + round(diagonal.lag / HOP)
    inside = (there >= 0) & (there < len(raw.quiet))
    raw_quiet = ~inside | raw.quiet[np.clip(there, 0, len(raw.quiet) - 1)]
    edit_quiet = edit.quiet[frames]
    value = -0.5 * np.log(1 - np.minimum(np.abs(c), HIGHEST_CORRELATION) ** 2)
    value[edit_quiet & ~raw_quiet] = MISSED_SOUND
    value[edit_quiet & raw_quiet] = nowhere
    return value


def typical_correlations(
    runs: list[Run], diagonals: list[Diagonal], strengths: list[np.ndarray], edit: Features
) -> np.ndarray:
    """(F,) correlation that a copy reaches at each frame's level, by a path's own; 0 if unknown.

    `strengths` are the correlations along each diagonal's span.
    """
    levels = np.round(edit.level_db / LEVEL_STEP_DB).astype(int)
    found = np.zeros(len(levels))
    for run in runs:
        if run.diagonal != NOWHERE:
            first = diagonals[run.diagonal].first
            values = strengths[run.diagonal][run.first - first : run.last - first]
            found[run.first : run.last] = np.abs(values)
    typical = np.zeros(len(levels))
    for level in np.unique(levels):
        there = found[(levels == level) & (found > 0)]
        if len(there) >= LEAST_FRAMES:
            typical[levels == level] = np.median(there)
    return np.where(typical < LEAST_TYPICAL, 0, typical)


def unlikeness(diagonal: Diagonal, c: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """(F,) what to add to the evidence of a diagonal's span: 0 down to `UNLIKE`.

    Full where the correlation is zero, nothing where it reaches half of the typical one.
    """
    half = 0.5 * typical[diagonal.first : diagonal.last]
    return UNLIKE * np.clip(1 - np.abs(c) / np.maximum(half, 1e-6), 0, 1) * (half > 0)


def best_path(
    diagonals: list[Diagonal],
    evidences: list[np.ndarray],
    *,
    frames: int,
    switch_cost: float,
    nowhere: float,
) -> list[Run]:
    """The runs, covering all frames, of the highest sum of evidence less switch costs.

    `nowhere` is the evidence per frame of having no source, to and from which a switch costs
    `NOWHERE_SHARE` of the others. The path begins from nowhere.
    """
    table, owner = _slots(diagonals, evidences, frames=frames, nowhere=nowhere)
    discount = switch_cost * (1 - NOWHERE_SHARE)
    score = np.full(table.shape[1], -np.inf)
    score[0] = 0.0
    entered = np.zeros(table.shape, dtype=bool)
    origin = np.zeros((frames, 2), dtype=np.int32)
    for frame in track(range(frames), "finding the path"):
        to_source, to_nowhere = _origins(score, discount)
        origin[frame] = to_nowhere, to_source
        leave = max(score[to_source], score[0] + discount) - switch_cost
        leave_for_nowhere = score[to_nowhere] - switch_cost + discount
        if frame > 0:
            score[owner[frame] != owner[frame - 1]] = -np.inf
        switched = np.full(len(score), leave)
        switched[0] = leave_for_nowhere
        entered[frame] = score < switched
        score = np.where(entered[frame], switched, score) + table[frame]
    return _trace(score, entered, origin, owner)


def _origins(score: np.ndarray, discount: float) -> tuple[int, int]:
    """The columns from which a source, and from which NOWHERE, is best entered."""
    best = int(score.argmax())
    to_source = best if score[best] > score[0] + discount else 0
    best_source = 1 + int(score[1:].argmax()) if len(score) > 1 else 0
    return to_source, best_source


def _slots(
    diagonals: list[Diagonal],
    evidences: list[np.ndarray],
    *,
    frames: int,
    nowhere: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Lay the diagonals' spans into as few columns as hold them without overlap.

    Returns the evidence, (F, P) float32, and the owning diagonal, (F, P) int32. Column 0 is
    NOWHERE; elsewhere NOWHERE marks an empty cell, of evidence minus infinity.
    """
    order = sorted(range(len(diagonals)), key=lambda d: diagonals[d].first)
    ends: list[int] = []
    column = {}
    for number in order:
        span = diagonals[number]
        free = next((c for c, end in enumerate(ends) if end <= span.first), len(ends))
        if free == len(ends):
            ends.append(0)
        ends[free] = span.last
        column[number] = free + 1
    table = np.full((frames, len(ends) + 1), -np.inf, dtype=np.float32)
    owner = np.full(table.shape, NOWHERE, dtype=np.int32)
    table[:, 0] = nowhere
    for number, place in column.items():
        span = slice(diagonals[number].first, diagonals[number].last)
        table[span, place] = evidences[number]
        owner[span, place] = number
    return table, owner


def _trace(
    score: np.ndarray, entered: np.ndarray, origin: np.ndarray, owner: np.ndarray
) -> list[Run]:
    place, last = int(score.argmax()), len(origin)
    runs = []
    for frame in range(len(origin) - 1, -1, -1):
        if entered[frame, place] or frame == 0:
            runs.append(Run(frame, last, int(owner[frame, place])))
            last, place = frame, int(origin[frame, 0 if place == 0 else 1])
    return runs[::-1]
