"""Offsets exact to the sample, and how loud the raw is heard, at the raw's own rate."""

import numpy as np

from editorbot.align.diagonals import partly_whitened
from editorbot.align.whiten import slice_padded

SPOT_SAMPLES = 2**15
"""0.74 s at 44.1 kHz."""
MOST_SPOTS = 7
GAIN_BLOCK = 2048
SMALLEST_SPOT = 512


def exact_lag(raw: np.ndarray, edit: np.ndarray, start: int, stop: int, *, lag: int, margin: int):
    """The lag within `margin` samples of `lag` at which edit [start, stop) plays the raw.

    Partly whitened correlations of windows spread over the run are added before the peak is
    looked for, so that a spoiled window is outvoted.
    """
    size = int(min(SPOT_SAMPLES, max(stop - start, SMALLEST_SPOT)))
    count = int(np.clip((stop - start) // size, 1, MOST_SPOTS))
    starts = np.linspace(start, max(start, stop - size), count).astype(int)
    pieces = np.stack([slice_padded(edit, s, s + size) for s in starts])
    firsts = starts + lag - margin
    places = np.stack([slice_padded(raw, s, s + size + 2 * margin) for s in firsts])
    correlation = np.abs(partly_whitened(places, pieces, lags=2 * margin + 1).sum(axis=0))
    return lag - margin + int(correlation.argmax())


def block_gains(raw: np.ndarray, edit: np.ndarray, start: int, stop: int, *, lag: int):
    """Least-squares gain (N,) of each block of edit [start, stop), and its weight (N,), energy."""
    usable = max(stop - start, 1)
    block = min(GAIN_BLOCK, usable)
    count = usable // block
    heard = np.asarray(slice_padded(edit, start, start + count * block), dtype=np.float64)
    played = np.asarray(slice_padded(raw, start + lag, start + lag + count * block), np.float64)
    heard, played = heard.reshape(count, block), played.reshape(count, block)
    energy = np.einsum("nb,nb->n", played, played)
    gains = np.einsum("nb,nb->n", heard, played) / np.maximum(energy, 1e-12)
    return gains, energy


def typical_gain(gains: np.ndarray, weights: np.ndarray) -> float:
    """Weighted median: fades and misplaced ends at a run's borders do not move it."""
    order = np.argsort(gains)
    cumulative = np.cumsum(weights[order])
    middle = np.searchsorted(cumulative, cumulative[-1] / 2)
    return float(gains[order[min(middle, len(order) - 1)]])
