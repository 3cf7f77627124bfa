import numpy as np
import pytest
from edit_pairs import RATE, music

from editorbot.align.boundary import Boundary, Region, region_around
from editorbot.align.cuts import edge_fade, place_boundary
from editorbot.align.fade_model import FadeModel
from editorbot.align.mastering import fit_playback
from editorbot.align.piece import Piece
from editorbot.align.playback import Playback
from editorbot.edl.model import Fade

CUT = 3 * RATE
LAGS = 2000, 9 * RATE


@pytest.fixture(scope="module")
def raw() -> np.ndarray:
    return music(14, seed=21)[0]


def copies(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both pieces' sound over the whole edit of 5 s."""
    return tuple(raw[lag : lag + 5 * RATE] for lag in LAGS)


def placed(raw: np.ndarray, edit: np.ndarray, *, guess: int, before=LAGS[0], after=LAGS[1]):
    pieces = Piece(0, guess, before), Piece(guess, len(edit), after)
    return place_boundary(Playback(raw, edit, RATE), *pieces, max_fade_s=2)


@pytest.mark.parametrize("error", [-4000, 0, 3000])
def test_a_hard_cut_is_placed_to_the_sample(raw, error):
    a, b = copies(raw)
    edit = np.concatenate([a[:CUT], b[CUT:]])
    boundary = placed(raw, edit, guess=CUT + error)
    assert (boundary.position, boundary.samples) == (CUT, 0)


@pytest.mark.parametrize("guess_s", [1.1, 2.7, 3.3, 4.2])
def test_a_cut_between_takes_that_are_alike_is_found_further_away(raw, guess_s):
    rng = np.random.default_rng(0)
    a = raw[: 5 * RATE]
    both = np.concatenate([a, a + 1e-3 * rng.normal(size=len(a))])
    edit = np.concatenate([a[:CUT], both[5 * RATE + CUT :]])
    guess = round(guess_s * RATE)
    boundary = placed(both, edit, guess=guess, before=0, after=5 * RATE)
    assert (boundary.position, boundary.samples) == (CUT, 0)


def test_where_two_takes_are_the_same_a_cut_stays_where_it_is(raw):
    a = raw[: 5 * RATE]
    guess = round(1.5 * RATE)
    boundary = placed(np.tile(a, 2), a, guess=guess, before=0, after=5 * RATE)
    assert boundary.position == pytest.approx(guess, abs=2) and boundary.samples == 0


@pytest.mark.parametrize("alike_s", [0.1, 0.5, 2.5])
@pytest.mark.parametrize("at_its_end", [False, True])
@pytest.mark.parametrize("guess_s", [2.4, 3.0])
def test_beside_what_two_takes_share_a_short_fade_tells_where_the_cut_is(
    raw, alike_s, at_its_end, guess_s
):
    a, b = raw[: 6 * RATE].copy(), raw[7 * RATE : 13 * RATE].copy()
    first = round(1.5 * RATE)
    last = first + round(alike_s * RATE)
    b[first:last] = a[first:last]
    cut, samples = last if at_its_end else first, 440
    edit = np.concatenate([a[:cut], b[cut:]])
    rising = np.sin(np.pi / 2 * (np.arange(samples) + 0.5) / samples)
    faded = slice(cut - samples // 2, cut + samples // 2)
    edit[faded] = a[faded] * rising[::-1] + b[faded] * rising
    # The path places it somewhere in what they share, or not far beside.
    guess = min(round(guess_s * RATE), last)
    boundary = placed(np.concatenate([a, b]), edit, guess=guess, before=0, after=6 * RATE)
    assert boundary.position == pytest.approx(cut, abs=20)
    assert boundary.samples == pytest.approx(samples, abs=40)


@pytest.mark.parametrize("samples", [441, 4410, 22050])
@pytest.mark.parametrize("curve", ["linear", "equal_power"])
def test_a_crossfade_is_measured(raw, samples, curve):
    a, b = copies(raw)
    w = np.clip((np.arange(len(a)) - (CUT - samples // 2) + 0.5) / samples, 0, 1)
    rising, falling = (
        (w, 1 - w) if curve == "linear" else (np.sin(np.pi / 2 * w), np.cos(np.pi / 2 * w))
    )
    boundary = placed(raw, falling * a + rising * b, guess=CUT + 1000)
    assert boundary.fade.curve == curve
    assert boundary.samples == pytest.approx(samples, rel=0.02, abs=20)
    assert boundary.position == pytest.approx(CUT, abs=20)


def test_sound_that_begins_after_silence(raw):
    edit = copies(raw)[1].copy()
    edit[:CUT] = 0
    boundary = placed(raw, edit, guess=CUT - 2000, before=None)
    # Up to a few samples near zero belong to either side.
    assert boundary.position == pytest.approx(CUT, abs=5)
    assert boundary.samples == 0


def test_a_fade_in_after_silence_begins_at_the_boundary(raw):
    edit = copies(raw)[1].copy()
    edit *= np.clip((np.arange(len(edit)) - CUT + 0.5) / 11025, 0, 1)
    boundary = placed(raw, edit, guess=CUT + 3000, before=None)
    assert boundary.fade.curve == "linear"
    assert boundary.samples == pytest.approx(11025, rel=0.03)
    assert boundary.position == pytest.approx(CUT, abs=300)


@pytest.mark.parametrize("side", ["in", "out"])
@pytest.mark.parametrize("samples", [0, 1, 7, 40, 2205, 50000])
def test_fades_at_the_edits_ends(raw, side, samples):
    edit = copies(raw)[0].copy()
    if samples:
        ramp = np.sin(np.pi / 2 * np.clip((np.arange(len(edit)) + 0.5) / samples, 0, 1))
        edit *= ramp if side == "in" else ramp[::-1]
    piece = Piece(0, len(edit), LAGS[0])
    fade = edge_fade(Playback(raw, edit, RATE), piece, max_fade_s=4, side=side)
    assert fade.samples == pytest.approx(samples, rel=0.01, abs=2 if samples > 48 else 0)


def test_playback_learns_an_equaliser(raw):
    long_raw = music(30, seed=22)[0]
    equaliser = np.array([0.2, -0.5, 1.0, 0.4, 0.1])
    edit = np.convolve(long_raw, equaliser, "same")
    piece = Piece(0, len(edit), 0)
    playback = fit_playback(long_raw, edit, [piece], rate=RATE)
    heard = playback.played(piece, 5 * RATE, 15 * RATE)
    residual = np.sum((heard - edit[5 * RATE : 15 * RATE]) ** 2) / np.sum(heard**2)
    assert 10 * np.log10(residual) < -35


def test_playback_leaves_copies_alone(raw):
    long_raw = music(30, seed=22)[0]
    piece = Piece(0, len(long_raw), 0, gain=0.5)
    playback = fit_playback(long_raw, 0.5 * long_raw, [piece], rate=RATE)
    np.testing.assert_array_equal(playback.played(piece, 100, 200), long_raw[100:200])


def test_what_copies_leave_is_only_taken_off_in_mastered_edits(raw):
    """Elsewhere it was another fade's or step's, and made bad fades as good as the right one."""
    a, b = (sound[:4000] for sound in copies(raw))
    whole = slice(None)
    for is_mastered in (False, True):
        region = Region(0, a, None, b, left_share=0.3, is_free=is_mastered)
        model = FadeModel(region, 0, fixed=True)
        boundary = Boundary(0, 500)
        assert (model.excess(boundary, whole) < model.cost(boundary, whole)) == is_mastered


@pytest.mark.parametrize("samples", [110, 500, 1100])
@pytest.mark.parametrize("start_s", [0.69, 0.95, 2.2])
def test_a_short_fade_in_after_silence(raw, samples, start_s):
    start = round(start_s * RATE)
    edit = copies(raw)[1].copy()
    edit *= np.clip((np.arange(len(edit)) - start + 0.5) / samples, 0, 1)
    boundary = placed(raw, edit, guess=start + 2000, before=None)
    assert boundary.position == pytest.approx(start, abs=30)
    assert boundary.samples == pytest.approx(samples, abs=30)


@pytest.fixture(scope="module")
def long_raw() -> np.ndarray:
    return music(40, seed=11)[0]


def test_a_fade_is_not_bent_by_the_one_at_the_pieces_other_end(long_raw):
    """Longer fades would explain more of the other one than is lost here."""
    edit, stop = long_raw[: 5 * RATE].copy(), 3 * RATE
    long, short = round(2.2 * RATE), round(0.33 * RATE)
    edit[:long] *= (np.arange(long) + 0.5) / long
    edit[stop - short : stop] *= (np.arange(short)[::-1] + 0.5) / short
    edit[stop:] = 0
    pieces = Piece(0, stop + 1000, 0), Piece(stop + 1000, len(edit), None)
    boundary = place_boundary(Playback(long_raw, edit, RATE), *pieces, max_fade_s=10)
    assert boundary.position == pytest.approx(stop, abs=2)
    assert boundary.samples == pytest.approx(short, abs=4)


@pytest.mark.parametrize(
    ("stop", "samples"), [(200003, 60), (150000, 60), (150000, 97), (150000, 150), (170001, 150)]
)
def test_a_short_fade_into_silence_is_told_from_a_cut(long_raw, stop, samples):
    """At 48 kHz a region that holds fades of .1 s is summed over blocks of 19 samples."""
    rate = 48000
    edit = long_raw[: stop + 2 * rate].copy()
    edit[stop - samples : stop] *= (np.arange(samples)[::-1] + 0.5) / samples
    edit[stop:] = 0
    pieces = Piece(0, stop + 900, 0), Piece(stop + 900, len(edit), None)
    boundary = place_boundary(Playback(long_raw, edit, rate), *pieces, max_fade_s=10)
    assert (boundary.position, boundary.samples) == (stop, samples)


def test_a_region_leaves_out_the_fades_of_the_pieces_other_ends(raw):
    fade = Fade(samples=500)
    pair = Piece(0, 20000, 0, fade_in=fade), Piece(20000, 40000, 9000, fade_out=fade)
    region = region_around(Playback(raw, raw, RATE), pair, 20000, reach=10**6)
    assert (region.start, region.stop) == (500, 39500)


@pytest.mark.parametrize("sounds", ["before", "after"])
def test_what_a_coder_smears_beside_silence_is_a_hard_cut(long_raw, sounds):
    """Over 2.5 ms, as a coder's window does it."""
    rate, cut, taps = 48000, 170001, np.array([0.3, 1.0, 0.2])
    edit = long_raw[: cut + 2 * rate].copy()
    ramp = np.clip((np.arange(len(edit)) - cut) / (0.0025 * rate) + 0.5, 0, 1)
    edit = np.convolve(edit * (ramp if sounds == "after" else 1 - ramp), taps, "same")
    lags = (0, None) if sounds == "before" else (None, 0)
    pieces = Piece(0, cut, lags[0]), Piece(cut, len(edit), lags[1])
    boundary = place_boundary(Playback(long_raw, edit, rate, taps=taps), *pieces, max_fade_s=2)
    assert boundary.samples == 0
    assert boundary.position == pytest.approx(cut, abs=0.0005 * rate)


def test_a_piece_of_nothing_plays_nothing_though_the_edit_is_mastered():
    raw = np.random.default_rng(0).normal(size=RATE)
    playback = Playback(raw, raw, RATE, taps=np.array([0.1, 0.8, 0.1]))
    assert playback.played(Piece(500, 500, 0.0), 500, 500).shape == (0,)
    assert playback.played(Piece(500, 502, 0.0), 500, 502).shape == (2,)
