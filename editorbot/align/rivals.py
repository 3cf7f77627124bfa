"""What else a path could have been, and how much of the edit it explains."""

import numpy as np

from editorbot.align.diagonals import Diagonal
from editorbot.align.features import Features
from editorbot.align.path import NOWHERE, Run
from editorbot.align.piece import Piece

RIVAL_SHARE = 0.8
"""A diagonal that may hold this share of a run is a rival for all of it."""
RIVAL_EVIDENCE = 0.3
"""Share of a run's evidence that makes its rival worth a closer look."""
MOST_RIVALS = 4


def rivals(run: Run, diagonals: list[Diagonal], evidences: list[np.ndarray]) -> list[int]:
    """At most `MOST_RIVALS` other diagonals that explain a run almost as well, best first."""
    if run.diagonal == NOWHERE:
        return []
    enough = RIVAL_EVIDENCE * _total(run, diagonals[run.diagonal], evidences[run.diagonal])
    totals = {r: _total(run, diagonals[r], evidences[r]) for r in _contenders(run, diagonals)}
    good = [r for r, total in totals.items() if total >= enough]
    return sorted(good, key=lambda r: -totals[r])[:MOST_RIVALS]


def _contenders(run: Run, diagonals: list[Diagonal]) -> list[int]:
    """The other diagonals that may hold all but a little of a run."""
    length = run.last - run.first
    return [
        number
        for number, d in enumerate(diagonals)
        if number != run.diagonal
        and min(d.last, run.last) - max(d.first, run.first) >= RIVAL_SHARE * length
    ]


def _total(run: Run, diagonal: Diagonal, values: np.ndarray) -> float:
    first, last = max(run.first, diagonal.first), min(run.last, diagonal.last)
    return float(values[first - diagonal.first : last - diagonal.first].sum())


def explained_share(pieces: list[Piece], edit: Features, *, samples_per_frame: float) -> float:
    """Share of the edit's sounding frames that lie in pieces with a source."""
    sounding = ~edit.quiet
    explained = 0
    for piece in pieces:
        if piece.lag is not None:
            first, last = (round(end / samples_per_frame) for end in (piece.start, piece.stop))
            explained += int(sounding[first:last].sum())
    return explained / max(1, int(sounding.sum()))
