"""Quarter-tone bands of a recording: another pitch shifts them, another speed stretches them."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from editorbot.align.sides import ANALYSIS_RATE
from editorbot.align.spectrogram import power_blocks, triangular_bank

HOP = 256
"""Samples at the analysis rate."""
FRAME_S = HOP / ANALYSIS_RATE
"""23 ms."""
N_FFT = 2048
"""186 ms: from some 300 Hz on, notes a quarter tone apart lie in different bands."""
BANDS_PER_OCTAVE, OCTAVES = 24, 5
LOWEST_HZ = 140.0
BANDS = BANDS_PER_OCTAVE * OCTAVES
FLOOR_BEL = -7.0
"""Below the loudest band: 70 dB."""


def band_levels(wave: np.ndarray) -> np.ndarray:
    """(F, BANDS) float32 log10 power of quarter-tone bands; frame f is centred on f * HOP."""
    blocks = power_blocks(wave, _quarter_tone_bank(), hop=HOP)
    power = np.concatenate([power for power, _ in blocks])
    return np.log10(power + power.max() * 10**FLOOR_BEL + 1e-20)


def _quarter_tone_bank() -> np.ndarray:
    """(N_FFT // 2 + 1, BANDS) float32 triangles, three bins wide at least."""
    centres = LOWEST_HZ * 2 ** (np.arange(BANDS) / BANDS_PER_OCTAVE)
    bin_hz = ANALYSIS_RATE / N_FFT
    half_widths = np.maximum(centres * (2 ** (1 / BANDS_PER_OCTAVE) - 1), 1.5 * bin_hz)
    return triangular_bank(centres, half_widths, n_fft=N_FFT)


def rows_at(rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Rows at fractional positions, by linear interpolation; beyond the ends the ends go on."""
    positions = np.clip(positions, 0, len(rows) - 1)
    low = positions.astype(int)
    weight = (positions - low)[:, None].astype(np.float32)
    return (1 - weight) * rows[low] + weight * rows[np.minimum(low + 1, len(rows) - 1)]


def moved_bands(levels: np.ndarray, semitones: float) -> np.ndarray:
    """(N, BANDS) levels moved up; what comes in from outside repeats the outermost band."""
    if semitones == 0:
        return levels
    return rows_at(levels.T, np.arange(BANDS) - semitones * BANDS_PER_OCTAVE / 12).T


def with_movement(levels: np.ndarray) -> np.ndarray:
    """(N, 2 * BANDS) of length 1: what `shape_and_movement` makes of neighbouring rows."""
    padded = np.pad(levels, ((1, 1), (0, 0)), mode="edge")
    return shape_and_movement(padded[:-2], levels, padded[2:])


def shape_and_movement(before: np.ndarray, now: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(N, 2 * BANDS) of length 1: levels against their neighbourhood, and clipped changes."""
    shape = now - uniform_filter1d(now, BANDS_PER_OCTAVE // 2 + 1, axis=1, mode="nearest")
    return unit(np.concatenate([shape, np.clip(after - before, -1, 1)], axis=1))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., D) of length 1, or 0."""
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-6)
