"""Which of several takes that are the same a piece plays, told by the fades at its ends.

Inside the piece nothing tells copies apart. Where it is faded in and out, one hears for some
milliseconds what comes before and after it in the raw, and that is another sound for each of them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from editorbot.align.boundary import SHORTEST_FADE, region_around
from editorbot.align.cuts import place_boundary
from editorbot.align.fade_model import AUDIBLE, FadeModel
from editorbot.align.piece import Piece, trimmed
from editorbot.align.playback import Playback

CLEARLY_LESS = 0.1
"""Share of what its twin leaves unexplained that the right one leaves at most."""
MOST_COMPARED = 2**19
"""Samples in which twins, which may be not quite the same, are compared inside."""


def told_by_fades(pieces: Sequence[Piece], *, playback: Playback, max_fade_s: float) -> list[Piece]:
    """Pieces with boundaries placed -> the same, moved to twins where these explain the fades."""
    pieces, placing = list(pieces), {"playback": playback, "max_fade_s": max_fade_s}
    for index, piece in enumerate(pieces):
        if not piece.twins:
            continue
        around = pieces[max(index - 1, 0) : index], pieces[index + 1 : index + 2]
        own = _left_beside(piece, *around, **placing)
        if own <= AUDIBLE:
            continue
        own += _left_inside(playback, piece)
        others = [replace(piece, lag=lag, twins=(), confidence=1.0) for lag in piece.twins]
        left = [
            _left_beside(other, *around, **placing) + _left_inside(playback, other)
            for other in others
        ]
        best = int(np.argmin(left))
        if left[best] < CLEARLY_LESS * own:
            pieces[index] = others[best]
    return pieces


def _left_beside(
    piece: Piece,
    before: list[Piece],
    after: list[Piece],
    *,
    playback: Playback,
    max_fade_s: float,
) -> float:
    """What is left at the boundaries with the pieces before and after it, if any."""
    pairs = [(p, piece) for p in before] + [(piece, p) for p in after]
    return sum(_left(playback, pair, max_fade_s=max_fade_s) for pair in pairs)


def _left_inside(playback: Playback, piece: Piece) -> float:
    """Share of the sound's energy that the piece leaves in its middle."""
    start, stop = trimmed(piece.start, piece.stop, piece.samples // 4)
    stop = min(stop, start + MOST_COMPARED)
    heard = playback.heard(start, stop)
    left = heard - piece.gain * playback.played(piece, start, stop)
    return float(left @ left) / max(float(heard @ heard), 1e-20)


def _left(playback: Playback, pair: tuple[Piece, Piece], *, max_fade_s: float) -> float:
    """Share of the sound's energy around a boundary that the best cut or fade leaves."""
    if not all(piece.is_comparable for piece in pair):
        return 0.0
    boundary = place_boundary(playback, *pair, max_fade_s=max_fade_s)
    reach = 2 * boundary.samples + SHORTEST_FADE
    model = FadeModel(
        region_around(playback, pair, boundary.position, reach), boundary.position, fixed=False
    )
    return model.cost(boundary) / max(model.energy(slice(None)), 1e-20)
