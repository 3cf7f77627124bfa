import numpy as np
import pytest

from editorbot.align.diagonals import MeasuredLag, _unknown, measure_lags
from editorbot.align.search import COARSE_HOP, HOP_FRAMES, Candidate

WINDOW = HOP_FRAMES * COARSE_HOP


def test_a_run_shorter_than_a_spot_is_measured():
    """Around it the edit plays what lies 500 samples further on, and would outvote it."""
    rng = np.random.default_rng(8)
    raw = rng.normal(size=12 * WINDOW)
    edit = np.roll(raw, -500)[: 5 * WINDOW]
    edit += 0.3 * rng.normal(size=len(edit))
    start, stop = 2 * WINDOW, 2 * WINDOW + WINDOW // 2
    edit[start:stop] = raw[start:stop]
    candidates = [Candidate(2 * HOP_FRAMES, HOP_FRAMES, 0, 0.9)]
    found = measure_lags(raw, edit, candidates, least_correlation=0.2)
    there = [m.lag for m in found if m.first * 128 < stop and m.last * 128 > start]
    assert min(abs(lag) for lag in there) < 0.5


@pytest.mark.parametrize("quarters", [-1, 0, 1, 2])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_lag_between_two_samples_is_measured_to_a_hundredth(quarters, sign):
    rng = np.random.default_rng(3)
    spectrum = np.fft.rfft(rng.normal(size=4 * 12 * WINDOW))
    # Up to 5 kHz of 44.1, as the whitened waveforms have it.
    spectrum[round(len(spectrum) * 5000 / 22050) :] = 0
    fine = np.fft.irfft(spectrum)
    raw, edit = fine[::4], sign * fine[4 * 100 + quarters :: 4]
    edit = edit + 0.1 * edit.std() * rng.normal(size=len(edit))
    candidates = [Candidate(k * HOP_FRAMES, HOP_FRAMES, 100 // COARSE_HOP, 0.9) for k in range(5)]
    found = measure_lags(raw, edit, candidates, least_correlation=0.3)
    assert len(found) > 1
    assert [m.lag for m in found] == pytest.approx([100 + quarters / 4] * len(found), abs=0.01)


@pytest.mark.parametrize(("lag", "middle", "is_new"), [(1.5, 10, False), (9, 10, True)])
def test_what_is_known_is_not_measured_again(lag, middle, is_new):
    known = [MeasuredLag(0, 10, 0, 20, 0.0, 0.9)]
    short = MeasuredLag(1, middle, 5, 15, lag, 0.5)
    assert _unknown([short], known) == ([short] if is_new else [])


def test_the_same_lag_elsewhere_is_new():
    known = [MeasuredLag(0, 10, 0, 20, 0.0, 0.9)]
    short = MeasuredLag(1, 100, 90, 110, 0.2, 0.5)
    assert _unknown([short], known) == [short]
