"""The most probable way of the edit through the raw: Viterbi over diagonals and "no source".

The evidence of a frame for a diagonal is -1/2 log(1 - c^2), the log likelihood ratio that the
edit there is a copy of the raw rather than unrelated, c being the correlation of the whitened
waveforms around the frame. Every change of diagonal costs the same, so that continuity decides
between places of the raw that sound the same.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from editorbot.align.diagonals import Diagonal
from editorbot.align.features import HOP, Features
from editorbot.align.mapped import release
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
SHORT_SWITCH_COST = 6.0
"""Of a switch where the path left the edit without source."""
SHORTEST_FRAMES = 20
"""Of a short run, 0.23 s."""
AS_ALIKE = 0.8
"""Of the typical correlation, what a short run must reach: copies measured .86 and more, grains of
stretched sound and chance .76 and less."""
SINC_TAPS = 16
ROW = 32
"""Samples that are delayed by one row of a product of matrices."""
BLOCK_FRAMES = 2**11
"""Of the evidence so much is laid into a table at once, 24 s."""


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
        short: Runs where the path has no source, too short to be sure of: copies, if nothing else
            explains the edit there.
        diagonals: The hypotheses all were found among.
        rivals: Of each run the other diagonals that explain it almost as well.
    """

    runs: list[Run]
    short: list[Run]
    diagonals: list[Diagonal]
    rivals: dict[Run, list[int]]


def correlations(raw: np.ndarray, edit: np.ndarray, diagonal: Diagonal) -> np.ndarray:
    """(F,) float32 signed local correlation of whitened waveforms along a diagonal's span."""
    half = WINDOW_FRAMES * HOP // 2
    start, stop = diagonal.first * HOP - half, (diagonal.last - 1) * HOP + half
    found = windowed_correlations(
        slice_padded(edit, start, stop), delayed(raw, diagonal.lag, start, stop)
    )
    release(raw, edit)
    return found


