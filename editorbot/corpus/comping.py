"""Bass lines and accompaniment over chords, for tunes that are written as a melody alone."""

from collections.abc import Sequence

from editorbot.corpus.harmonise import Triad
from editorbot.corpus.score import LOWEST_BASS, Note, Score

MIDDLE_C = 60
EIGHTH = 0.5


def bass_line(chords: Sequence[Triad], manner: str, score: Score) -> list[Note]:
    """A bass line: "roots" (root, then fifth), "eighths" or "walking" (a chord tone each beat)."""
    beat = 1.5 if score.compound else 1.0
    step = {"roots": None, "eighths": EIGHTH, "walking": beat}
    notes = []
    for index, chord in enumerate(chords):
        root, third, fifth = (_low(pitch_class) for pitch_class in chord.pitch_classes)
        if step[manner] is None:
            changed = index == 0 or chords[index - 1].pitch_classes != chord.pitch_classes
            notes.append(Note(chord.start, chord.length * 0.9, root if changed else fifth))
            continue
        tones = (root,) if manner == "eighths" else (root, third, fifth, third)
        count = max(1, round(chord.length / step[manner]))
        length = chord.length / count
        notes += [
            Note(chord.start + turn * length, length * 0.85, tones[turn % len(tones)])
            for turn in range(count)
        ]
    return notes


def accompany(chords: Sequence[Triad], manner: str, score: Score) -> list[Note]:
    """Chords in close position around middle C.

    "pads" holds them, "strum" plays long and short, "offbeat" plays after the beat, "eighths"
    repeats them, "arpeggio" breaks them.
    """
    notes = []
    for chord in chords:
        pitches = sorted(_middle(pitch_class) for pitch_class in chord.pitch_classes)
        count = max(1, round(chord.length / EIGHTH))
        places = {
            "pads": [0],
            "strum": [0] + [index for index in (2, 3, 5, 6) if index < count],
            "offbeat": [
                index for index in range(count) if index % (3 if score.compound else 2) == 1
            ]
            or [0],
            "eighths": list(range(count)),
            "arpeggio": list(range(count)),
        }[manner]
        for turn, place in enumerate(places):
            start = place * EIGHTH
            until = places[turn + 1] * EIGHTH if turn + 1 < len(places) else chord.length
            length = min(until - start, EIGHTH if manner == "offbeat" else chord.length)
            chosen = [pitches[turn % 3]] if manner == "arpeggio" else pitches
            notes += [Note(chord.start + start, length, pitch) for pitch in chosen]
    return notes


def _low(pitch_class: int) -> int:
    return LOWEST_BASS + (pitch_class - LOWEST_BASS) % 12


def _middle(pitch_class: int) -> int:
    return MIDDLE_C - 5 + (pitch_class - MIDDLE_C + 5) % 12
