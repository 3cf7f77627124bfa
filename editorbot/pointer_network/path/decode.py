"""From the path model's answers to runs of the raw, in the order in which an edit plays them.

First what is kept: the best of all ways to keep and leave out steps, found exactly by dynamic
programming (Viterbi 1967) over the steps. Keeping a step is worth `keep_weight` times its logit,
and each end of a run costs `cut_cost` less the logit that there is one. Should the edit have a
given length, the program also counts the steps that are kept.

Then in which order: a run is followed by the next one along the raw, unless the network holds
another place for likely enough. Within a run, the path leaves where the network says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import expit

NEVER = 2.0
"""A threshold that no probability reaches."""
HARD = 1e6
"""What a step is worth that must be kept; less than what all others are together worth is not."""
LIKELIER_THAN_NOT = 0.5
LARGEST_PENALTY, PENALTY_ROUNDS = 20.0, 20
"""By which an alternative is driven away from the edits before it, per step."""
NEAR_STEPS = 3
"""Steps around a place within which the network may have meant it."""


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
    resume: Callable[[Sequence[int]], np.ndarray]
    """Steps (K,) at which the path leaves -> probabilities (K + 1, R + 1) of where it goes on, in
    the first row of where it begins, in the last column that it ends."""
    place: Callable[[Sequence[Run]], list[Run]]
    """Runs in the edit's order -> the same with their ends where exactly they belong."""


@dataclass(frozen=True)
class Limits:
    """What the edit must satisfy; spans are half-open, in steps."""

    keep: tuple[Run, ...] = ()
    drop: tuple[Run, ...] = ()
    length: float | None = None
    """Steps."""


def alternative_paths(
    answers: Answers, decoding: PathDecoding, limits: Limits, *, count: int, apart: float
) -> list[list[Run]]:
    """The best path, and others that are good and differ from all before by `apart` steps.

    What earlier paths kept is worth less, and what they left out more, by the least amount that
    makes such a difference: so what is certain stays, and what might as well be otherwise changes.
    There may be fewer than `count`.
    """
    masks, paths = [], []
    while len(paths) < count:
        mask = _unlike(masks, answers, decoding, limits, apart)
        if mask is None:
            break
        masks.append(mask)
        paths.append(answers.place(in_order(answers, decoding, _runs_of(mask))))
    return paths


def _unlike(
    masks: list[np.ndarray],
    answers: Answers,
    decoding: PathDecoding,
    limits: Limits,
    apart: float,
) -> np.ndarray | None:
    """(R,) bool, the best that differs enough from all of `masks`; None if there is none."""
    if not masks:
        return _kept(answers, decoding, limits, 0.0)
    usual = np.mean(masks, axis=0) - 0.5
    found, low, high = None, 0.0, LARGEST_PENALTY
    for _ in range(PENALTY_ROUNDS):
        penalty = (low + high) / 2
        mask = _kept(answers, decoding, limits, -penalty * usual)
        if min((mask != other).sum() for other in masks) >= apart:
            found, high = mask, penalty
        else:
            low = penalty
    return found


def decode_path(
    answers: Answers, decoding: PathDecoding, limits: Limits | None = None
) -> list[Run]:
    """The runs of the best path, at least one, in the order in which they are played."""
    runs = kept_runs(answers, decoding, limits or Limits())
    return answers.place(in_order(answers, decoding, runs))


def kept_runs(answers: Answers, decoding: PathDecoding, limits: Limits) -> list[Run]:
    """What is kept, along the raw."""
    return _runs_of(_kept(answers, decoding, limits, 0.0))


def _runs_of(mask: np.ndarray) -> list[Run]:
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return [Run(float(a), float(b)) for a, b in edges.reshape(-1, 2)]


