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
    power, level = np.concatenate(powers), np.concatenate(levels)
    bels = np.log10(power + power.max() * 10**FLOOR_BEL)
    shape = bels - uniform_filter1d(bels, 13, axis=1, mode="nearest")
    padded = np.pad(bels, ((2, 2), (0, 0)), mode="edge")
    movement = np.clip(padded[4:] - padded[:-4], -1.5, 1.5)
    level_db = (10 * np.log10(level + 1e-12)).astype(np.float32)
    quiet = level_db < np.percentile(level_db, 95) + QUIET_DB
    vectors = np.concatenate([shape, movement], axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6
    vectors[quiet] = 0
    return Features(vectors=vectors.astype(np.float16), level_db=level_db, quiet=quiet)


def _log_frequency_bank() -> np.ndarray:
    """(N_FFT // 2 + 1, BANDS) float32 triangles, even in log frequency, two bins wide at least."""
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 2)
    half_widths = np.maximum(np.diff(edges)[:-1], 2 * ANALYSIS_RATE / N_FFT)
    return triangular_bank(edges[1:-1], half_widths, n_fft=N_FFT)
