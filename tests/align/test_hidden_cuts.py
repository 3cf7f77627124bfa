"""Cuts that nothing but a fade shows, as the takes on either side are the same."""

import numpy as np
import pytest
from edit_pairs import RATE, music

from editorbot.align.diagonals import Diagonal
from editorbot.align.features import HOP
from editorbot.align.hidden_cuts import with_hidden_cuts
from editorbot.align.piece import Piece
from editorbot.align.playback import Playback
from editorbot.align.sides import ANALYSIS_RATE

FADE = 440
CUT = 4 * RATE
"""Of the edit of 8 s."""
AGAIN = 10 * RATE
"""By how much later the second take is."""
SCALE = RATE / ANALYSIS_RATE
WHOLE = [Diagonal(0, round(8 * RATE / HOP / SCALE), lag / SCALE) for lag in (0, AGAIN)]


def raw_with(same: slice) -> np.ndarray:
    """20 s, of which these samples are played again 10 s later."""
    sound = music(20, seed=23)[0].copy()
    sound[same.start + AGAIN : same.stop + AGAIN] = sound[same]
    return sound


def edited(raw: np.ndarray, lags: tuple[int, int], fade: int) -> np.ndarray:
    """8 s that go from one lag to the other at `CUT`."""
    weight = np.clip((np.arange(8 * RATE) - CUT + fade / 2 + 0.5) / max(fade, 1), 0, 1)
    before, after = (raw[lag : lag + 8 * RATE] for lag in lags)
    return before * (1 - weight) + after * weight


def found(raw: np.ndarray, edit: np.ndarray, lag: int, diagonals=WHOLE) -> list[tuple[int, int]]:
    """Starts and lags, where the path heard one piece."""
    playback = Playback(raw, edit, RATE)
    given = [Piece(0, len(edit), lag)]
    pieces = with_hidden_cuts(given, diagonals, playback=playback, max_fade_s=2.0)
    assert (pieces[0].start, pieces[-1].stop) == (0, len(edit))
    return [(piece.start, piece.lag) for piece in pieces]


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_fade_shows_a_cut_between_takes_that_are_the_same(side):
    # From the cut on, or up to it, both takes are the same; beyond it they are not.
    same = slice(CUT, 8 * RATE) if side == "after" else slice(0, CUT)
    raw = raw_with(same)
    (start, first), (cut, second) = found(
        raw, edited(raw, (0, AGAIN), FADE), 0 if side == "after" else AGAIN
    )
    assert (start, first, second) == (0, 0, AGAIN)
    assert cut == pytest.approx(CUT, abs=FADE)


def test_without_a_fade_or_another_take_the_piece_stays_whole():
    raw = raw_with(slice(CUT, 8 * RATE))
    assert found(raw, edited(raw, (0, AGAIN), 0), 0) == [(0, 0)]
    faded = edited(raw, (0, AGAIN), FADE)
    assert found(raw, faded, 0, diagonals=WHOLE[:1]) == [(0, 0)]


@pytest.mark.parametrize("share", [0.001, 1])
def test_what_is_no_exact_copy_or_no_fade_stays_whole(share):
    raw, rng = raw_with(slice(CUT, 8 * RATE)), np.random.default_rng(0)
    edit = edited(raw, (0, AGAIN), FADE)
    noise = np.zeros(len(edit))
    heard = rng.random(len(edit)) < share if share == 1 else slice(CUT - 200, CUT + 200)
    noise[heard] = 0.02 * rng.normal(size=len(edit))[heard]
    assert found(raw, (edit if share == 1 else raw[: len(edit)]) + noise, 0) == [(0, 0)]


def test_a_take_that_is_the_same_for_a_moment_only_is_no_other_one():
    raw = raw_with(slice(CUT, CUT + RATE // 2))
    edit = edited(raw, (0, AGAIN), FADE)
    edit[CUT + FADE :] = raw[CUT + FADE : 8 * RATE]
    assert found(raw, edit, 0) == [(0, 0)]


def test_among_many_unexplained_spots_none_is_taken_for_a_fade():
    raw = raw_with(slice(CUT, 8 * RATE))
    edit, rng = edited(raw, (0, AGAIN), FADE), np.random.default_rng(0)
    for start in range(0, len(edit), round(0.15 * RATE)):
        if abs(start - CUT) > RATE // 4:
            edit[start : start + round(0.005 * RATE)] += 0.02 * rng.normal()
    assert found(raw, edit, 0) == [(0, 0)]


@pytest.mark.parametrize("lags", [(10 * RATE, 20 * RATE), (20 * RATE, 10 * RATE)])
def test_of_several_other_takes_the_one_that_the_piece_before_goes_over_to_is_played(lags):
    raw = music(32, seed=24)[0].copy()
    right, wrong, before = 10 * RATE, 20 * RATE, 29 * RATE
    for lag in (right, wrong):
        raw[lag + RATE : lag + CUT] = raw[RATE:CUT]
    raw[wrong + CUT : wrong + 5 * RATE] = raw[right + CUT : right + 5 * RATE]
    edit = edited(raw, (right, 0), FADE)
    weight = np.clip((np.arange(2 * RATE) - RATE + FADE / 2 + 0.5) / FADE, 0, 1)
    edit[: 2 * RATE] *= weight
    edit[: 2 * RATE] += (1 - weight) * raw[before : before + 2 * RATE]
    given = [Piece(0, RATE, before), Piece(RATE, len(edit), 0)]
    frames = round(8 * RATE / HOP / SCALE)
    pieces = with_hidden_cuts(
        given,
        [Diagonal(0, frames, lag / SCALE) for lag in (0, *lags)],
        playback=Playback(raw, edit, RATE),
        max_fade_s=2.0,
    )
    assert [piece.lag for piece in pieces] == [before, right, 0]
