"""Equalisers, rooms and dynamics: how the same playing sounds another time, or after mastering."""

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import fftconvolve, sosfilt

# Filters that a microphone moved, or a mastering engineer's hand, would amount to.
LOW_SHELF_HZ, HIGH_SHELF_HZ = 180.0, 4500.0
LIMITER_CEILING = 0.89  # -1 dBFS, as loud as delivery formats ask for at most
LOOK_AHEAD_S = 0.005


def random_tone(rng: np.random.Generator, *, spread_db: float, sample_rate: int) -> np.ndarray:
    """Second-order sections (3, 6): both shelves and one bell, each within ± `spread_db`.

    Filters: R. Bristow-Johnson, Cookbook formulae for audio EQ.
    """
    low, bell, high = rng.uniform(-spread_db, spread_db, 3)
    centre = float(np.exp(rng.uniform(np.log(350), np.log(2500))))
    return np.stack(
        [
            _shelf(low, LOW_SHELF_HZ, sample_rate, high=False),
            _bell(bell, centre, sample_rate),
            _shelf(high, min(HIGH_SHELF_HZ, 0.4 * sample_rate), sample_rate, high=True),
        ]
    )


def apply_tone(audio: np.ndarray, sections: np.ndarray) -> np.ndarray:
    """Filter (C, T) float32."""
    return sosfilt(sections, audio, axis=-1).astype(np.float32)


def reverberated(
    audio: np.ndarray, rng: np.random.Generator, *, seconds: float, sample_rate: int
) -> np.ndarray:
    """What a room adds to (C, T): a tail of noise that falls by 60 dB in so many seconds.

    Method: Moorer (1979, "About this reverberation business").
    """
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    tail = rng.standard_normal((len(audio), len(time))) * 10 ** (-3 * time / seconds)
    tail /= np.sqrt(np.sum(tail**2, axis=1, keepdims=True))
    return fftconvolve(audio, tail.astype(np.float32), axes=1)[:, : audio.shape[1]]


def master(
    audio: np.ndarray, rng: np.random.Generator, *, tone_db: float, sample_rate: int
) -> np.ndarray:
    """Equalise, compress and limit (C, T), as a finished track is; time stays in place."""
    audio = apply_tone(audio, random_tone(rng, spread_db=tone_db, sample_rate=sample_rate))
    audio = _compress(audio, ratio=rng.uniform(1.5, 3.0), sample_rate=sample_rate)
    loudness = np.sqrt(np.mean(audio**2)) + 1e-9
    drive = 10 ** (rng.uniform(-16, -12) / 20) / loudness
    return _limit(audio * np.float32(drive), sample_rate=sample_rate)


def _compress(audio: np.ndarray, *, ratio: float, sample_rate: int) -> np.ndarray:
    """Feed-forward compression of what is louder than the mean level, 50 ms RMS detector."""
    power = uniform_filter1d(np.mean(audio**2, axis=0), round(0.05 * sample_rate))
    level_db = 10 * np.log10(power + 1e-10)
    threshold_db = 10 * np.log10(np.mean(audio**2) + 1e-10)
    reduction_db = np.maximum(0, level_db - threshold_db) * (1 / ratio - 1)
    return (audio * 10 ** (reduction_db / 20)).astype(np.float32)


def _limit(audio: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Hold peaks under the ceiling; the gain moves smoothly and looks ahead."""
    width = 2 * round(LOOK_AHEAD_S * sample_rate) + 1
    wanted = np.minimum(1.0, LIMITER_CEILING / np.maximum(np.abs(audio).max(axis=0), 1e-9))
    # The mean over the width of minima over the width never exceeds what its centre needs.
    gain = uniform_filter1d(minimum_filter1d(wanted, width), width)
    return (audio * gain).astype(np.float32)


def _bell(gain_db: float, centre_hz: float, sample_rate: int) -> np.ndarray:
    a = 10 ** (gain_db / 40)
    w = 2 * np.pi * centre_hz / sample_rate
    alpha = np.sin(w) / 1.6  # Q 0.8
    b = [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a]
    return _section(b, [1 + alpha / a, -2 * np.cos(w), 1 - alpha / a])


def _shelf(gain_db: float, corner_hz: float, sample_rate: int, *, high: bool) -> np.ndarray:
    a = 10 ** (gain_db / 40)
    w = 2 * np.pi * corner_hz / sample_rate
    cos = -np.cos(w) if high else np.cos(w)
    root = np.sqrt(2 * a) * np.sin(w)  # slope 1
    b = [(a + 1) - (a - 1) * cos + root, (a - 1) - (a + 1) * cos, (a + 1) - (a - 1) * cos - root]
    d = [(a + 1) + (a - 1) * cos + root, (a - 1) + (a + 1) * cos, (a + 1) + (a - 1) * cos - root]
    turn = -1 if high else 1
    b[0], b[1], b[2] = a * b[0], turn * 2 * a * b[1], a * b[2]
    d[1] = turn * -2 * d[1]
    return _section(b, d)


def _section(b: list[float], d: list[float]) -> np.ndarray:
    return np.array([*b, *d]) / d[0]
