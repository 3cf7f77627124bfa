"""Which of several takes that are the same a piece plays, told by the fades at its ends.

Inside the piece nothing tells copies apart. Where it is faded in and out, one hears for some
milliseconds what comes before and after it in the raw, and that is another sound for each of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from editorbot.align.boundary import region_around
from editorbot.align.cuts import FINER_BLOCKS, place_boundary
from editorbot.align.fade_model import AUDIBLE, FadeModel
from editorbot.align.piece import Piece, trimmed
from editorbot.align.playback import Playback

CLEARLY_LESS = 0.1
"""Share of what its twin leaves unexplained that the right one leaves at most."""
LEFT_REACH_S = 0.1
"""How far around a boundary, beside twice its fade, what is left is counted."""
MOST_COMPARED = 2**19
"""Samples in which twins, which may be not quite the same, are compared inside."""


def told_by_fades(pieces: Sequence[Piece], *, playback: Playback, max_fade_s: float) -> list[Piece]:
    """Pieces with boundaries placed -> the same, moved to twins where these explain the fades."""
    pieces, placing = list(pieces), {"playback": playback, "max_fade_s": max_fade_s}
    for index, piece in enumerate(pieces):
        if not piece.twins:
            continue
        around = pieces[max(index - 1, 0) : index], pieces[index + 1 : index + 2]
        own = left_beside(piece, *around, **placing)
        if own.share <= AUDIBLE:
            continue
        others = [replace(piece, lag=lag, twins=(), confidence=1.0) for lag in piece.twins]
        own_energy, *energies = (
            left_beside(one, *around, **placing).energy + _left_inside(playback, one)
            for one in (piece, *others)
        )
        best = int(np.argmin(energies))
        if energies[best] < CLEARLY_LESS * own_energy:
            pieces[index] = others[best]
    return pieces


class Left(NamedTuple):
    """What boundaries leave unexplained of the sound around them, sums of squares."""

    energy: float
    of: float

    @property
    def share(self) -> float:
        """Of the sound's energy."""
        return self.energy / max(self.of, 1e-20)


def left_beside(
    piece: Piece,
    before: list[Piece],
    after: list[Piece],
    *,
    playback: Playback,
    max_fade_s: float,
) -> Left:
    """What is left at the boundaries with the pieces before and after it, if any."""
    pairs = [(p, piece) for p in before] + [(piece, p) for p in after]
    left = [
        left_between(pair, playback=playback, max_fade_s=max_fade_s)
        for pair in pairs
        if all(p.is_comparable for p in pair)
    ]
    return Left(sum(x.energy for x in left), sum(x.of for x in left))


def _left_inside(playback: Playback, piece: Piece) -> float:
    """Energy that the piece leaves in its middle."""
    start, stop = trimmed(piece.start, piece.stop, piece.samples // 4)
    stop = min(stop, start + MOST_COMPARED)
    left = playback.heard(start, stop) - piece.gain * playback.played(piece, start, stop)
    return float(left @ left)


def left_between(
    pair: tuple[Piece, Piece],
    *,
    playback: Playback,
    max_fade_s: float,
    around: int | None = None,
) -> Left:
    """What the best cut or fade leaves around it, or around another edit sample."""
    boundary = place_boundary(playback, *pair, max_fade_s=max_fade_s)
    reach = 2 * boundary.samples + round(LEFT_REACH_S * playback.rate)
    middle = boundary.position if around is None else around
    region = region_around(playback, pair, middle, reach)
    model = FadeModel(region, boundary.position, fixed=False, most_blocks=FINER_BLOCKS)
    return Left(model.cost(boundary), model.energy(slice(None)))
