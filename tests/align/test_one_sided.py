import numpy as np
import pytest
from edit_pairs import RATE, music
from scipy.signal import butter, sosfilt

from editorbot.align.gain_profile import Profile, fitted_end
from editorbot.align.one_sided import faded_end, silent_end
from editorbot.align.piece import Piece
from editorbot.align.playback import Playback

SECONDS = 8
CUT = 4 * RATE
NO_FADE = 0


@pytest.fixture(scope="module")
def raw() -> np.ndarray:
    return music(SECONDS, seed=41)[0]


@pytest.fixture(scope="module")
def other() -> np.ndarray:
    """In another key and tempo, since notes at one pitch correlate as copies do."""
    faster = music(SECONDS + 1, seed=42)[0]
    return np.interp(1.06 * np.arange(SECONDS * RATE), np.arange(len(faster)), faster)


def mastered(raw: np.ndarray, edit: np.ndarray) -> Playback:
    """A filter that changes nothing says that the edit was mastered."""
    return Playback(raw, edit, RATE, taps=np.eye(1, 3, 1)[0])


def rising(samples: int, curve: str, *, to_the_end: bool) -> np.ndarray:
    """(T,) weight of a copy that fades in from CUT on, or out up to it."""
    at = np.arange(SECONDS * RATE) - CUT + 0.5
    w = np.clip((-at if to_the_end else at) / max(samples, 1), 0, 1)
    return w if curve == "linear" else np.sin(np.pi / 2 * w)


def pair(guess: int, *, to_the_end: bool) -> tuple[Piece, Piece]:
    copy, nothing = (0.0, None) if to_the_end else (None, 0.0)
    return Piece(0, guess, copy), Piece(guess, SECONDS * RATE, nothing)


@pytest.mark.parametrize("to_the_end", [True, False])
@pytest.mark.parametrize("samples", [0, 441, 4410])
@pytest.mark.parametrize("curve", ["linear", "equal_power"])
def test_where_silence_begins_and_ends(raw, samples, curve, to_the_end):
    edit = raw * rising(samples, curve, to_the_end=to_the_end)
    # A release that lags behind turns up what fades.
    edit *= 1 + 0.5 * (1 - rising(samples, curve, to_the_end=to_the_end))
    pieces = pair(CUT + 1500, to_the_end=to_the_end)
    found = silent_end(mastered(raw, edit), pieces)
    assert found == pytest.approx(CUT, abs=0.005 * RATE)


def test_what_rings_on_is_not_the_copy(raw):
    edit = raw * rising(NO_FADE, "linear", to_the_end=True)
    edit = sosfilt(butter(2, [100, 4000], "band", fs=RATE, output="sos"), edit)
    playback = Playback(
        sosfilt(butter(2, [100, 4000], "band", fs=RATE, output="sos"), raw),
        edit,
        RATE,
        taps=np.ones(1),
    )
    found = silent_end(playback, pair(CUT - 900, to_the_end=True))
    assert found == pytest.approx(CUT, abs=0.003 * RATE)


def test_noise_is_not_silence(raw):
    edit = raw * rising(NO_FADE, "linear", to_the_end=True)
    edit += 0.03 * raw.std() * np.random.default_rng(1).normal(size=len(raw))
    assert silent_end(mastered(raw, edit), pair(CUT, to_the_end=True)) is None


@pytest.mark.parametrize("to_the_end", [True, False])
@pytest.mark.parametrize("samples", [2205, 6615, 13230])
@pytest.mark.parametrize("curve", ["linear", "equal_power"])
def test_a_fade_that_other_sound_covers(raw, other, samples, curve, to_the_end):
    weight = rising(samples, curve, to_the_end=to_the_end)
    edit = raw * weight + other * (1 - weight)
    found = faded_end(mastered(raw, edit), pair(CUT, to_the_end=to_the_end), longest=2 * RATE)
    assert found.position == pytest.approx(CUT, abs=0.02 * RATE + 0.05 * samples)
    assert found.samples == pytest.approx(samples, rel=0.3)


@pytest.mark.parametrize("to_the_end", [True, False])
def test_a_hard_cut_beside_other_sound_is_no_fade(raw, other, to_the_end):
    weight = rising(NO_FADE, "linear", to_the_end=to_the_end)
    edit = raw * weight + other * (1 - weight)
    pieces = pair(CUT + 700, to_the_end=to_the_end)
    found = faded_end(mastered(raw, edit), pieces, longest=2 * RATE)
    assert found.samples == 0
    assert found.position == pytest.approx(CUT, abs=0.008 * RATE)


def test_an_echo_after_a_hard_cut_is_no_fade(raw, other):
    weight = rising(NO_FADE, "linear", to_the_end=True)
    at = np.arange(len(raw)) - CUT
    echo = 0.5 * (1 - at / (0.3 * RATE)) * (at >= 0) * (at < 0.3 * RATE)
    edit = raw * (weight + echo) + other * (1 - weight)
    found = faded_end(mastered(raw, edit), pair(CUT, to_the_end=True), longest=2 * RATE)
    assert found.samples == 0
    assert found.position == pytest.approx(CUT, abs=0.008 * RATE)


def test_a_fade_across_has_its_boundary_in_its_middle(raw, other):
    weight = rising(6615, "linear", to_the_end=True)
    edit = raw * weight + other * (1 - weight)
    before, after = pair(CUT, to_the_end=True)
    stretched = Piece(after.start, after.stop, 5.0, is_copy=False)
    found = faded_end(mastered(raw, edit), (before, stretched), longest=2 * RATE)
    assert found.position == pytest.approx(CUT - 6615 / 2, abs=0.03 * RATE)


@pytest.mark.parametrize("seed", range(8))
def test_gains_that_waver_are_no_fade(seed):
    wavering = np.random.default_rng(seed).normal(0, 0.2, 200)
    gains = (np.arange(200) < 120) + wavering
    profile = Profile(gains, np.full(200, 0.2**-2), block=100)
    end, samples, _ = fitted_end(profile, longest=15000)
    assert end == pytest.approx(12000, abs=200)
    assert samples == 0


def test_what_is_as_loud_as_the_copy_is_no_echo():
    """The gains of a copy that faded in are low on the whole, and its last part would stand out."""
    gains = np.clip(np.arange(560) / 150, 0, 1.12) * (np.arange(560) < 460)
    profile = Profile(gains, np.full(560, 0.28**-2), block=176)
    end, samples, _ = fitted_end(profile, longest=96000)
    assert end == pytest.approx(460 * 176, abs=2 * 176)
    assert samples == 0
