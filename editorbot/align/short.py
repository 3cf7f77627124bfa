"""Short copies between sounds that have no source, where the path was not sure of them."""

from collections.abc import Iterator
from dataclasses import replace

from editorbot.align.piece import Piece

SHORTEST_S = 0.2
"""What is left of a short copy beside other pieces must be as long."""
APART_S = 0.25
"""Stretched sound is made of grains that are copies themselves, but from about where it plays."""


def with_short(pieces: list[Piece], short: list[Piece], rate: int) -> list[Piece]:
    """The pieces, with short copies (in order, none on another) where nothing else fits.

    That is where there is no source, and where a stretched run plays from elsewhere: such a run is
    only known by its spectrum, and spectra are alike enough for it to grow over its neighbours.
    """
    return [part for piece in pieces for part in _divided(piece, short, rate)]


def _divided(piece: Piece, short: list[Piece], rate: int) -> Iterator[Piece]:
    position = piece.start
    for copy in short:
        start, stop = max(copy.start, position), min(copy.stop, piece.stop)
        if stop - start < SHORTEST_S * rate or not _gives_way(piece, copy, rate):
            continue
        if start > position:
            yield replace(piece, start=position, stop=start)
        yield replace(copy, start=start, stop=stop)
        position = stop
    if position < piece.stop:
        yield replace(piece, start=position)


def _gives_way(piece: Piece, copy: Piece, rate: int) -> bool:
    if piece.lag is None:
        return True
    middle = (copy.start + copy.stop) / 2
    plays = piece.lag + piece.treatment.slope * middle
    return not piece.is_copy and abs(plays - (copy.lag + middle)) > APART_S * rate
