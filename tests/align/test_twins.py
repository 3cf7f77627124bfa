"""Copies of one take, told apart by what is heard of them in fades."""

import numpy as np
import pytest
from edit_pairs import RATE, music

from editorbot.align.piece import Piece
from editorbot.align.playback import Playback
from editorbot.align.twins import told_by_fades

FADE = 440
TAKE = slice(4 * RATE, 7 * RATE)
"""Of the raw."""
COPY_AT, FIRST, LAST = 12 * RATE, 0, 17 * RATE
"""Where in the raw the take is played again, and what is played before and after it."""


@pytest.fixture(scope="module")
def raw() -> np.ndarray:
    sound = music(20, seed=22)[0].copy()
    sound[COPY_AT : COPY_AT + 3 * RATE] = sound[TAKE]
    return sound


def edited(raw: np.ndarray, lags: tuple[int, ...], fade: int) -> np.ndarray:
    """Seconds 0 to 2, 2 to 5 and 5 to 7 of an edit at these lags, faded across."""
    edit = np.zeros(7 * RATE)
    borders = (0, 2 * RATE, 5 * RATE, 7 * RATE)
    for lag, start, stop in zip(lags, borders[:-1], borders[1:], strict=True):
        begin, end = max(start - fade // 2, 0), min(stop + fade // 2, len(edit))
        weight = np.ones(end - begin)
        if fade and start:
            weight[:fade] = (np.arange(fade) + 0.5) / fade
        if fade and stop < len(edit):
            weight[-fade:] = (np.arange(fade)[::-1] + 0.5) / fade
        edit[begin:end] += weight * raw[begin + lag : end + lag]
    return edit


def pieces(middle: int, twin: int) -> list[Piece]:
    """As the path says, before anything is told from the fades."""
    return [
        Piece(0, 2 * RATE, FIRST),
        Piece(2 * RATE, 5 * RATE, middle, confidence=0.5, twins=(twin,)),
        Piece(5 * RATE, 7 * RATE, LAST - 5 * RATE),
    ]


LAGS = TAKE.start - 2 * RATE, COPY_AT - 2 * RATE


@pytest.mark.parametrize("right", [0, 1])
@pytest.mark.parametrize("path", [0, 1])
def test_a_fade_tells_which_copy_is_played(raw, right, path):
    edit = edited(raw, (FIRST, LAGS[right], LAST - 5 * RATE), FADE)
    playback = Playback(raw, edit, RATE)
    told = told_by_fades(pieces(LAGS[path], LAGS[1 - path]), playback=playback, max_fade_s=2.0)
    assert told[1].lag == LAGS[right]
    assert [p.lag for p in told[::2]] == [FIRST, LAST - 5 * RATE]
    # Only what had to be looked into is sure.
    assert told[1].confidence == (1.0 if right != path else 0.5)


@pytest.mark.parametrize("path", [0, 1])
def test_without_fades_nothing_tells_and_the_path_is_right(raw, path):
    edit = edited(raw, (FIRST, LAGS[0], LAST - 5 * RATE), 0)
    given = pieces(LAGS[path], LAGS[1 - path])
    assert told_by_fades(given, playback=Playback(raw, edit, RATE), max_fade_s=2.0) == given


def test_what_is_not_quite_the_same_is_no_twin_whatever_the_fades(raw):
    other = raw.copy()
    other[COPY_AT + RATE : COPY_AT + 2 * RATE] *= 0.8
    edit = edited(other, (FIRST, LAGS[1], LAST - 5 * RATE), FADE)
    # The fades are the copy's, what is between them is not.
    inside = slice(2 * RATE + FADE, 5 * RATE - FADE)
    edit[inside] = other[inside.start + LAGS[0] : inside.stop + LAGS[0]]
    given = pieces(LAGS[0], LAGS[1])
    told = told_by_fades(given, playback=Playback(other, edit, RATE), max_fade_s=2.0)
    assert told[1].lag == LAGS[0]
