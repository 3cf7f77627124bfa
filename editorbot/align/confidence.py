"""How sure a path is: of each run, and of the pair as a whole."""

import numpy as np

from editorbot.align.diagonals import Diagonal
from editorbot.align.features import Features
from editorbot.align.path import NOWHERE, WINDOW_FRAMES, Run

RIVAL_SHARE = 0.8
"""A diagonal that may hold this share of a run is a rival for all of it."""


def confidences(
    runs: list[Run], diagonals: list[Diagonal], evidences: list[np.ndarray], *, nowhere: float
) -> list[float | None]:
    """Per run the posterior probability of its diagonal among all that could hold it.

    Neighbouring frames share their correlation window, so that only every `WINDOW_FRAMES`-th
    counts as an observation. None for runs without source.
    """
    firsts = np.array([d.first for d in diagonals])
    lasts = np.array([d.last for d in diagonals])
    result: list[float | None] = []
    for run in runs:
        if run.diagonal == NOWHERE:
            result.append(None)
            continue
        overlap = np.minimum(lasts, run.last) - np.maximum(firsts, run.first)
        rivals = np.flatnonzero(overlap >= RIVAL_SHARE * (run.last - run.first))
        totals = [nowhere * (run.last - run.first)]
        totals += [_total(run, diagonals[r], evidences[r]) for r in rivals if r != run.diagonal]
        own = _total(run, diagonals[run.diagonal], evidences[run.diagonal])
        odds = np.exp(np.clip((np.array(totals) - own) / WINDOW_FRAMES, -50, 50)).sum()
        result.append(round(float(1 / (1 + odds)), 4))
    return result


def _total(run: Run, diagonal: Diagonal, values: np.ndarray) -> float:
    first, last = max(run.first, diagonal.first), min(run.last, diagonal.last)
    return float(values[first - diagonal.first : last - diagonal.first].sum())


def explained_share(runs: list[Run], edit: Features) -> float:
    """Share of the edit's sounding frames whose run has a source."""
    sounding = ~edit.quiet
    explained = sum(
        int(sounding[run.first : run.last].sum()) for run in runs if run.diagonal != NOWHERE
    )
    return explained / max(1, int(sounding.sum()))
