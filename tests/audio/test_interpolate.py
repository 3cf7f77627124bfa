"""Reading between samples against the sum over the kernel, written out."""

import numpy as np
import pytest

from editorbot.audio.interpolate import (
    KAISER_BETA,
    POSITIONS_AT_ONCE,
    ROLL_OFF,
    half_width,
    read_at,
)


def slowly(signal: np.ndarray, position: float, ratio: float) -> float:
    """One value: a sinc as wide as the narrower band asks, under a Kaiser window."""
    half, cutoff = half_width(ratio), ROLL_OFF / max(1.0, ratio)
    taps = int(np.floor(position)) + np.arange(1 - half, half + 1)
    distance = taps - position
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0, 1 - (distance / half) ** 2)))
    kernel = np.sinc(cutoff * distance) * window
    return float(signal[taps] @ kernel / kernel.sum())


@pytest.mark.parametrize("ratio", [0.83, 1.0, 1.17])
def test_every_position_is_its_kernels_sum(ratio):
    signal = np.random.default_rng(1).normal(0, 1, (2, 8000)).astype(np.float32)
    count = 2 * POSITIONS_AT_ONCE + 500
    positions = 100.3 + np.arange(count) * ratio
    read = read_at(signal, positions, ratio=ratio)
    # Beginning, middle, and both sides of where the blocks of positions meet.
    for number in (0, 777, POSITIONS_AT_ONCE - 1, POSITIONS_AT_ONCE, count - 1):
        expected = [slowly(channel, positions[number], ratio) for channel in signal]
        assert read[:, number] == pytest.approx(expected, abs=2e-5)
