"""Compositions as notes: what a piece of music21's corpus says, shared out to a band's parts."""

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from music21 import chord, common, converter, harmony, stream

LOWEST_BASS, HIGHEST_BASS = 28, 52
"""MIDI: the low E of a bass guitar to the E two octaves above."""


class Note(NamedTuple):
    """A note; times in quarter notes from the first full bar line, pitch in MIDI numbers."""

    start: float
    length: float
    pitch: int


@dataclass(frozen=True)
class Score:
    """A composition for a band; the parts' notes are in the order of their starts."""

    melody: tuple[Note, ...]
    bass: tuple[Note, ...]
    other: tuple[Note, ...]
    bar: float
    """Quarter notes in a bar."""
    compound: bool
    """Whether beats divide in three (6/8, 9/8, 3/8)."""
    bars: int
    """Bars until the piece may begin again."""
    sharps: int
    """Of the key signature; negative for flats."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """All parts' notes."""
        return tuple(sorted(self.melody + self.bass + self.other))


def read_score(
    source: str,
    *,
    number: int | None = None,
    melody_part: int = 0,
    first_bar: int = 0,
    max_bars: int | None = None,
) -> Score:
    """Read a composition of music21's corpus.

    Of each part, the melody takes the top notes of `melody_part`, the bass the lowest of the last
    part; everything else is "other". A tune of one part has empty bass and other.

    Args:
        source: Path below the corpus, e.g. "bach/bwv66.6.mxl".
        number: Which tune of a file that holds several.
        melody_part: Index of the part that leads.
        first_bar: Bars to leave out at the start.
        max_bars: Bars to keep from there; within them the metre must not change.
    """
    path = Path(common.getCorpusFilePath()) / source
    # Without its own cache, which is a pickle in a shared temporary folder.
    piece = converter.parse(path, number=number, forceSource=True, storePickle=False)
    measures = list(piece.parts[0].getElementsByClass(stream.Measure))
    first = measures[first_bar]
    bar = float(first.barDuration.quarterLength)
    # An upbeat is placed in a whole bar, so that bar lines fall on multiples of the bar.
    lead_in = float(first.paddingLeft) if first_bar == 0 else 0.0
    window = {"shift": lead_in - float(first.offset), "stop": (max_bars or math.inf) * bar}
    parts = [_excerpt(_notes(part), **window) for part in piece.parts]
    end = max(note.start + note.length for part in parts for note in part)
    bars = math.ceil(round((end - lead_in) / bar, 3))
    metre = first.timeSignature or first.getContextByClass("TimeSignature")
    signature = piece.recurse().getElementsByClass("KeySignature").first()
    melody, bass, other = _share_out(parts, melody_part)
    return Score(
        melody=melody,
        bass=bass,
        other=other,
        bar=bar,
        compound=metre.denominator == 8 and metre.numerator % 3 == 0,
        bars=min(bars, max_bars or bars),
        sharps=signature.sharps if signature else 0,
    )


def _notes(part: stream.Part) -> list[Note]:
    found = []
    for element in part.stripTies().flatten().notes:
        length = float(element.quarterLength)
        # Chord symbols are names above the staff, and grace notes have no length of their own.
        if isinstance(element, harmony.ChordSymbol) or length <= 0:
            continue
        pitches = element.pitches if isinstance(element, chord.Chord) else (element.pitch,)
        found += [Note(float(element.offset), length, int(pitch.midi)) for pitch in pitches]
    return sorted(set(found))


def _excerpt(notes: list[Note], *, shift: float, stop: float) -> list[Note]:
    moved = [note._replace(start=note.start + shift) for note in notes]
    return [
        note._replace(length=min(note.length, stop - note.start))
        for note in moved
        if 0 <= note.start < stop
    ]


def _share_out(
    parts: list[list[Note]], melody_part: int
) -> tuple[tuple[Note, ...], tuple[Note, ...], tuple[Note, ...]]:
    melody, inner = _split_off(parts[melody_part], top=True)
    bass: list[Note] = []
    if len(parts) > 1:
        bass, low_chords = _split_off(parts[-1], top=False)
        inner = inner + low_chords
    for index, part in enumerate(parts):
        if index not in (melody_part % len(parts), len(parts) - 1):
            inner = inner + part
    return tuple(one_at_a_time(melody)), tuple(_as_bass(bass)), tuple(sorted(set(inner)))


def _split_off(part: list[Note], *, top: bool) -> tuple[list[Note], list[Note]]:
    """The outer voice of a part and the rest of it."""
    together = defaultdict(list)
    for note in part:
        together[note.start].append(note)
    choose = max if top else min
    outer = [choose(notes, key=lambda note: note.pitch) for notes in together.values()]
    return outer, sorted(set(part) - set(outer))


def _as_bass(notes: list[Note]) -> list[Note]:
    def in_range(pitch: int) -> int:
        while pitch > HIGHEST_BASS:
            pitch -= 12
        while pitch < LOWEST_BASS:
            pitch += 12
        return pitch

    return one_at_a_time([note._replace(pitch=in_range(note.pitch)) for note in notes])


def one_at_a_time(notes: list[Note]) -> list[Note]:
    """The notes, each ending where the next begins at the latest."""
    ordered = sorted(notes)
    nexts = [note.start for note in ordered[1:]] + [math.inf]
    return [
        note._replace(length=min(note.length, following - note.start))
        for note, following in zip(ordered, nexts, strict=False)
        if following > note.start
    ]
