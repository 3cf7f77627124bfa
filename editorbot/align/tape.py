"""A tape's or reversed run measured on the waveform: to the sample, and how far it holds."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.stats import theilslopes

from editorbot.align.offsets import Offset, exact_lag
from editorbot.align.piece import Piece, Treatment, tape_pitch, trimmed
from editorbot.align.playback import treated
from editorbot.align.sides import Side
from editorbot.align.treated_search import NATURAL_SPEED
from editorbot.align.whiten import TAPS, slice_padded

PART_S, PART_MARGIN_S = 0.25, 0.05
"""Parts of a run that are compared one by one, and by how much the lag may be wrong there."""
PART_DRIFT_S, PART_CORRELATION, LEAST_PARTS = 0.005, 0.2, 2
"""By how much the lags of parts that follow each other may differ (a speed that is 2 % off), how
alike both must be at least, and how many times on end."""
SPOTS, LEAST_AGREEING, AGREEING = 11, 9, 3
"""Spots of a part's length, how many must agree, and to how many samples, of thousands."""
ROUNDS_S = ((0.1, 0.02), (0.2, 0.005), (0.4, 0.002))
"""A run's lag is measured at its beginning and its end, so that its speed is known too: how long
these spots are, longer as the speed gets known, and by how much the lag may be wrong."""


def alike_part(piece: Piece, raw: Side, edit: Side) -> Piece | None:
    """The longest part that one tape explains, at its speed; None if there is none.

    Spectra of other parts of a song are alike enough for a run to grow over its neighbours, and
    then its speed is wrong too. Lags of right parts lie on a line, those of wrong ones anywhere.
    """
    count = piece.samples // round(PART_S * raw.rate)
    margin = round(PART_MARGIN_S * raw.rate)
    ends = np.linspace(piece.start, piece.stop, count + 1).astype(int)
    offsets = [
        _offset(piece, raw, edit, int(start), int(stop), margin=margin)
        for start, stop in pairwise(ends)
    ]
    follows = [
        abs(after.lag - before.lag) <= PART_DRIFT_S * raw.rate
        and min(abs(before.strength), abs(after.strength)) >= PART_CORRELATION
        for before, after in pairwise(offsets)
    ]
    steps = np.flatnonzero(np.diff(follows, prepend=False, append=False)).reshape(-1, 2)
    first, last = max(steps, key=lambda step: step[1] - step[0], default=(0, 0))
    if last - first < LEAST_PARTS:
        return None
    part = replace(piece, start=int(ends[first]), stop=int(ends[last + 1]))
    middles = (ends[first : last + 1] + ends[first + 1 : last + 2]) / 2
    lags = np.array([offset.lag for offset in offsets[first : last + 1]])
    # A misjudged part does not bend Sen's line.
    slope, height, *_ = theilslopes(lags, middles)
    part = _corrected(part, [(at, height + slope * at) for at in (part.start, part.stop)])
    return _rounded(part)


def _rounded(piece: Piece) -> Piece:
    """The piece at speed 1 if it is all but that, at the same place in the middle."""
    treatment = piece.treatment
    if abs(treatment.speed - 1) >= NATURAL_SPEED:
        return piece
    natural = Treatment(treatment.reverse)
    middle = (piece.start + piece.stop) / 2
    lag = piece.lag + (treatment.slope - natural.slope) * middle
    return replace(piece, lag=float(round(lag)), treatment=natural)


def measured(piece: Piece, raw: Side, edit: Side, *, border: int, least: float) -> Piece | None:
    """The piece with lag and speed by its waveform; None if the waveforms are not alike.

    Its ends, `border` samples, are uncertain and left out; `least` is the correlation of the
    whitened waveforms asked of its beginning, middle and end. Under noise it may be less, if most
    of many spots, each free to be anywhere, agree on the place.
    """
    start, stop = trimmed(piece.start, piece.stop, border)
    for spot_s, margin_s in ROUNDS_S:
        spot = min(round(spot_s * raw.rate), (stop - start) // 2)
        ends = (start, start + spot), (stop - spot, stop)
        margin = round(margin_s * raw.rate)
        offsets = [_offset(piece, raw, edit, *end, margin=margin) for end in ends]
        piece = _corrected(piece, [(sum(e) / 2, o.lag) for e, o in zip(ends, offsets, strict=True)])
    # Both ends of two runs taken for one may fit some speed: its middle does not.
    middle = (start + stop - spot) // 2
    offsets.append(_offset(piece, raw, edit, middle, middle + spot, margin=margin))
    alike = min(abs(offset.strength) for offset in offsets) >= least
    return piece if alike or _spots_agree(piece, raw, edit, start, stop) else None


def _spots_agree(piece: Piece, raw: Side, edit: Side, start: int, stop: int) -> bool:
    spot, margin = (round(seconds * raw.rate) for seconds in (PART_S, PART_MARGIN_S))
    starts = np.linspace(start, stop - spot, SPOTS).astype(int)
    if starts[1] - starts[0] < spot:
        return False
    offsets = [_offset(piece, raw, edit, at, at + spot, margin=margin) for at in starts]
    return sum(abs(offset.lag) <= AGREEING for offset in offsets) >= LEAST_AGREEING


def _offset(piece: Piece, raw: Side, edit: Side, start: int, stop: int, *, margin: int) -> Offset:
    """By how many samples later [start, stop) plays than the piece says."""
    reach = margin + TAPS
    played = treated(raw.mono, piece, start - reach, stop + reach)
    heard = slice_padded(edit.mono, start - reach, stop + reach)
    return exact_lag(
        played, heard, reach, reach + stop - start, lag=0, margin=margin, sample_rate=raw.rate
    )


def _corrected(piece: Piece, offsets: list[tuple[float, float]]) -> Piece:
    """The piece moved by offsets measured at two instants; speed 1 and its whole lag stay so."""
    (at, offset), (at_end, offset_end) = offsets
    treatment = piece.treatment
    if treatment.speed == 1:
        moved = round((offset + offset_end) / 2)
        return replace(piece, lag=float(round(piece.lag + treatment.slope * moved)))
    drift = (offset_end - offset) / (at_end - at)
    lag = piece.lag + treatment.slope * (offset - drift * at)
    speed = treatment.speed * (1 + drift)
    pitch = tape_pitch(speed)
    return replace(piece, lag=lag, treatment=replace(treatment, speed=speed, pitch_semitones=pitch))
