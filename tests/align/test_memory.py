"""What alignment holds in memory, and that doing it part by part changes nothing."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import psutil
import pytest

from editorbot.align import features, path
from editorbot.align.diagonals import Diagonal
from editorbot.align.features import HOP, compute_features
from editorbot.align.mapped import mapped, release
from editorbot.align.path import (
    SINC_TAPS,
    WINDOW_FRAMES,
    best_path,
    correlations,
    delayed,
    windowed_correlations,
)
from editorbot.audio.interpolate import half_width, read_at

MB = 2**20


def peak_mb(work: Callable[[], object]) -> float:
    """What is allocated at most while it works, its result included."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / MB


def noise(samples: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def test_released_samples_take_no_memory_and_are_there_again(tmp_path):
    noise(16 * MB).tofile(tmp_path / "wave")
    wave = mapped(tmp_path / "wave")
    held = [psutil.Process().memory_info().rss]
    total = float(np.sum(wave))
    held.append(psutil.Process().memory_info().rss)
    release(wave, np.zeros(3))
    held.append(psutil.Process().memory_info().rss)
    assert held[1] - held[0] > 40 * MB
    assert held[1] - held[2] > 40 * MB
    assert float(np.sum(wave)) == total


def test_long_runs_are_read_between_samples_in_little_memory():
    signal = noise(330_000)[None]
    positions = 100 + np.arange(250_000) * 1.2345
    assert peak_mb(lambda: read_at(signal, positions, ratio=1.2345)) < 60
    whole = read_at(signal, positions, ratio=1.2345)
    at = 123_456
    reach = half_width(1.2345) + 2
    begin = int(positions[at]) - reach
    part = signal[:, begin : begin + 2 * reach + 200]
    alone = read_at(part, positions[at : at + 100] - begin, ratio=1.2345)
    np.testing.assert_allclose(whole[:, at : at + 100], alone, atol=1e-6)


def test_features_take_little_more_memory_than_what_comes_out(monkeypatch):
    wave = noise(11025 * 600)
    found = compute_features(wave)
    # As much again while it is computed, and the spectra of one block.
    assert peak_mb(lambda: compute_features(wave)) < 2.5 * found.vectors.nbytes / MB + 35
    monkeypatch.setattr(features, "FRAMES_PER_BLOCK", 777)
    again = compute_features(wave)
    np.testing.assert_allclose(again.vectors.astype(float), found.vectors.astype(float), atol=2e-3)
    np.testing.assert_array_equal(again.quiet, found.quiet)


@pytest.fixture
def hypotheses() -> tuple[list[Diagonal], list[np.ndarray]]:
    rng = np.random.default_rng(4)
    diagonals, evidences = [], []
    for lag in range(600):
        first = int(rng.integers(0, 9_000))
        last = min(9_500, first + int(rng.integers(20, 900)))
        diagonals.append(Diagonal(first, last, float(lag)))
        evidences.append(rng.exponential(0.3, last - first).astype(np.float32))
    return diagonals, evidences


OPTIONS = {"frames": 9_500, "switch_cost": 8.0, "nowhere": 0.2}


def test_the_path_is_found_in_little_memory():
    frames, columns = 30_000, 100
    diagonals = [Diagonal(0, frames, float(lag)) for lag in range(columns)]
    evidences = [np.full(frames, 0.1, np.float32)] * columns
    options = {"frames": frames, "switch_cost": 8.0, "nowhere": 0.2}
    # A table of evidence alone would be 11 MB.
    assert peak_mb(lambda: best_path(diagonals, evidences, **options)) < 8


@pytest.mark.parametrize("block", [1, 13, 5_000])
def test_the_path_is_the_same_in_blocks_of_any_length(hypotheses, monkeypatch, block):
    runs = best_path(*hypotheses, **OPTIONS)
    assert len(runs) > 10
    monkeypatch.setattr(path, "BLOCK_FRAMES", block)
    assert best_path(*hypotheses, **OPTIONS) == runs


@pytest.mark.parametrize("lag", [-3.7, 0.0, 20.0, 5.25])
@pytest.mark.parametrize("samples", [1, 31, 32, 1000])
def test_a_delay_is_a_convolution_by_a_windowed_sinc(lag, samples):
    raw, start = noise(2_000), 500
    whole = int(np.floor(lag))
    position = np.arange(SINC_TAPS) - SINC_TAPS // 2 + lag - whole
    taps = np.sinc(position) * np.cos(np.pi * position / (SINC_TAPS + 2)) ** 2
    first = start + whole - SINC_TAPS // 2 + 1
    expected = np.convolve(raw[first : first + samples + SINC_TAPS - 1], taps, mode="valid")
    np.testing.assert_allclose(delayed(raw, lag, start, start + samples), expected, atol=1e-5)


def test_correlations_are_those_of_windows():
    heard = noise(40 * HOP)
    played = heard + noise(40 * HOP, seed=1)
    half = WINDOW_FRAMES * HOP // 2
    found = windowed_correlations(heard, played)
    assert len(found) == 40 - WINDOW_FRAMES + 1
    for frame in (0, 7, len(found) - 1):
        a, b = (x[frame * HOP : frame * HOP + 2 * half].astype(float) for x in (heard, played))
        assert found[frame] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)), abs=1e-4)


def test_a_copy_correlates_along_its_diagonal():
    raw = noise(60 * HOP)
    c = correlations(raw, raw[5 * HOP : 50 * HOP], Diagonal(8, 30, 5.0 * HOP))
    assert c.shape == (22,)
    assert c.min() > 0.999
