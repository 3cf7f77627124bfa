"""A boundary between two pieces, and all that sounds around it."""

from dataclasses import dataclass, replace

import numpy as np

from editorbot.align.piece import Piece
from editorbot.align.playback import Playback
from editorbot.edl.model import Fade

CURVES = ("linear", "equal_power")
SHORTEST_FADE = 48
"""Samples; anything shorter sounds and measures as a hard cut."""
LEAST_LEFT, MOST_LEFT = 0.002, 0.5
"""Of the sound's energy, what copies are taken to leave at least and at most."""
INTERIOR = 2**15
"""Samples of a piece, beyond what is near its boundary, where what a copy leaves is measured."""


@dataclass(frozen=True)
class Boundary:
    """A boundary at edit sample `position`, and the fade of so many samples across or beside it."""

    position: int
    samples: int = 0
    curve: str = CURVES[1]

    @property
    def fade(self) -> Fade:
        """The fade as the edit list has it."""
        return Fade(samples=self.samples, curve=self.curve)

    def with_curve(self, curve: str) -> "Boundary":
        """The same with a fade of another curve."""
        return replace(self, curve=curve)


@dataclass(frozen=True)
class Region:
    """Edit samples [start, start + T) with both pieces' sound times their gains, (T,) float64.

    Where the gain is free, a compressor turns it up and down in either piece, and only what no
    common gain of a short window explains counts.
    """

    start: int
    edit: np.ndarray
    before: np.ndarray | None
    after: np.ndarray | None
    left_share: float
    is_free: bool

    @property
    def stop(self) -> int:
        """The first sample after it."""
        return self.start + len(self.edit)

    @property
    def has_both(self) -> bool:
        """Whether both pieces can be compared."""
        return self.before is not None and self.after is not None

    @property
    def foreign_cost(self) -> float:
        """Share of its energy that foreign sound costs beside a copy.

        Noise of the copy's variance is as likely there as noise of the sound's own.
        """
        share = self.left_share
        return share * np.log(1 / share) / (1 - share)


def region_around(playback: Playback, pair: tuple[Piece, Piece], middle: int, reach: int) -> Region:
    """What sounds within `reach` samples of `middle`, as far as both pieces go."""
    before, after = pair
    # Under the fades of their other ends pieces have other gains, or others sound too.
    start = before.start + min(before.fade_in.samples, before.samples // 2)
    stop = after.stop - min(after.fade_out.samples, after.samples // 2)
    first, last = max(start, middle - reach), min(stop, middle + reach)

    def played(piece: Piece) -> np.ndarray | None:
        return playback.played(piece, first, last) * piece.gain if piece.is_comparable else None

    copies = [piece for piece in pair if piece.is_comparable]
    shares = [_left_share(playback, piece, first, last) for piece in copies]
    return Region(
        start=first,
        edit=playback.heard(first, last),
        before=played(before),
        after=played(after),
        left_share=max(shares, default=MOST_LEFT),
        is_free=playback.is_filtered and len(copies) > 0,
    )


def _left_share(playback: Playback, copy: Piece, first: int, last: int) -> float:
    """Share of the sound's energy that a copy leaves beyond [first, last), near its boundary."""
    if copy.start < first:
        start, stop = max(copy.start, first - INTERIOR), first
    else:
        start, stop = last, min(copy.stop, last + INTERIOR)
    if stop - start < SHORTEST_FADE:
        start, stop = copy.start, copy.stop
    heard = playback.heard(start, stop)
    left = np.sum((heard - copy.gain * playback.played(copy, start, stop)) ** 2)
    return float(np.clip(left / max(np.sum(heard**2), 1e-20), LEAST_LEFT, MOST_LEFT))
