"""Drum grooves: patterns for each kind of bar, fills at the end of a section."""

from typing import NamedTuple

import numpy as np

from editorbot.corpus.score import Score

KICK, STICK, SNARE, CLOSED_HAT, OPEN_HAT, CRASH, RIDE = 36, 37, 38, 42, 46, 49, 51
LOW_TOM, MID_TOM, HIGH_TOM, TAMBOURINE, MARACAS = 45, 47, 50, 54, 70
LOUDNESS = {"X": 112, "x": 92, "o": 55}
"""MIDI velocity of an accent, a stroke, a ghost note."""


class Hit(NamedTuple):
    """A stroke; `start` in quarter notes, `pitch` the drum's key in General MIDI."""

    start: float
    pitch: int
    velocity: int


# Steps are sixteenths in simple time, eighths in compound time; a pattern may span two bars.
SIMPLE = {
    "rock": {KICK: "X.....x.X.......", SNARE: "....X.......X...", CLOSED_HAT: "x.o.x.o.x.o.x.o."},
    "dance": {KICK: "X...X...X...X...", SNARE: "....x.......x..o", OPEN_HAT: "..x...x...x...x."},
    "swing": {RIDE: "X...x.o.X...x.o.", CLOSED_HAT: "....x.......x...", KICK: "x.......o......."},
    "bossa": {KICK: "x.....xxx.....xx", STICK: "x..x..x...x..x..", CLOSED_HAT: "oooooooooooooooo"},
    "march": {KICK: "X.......X.......", SNARE: "o.x.X.xoo.x.X.xx", CRASH: "x..............."},
    "ballad": {KICK: "X.........x.....", STICK: "....x.......x...", CLOSED_HAT: "x...o...x...o..."},
    "train": {KICK: "X...o...X...o...", SNARE: "o.oxo.oxo.oxo.xx", TAMBOURINE: "....x.......x..."},
    "shaker": {
        MARACAS: "x.o.x.o.x.o.x.o.",
        KICK: "x.......x.......",
        TAMBOURINE: "....x.......x...",
    },
}
TRIPLE = {
    "rock": {KICK: "X.......o...", SNARE: "....x...X...", CLOSED_HAT: "x.o.x.o.x.o."},
    "swing": {RIDE: "X...x.o.x.o.", CLOSED_HAT: "........x...", KICK: "x..........."},
    "ballad": {KICK: "X...........", STICK: "....x...x...", CLOSED_HAT: "x...o...o..."},
    "shaker": {MARACAS: "x.o.x.o.x.o.", KICK: "x...........", TAMBOURINE: "....x...x..."},
}
COMPOUND = {
    "rock": {KICK: "X....x", SNARE: "...X..", CLOSED_HAT: "xoxxox"},
    "ballad": {KICK: "X.....", STICK: "...x..", CLOSED_HAT: "xooxoo"},
    "shaker": {MARACAS: "xooxoo", KICK: "x..x..", TAMBOURINE: "..x..x"},
}
SLIP = {
    "rock": {KICK: "X..x..x..", SNARE: "...x..X..", CLOSED_HAT: "xoxxoxxox"},
    "shaker": {MARACAS: "xooxooxoo", KICK: "x........", TAMBOURINE: "..x..x..x"},
}


def play_groove(
    score: Score, groove: str, *, first_bar: int, last_bar: int, rng: np.random.Generator
) -> list[Hit]:
    """The hits of bars `first_bar` up to `last_bar`, with a crash at the start, a fill at the end.

    Raises:
        KeyError: The groove has no pattern for this metre.
    """
    pattern, step = _pattern_for(score, groove)
    steps = len(next(iter(pattern.values())))
    start, stop = first_bar * score.bar, last_bar * score.bar
    fill_length = min(score.bar, 1.5 if score.compound else 2.0)
    hits = [Hit(start, CRASH, LOUDNESS["x"])] if groove not in ("bossa", "shaker") else []
    for index in range(round((stop - fill_length - start) / step)):
        place = round(start / step) + index
        for drum, marks in pattern.items():
            mark = marks[place % steps]
            if mark != ".":
                hits.append(Hit(start + index * step, drum, LOUDNESS[mark]))
    return hits + _fill(stop - fill_length, fill_length, rng)


def has_groove(score: Score, groove: str) -> bool:
    """Whether the groove has a pattern for the score's metre."""
    return groove in _patterns_for(score)


def _patterns_for(score: Score) -> dict[str, dict[int, str]]:
    if score.compound:
        return SLIP if score.bar == 4.5 else COMPOUND
    return TRIPLE if score.bar == 3 else SIMPLE


def _pattern_for(score: Score, groove: str) -> tuple[dict[int, str], float]:
    return _patterns_for(score)[groove], 0.5 if score.compound else 0.25


def _fill(start: float, length: float, rng: np.random.Generator) -> list[Hit]:
    """Snare, then down the toms, growing louder; some strokes are left out at random."""
    step = 0.25
    count = round(length / step)
    drums = (SNARE, HIGH_TOM, MID_TOM, LOW_TOM)
    kick = [Hit(start, KICK, LOUDNESS["x"])]
    return kick + [
        Hit(start + index * step, drums[index * len(drums) // count], 70 + 40 * index // count)
        for index in range(count)
        if index == 0 or rng.random() < 0.8
    ]
