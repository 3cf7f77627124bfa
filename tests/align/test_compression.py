import numpy as np
import pytest
from edit_pairs import RATE, music
from scipy.signal import lfilter

from editorbot.align.compression import fit_gain_curve
from editorbot.align.piece import Piece
from editorbot.align.playback import GAIN_BLOCK, Playback

SECONDS = 60
WHOLE = Piece(0, SECONDS * RATE, 0.0)


@pytest.fixture(scope="module")
def raw() -> np.ndarray:
    loud = np.repeat([1.0, 0.3, 0.7, 0.2, 1.0, 0.5], SECONDS * RATE // 6)
    return music(SECONDS, seed=31)[0] * loud


def compressor_gain(sound: np.ndarray) -> np.ndarray:
    """(T,) of a compressor of 3 to 1 above the mean power, released within 100 ms."""
    keep = np.exp(-1 / (0.1 * RATE))
    power = lfilter([1 - keep], [1, -keep], sound**2)
    return np.minimum(1, (power / np.mean(sound**2) + 1e-9) ** (0.5 * (1 / 3 - 1)))


def test_a_compressors_gain_is_learned_from_copies(raw):
    true_gain = compressor_gain(raw)
    gains = fit_gain_curve(Playback(raw, raw * true_gain, RATE), [WHOLE])
    true_db = 20 * np.log10(true_gain[GAIN_BLOCK // 2 :: GAIN_BLOCK][: len(gains)])
    found_db = 20 * np.log10(gains)
    off = found_db - true_db
    inside = slice(RATE // GAIN_BLOCK, -RATE // GAIN_BLOCK)
    assert np.std(off[inside]) < 0.4 * np.std(true_db[inside])


def test_it_holds_where_no_copy_is(raw):
    true_gain = compressor_gain(raw)
    known = 40 * RATE
    gains = fit_gain_curve(
        Playback(raw, raw * true_gain, RATE), [Piece(0, known, 0.0), Piece(known, len(raw), None)]
    )
    true_db = 20 * np.log10(true_gain[GAIN_BLOCK // 2 :: GAIN_BLOCK][: len(gains)])
    there = slice(known // GAIN_BLOCK, -RATE // GAIN_BLOCK)
    off = 20 * np.log10(gains[there]) - true_db[there]
    assert np.std(off) < 0.5 * np.std(true_db[there])


def test_the_editors_gains_are_no_compressors(raw):
    steps = np.repeat([1.0, 0.5, 0.8, 0.4, 1.2, 0.6], len(raw) // 6)
    assert fit_gain_curve(Playback(raw, raw * steps, RATE), [WHOLE]) is None


def test_noise_teaches_nothing(raw):
    rng = np.random.default_rng(3)
    wobble = 1 + 0.2 * np.repeat(rng.normal(size=len(raw) // 2205 + 1), 2205)[: len(raw)]
    assert fit_gain_curve(Playback(raw, raw * wobble, RATE), [WHOLE]) is None


def test_too_little_sound_teaches_nothing(raw):
    short = Piece(0, 4 * RATE, 0.0)
    assert fit_gain_curve(Playback(raw, raw * compressor_gain(raw), RATE), [short]) is None


def test_playback_takes_the_gain_out_again(raw):
    gains = np.array([1.0, 2.0, 2.0, 0.5])
    middles = np.arange(4) * GAIN_BLOCK + GAIN_BLOCK // 2
    heard = Playback(raw, raw, RATE, gains=gains).heard(0, 4 * GAIN_BLOCK)
    np.testing.assert_allclose(heard[middles], raw[middles] / gains, rtol=0.01)
