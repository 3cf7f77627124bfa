"""In which order the runs that are kept are played, which in parts, and which again.

A run is followed by the next one along the raw, unless the network holds another place for likely
enough. Where it says so, the path leaves within a run; and where a run ends, it may go back and
play again what it has played. Each place is left for another, or for a repeat, once.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from editorbot.pointer_network.path.terms import Answers, PathDecoding, Run, at_borders

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
    starts = [int(run.start) for run in runs]
    replays = _replays(odds, runs, starts, decoding.replay)
    anywhere = np.ones(len(odds.begin) - 1, bool)
    rows = [odds.begin, *(odds.first[split] for split in splits)]
    wanted = {_snapped(_likeliest(row, anywhere), starts) for row in rows}
    pieces = _cut_at(runs, {*splits, *starts, *wanted, *replays.values()})
    return _joined(_walk(pieces, odds, set(splits), replays, decoding.reorder))


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


def _likeliest(odds: np.ndarray, among: np.ndarray) -> int:
    """Of (R,) allowed steps the one that is meant, of those about it the likeliest."""
    around = int(np.argmax(np.where(among, _mass_near(odds)[:-1], -1)))
    first, last = max(0, around - NEAR_STEPS), min(around + NEAR_STEPS + 1, len(among))
    return first + int(np.argmax(np.where(among, odds[:-1], -1)[first:last]))


def _replays(odds: _Odds, runs: list[Run], starts: list[int], least: float) -> dict[int, int]:
    """Where a run ends -> where what was kept before is played again from.

    Whether that is so may be plain where the exact place is not, so all places count together.
    """
    kept = np.zeros(len(odds.begin) - 1, bool)
    replays = {}
    for run in runs:
        kept[int(run.start) : int(run.end)] = True
        row = odds.first[round(run.end)]
        if row[:-1][kept].sum() > least:
            replays[round(run.end)] = _snapped(_likeliest(row, kept), starts)
    return replays


def _snapped(place: int, starts: list[int]) -> int:
    """What is meant to begin at about the start of a run begins there."""
    nearest = min(starts, key=lambda start: abs(start - place))
    return nearest if abs(nearest - place) <= NEAR_STEPS else place


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


def _walk(
    pieces: list[Run], odds: _Odds, splits: set[int], replays: dict[int, int], reorder: float
) -> list[Run]:
    """Play every piece once, and again those that a jump back leads to; each jump is made once."""
    begins = {int(piece.start): number for number, piece in enumerate(pieces)}
    waiting, played, left = set(range(len(pieces))), [], set()
    at = _aim(odds.begin, pieces, waiting, reorder)
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
        elif end in replays and end not in left and begins[replays[end]] not in waiting:
            aim = begins[replays[end]]
        elif end in odds.first:
            row = odds.again[end] if end in left else odds.first[end]
            aim = _aim(row, pieces, waiting, reorder)
        left.add(end)
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
