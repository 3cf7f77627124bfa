"""From the path's runs, in frames, to pieces of the edit, exact to the sample."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from editorbot.align.features import HOP
from editorbot.align.gain_steps import with_gain_steps
from editorbot.align.grains import without_grains
from editorbot.align.mapped import release
from editorbot.align.offsets import block_gains, exact_lag, typical_gain
from editorbot.align.path import NOWHERE, WINDOW_FRAMES, FoundPath, Run
from editorbot.align.piece import Piece, trimmed
from editorbot.align.playback import treated
from editorbot.align.short import with_short
from editorbot.align.sides import ANALYSIS_RATE, Side
from editorbot.align.treated import with_treated
from editorbot.align.whiten import slice_padded
from editorbot.progress import track

LAG_MARGIN = 4
"""Samples at the analysis rate by which a diagonal's lag may be wrong."""
CLEARLY_NEARER = 0.7
"""A rival must miss less than this share of what the path's own lag misses of a perfect copy."""
NEARER_COPY, MOST_COMPARED = 0.5, 2**19
"""... or leave less than this share of what the path's own lag leaves, of so many samples."""
TWIN = 0.003
"""Two places of the raw of which the one leaves less of the other (-25 dB) are the same sound."""
SILENT = 0.01
"""-40 dB: an editor who turns a part down so far has cut it out."""
SAME_PLACE_S = 0.012
"""A frame: lags no further apart are one place."""
SAME_LAG = 2
"""Samples: pieces that meet at lags no further apart are one, measured twice."""


def locate(path: FoundPath, raw: Side, edit: Side) -> list[Piece]:
    """Pieces at the raw's rate, with exact lags and gains; boundaries are still the path's."""
    runs = list(track(path.runs, "measuring offsets"))
    pieces = [_located(run, path, raw, edit) for run in runs]
    pieces = with_treated(_joined([piece for piece in pieces if piece.samples > 0]), raw, edit)
    pieces = without_grains(pieces, raw, edit)
    release(raw.wave, edit.wave, edit.mono)
    pieces = with_short(pieces, [_located(run, path, raw, edit) for run in path.short], raw.rate)
    pieces = with_gain_steps(pieces, raw, edit)
    release(edit.mono)
    return _without_silent([_with_gain(piece, raw, edit) for piece in pieces])


def _located(run: Run, path: FoundPath, raw: Side, edit: Side) -> Piece:
    scale = raw.rate / ANALYSIS_RATE
    is_last = run.last == path.runs[-1].last
    start = round(run.first * HOP * scale)
    stop = len(edit.mono) if is_last else round(run.last * HOP * scale)
    if run.diagonal == NOWHERE or stop <= start:
        return Piece(start, stop, None)
    lags = [path.diagonals[number].lag * scale for number in (run.diagonal, *path.rivals[run])]
    place = _best_place(raw, edit, start, stop, lags)
    release(raw.mono, edit.mono)
    confidence = 1 / (1 + len(place.twins))
    return Piece(start, stop, place.lag, confidence=confidence, twins=place.twins)


class _Place(NamedTuple):
    """A lag, and the others at which the raw is the same."""

    lag: int
    twins: tuple[int, ...]


def _best_place(raw: Side, edit: Side, start: int, stop: int, lags: list[float]) -> _Place:
    """The exact lag near the first of `lags`, or near a rival if that is clearly nearer a copy."""
    scale = raw.rate / ANALYSIS_RATE
    inner = trimmed(start, stop, round(WINDOW_FRAMES / 2 * HOP * scale))
    margin = int(np.ceil(LAG_MARGIN * scale))
    options = {"margin": margin, "sample_rate": raw.rate}
    own, *others = (
        exact_lag(raw.mono, edit.mono, *inner, lag=round(lag), **options) for lag in lags
    )
    best = max(others, key=lambda offset: abs(offset.strength), default=own)
    missing = 1 - abs(own.strength), 1 - abs(best.strength)
    lag = own.lag
    if missing[1] < CLEARLY_NEARER * missing[0]:
        lag = best.lag
    else:
        # Repeats that all but agree are told apart by what they leave: of a copy next to nothing.
        left = {o.lag: _left(raw.mono, edit.mono, *inner, o.lag) for o in (own, *others)}
        nearest = min(left, key=left.get)
        if left[nearest] < NEARER_COPY * left[own.lag]:
            lag = nearest
    found = dict.fromkeys(other.lag for other in (own, *others))
    return _Place(lag, tuple(other for other in found if _is_twin(raw, *inner, lag, other)))


def _is_twin(raw: Side, start: int, stop: int, lag: int, other: int) -> bool:
    """Whether the raw is the same at both lags, so that nothing heard tells them apart."""
    if abs(lag - other) <= SAME_PLACE_S * raw.rate:
        return False
    return _left(raw.mono, raw.mono, start + lag, stop + lag, other - lag) < TWIN


def _left(raw: np.ndarray, edit: np.ndarray, start: int, stop: int, lag: int) -> float:
    """Share of the sound's energy that a copy at its best gain leaves, in the middle of the run."""
    middle, reach = (start + stop) // 2, MOST_COMPARED // 2
    start, stop = max(start, middle - reach), min(stop, middle + reach)
    heard = slice_padded(edit, start, stop).astype(np.float64)
    played = slice_padded(raw, start + lag, stop + lag).astype(np.float64)
    powers = max(float(heard @ heard) * float(played @ played), 1e-30)
    return 1 - float(heard @ played) ** 2 / powers


def _joined(pieces: list[Piece]) -> list[Piece]:
    result: list[Piece] = []
    for piece in pieces:
        last = result[-1] if result else None
        if last is not None and _continues(last, piece):
            longer = max(last, piece, key=lambda p: p.samples)
            result[-1] = replace(longer, start=last.start, stop=piece.stop)
        else:
            result.append(piece)
    return result


def _continues(last: Piece, piece: Piece) -> bool:
    if last.lag is None or piece.lag is None:
        return last.lag is piece.lag
    return abs(last.lag - piece.lag) <= SAME_LAG


def _without_silent(pieces: list[Piece]) -> list[Piece]:
    """The pieces; where one would be heard far below all others, there is silence."""
    gains = [abs(piece.gain) for piece in pieces if piece.lag is not None]
    least = SILENT * float(np.median(gains)) if gains else 0.0
    result: list[Piece] = []
    for piece in pieces:
        silent = piece.lag is None or abs(piece.gain) < least
        if silent and result and result[-1].lag is None:
            result[-1] = replace(result[-1], stop=piece.stop)
        else:
            result.append(Piece(piece.start, piece.stop, None) if silent else piece)
    return result


def _with_gain(piece: Piece, raw: Side, edit: Side) -> Piece:
    if piece.lag is None:
        return piece
    border = round(WINDOW_FRAMES / 2 * HOP * raw.rate / ANALYSIS_RATE)
    start, stop = trimmed(piece.start, piece.stop, border)
    played = treated(raw.mono, piece, start, stop)
    heard = slice_padded(edit.mono, start, stop)
    gain = typical_gain(*block_gains(played, heard, is_copy=piece.is_copy))
    release(edit.mono)
    # Silence against silence has no gain; one is as good as any and the simplest.
    return replace(piece, gain=gain if gain != 0 else 1.0)
