import numpy as np
import pytest
from edit_pairs import RATE, music
from scipy.signal import resample_poly

from editorbot.align.features import HOP, Features, compute_features
from editorbot.align.search import (
    COARSE_HOP,
    HOP_FRAMES,
    POOL,
    _diagonal_sums,
    _peaks,
    _window_scores,
    search,
)


def test_diagonal_sums_are_cross_correlations_summed_over_dimensions():
    rng = np.random.default_rng(0)
    raw, edit = rng.normal(size=(40, 3)), rng.normal(size=(3 * HOP_FRAMES, 3))
    hops = list(_diagonal_sums(raw.astype("f"), edit.astype("f")))
    total = _window_scores(hops)
    slow = sum(np.correlate(raw[:, d], edit[:, d], "full") for d in range(3))
    # Position p - (HOP_FRAMES - 1) is the lag; np.correlate counts from -(len(edit) - 1).
    offset = len(edit) - HOP_FRAMES
    fits = len(total) - 2 * HOP_FRAMES
    np.testing.assert_allclose(total[:fits], slow[offset : offset + fits], rtol=1e-4, atol=1e-4)


def test_peaks_are_the_highest_values_within_the_margin():
    scores = np.zeros(100, dtype=np.float32)
    scores[[10, 40, 70, 90]] = [0.9, 1.0, 0.8, 0.5]
    assert sorted(_peaks(scores, keep=3, margin=0.3)) == [
        (10, pytest.approx(0.9)),
        (40, pytest.approx(1.0)),
        (70, pytest.approx(0.8)),
    ]
    assert [place for place, _ in _peaks(scores, keep=1, margin=0.3)] == [40]


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    return resample_poly(music(20, seed=3)[0], 1, 2).astype(np.float32)


def test_features_do_not_hear_gain(wave):
    loud, soft = compute_features(wave), compute_features(0.05 * wave)
    cosine = np.sum(loud.vectors.astype(float) * soft.vectors.astype(float), axis=1)
    assert cosine[~loud.quiet].min() > 0.99
    np.testing.assert_allclose(loud.level_db - soft.level_db, 26.02, atol=0.05)


def test_features_have_a_frame_per_hop_and_zeros_where_quiet(wave):
    silent_end = np.concatenate([wave, np.zeros(RATE, dtype=np.float32)])
    features = compute_features(silent_end)
    assert len(features.vectors) == 1 + len(silent_end) // HOP
    assert features.quiet[-50:].all()
    assert not features.vectors[features.quiet].any()


def test_search_proposes_the_true_lag_for_every_window(wave):
    start = 150 * COARSE_HOP
    raw, edit = compute_features(wave), compute_features(wave[start : start + 5 * RATE // 2])
    candidates = search(raw, edit, keep=3, margin=0.3)
    by_window = {(c.start, c.frames): False for c in candidates}
    for candidate in candidates:
        by_window[candidate.start, candidate.frames] |= abs(candidate.lag - 150) <= 1
    assert len(by_window) >= 3 * (len(edit.quiet) // POOL // HOP_FRAMES - 4)
    assert all(by_window.values())


def test_silence_is_not_searched_for(wave):
    raw = compute_features(wave)
    empty = Features(
        vectors=np.zeros((500, raw.vectors.shape[1]), np.float16),
        level_db=np.full(500, -120, np.float32),
        quiet=np.ones(500, bool),
    )
    assert search(raw, empty, keep=3, margin=0.3) == []


def test_digital_silence_has_features_that_are_numbers():
    found = compute_features(np.zeros(20 * HOP, np.float32))
    assert len(found.vectors) == 21
    assert np.isfinite(found.vectors).all()
