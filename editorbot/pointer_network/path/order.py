"""In which order the runs that are kept are played, which in parts, and which again.

A run is followed by the next one along the raw, unless the network holds another place for likely
enough. Where it says so, the path leaves within a run; and where a run ends, it may go back and
play again what it has played. Each place is left for another, or for a repeat, once.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from editorbot.pointer_network.path.terms import NEVER, Answers, PathDecoding, Run, at_borders

LIKELIER_THAN_NOT = 0.5
NEAR_STEPS = 3
"""Steps around a place within which the network may have meant it."""


class _Odds(NamedTuple):
    """Probabilities (R + 1,) of where the path goes on."""

    begin: np.ndarray
    first: dict[int, np.ndarray]
    """By the step at which it leaves, for the first time."""
    again: dict[int, np.ndarray]
    """For the second."""


def in_order(answers: Answers, decoding: PathDecoding, runs: list[Run]) -> list[Run]:
    """Runs along the raw -> as they are played, some in parts, again, or in other places."""
    splits = _splits(answers.leave, runs, decoding.leave)
    odds = _odds(answers, sorted({*(round(run.end) for run in runs), *splits}), runs)
    wanted = [_wanted(odds.begin), *(_wanted(odds.first[split]) for split in splits)]
    if decoding.replay < NEVER:
        wanted += [_wanted_before(odds.first[round(run.end)], round(run.end)) for run in runs]
    starts = [int(run.start) for run in runs]
    # What is meant to begin at about the start of a run begins there.
    inside = {w for w in wanted if w is not None and all(abs(w - s) > NEAR_STEPS for s in starts)}
    pieces = _cut_at(runs, {*splits, *starts, *inside})
    return _joined(_walk(pieces, odds, set(splits), decoding))


def _odds(answers: Answers, leaves: list[int], runs: list[Run]) -> _Odds:
    first, again = (answers.resume(leaves, before, runs) for before in (False, True))
    rows = (dict(zip(leaves, odds[1:], strict=True)) for odds in (first, again))
    return _Odds(first[0], *rows)


def _splits(logits: np.ndarray, runs: list[Run], threshold: float) -> list[int]:
    """Borders inside runs at which the path leaves: the highest ones, apart from each other."""
    chance = expit(at_borders(logits))
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


def _wanted_before(odds: np.ndarray, end: int) -> int | None:
    wanted = _wanted(odds)
    return wanted if wanted is not None and wanted < end else None


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


def _walk(pieces: list[Run], odds: _Odds, splits: set[int], decoding: PathDecoding) -> list[Run]:
    """Play every piece once, and again those that a jump back leads to; each jump is made once."""
    waiting, played, left = set(range(len(pieces))), [], set()
    at = _aim(odds.begin, pieces, waiting, decoding.reorder)
    at = 0 if at is None else at
    while True:
        played.append(pieces[at])
        waiting.discard(at)
        end = round(pieces[at].end)
        turns = end in splits and end not in left
        goes_on = at + 1 < len(pieces) and pieces[at + 1].start == pieces[at].end
        if goes_on and not turns and (at + 1 in waiting or _is_replay(played)):
            at += 1
            continue
        aim = None
        if turns:
            aim = _aim(odds.first[end], pieces, set(range(len(pieces))), LIKELIER_THAN_NOT)
        elif end in odds.first:
            aim = _onward(pieces, odds, end, waiting, left, decoding)
        left.add(end)
        if aim is None:
            aim = min((p for p in waiting if p > at), default=min(waiting, default=None))
        if aim is None:
            return played
        at = aim


def _onward(
    pieces: list[Run],
    odds: _Odds,
    end: int,
    waiting: set[int],
    left: set[int],
    decoding: PathDecoding,
) -> int | None:
    """The piece that follows the end of a run, where it is not simply the next one."""
    if end in left:
        return _aim(odds.again[end], pieces, waiting, decoding.reorder)
    played = set(range(len(pieces))) - waiting
    replayed = _aim(odds.first[end], pieces, played, decoding.replay)
    if replayed is not None:
        return replayed
    return _aim(odds.first[end], pieces, waiting, decoding.reorder)


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
