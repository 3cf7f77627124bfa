"""What the edit lets one hear of the raw: a piece's samples at its lag, as it is treated."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import oaconvolve

from editorbot.align.mapped import release
from editorbot.align.piece import PLAIN, Piece
from editorbot.align.whiten import slice_padded
from editorbot.audio.interpolate import half_width, read_at
from editorbot.audio.stretch import Stretcher

GAIN_BLOCK = 128
"""Samples of the edit for which a compressor's gain is given: 3 ms."""


@dataclass(frozen=True, eq=False)
class Playback:
    """The raw as pieces play it, and the edit as what they play is heard in it.

    Mastering is a filter, if any, followed by a compressor, if its gains are known.

    Attributes:
        raw: (T,) samples of the raw.
        edit: (T,) samples of the edit, at the raw's rate.
        rate: Hz of both.
        taps: (N,) the filter, of odd length and without delay.
        gains: (B,) the compressor's gain in each `GAIN_BLOCK` of the edit's samples.
    """

    raw: np.ndarray
    edit: np.ndarray
    rate: int
    taps: np.ndarray | None = None
    gains: np.ndarray | None = None

    def heard(self, first: int, last: int) -> np.ndarray:
        """(last - first,) float64 of the edit, without its compressor's gain."""
        sound = slice_padded(self.edit, first, last).astype(np.float64)
        if self.gains is None:
            return sound
        blocks = (np.arange(first, last) + 0.5) / GAIN_BLOCK - 0.5
        return sound / np.interp(blocks, np.arange(len(self.gains)), self.gains)

    @property
    def is_filtered(self) -> bool:
        """Whether the edit was mastered, so that gains are only true on average."""
        return self.taps is not None

    def played(self, piece: Piece, first: int, last: int) -> np.ndarray:
        """(last - first,) float64 heard at edit samples [first, last) at gain 1."""
        if last <= first:
            return np.zeros(0)
        half = 0 if self.taps is None else len(self.taps) // 2
        sound = treated(self.raw, piece, first - half, last + half).astype(np.float64)
        return sound if self.taps is None else oaconvolve(sound, self.taps, mode="valid")


def treated(raw: np.ndarray, piece: Piece, first: int, last: int) -> np.ndarray:
    """(last - first,) the raw as `piece`, at gain 1 and unfiltered, plays it at [first, last)."""
    # What earlier calls read.
    release(raw)
    treatment = piece.treatment
    if last <= first:
        return np.zeros(0, raw.dtype)
    if treatment == PLAIN:
        lag = round(piece.lag)
        return slice_padded(raw, first + lag, last + lag)
    if treatment.speed == 1 and treatment.is_tape:
        lag = round(piece.lag)
        return slice_padded(raw, lag - last + 1, lag - first + 1)[::-1]
    # Edit sample t is read at position t * slope of a raw that is moved by the lag.
    whole = int(np.floor(piece.lag))

    def moved(start: int, stop: int) -> np.ndarray:
        if treatment.reverse:
            return slice_padded(raw, whole - stop + 1, whole - start + 1)[None, ::-1]
        return slice_padded(raw, whole + start, whole + stop)[None]

    fraction = (piece.lag - whole) * (-1 if treatment.reverse else 1)
    if treatment.is_tape:
        return _read(moved, first, last, treatment.speed, fraction)
    tape_speed = 2 ** (treatment.pitch_semitones / 12)
    margin = half_width(tape_speed)
    begin = int(np.floor(first * tape_speed)) - margin
    stretcher = Stretcher(moved, speed=treatment.speed / tape_speed, start=begin)
    return _read(stretcher.read, first, last, tape_speed, 0.0)


def _read(source, first: int, last: int, speed: float, fraction: float) -> np.ndarray:
    margin = half_width(speed)
    positions = np.arange(first, last) * speed + fraction
    begin = int(np.floor(positions[0])) - margin
    end = int(np.floor(positions[-1])) + margin + 2
    return read_at(source(begin, end), positions - begin, ratio=speed)[0]
