"""Offsets exact to the sample, and how loud the raw is heard, at the raw's own rate."""

from typing import NamedTuple

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import oaconvolve

from editorbot.align.whiten import TAPS, slice_padded, whitening_filter

SPOT_SAMPLES = 2**15
"""0.74 s at 44.1 kHz."""
MOST_SPOTS = 7
GAIN_BLOCK = 2048
SMALLEST_SPOT = 512
HIGHEST_HZ = 12000.0
"""Lossy coding leaves little above."""


def correlation(places: np.ndarray, pieces: np.ndarray, *, lags: int) -> np.ndarray:
    """(B, lags) correlation coefficients of pieces (B, N) along places (B, N + lags - 1).

    Each value is a cosine, so that an exact copy is 1 at its place and less at all others.
    """
    samples = pieces.shape[1]
    n_fft = next_fast_len(places.shape[1], real=True)
    cross = rfft(places, n_fft, axis=1) * np.conj(rfft(pieces, n_fft, axis=1))
    products = irfft(cross, n_fft, axis=1)[:, :lags]
    sums = np.cumsum(np.pad(places.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    energy = sums[:, samples : samples + lags] - sums[:, :lags]
    scale = energy * np.sum(pieces.astype(np.float64) ** 2, axis=1, keepdims=True)
    # A silent window has no place: its coefficients are made to vanish, not to divide by zero.
    return products / np.sqrt(np.maximum(scale, 1e-12))


class Offset(NamedTuple):
    """A lag, and the mean correlation coefficient of the whitened waveforms there, signed."""

    lag: int
    strength: float


def exact_lag(
    raw: np.ndarray,
    edit: np.ndarray,
    start: int,
    stop: int,
    *,
    lag: int,
    margin: int,
    sample_rate: int,
) -> Offset:
    """The lag within `margin` samples of `lag` at which edit [start, stop) plays the raw.

    Whitened correlations of windows spread over the run are averaged before the peak is looked
    for, so that a spoiled window is outvoted.
    """
    size = int(min(SPOT_SAMPLES, max(stop - start, SMALLEST_SPOT)))
    count = int(np.clip((stop - start) // size, 1, MOST_SPOTS))
    starts = np.linspace(start, max(start, stop - size), count).astype(int)
    half = TAPS // 2
    pieces = np.stack([slice_padded(edit, s - half, s + size + half) for s in starts])
    firsts = starts + lag - margin - half
    places = np.stack([slice_padded(raw, s, s + size + 2 * (margin + half)) for s in firsts])
    taps = whitening_filter([*pieces, *places], sample_rate=sample_rate, highest_hz=HIGHEST_HZ)
    pieces, places = (oaconvolve(x, taps[None], mode="valid", axes=1) for x in (pieces, places))
    values = correlation(places, pieces, lags=2 * margin + 1)
    # Of a run that is inverted halfway through, signed values would cancel.
    mean = np.abs(values).mean(axis=0)
    peak = int(mean.argmax())
    return Offset(lag - margin + peak, float(np.copysign(mean[peak], values[:, peak].sum())))


def block_gains(
    played: np.ndarray, heard: np.ndarray, *, is_copy: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Gain (N,) of each block of `heard` (T,) over `played` (T,), and its weight (N,), energy.

    By least squares where the one is a copy of the other, else by level.
    """
    block = min(GAIN_BLOCK, max(len(heard), 1))
    count = max(len(heard) // block, 1)
    blocks = (x[: count * block].astype(np.float64).reshape(count, -1) for x in (heard, played))
    heard, played = blocks
    energy = np.einsum("nb,nb->n", played, played)
    other = played if is_copy else heard
    gains = np.einsum("nb,nb->n", heard, other) / np.maximum(energy, 1e-12)
    return gains if is_copy else np.sqrt(gains), energy


def typical_gain(gains: np.ndarray, weights: np.ndarray) -> float:
    """Weighted median: fades and misplaced ends at a run's borders do not move it."""
    order = np.argsort(gains)
    cumulative = np.cumsum(weights[order])
    middle = np.searchsorted(cumulative, cumulative[-1] / 2)
    return float(gains[order[min(middle, len(order) - 1)]])
