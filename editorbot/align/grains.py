"""Grains of a stretched run that pass for short copies.

Programs stretch sound by laying pieces of it side by side. At a speed near 1 such a grain is a
copy for half a second, though not as good a one as the others of the edit.
"""

from dataclasses import replace

import numpy as np

from editorbot.align.diagonals import Diagonal
from editorbot.align.features import HOP
from editorbot.align.path import correlations
from editorbot.align.piece import PLAIN, Piece
from editorbot.align.sides import ANALYSIS_RATE, Side

LONGEST_S = 1.0
"""Longer runs at one lag are no grains."""
APART_S = 0.02
"""By how much the stretched run, played on over the grain, may miss it."""
LESS_ALIKE = 0.85
"""Share of what longer copies correlate, below which a short one may be a grain."""


def without_grains(pieces: list[Piece], raw: Side, edit: Side) -> list[Piece]:
    """The pieces, stretched runs played on over the grains that lie beside them."""
    longest = LONGEST_S * raw.rate
    copies = [p for p in pieces if p.lag is not None and p.treatment == PLAIN]
    short = [piece for piece in copies if piece.samples <= longest]
    if not short or all(piece.is_copy for piece in pieces):
        return pieces
    typical = [_alike(piece, raw, edit) for piece in copies if piece.samples > longest]
    least = LESS_ALIKE * (float(np.median(typical)) if typical else 1.0)
    grains = [piece for piece in short if _alike(piece, raw, edit) < least]
    result: list[Piece] = []
    for piece in pieces:
        last = result[-1] if result else None
        if last in grains and _plays_on(piece, last, raw.rate):
            result[-1] = replace(piece, start=last.start)
        elif last is not None and piece in grains and _plays_on(last, piece, raw.rate):
            result[-1] = replace(last, stop=piece.stop)
        else:
            result.append(piece)
    return result


def _plays_on(stretched: Piece, grain: Piece, rate: int) -> bool:
    """Whether a stretched run that is played on over its neighbour plays the same there."""
    if stretched.is_copy or stretched.lag is None:
        return False
    lag, slope = stretched.lag - grain.lag, stretched.treatment.slope - grain.treatment.slope
    return all(abs(lag + slope * at) <= APART_S * rate for at in (grain.start, grain.stop))


def _alike(piece: Piece, raw: Side, edit: Side) -> float:
    """Mean magnitude of the local correlation of the whitened waveforms."""
    scale = HOP * raw.rate / ANALYSIS_RATE
    first, last = round(piece.start / scale), max(1 + round(piece.stop / scale), 2)
    along = Diagonal(first, last, piece.lag * ANALYSIS_RATE / raw.rate)
    return float(np.abs(correlations(raw.white, edit.white, along)).mean())
