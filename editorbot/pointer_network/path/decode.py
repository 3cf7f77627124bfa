"""From the path model's answers to runs of the raw, in the order in which an edit plays them.

First what is kept: the best of all ways to keep and leave out steps, found exactly by dynamic
programming (Viterbi 1967) over the steps. Keeping a step is worth `keep_weight` times its logit,
and each end of a run costs `cut_cost` less the logit that there is one. Should the edit have a
given length, the program also counts the steps that are kept.

Then in which order (`order`), and last where exactly (`place`).
"""

import numpy as np

from editorbot.pointer_network.path.order import in_order
from editorbot.pointer_network.path.terms import Answers, Limits, PathDecoding, Run, at_borders

HARD = 1e6
"""What a step is worth that must be kept; less than what all others are together worth is not."""
LARGEST_PENALTY, PENALTY_ROUNDS = 20.0, 20
"""By which an alternative is driven away from the edits before it, per step."""


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
    begin, stop = (at_borders(x) - cost for x in (answers.start, answers.end))

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
    begin, stop = (at_borders(x) - cost for x in (answers.start, answers.end))
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
