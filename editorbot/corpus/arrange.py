"""A composition arranged for a band: who plays what and when, as people play it.

The four parts are Demucs' stems. Each pass through the piece is played anew, so that a repeat is
the same music and never the same sound.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from editorbot.corpus.comping import accompany, bass_line
from editorbot.corpus.grooves import play_groove
from editorbot.corpus.harmonise import harmonise
from editorbot.corpus.score import Note, Score

SECTION_BARS = 8
TIMING_SPREAD_S, VELOCITY_SPREAD = 0.006, 6.0
TEMPO_STEP, TEMPO_LIMIT = 0.004, 0.015
"""Relative change of tempo from bar to bar, and how far it may stray."""
LEAD_IN_S = 0.1
CENTRE, OTHER_PANS = 64, (40, 88)
"""MIDI: 0 left, 127 right."""


class Stroke(NamedTuple):
    """A note as played: seconds, MIDI pitch and velocity."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Voice:
    """One player: a General MIDI program (or drum kit) and what it plays."""

    program: int
    strokes: tuple[Stroke, ...]
    drums: bool = False
    pan: int = 64
    """MIDI: 0 left, 64 centre, 127 right."""


@dataclass(frozen=True)
class Band:
    """A line-up in General MIDI programs; players of one part take turns by section."""

    leads: tuple[int, ...]
    basses: tuple[int, ...]
    backing: tuple[int, ...]
    kit: int = 0
    groove: str = "rock"
    comping: str = "strum"
    bass_line: str = "roots"
    swing: float = 0.5
    """Where the second half of a beat falls: 0.5 straight, 0.66 triplets."""
    looseness: float = 1.0
    """Of time, against that of a usual band; 0 plays on the grid, as machines do."""


BANDS = {
    "folk": Band((73, 110), (32,), (25, 21), 40, "shaker", "strum", "roots"),
    "rock": Band((53, 54), (33, 34), (27, 29), 16, "rock", "eighths", "eighths"),
    "pop": Band((52, 53), (33,), (4, 24), 8, "rock", "strum", "roots"),
    "country": Band((22, 53), (32,), (105, 25), 0, "train", "offbeat", "roots"),
    "jazz": Band((66, 53), (32,), (0, 26), 32, "swing", "offbeat", "walking", 0.63),
    "bossa": Band((75, 53), (35,), (24, 11), 40, "bossa", "strum", "roots"),
    "dance": Band((54, 85), (38, 39), (50, 90), 24, "dance", "eighths", "eighths"),
    "gospel": Band((52, 85), (33,), (16, 1), 8, "ballad", "pads", "roots"),
    "chamber": Band((71, 68), (32,), (48, 46), 40, "shaker", "arpeggio", "roots"),
    "choir": Band((52, 53), (32,), (19, 49), 0, "ballad", "pads", "roots"),
    "ballad": Band((53, 65), (35,), (0, 49), 8, "ballad", "arpeggio", "roots"),
    "march": Band((56, 52), (58,), (61, 20), 0, "march", "offbeat", "roots"),
}


@dataclass(frozen=True)
class Performance:
    """What each stem's players play; the stems' names are Demucs'."""

    stems: dict[str, tuple[Voice, ...]] = field(repr=False)
    seconds: float
    bars_s: tuple[float, ...] = field(repr=False)
    """Where bars begin, and where the last one ends."""


def perform(
    score: Score,
    band: Band,
    *,
    quarters_per_minute: float,
    target_s: float,
    rng: np.random.Generator,
    arrangement: np.random.Generator | None = None,
    left_out: float = 0.0,
) -> Performance:
    """Arrange `score` for `band`, repeated with changes until `target_s` is about reached.

    Args:
        score: What is played.
        band: Who plays.
        quarters_per_minute: How fast.
        target_s: About how long.
        rng: Chance in playing, and in what is arranged too unless `arrangement` is given.
        arrangement: Chance in who plays where. The same one again gives the same arrangement, so
            that another `rng` is the same band's next performance of it.
        left_out: Probability that a player other than the lead leaves out a note.
    """
    arrangement = arrangement or rng
    pass_s = score.bars * score.bar * 60.0 / quarters_per_minute
    passes = max(1, round(target_s / pass_s))
    bars = score.bars * passes
    clock = _Clock.drawn(score, bars, quarters_per_minute, band, rng)
    sections = _sections(bars, arrangement)
    seconds = clock.seconds(bars * score.bar)
    melody = _repeated(score.melody, score, passes)
    # A tune of one part leaves bass and backing to the band.
    chords = _repeated(harmonise(score), score, passes)
    bass = _repeated(score.bass, score, passes) or bass_line(chords, band.bass_line, score)
    inner = _repeated(score.other, score, passes)
    if len(score.other) < 2 * score.bars:
        inner = sorted([*inner, *accompany(chords, band.comping, score)])
    strokes = {"vocals": (melody, 88), "bass": (bass, 92), "other": (inner, 74)}
    programs = {"vocals": band.leads, "bass": band.basses, "other": band.backing}
    stems = {
        stem: _players(
            _some(notes, left_out if stem != "vocals" else 0.0, rng),
            programs[stem],
            stem,
            velocity,
            sections,
            score,
            clock,
            rng,
            pan=_pan(stem, arrangement),
        )
        for stem, (notes, velocity) in strokes.items()
    }
    stems["drums"] = (_drummer(score, band, sections, clock, rng, left_out=left_out),)
    return Performance(stems=stems, seconds=seconds, bars_s=tuple(clock.bar_times_s))


