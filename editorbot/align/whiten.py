"""Flattening the average spectrum, so that correlation hears more than the bass."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import oaconvolve

from editorbot.align.mapped import release

BLOCK_SAMPLES = 2**18
HIGHEST_HZ = 5000.0
TAPS = 513


def slice_padded(wave: np.ndarray, start: int, stop: int) -> np.ndarray:
    """`wave[start:stop]` with zeros where it has no samples; a view where it has all."""
    inside = np.asarray(wave[max(start, 0) : max(stop, 0)])
    if len(inside) == stop - start:
        return inside
    padded = np.zeros(stop - start, inside.dtype)
    before = min(max(-start, 0), stop - start)
    padded[before : before + len(inside)] = inside
    return padded


def whitening_filter(
    waves: Sequence[np.ndarray], *, sample_rate: int, highest_hz: float = HIGHEST_HZ
) -> np.ndarray:
    """(TAPS,) linear-phase filter that flattens the geometric mean of the waves' average spectra.

    One filter for all: an exact copy stays an exact copy.
    """
    n_fft = TAPS - 1
    logs = [np.log(_average_power(wave, n_fft) + 1e-20) for wave in waves]
    power = uniform_filter1d(np.exp(np.mean(logs, axis=0)), 5, mode="nearest")
    gain = (power + power.max() * 1e-5) ** -0.4
    gain[np.fft.rfftfreq(n_fft, 1 / sample_rate) > highest_hz] = 0
    impulse = np.fft.fftshift(np.fft.irfft(gain / np.sqrt(np.mean(gain**2 * power))))
    return (np.append(impulse, impulse[0]) * np.hanning(TAPS)).astype(np.float32)


def _average_power(wave: np.ndarray, n_fft: int) -> np.ndarray:
    """(n_fft // 2 + 1,) mean power of every fourth window."""
    total, count = np.zeros(n_fft // 2 + 1), 0
    for start in range(0, len(wave), BLOCK_SAMPLES):
        stop = max(start + n_fft, min(start + BLOCK_SAMPLES, len(wave)))
        framed = np.lib.stride_tricks.sliding_window_view(slice_padded(wave, start, stop), n_fft)[
            :: 4 * n_fft
        ]
        spectrum = np.fft.rfft(framed * np.hanning(n_fft), axis=1)
        total += np.sum(np.abs(spectrum) ** 2, axis=0)
        count += len(framed)
        release(wave)
    return total / count


def filtered(wave: np.ndarray, taps: np.ndarray) -> Iterator[np.ndarray]:
    """Yield `wave` block by block through a linear-phase filter, without delay."""
    half = len(taps) // 2
    for start in range(0, len(wave), BLOCK_SAMPLES):
        stop = min(start + BLOCK_SAMPLES, len(wave))
        yield oaconvolve(slice_padded(wave, start - half, stop + half), taps, mode="valid")
        release(wave)
