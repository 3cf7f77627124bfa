"""Mels of made-up passages and of other takes of them."""

import numpy as np

STRIDE, STEPS_PER_S = 8, 10.75


def playing(steps: int, *, seed: int) -> np.ndarray:
    """(128, F) mel of notes that begin anywhere, ring on and are nowhere the same twice."""
    rng, frames = np.random.default_rng(seed), steps * STRIDE
    mel = np.zeros((128, frames), np.float32)
    for at in np.cumsum(rng.integers(6, 24, frames // 12)):
        if at < frames:
            bands = rng.integers(0, 128, 6)
            ringing = rng.uniform(0.4, 0.9, 6)[:, None] * np.exp(-np.arange(frames - at) / 40)
            mel[bands, at:] = np.maximum(mel[bands, at:], ringing)
    return mel


def another_take(mel: np.ndarray, *, tempo: float) -> np.ndarray:
    """The same played slower or faster, in another tone and at another level."""
    frames = round(mel.shape[1] / tempo)
    at = np.minimum(np.arange(frames) * tempo, mel.shape[1] - 1).astype(int)
    tone = 0.08 * np.sin(np.linspace(0, 4, len(mel)))[:, None]
    return np.clip(mel[:, at] + np.where(mel[:, at] > 0.05, tone - 0.04, 0), 0, 1)