class _Section(NamedTuple):
    first_bar: int
    last_bar: int
    silent: str | None
    player: int


def _sections(bars: int, rng: np.random.Generator) -> list[_Section]:
    """Runs of about eight bars, some of which one part sits out; first thin, last full."""
    count = max(1, round(bars / SECTION_BARS))
    edges = [round(index * bars / count) for index in range(count + 1)]
    choices = [None, None, None, "drums", "vocals", "other", "bass"]
    # Drawn without replacement, so that no part is missing for long.
    order = rng.permutation(len(choices))
    sections = []
    for index in range(count):
        silent = choices[order[index % len(choices)]]
        if index == count - 1:
            silent = None
        elif index == 0:
            silent = ("drums", "vocals", None)[rng.integers(3)]
        sections.append(_Section(edges[index], edges[index + 1], silent, int(rng.integers(2))))
    return sections


@dataclass(frozen=True)
class _Clock:
    """Quarter notes to seconds, with a tempo that breathes and, in jazz, swings."""

    bar: float
    bar_times_s: np.ndarray
    swing: float
    timing_spread_s: float

    @classmethod
    def drawn(cls, score: Score, bars: int, quarters_per_minute: float, band: Band, rng):
        drift = np.zeros(bars)
        for index in range(1, bars):
            step = rng.normal(0.0, TEMPO_STEP * band.looseness)
            drift[index] = np.clip(drift[index - 1] + step, -TEMPO_LIMIT, TEMPO_LIMIT)
        bar_s = score.bar * 60.0 / quarters_per_minute * (1.0 + drift)
        swing = 0.5 if score.compound else band.swing
        bar_times_s = LEAD_IN_S + np.concatenate([[0.0], np.cumsum(bar_s)])
        return cls(score.bar, bar_times_s, swing, TIMING_SPREAD_S * band.looseness)

    def seconds(self, quarters: float) -> float:
        beat, within = divmod(quarters, 1.0)
        swung = (
            within * 2 * self.swing
            if within < 0.5
            else self.swing + (within - 0.5) * 2 * (1 - self.swing)
        )
        bars = (beat + swung) / self.bar
        return float(np.interp(bars, np.arange(len(self.bar_times_s)), self.bar_times_s))


def _repeated(notes, score: Score, passes: int) -> list:
    length = score.bars * score.bar
    return [
        note._replace(start=note.start + turn * length) for turn in range(passes) for note in notes
    ]


def _players(
    notes: list[Note],
    programs: tuple[int, ...],
    stem: str,
    velocity: float,
    sections: list[_Section],
    score: Score,
    clock: _Clock,
    rng: np.random.Generator,
    *,
    pan: int,
) -> tuple[Voice, ...]:
    turns: list[list[Stroke]] = [[] for _ in programs]
    for section in sections:
        if section.silent == stem:
            continue
        first, last = section.first_bar * score.bar, section.last_bar * score.bar
        within = [note for note in notes if first <= note.start < last]
        played = [_stroke(note, velocity, score, clock, rng) for note in within]
        turns[section.player % len(programs)] += played
    return tuple(
        Voice(program, tuple(strokes), pan=pan)
        for program, strokes in zip(programs, turns, strict=True)
        if strokes
    )


def _pan(stem: str, rng: np.random.Generator) -> int:
    # Drawn for every stem: another number of draws would be another performance of each song.
    side = OTHER_PANS[int(rng.integers(len(OTHER_PANS)))]
    return side if stem == "other" else CENTRE


def _some(notes: list, left_out: float, rng: np.random.Generator) -> list:
    """Notes or hits without those that a player leaves out."""
    if left_out == 0:
        return notes
    return [note for note in notes if rng.random() >= left_out]


def _stroke(note: Note, velocity: float, score: Score, clock: _Clock, rng) -> Stroke:
    accent = 8 if math.isclose(note.start % score.bar, 0.0, abs_tol=1e-3) else 0
    start = clock.seconds(note.start) + rng.normal(0.0, clock.timing_spread_s)
    end = clock.seconds(note.start + note.length * 0.95)
    loudness = round(velocity + accent + rng.normal(0.0, VELOCITY_SPREAD))
    start = max(start, 0.0)
    return Stroke(start, max(end, start + 0.04), note.pitch, int(np.clip(loudness, 20, 127)))


def _drummer(score: Score, band: Band, sections, clock: _Clock, rng, *, left_out: float) -> Voice:
    strokes = []
    for section in sections:
        if section.silent == "drums":
            continue
        bars = {"first_bar": section.first_bar, "last_bar": section.last_bar}
        for hit in _some(play_groove(score, band.groove, **bars, rng=rng), left_out, rng):
            note = Note(hit.start, 0.25, hit.pitch)
            strokes.append(_stroke(note, hit.velocity - 6, score, clock, rng))
    return Voice(band.kit, tuple(strokes), drums=True)
