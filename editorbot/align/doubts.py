"""Stretches of a plain piece in which the edit does not sound like the raw after all.

A run that is a copy in one half only can look better to the path than two switches cost, and then
no level has enough right frames to say how alike copies are. Inside the piece it shows.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d

from editorbot.align.diagonals import Diagonal
from editorbot.align.features import HOP
from editorbot.align.path import correlations
from editorbot.align.piece import Piece
from editorbot.align.sides import ANALYSIS_RATE, Side

SMOOTHED_FRAMES = 25
"""0.3 s."""
ALIKE_PERCENTILE, LEAST_ALIKE = 90, 0.5
"""How alike the piece's best frames are, and must be for its others to be doubted."""
DOUBTED_SHARE = 0.3
"""Of that, below which a frame is doubted."""
SHORTEST_FRAMES = 40
"""0.46 s."""


def doubtful_stretches(piece: Piece, raw: Side, edit: Side) -> list[Piece]:
    """The stretches, as pieces without source, in order; empty for most pieces."""
    scale = raw.rate / ANALYSIS_RATE
    first, last = int(np.ceil(piece.start / HOP / scale)), int(piece.stop / HOP / scale)
    if last - first < SHORTEST_FRAMES:
        return []
    along = Diagonal(first, last, piece.lag / scale)
    alike = np.abs(correlations(raw.white, edit.white, along))
    typical = np.percentile(alike, ALIKE_PERCENTILE)
    if typical < LEAST_ALIKE:
        return []
    doubted = uniform_filter1d(alike, SMOOTHED_FRAMES, mode="nearest") < DOUBTED_SHARE * typical
    steps = np.flatnonzero(np.diff(doubted, prepend=False, append=False)).reshape(-1, 2)
    long_enough = steps[steps[:, 1] - steps[:, 0] >= SHORTEST_FRAMES]

    def sample(frame: int) -> int:
        # A stretch that reaches the last frame there is reaches the piece's end.
        if frame in (0, last - first):
            return piece.start if frame == 0 else piece.stop
        return round((first + frame) * HOP * scale)

    return [Piece(sample(begin), sample(end), None) for begin, end in long_enough]
