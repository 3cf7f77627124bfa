"""Stretched or transposed runs that go on from their neighbours: there the list must not jump.

Such a run's place is known by its spectrum only, to some milliseconds. Nobody jumps by so little
where a treatment begins or ends, so that a run that all but meets a copy is taken to meet it.
"""

from dataclasses import replace

from editorbot.align.piece import Piece

MEETS_S = 0.012
"""A frame."""


def with_continuity(pieces: list[Piece], rate: int) -> list[Piece]:
    """The pieces; those known by their spectrum only are moved to where they meet copies."""
    around = [None, *pieces, None]
    return [
        piece if piece.lag is None or piece.is_copy else _meeting(before, piece, after, rate)
        for before, piece, after in zip(around[:-2], pieces, around[2:], strict=True)
    ]


def _meeting(before: Piece | None, piece: Piece, after: Piece | None, rate: int) -> Piece:
    """The piece moved to meet one neighbour, the nearer; and the other, if its speed may change."""
    ends = [(before, piece.start), (after, piece.stop)]
    misses = {at: miss for copy, at in ends if (miss := _miss(copy, piece, at, rate)) is not None}
    if not misses:
        return piece
    if len(misses) == 2 and piece.treatment.speed != 1:
        drift = (misses[piece.stop] - misses[piece.start]) / piece.samples
        speed = piece.treatment.speed + drift
        lag = piece.lag + misses[piece.start] - drift * piece.start
        return replace(piece, lag=lag, treatment=replace(piece.treatment, speed=speed))
    return replace(piece, lag=piece.lag + min(misses.values(), key=abs))


def _miss(copy: Piece | None, piece: Piece, at: int, rate: int) -> float | None:
    """By how many samples of the raw a piece misses its neighbour at a border; None if by many."""
    if copy is None or not copy.is_comparable or copy.treatment.reverse or piece.treatment.reverse:
        return None
    miss = (copy.lag - piece.lag) + (copy.treatment.slope - piece.treatment.slope) * at
    return miss if abs(miss) <= MEETS_S * rate else None
