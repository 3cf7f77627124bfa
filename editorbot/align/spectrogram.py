"""Band powers of a recording, frame by frame, in blocks that fit into memory."""

from collections.abc import Iterator

import numpy as np

from editorbot.align.mapped import release
from editorbot.align.sides import ANALYSIS_RATE
from editorbot.align.whiten import slice_padded

SAMPLES_PER_BLOCK = 2**17
"""From the first to the last frame of a block: 32 MB while its spectra are computed."""


def power_blocks(
    wave: np.ndarray, bank: np.ndarray, *, hop: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of (F, bands) float32 band powers and (F,) float32 mean power.

    Args:
        wave: (T,) at `ANALYSIS_RATE`.
        bank: (n_fft // 2 + 1, bands) weights of the bins of an even n_fft.
        hop: Samples from frame to frame; F = 1 + T // hop in all, frame f centred on f * hop.
    """
    n_fft = 2 * (len(bank) - 1)
    window = np.hanning(n_fft).astype(np.float32)
    frames, at_once = 1 + len(wave) // hop, SAMPLES_PER_BLOCK // hop
    for first in range(0, frames, at_once):
        last = min(first + at_once, frames)
        samples = slice_padded(wave, first * hop - n_fft // 2, (last - 1) * hop + n_fft // 2)
        framed = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop]
        spectrum = np.fft.rfft(framed * window, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        yield power @ bank, np.mean(framed**2, axis=1)
        release(wave)


def triangular_bank(
    centres_hz: np.ndarray, half_widths_hz: np.ndarray, *, n_fft: int
) -> np.ndarray:
    """(n_fft // 2 + 1, bands) float32 triangles of height 1 around their centres (bands,)."""
    bins_hz = np.arange(n_fft // 2 + 1) * ANALYSIS_RATE / n_fft
    distance = np.abs(bins_hz[:, None] - centres_hz) / half_widths_hz
    return np.maximum(0, 1 - distance).astype(np.float32)
