"""What alignment compares: the shape of the spectrum and its movement, free of gain and EQ.

A log-frequency power spectrum minus its local mean across frequency loses gain and slow EQ; its
clipped differences in time keep the attacks. One row per frame, of unit length, or zero where the
recording is quiet, so that silence is evidence for nothing.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from editorbot.align.sides import ANALYSIS_RATE
from editorbot.align.spectrogram import power_blocks, triangular_bank

HOP = 128
"""Samples at `ANALYSIS_RATE`: 11.6 ms, as one frame of the EDL's views."""
N_FFT = 1024
BANDS = 48
LOWEST_HZ, HIGHEST_HZ = 70.0, 5000.0
FLOOR_BEL = -8.0
"""Below the loudest band, where sound ends and noise begins: 80 dB."""
QUIET_DB = -65.0
"""Below the recording's loud frames (their 95th percentile)."""
FRAMES_PER_BLOCK = 1024
"""... of which vectors are computed at once."""


@dataclass(frozen=True)
class Features:
    """Frames of one side.

    Attributes:
        vectors: (F, 2 * BANDS) float16, rows of length 1, or 0 where quiet.
        level_db: (F,) float32 relative to full scale.
        quiet: (F,) bool.
    """

    vectors: np.ndarray
    level_db: np.ndarray
    quiet: np.ndarray


def compute_features(wave: np.ndarray) -> Features:
    """Features of `wave`, (T,) at `ANALYSIS_RATE`; F = 1 + T // HOP, frame f centred on f * HOP."""
    powers, levels = zip(*power_blocks(wave, _log_frequency_bank(), hop=HOP), strict=True)
    bels, level = np.concatenate(powers), np.concatenate(levels)
    del powers
    # Of digital silence too the logarithm is a number.
    np.log10(np.add(bels, bels.max() * 10**FLOOR_BEL + 1e-20, out=bels), out=bels)
    level_db = (10 * np.log10(level + 1e-12)).astype(np.float32)
    quiet = level_db < np.percentile(level_db, 95) + QUIET_DB
    vectors = np.empty((len(bels), 2 * BANDS), dtype=np.float16)
    for first in range(0, len(bels), FRAMES_PER_BLOCK):
        last = min(first + FRAMES_PER_BLOCK, len(bels))
        vectors[first:last] = _vectors(bels, first, last)
    vectors[quiet] = 0
    return Features(vectors=vectors, level_db=level_db, quiet=quiet)


def _vectors(bels: np.ndarray, first: int, last: int) -> np.ndarray:
    """(last - first, 2 * BANDS) of unit length: the spectrum's shape, and its movement."""
    here = bels[first:last]
    shape = here - uniform_filter1d(here, 13, axis=1, mode="nearest")
    around = np.clip(np.arange(first - 2, last + 2), 0, len(bels) - 1)
    movement = np.clip(bels[around[4:]] - bels[around[:-4]], -1.5, 1.5)
    vectors = np.concatenate([shape, movement], axis=1)
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6)


def _log_frequency_bank() -> np.ndarray:
    """(N_FFT // 2 + 1, BANDS) float32 triangles, even in log frequency, two bins wide at least."""
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 2)
    half_widths = np.maximum(np.diff(edges)[:-1], 2 * ANALYSIS_RATE / N_FFT)
    return triangular_bank(edges[1:-1], half_widths, n_fft=N_FFT)
