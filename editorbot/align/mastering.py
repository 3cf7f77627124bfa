"""How the edit as a whole sounds against the raw: one linear filter for all that EQ did.

Cuts and fades are placed by what a hypothesis leaves unexplained. After EQ that is mostly the EQ,
the same for right and wrong; played through the filter the raw is close to what is heard.
"""

from dataclasses import replace

import numpy as np

from editorbot.align.compression import fit_gain_curve
from editorbot.align.piece import PLAIN, Piece
from editorbot.align.playback import Playback
from editorbot.align.whiten import slice_padded

TAPS = 2047
WINDOW = 2**14
MOST_WINDOWS = 160
UNCHANGED_DB = -40.0
"""An edit that plain copies explain better than this was not filtered."""


def fit_playback(raw: np.ndarray, edit: np.ndarray, pieces: list[Piece], *, rate: int) -> Playback:
    """How pieces of `raw` are heard in `edit`, both (T,) at `rate`; unchanged, or mastered."""
    copied = Playback(raw, edit, rate)
    taps = _fitted_filter(raw, edit, pieces)
    if taps is None:
        return copied
    filtered = replace(copied, taps=taps)
    return replace(filtered, gains=fit_gain_curve(filtered, pieces))


def _fitted_filter(raw: np.ndarray, edit: np.ndarray, pieces: list[Piece]) -> np.ndarray | None:
    """(TAPS,) from windows spread over all plain pieces (Wiener's least squares); None without."""
    window = np.hanning(WINDOW)
    cross = np.zeros(WINDOW // 2 + 1, dtype=np.complex128)
    own = np.zeros(WINDOW // 2 + 1)
    unexplained = []
    for piece, start in _windows(pieces):
        heard = slice_padded(edit, start, start + WINDOW).astype(np.float64)
        first = start + round(piece.lag)
        played = slice_padded(raw, first, first + WINDOW) * piece.gain
        unexplained.append(np.sum((heard - played) ** 2) / max(np.sum(heard**2), 1e-20))
        spectrum = np.fft.rfft(played * window)
        cross += np.fft.rfft(heard * window) * np.conj(spectrum)
        own += np.abs(spectrum) ** 2
    # By the median, for windows under fades and steps of gain are no copies of an unfiltered edit.
    if not unexplained or np.median(unexplained) <= 10 ** (UNCHANGED_DB / 10):
        return None
    response = np.fft.irfft(cross / (own + 1e-6 * own.max()))
    half = TAPS // 2
    return np.concatenate([response[-half:], response[: half + 1]]) * _taper()


def _taper() -> np.ndarray:
    """(TAPS,) flat in the middle, so that a filter that changes nothing comes out unchanged."""
    ramp = np.hanning(TAPS // 2)[: TAPS // 4]
    return np.concatenate([ramp, np.ones(TAPS - 2 * len(ramp)), ramp[::-1]])


def _windows(pieces: list[Piece]) -> list[tuple[Piece, int]]:
    """At most `MOST_WINDOWS` windows, spread, that lie wholly inside plain pieces."""
    places = [
        (piece, start)
        for piece in pieces
        if piece.lag is not None and piece.treatment == PLAIN
        for start in range(piece.start + WINDOW // 2, piece.stop - 3 * WINDOW // 2, WINDOW)
    ]
    chosen = np.linspace(0, len(places) - 1, min(len(places), MOST_WINDOWS)).astype(int)
    return [places[i] for i in chosen]