def _kept(
    answers: Answers, decoding: PathDecoding, limits: Limits, bonus: np.ndarray | float
) -> np.ndarray:
    """(R,) bool, at least one of them, where keeping a step is worth so much more."""
    worth = decoding.keep_weight * answers.keep.astype(np.float64) + bonus
    worth = _limited(worth, limits)
    if limits.length is None:
        kept = _viterbi(worth, answers, decoding.cut_cost)
    else:
        length = int(np.clip(round(limits.length), 1, len(worth)))
        kept = _of_length(worth, answers, decoding.cut_cost, length)
    if not kept.any():
        kept[int(np.argmax(worth))] = True
    return kept


def _limited(worth: np.ndarray, limits: Limits) -> np.ndarray:
    worth = worth.copy()
    for spans, value in ((limits.keep, HARD), (limits.drop, -HARD)):
        for span in spans:
            # A step that lies in both by a part is the dropped span's, which comes last.
            worth[int(np.floor(span.start)) : int(np.ceil(span.end))] = value
    return worth


def _of_length(worth: np.ndarray, answers: Answers, cost: float, length: int) -> np.ndarray:
    """(R,) bool, the best path that keeps just so many steps.

    The program's states are told apart by how many steps were kept so far. Of its table every so
    many rows are remembered, and those between them made again on the way back, so that the memory
    of hours is that of some hundred rows.
    """
    steps = len(worth)
    begin, stop = (_at_borders(x) - cost for x in (answers.start, answers.end))

    def advance(row: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The table's next row, (2, length + 1) of dropped and kept, and where each came from."""
        moved = np.stack([row[1] + stop[step], row[0] + begin[step]])
        changes = moved > row
        best = np.where(changes, moved, row)
        best[1, 1:] = best[1, :-1] + worth[step]
        best[1, 0] = -np.inf
        return best, changes

    row = np.full((2, length + 1), -np.inf)
    row[0, 0] = 0.0
    stretch = max(1, int(np.sqrt(steps)))
    rows = {}
    for step in range(steps):
        if step % stretch == 0:
            rows[step] = row
        row, _ = advance(row, step)
    state, left = int(row[1, length] + stop[steps] > row[0, length]), length
    kept = np.zeros(steps, bool)
    for first in sorted(rows, reverse=True):
        row, made = rows.pop(first), []
        for step in range(first, min(first + stretch, steps)):
            row, changes = advance(row, step)
            made.append(changes)
        for step in range(first + len(made) - 1, first - 1, -1):
            kept[step] = state == 1
            left -= state
            if made[step - first][state, left]:
                state = 1 - state
    return kept


def _viterbi(worth: np.ndarray, answers: Answers, cost: float) -> np.ndarray:
    """(R,) bool, the steps kept by the best path through two states."""
    begin, stop = (_at_borders(x) - cost for x in (answers.start, answers.end))
    came_from_drop, came_from_keep = [], []
    dropped, kept = 0.0, -np.inf
    rows = zip(worth.tolist(), begin.tolist(), stop.tolist(), strict=False)
    for value, enters, leaves in rows:
        enters, leaves = dropped + enters, kept + leaves
        came_from_drop.append(enters > kept)
        came_from_keep.append(leaves > dropped)
        dropped, kept = max(dropped, leaves), max(kept, enters) + value
    state = kept + stop[-1] > dropped
    mask = np.zeros(len(worth), bool)
    for step in range(len(worth) - 1, -1, -1):
        mask[step] = state
        state = (not came_from_drop[step]) if state else came_from_keep[step]
    return mask


def _at_borders(logits: np.ndarray) -> np.ndarray:
    """(R,) logits of steps -> (R + 1,) of the borders before, between and after them."""
    padded = np.pad(logits.astype(np.float64), 1, mode="edge")
    return (padded[1:] + padded[:-1]) / 2


def in_order(answers: Answers, decoding: PathDecoding, runs: list[Run]) -> list[Run]:
    """Runs along the raw -> as they are played, some in parts, again, or in other places."""
    splits = _splits(answers.leave, runs, decoding.leave)
    leaves = sorted({*(round(run.end) for run in runs), *splits})
    odds = answers.resume(leaves)
    rows = {None: odds[0], **dict(zip(leaves, odds[1:], strict=True))}
    places = {int(run.start) for run in runs}
    for leave in [None, *splits]:
        wanted = _wanted(rows[leave])
        if wanted is not None:
            places.add(wanted)
    pieces = _cut_at(runs, {*splits, *places})
    return _joined(_walk(pieces, rows, set(splits), decoding.reorder))


def _splits(logits: np.ndarray, runs: list[Run], threshold: float) -> list[int]:
    """Borders inside runs at which the path leaves: the highest ones, apart from each other."""
    chance = expit(_at_borders(logits))
    splits: list[int] = []
    for border in np.argsort(-chance, kind="stable").tolist():
        if chance[border] < threshold:
            break
        inside = any(run.start + NEAR_STEPS < border < run.end - NEAR_STEPS for run in runs)
        if inside and all(abs(border - other) > NEAR_STEPS for other in splits):
            splits.append(border)
    return sorted(splits)


def _wanted(odds: np.ndarray) -> int | None:
    """The step at which the path goes on, where one is likelier than not."""
    mass = _mass_near(odds)[:-1]
    around = int(np.argmax(mass))
    if mass[around] <= LIKELIER_THAN_NOT:
        return None
    first, last = max(0, around - NEAR_STEPS), min(around + NEAR_STEPS + 1, len(mass))
    return first + int(np.argmax(odds[first:last]))


def _mass_near(odds: np.ndarray) -> np.ndarray:
    """(R + 1,) probability that a place near each step is meant; the last, that the edit ends."""
    window = np.ones(2 * NEAR_STEPS + 1)
    return np.append(np.convolve(odds[:-1], window, mode="same"), odds[-1])


def _cut_at(runs: list[Run], borders: set[int]) -> list[Run]:
    pieces = []
    for run in runs:
        inside = sorted(b for b in borders if run.start < b < run.end)
        bounds = [run.start, *map(float, inside), run.end]
        pieces += [Run(a, b) for a, b in pairwise(bounds)]
    return pieces


def _walk(pieces: list[Run], rows: dict, splits: set[int], reorder: float) -> list[Run]:
    """Play every piece once, and again those that a jump back leads to; each jump is made once."""
    waiting, played = set(range(len(pieces))), []
    at = _aim(rows[None], pieces, waiting, reorder)
    at = 0 if at is None else at
    while True:
        played.append(pieces[at])
        waiting.discard(at)
        end = round(pieces[at].end)
        goes_on = at + 1 < len(pieces) and pieces[at + 1].start == pieces[at].end
        if goes_on and end not in splits and (at + 1 in waiting or _is_replay(played)):
            at += 1
            continue
        aim = None
        if end in splits:
            aim = _aim(rows[end], pieces, set(range(len(pieces))), LIKELIER_THAN_NOT)
        elif end in rows:
            aim = _aim(rows[end], pieces, waiting, reorder)
        splits.discard(end)
        if aim is None:
            aim = min((p for p in waiting if p > at), default=min(waiting, default=None))
        if aim is None:
            return played
        at = aim


def _is_replay(played: list[Run]) -> bool:
    """Whether the piece just played had been played before."""
    return played[-1] in played[:-1]


def _aim(odds: np.ndarray, pieces: list[Run], among: set[int], least: float) -> int | None:
    """The piece at whose beginning the path goes on, where that is likely enough."""
    mass = _mass_near(odds)
    best = max(among, key=lambda piece: mass[int(pieces[piece].start)], default=None)
    if best is None or mass[int(pieces[best].start)] <= least:
        return None
    return best


def _joined(played: list[Run]) -> list[Run]:
    runs = [played[0]]
    for run in played[1:]:
        if run.start == runs[-1].end:
            runs[-1] = Run(runs[-1].start, run.end)
        else:
            runs.append(run)
    return runs
