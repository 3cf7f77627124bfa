import numpy as np
import pytest

from editorbot.align.diagonals import (
    BRIDGED_FRAMES,
    Diagonal,
    MeasuredLag,
    diagonals_of,
    measure_lags,
    merged,
)
from editorbot.align.features import HOP
from editorbot.align.offsets import block_gains, correlation, exact_lag, typical_gain
from editorbot.align.path import correlations
from editorbot.align.search import COARSE_HOP, Candidate
from editorbot.align.whiten import BLOCK_SAMPLES, filtered, slice_padded, whitening_filter

RATE = 22050


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(5).normal(0, 0.1, 60000).astype(np.float32)


def test_slices_are_padded_on_both_sides():
    wave = np.arange(1, 5)
    np.testing.assert_array_equal(slice_padded(wave, -2, 6), [0, 0, 1, 2, 3, 4, 0, 0])
    np.testing.assert_array_equal(slice_padded(wave, -9, -6), [0, 0, 0])
    np.testing.assert_array_equal(slice_padded(wave, 7, 9), [0, 0])


def test_filtering_in_blocks_is_filtering_the_whole(noise):
    wave = np.tile(noise, 10)
    assert len(wave) > 2 * BLOCK_SAMPLES
    taps = np.random.default_rng(0).normal(size=31)
    whole = np.convolve(wave, taps, "same")
    np.testing.assert_allclose(np.concatenate(list(filtered(wave, taps))), whole, atol=1e-4)


def test_whitening_flattens_a_spectrum():
    rng = np.random.default_rng(2)
    brown = np.cumsum(rng.normal(size=200000)) * 0.001
    brown -= np.convolve(brown, np.ones(400) / 400, "same")
    taps = whitening_filter([brown], sample_rate=11025)
    power = [
        np.abs(np.fft.rfft(x[:131072]))[1000:40000].reshape(-1, 500) for x in (
            brown, np.concatenate(list(filtered(brown, taps)))
        )
    ]  # fmt: skip
    spread_db = [np.ptp(10 * np.log10((p**2).mean(axis=1))) for p in power]
    assert spread_db[0] > 25
    assert spread_db[1] < spread_db[0] / 3


def test_correlation_equals_the_cosine_at_each_lag():
    rng = np.random.default_rng(1)
    places, pieces = rng.normal(size=(2, 30)), rng.normal(size=(2, 20))
    slow = [
        [p[k : k + 20] @ q / np.sqrt((p[k : k + 20] @ p[k : k + 20]) * (q @ q)) for k in range(11)]
        for p, q in zip(places, pieces, strict=True)
    ]
    np.testing.assert_allclose(correlation(places, pieces, lags=11), slow, atol=1e-9)


@pytest.mark.parametrize("gain", [1.0, -0.3])
def test_exact_lag_finds_a_shift_to_the_sample(noise, gain):
    edit = gain * noise[12345:32345]
    offset = exact_lag(noise, edit, 0, len(edit), lag=12340, margin=9, sample_rate=RATE)
    assert offset.lag == 12345
    assert offset.strength == pytest.approx(np.sign(gain), abs=1e-3)


def test_exact_lag_outvotes_a_spoiled_stretch(noise):
    raw = np.tile(noise, 5) * np.linspace(0.5, 1, 300000, dtype=np.float32)
    edit = raw[1000:290000].copy()
    edit[40000:90000] = np.roll(edit, 5)[40000:90000]
    offset = exact_lag(raw, edit, 0, len(edit), lag=1000, margin=9, sample_rate=RATE)
    assert offset.lag == 1000


def test_typical_gain_is_not_moved_by_a_fade(noise):
    edit = 0.5 * noise[100:50100]
    edit[:15000] *= np.linspace(0, 1, 15000)
    gains, weights = block_gains(noise[100 : 100 + len(edit)], edit)
    assert typical_gain(gains, weights) == pytest.approx(0.5, rel=1e-4)


def test_candidates_of_one_lag_become_one_exact_diagonal(noise):
    shift = 20 * COARSE_HOP + 37
    edit = noise[shift:]
    candidates = [Candidate(11 * k, 22, 20 + k % 2, 0.9) for k in range(3)]
    candidates += [Candidate(11 * k, 22, 60, 0.8) for k in range(3)]
    measured = measure_lags(noise, edit, candidates, least_correlation=0.3)
    found = diagonals_of(measured, np.zeros(1 + len(edit) // HOP, bool))
    assert [d.lag for d in found] == pytest.approx([shift], abs=0.01)
    assert found[0].first == 0


def test_diagonals_go_on_through_silence():
    quiet = np.zeros(100, bool)
    quiet[:8] = quiet[40:60] = True
    spans = (5, 45), (10, 40), (50, 100)
    measured = [MeasuredLag(0, 0, *span, 5.0 * n, 0.9) for n, span in enumerate(spans)]
    assert diagonals_of(measured, quiet) == [
        Diagonal(0, 60, 0.0),
        Diagonal(10, 40, 5.0),
        Diagonal(40, 100, 10.0),
    ]


def test_diagonals_merge_by_lag_and_span():
    diagonals = [
        Diagonal(0, 10, 5.0),
        Diagonal(8, 20, 5.25),
        Diagonal(20 + BRIDGED_FRAMES, 2000, 5.0),
        Diagonal(2001 + BRIDGED_FRAMES, 3000, 5.0),
        Diagonal(0, 10, 9.0),
    ]
    assert merged(diagonals) == [
        Diagonal(0, 2000, 5.0),
        Diagonal(2001 + BRIDGED_FRAMES, 3000, 5.0),
        Diagonal(0, 10, 9.0),
    ]


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5])
def test_local_correlation_is_one_on_a_copy_between_samples(fraction):
    position = np.arange(30000)
    rng = np.random.default_rng(3)
    partials = rng.uniform(0.02, 0.4, 12)

    def sound(at: np.ndarray) -> np.ndarray:
        return sum(np.sin(2 * np.pi * f * at + n) for n, f in enumerate(partials))

    raw, edit = sound(position), sound(position + 1000 + fraction)
    c = correlations(raw, edit, Diagonal(10, 200, 1000 + fraction))
    assert c.shape == (190,)
    assert c.min() > 0.999
    away = correlations(raw, edit, Diagonal(10, 200, 1000 + fraction + 3 * HOP))
    assert np.abs(away).max() < 0.9