def delayed(raw: np.ndarray, lag: float, start: int, stop: int) -> np.ndarray:
    """(stop - start,) `raw` at positions [start, stop) + `lag`, between its samples too."""
    whole, samples = int(np.floor(lag)), stop - start
    if lag == whole:
        return slice_padded(raw, start + whole, stop + whole)
    rows = -(-samples // ROW)
    first = start + whole - SINC_TAPS // 2 + 1
    source = slice_padded(raw, first, first + rows * ROW + SINC_TAPS - 1)
    windows = np.lib.stride_tricks.sliding_window_view(source, ROW + SINC_TAPS - 1)[::ROW]
    # A product of matrices does five times the work of a convolution by 16 taps in less time.
    return (np.ascontiguousarray(windows) @ _delays(lag - whole)).reshape(-1)[:samples]


def _delays(fraction: float) -> np.ndarray:
    """(ROW + SINC_TAPS - 1, ROW) float32; reads a row of samples `fraction` of one further on."""
    position = np.arange(SINC_TAPS) - SINC_TAPS // 2 + fraction
    taps = np.sinc(position) * np.cos(np.pi * position / (SINC_TAPS + 2)) ** 2
    matrix = np.zeros((ROW + SINC_TAPS - 1, ROW), dtype=np.float32)
    for sample in range(ROW):
        matrix[sample : sample + SINC_TAPS, sample] = taps[::-1]
    return matrix


def windowed_correlations(heard: np.ndarray, played: np.ndarray) -> np.ndarray:
    """(F,) float32 correlations over windows of `WINDOW_FRAMES` a hop apart, of (T,) each."""
    cross, own, other = (
        _windowed(*pair) for pair in ((heard, played), (heard, heard), (played, played))
    )
    # A floor far below any sound keeps digital silence from correlating by rounding.
    return (cross / np.sqrt((own + 1e-7) * (other + 1e-7))).astype(np.float32)


def _windowed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sums of a * b over windows a hop apart, from sums over half hops: windows begin on these."""
    halves = (x.reshape(-1, HOP // 2) for x in (a, b))
    sums = np.concatenate([[0], np.cumsum(np.einsum("hn,hn->h", *halves), dtype=np.float64)])
    return (sums[2 * WINDOW_FRAMES :] - sums[: -2 * WINDOW_FRAMES])[::2]


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
    columns = _Columns(diagonals, evidences, nowhere)
    discount = switch_cost * (1 - NOWHERE_SHARE)
    score = np.full(columns.count, -np.inf)
    score[0] = 0.0
    last_owner = columns.table(0, 1).owner[0]
    entered = np.zeros((frames, -(-columns.count // 8)), dtype=np.uint8)
    origin = np.zeros((frames, 2), dtype=np.int32)
    for first in track(range(0, frames, BLOCK_FRAMES), "finding the path"):
        block = columns.table(first, min(first + BLOCK_FRAMES, frames))
        switches = np.zeros(block.owner.shape, dtype=bool)
        for row, (values, owner) in enumerate(zip(block.evidence, block.owner, strict=True)):
            to_source, to_nowhere = _origins(score, discount)
            origin[first + row] = to_nowhere, to_source
            leave = max(score[to_source], score[0] + discount) - switch_cost
            leave_for_nowhere = score[to_nowhere] - switch_cost + discount
            score[owner != last_owner] = -np.inf
            switched = np.full(len(score), leave)
            switched[0] = leave_for_nowhere
            switches[row] = score < switched
            score = np.where(switches[row], switched, score) + values
            last_owner = owner
        entered[first : first + len(switches)] = np.packbits(switches, axis=1)
    return _trace(score, entered, origin, columns)


def short_runs(
    runs: list[Run],
    diagonals: list[Diagonal],
    evidences: list[np.ndarray],
    *,
    nowhere: float,
) -> list[Run]:
    """What a path (F,) left without source and a lower switch cost gives one."""
    found: list[Run] = []
    for gap in runs:
        if gap.diagonal != NOWHERE or gap.last - gap.first < SHORTEST_FRAMES:
            continue
        inside = {
            number: (max(span.first, gap.first), min(span.last, gap.last))
            for number, span in enumerate(diagonals)
            if span.first < gap.last and span.last > gap.first
        }
        numbers = list(inside)
        path = best_path(
            [Diagonal(a - gap.first, b - gap.first, 0.0) for a, b in inside.values()],
            [
                evidences[n][a - diagonals[n].first : b - diagonals[n].first]
                for n, (a, b) in inside.items()
            ],
            frames=gap.last - gap.first,
            switch_cost=SHORT_SWITCH_COST,
            nowhere=nowhere,
        )
        found += [
            Run(gap.first + run.first, gap.first + run.last, numbers[run.diagonal])
            for run in path
            if run.diagonal != NOWHERE and run.last - run.first >= SHORTEST_FRAMES
        ]
    return found


def alike_runs(
    runs: list[Run], diagonals: list[Diagonal], strengths: list[np.ndarray], typical: np.ndarray
) -> list[Run]:
    """Those runs that are about as alike as copies typically are; `strengths` as above."""

    def is_alike(run: Run) -> bool:
        first = diagonals[run.diagonal].first
        own = np.abs(strengths[run.diagonal][run.first - first : run.last - first])
        return bool(own.mean() >= AS_ALIKE * typical[run.first : run.last].mean())

    return [run for run in runs if is_alike(run)]


def _origins(score: np.ndarray, discount: float) -> tuple[int, int]:
    """The columns from which a source, and from which NOWHERE, is best entered."""
    best = int(score.argmax())
    to_source = best if score[best] > score[0] + discount else 0
    best_source = 1 + int(score[1:].argmax()) if len(score) > 1 else 0
    return to_source, best_source


class _Table(NamedTuple):
    """Evidence, (F, P) float32, and the owning diagonal, (F, P) int32.

    Column 0 is NOWHERE; elsewhere NOWHERE marks an empty cell, of evidence minus infinity.
    """

    evidence: np.ndarray
    owner: np.ndarray


class _Columns:
    """The diagonals' spans in as few columns as hold them without overlap, in order of time."""

    def __init__(
        self, diagonals: list[Diagonal], evidences: list[np.ndarray], nowhere: float
    ) -> None:
        self._diagonals, self._evidences, self._nowhere = diagonals, evidences, nowhere
        self._numbers: list[list[int]] = []
        for number in sorted(range(len(diagonals)), key=lambda d: diagonals[d].first):
            first = diagonals[number].first
            free = (c for c in self._numbers if diagonals[c[-1]].last <= first)
            column = next(free, None)
            if column is None:
                self._numbers.append([number])
            else:
                column.append(number)

    @property
    def count(self) -> int:
        """Columns, that of NOWHERE included."""
        return len(self._numbers) + 1

    def table(self, first: int, last: int) -> _Table:
        """The cells of frames [first, last)."""
        evidence = np.full((last - first, self.count), -np.inf, dtype=np.float32)
        owner = np.full(evidence.shape, NOWHERE, dtype=np.int32)
        evidence[:, 0] = self._nowhere
        for place, numbers in enumerate(self._numbers, start=1):
            at = bisect_right(numbers, first, key=lambda number: self._diagonals[number].last)
            for number in numbers[at:]:
                span = self._diagonals[number]
                begin, end = max(span.first, first), min(span.last, last)
                if begin >= end:
                    break
                values = self._evidences[number][begin - span.first : end - span.first]
                evidence[begin - first : end - first, place] = values
                owner[begin - first : end - first, place] = number
        return _Table(evidence, owner)

    def owner(self, frame: int, place: int) -> int:
        """The diagonal that a cell belongs to, or NOWHERE."""
        return int(self.table(frame, frame + 1).owner[0, place])


def _trace(
    score: np.ndarray, entered: np.ndarray, origin: np.ndarray, columns: _Columns
) -> list[Run]:
    place, last = int(score.argmax()), len(origin)
    runs = []
    for frame in range(len(origin) - 1, -1, -1):
        if entered[frame, place // 8] >> (7 - place % 8) & 1 or frame == 0:
            runs.append(Run(frame, last, columns.owner(frame, place)))
            last, place = frame, int(origin[frame, 0 if place == 0 else 1])
    return runs[::-1]
