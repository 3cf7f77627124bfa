"""Chords for a piece: the triad that explains most of what sounds in each stretch of it."""

from typing import NamedTuple

import numpy as np

from editorbot.corpus.score import Score

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
DIATONIC_BONUS, CHIEF_BONUS, BASS_BONUS = 0.35, 0.25, 0.4
"""In shares of the stretch's sound: keep to the key, prefer its I, IV and V, follow the bass."""


class Triad(NamedTuple):
    """A chord that sounds from `start` for `length` quarter notes; pitch classes, root first."""

    start: float
    length: float
    pitch_classes: tuple[int, int, int]


def harmonise(score: Score) -> tuple[Triad, ...]:
    """One triad for each half bar (each bar where it has no half), covering all bars."""
    simple_triple = score.bar == 3 and not score.compound
    step = score.bar if simple_triple or score.bar <= 2 or score.bar == 4.5 else score.bar / 2
    count = round(score.bars * score.bar / step)
    sounding, lowest = np.zeros((count, 12)), np.zeros((count, 12))
    for note in score.notes:
        _add(sounding, note, step)
    for note in score.bass:
        _add(lowest, note, step)
    chords, previous = [], _chief_triads(score.sharps)[0]
    for index in range(count):
        weights = _weights(sounding[index], lowest[index], score.sharps)
        weights[previous] = weights.get(previous, 0.0) + 0.1
        previous = max(weights, key=weights.__getitem__) if sounding[index].any() else previous
        chords.append(Triad(index * step, step, previous))
    return tuple(chords)


def _add(table: np.ndarray, note, step: float) -> None:
    first, last = int(note.start / step), int((note.start + note.length - 1e-6) / step)
    for index in range(first, min(last + 1, len(table))):
        overlap = min(note.start + note.length, (index + 1) * step) - max(note.start, index * step)
        table[index, note.pitch % 12] += overlap


def _weights(sounding: np.ndarray, lowest: np.ndarray, sharps: int) -> dict[tuple, float]:
    total, tonic = sounding.sum() or 1.0, (7 * sharps) % 12
    scale = {(tonic + degree) % 12 for degree in (0, 2, 4, 5, 7, 9, 11)}
    chief = set(_chief_triads(sharps))
    weights = {}
    for root in range(12):
        for shape in (MAJOR, MINOR):
            triad = tuple((root + interval) % 12 for interval in shape)
            weights[triad] = (
                sounding[list(triad)].sum() / total
                + DIATONIC_BONUS * (set(triad) <= scale)
                + CHIEF_BONUS * (triad in chief)
                + BASS_BONUS * lowest[root] / (lowest.sum() or 1.0)
            )
    return weights


def _chief_triads(sharps: int) -> list[tuple[int, int, int]]:
    tonic = (7 * sharps) % 12
    return [tuple((tonic + degree + interval) % 12 for interval in MAJOR) for degree in (0, 5, 7)]
