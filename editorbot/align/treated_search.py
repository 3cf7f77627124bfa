"""Finds where the edit plays the raw reversed, at another speed or at another pitch.

A treatment undone on the edit's spectrum leaves a plain copy's: frames are read backwards, faster
or slower, bands moved up or down. So each stretch that plain copies do not explain is compared with
the raw once per treatment; the best hypothesis is refined, grown as far as it holds, and what is
left of the stretch searched again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from editorbot.align.piece import Piece, Treatment, tape_pitch
from editorbot.align.quarter_tones import (
    FRAME_S,
    band_levels,
    moved_bands,
    rows_at,
    shape_and_movement,
    unit,
    with_movement,
)

COARSE = 2
"""Frames per frame of the search; 46 ms."""
DIMENSIONS = 32
WINDOW, WINDOW_HOP = 16, 8
"""Coarse frames of the raw compared at once, 0.74 s, and from one window to the next."""
STRIDE = 2
"""Coarse frames from one that is compared to the next: 93 ms, half of what each one hears."""
MOST_SEARCHED_S = 4.0
"""Of a longer stretch its beginning is searched; what is found there grows over the rest."""
SPEEDS = tuple(float(speed) for speed in np.geomspace(0.79, 1.27, 17) if abs(speed - 1) > 0.01)
"""3 % apart: a window then slips by 11 ms at most."""
SHIFTS = tuple(sign * half / 2 for sign in (-1, 1) for half in range(1, 8))
"""Semitones."""
LOOKED_AT, REFINED = 60, 4
"""Hypotheses that are scored on all bands, and of these refined."""
PATIENCE_S = 90.0
"""After so many seconds on end in which nothing was found the rest is taken for foreign."""
SAME_PLACE_S = 0.2
"""Hypotheses that play places this near each other, in the same direction, are one."""
NOTES_S = (-0.24, -0.18, -0.12, 0.12, 0.18, 0.24)
ALIKE = 0.55
"""Mean cosine below which nothing is a treated copy; other parts of the same song reach it."""
UNLIKE = 0.5
"""Mean cosine that counts for nothing when a short run and a long one are weighed."""
FRAME_ALIKE = 0.35
"""Cosine above which a frame belongs to the run."""
SHORTEST_S = 0.25
ROUNDS = 5
SPEED_STEP, PITCH_STEP = 0.015, 0.25
SPEED_RANGE, PITCH_RANGE = (0.78, 1.29), (-3.6, 3.6)
"""What is looked for: speeds, and semitones at a speed that does not ask for them."""
NATURAL_SPEED, NATURAL_PITCH = 0.002, 0.1
"""Speeds this near to 1, and pitches (semitones) this near to a whole number, are taken for it."""
TAPE_APART, TAPE_LOSS = 0.2, 0.1
"""By how much the speed may differ from the tape's that has the pitch, and how much less the
cosine may be, for the waveform to be asked whether the run is a tape's."""


@dataclass(frozen=True)
class TreatedRun:
    """Seconds [start_s, stop_s) of the edit that play raw second `lag_s + slope * t`.

    `score` is the mean cosine of the spectra; `sharpness` by how much it falls where the run is
    moved by a note's length, times the root of its seconds: held notes sound alike anywhere.
    """

    start_s: float
    stop_s: float
    lag_s: float
    treatment: Treatment
    score: float
    sharpness: float = 0.0

    @property
    def middle_s(self) -> float:
        """Middle, in seconds of the edit."""
        return (self.start_s + self.stop_s) / 2

    @property
    def seconds(self) -> float:
        """Length."""
        return self.stop_s - self.start_s

    def turned(self, treatment: Treatment) -> "TreatedRun":
        """The same place in the middle under another treatment."""
        lag_s = self.lag_s + (self.treatment.slope - treatment.slope) * self.middle_s
        return replace(self, lag_s=lag_s, treatment=treatment)


class Taken(NamedTuple):
    """A run that was taken, as it was: the piece plays seconds [start_s, stop_s) of the edit."""

    start_s: float
    stop_s: float
    piece: Piece


def treatments() -> Iterator[Treatment]:
    """All that are tried, near enough to each other that the right one is not missed."""
    for reverse in (False, True):
        yield Treatment(reverse=reverse)
        for shift in SHIFTS:
            yield Treatment(reverse, 1.0, shift)
        for speed in SPEEDS:
            yield Treatment(reverse, speed, 0.0)
            yield Treatment(reverse, speed, tape_pitch(speed))


class TreatedSearch:
    """Looks for stretches of one edit in its raw, waves (T,) at the analysis rate."""

    def __init__(self, raw_wave: np.ndarray, edit_wave: np.ndarray) -> None:
        self._raw, self._edit = band_levels(raw_wave), band_levels(edit_wave)
        coarse = with_movement(self._raw[::COARSE])
        self._basis = _principal_directions(coarse)
        self._coarse = unit(coarse @ self._basis).T.copy()
        self._patience_s = PATIENCE_S

    def find(
        self, start_s: float, stop_s: float, take: Callable[[TreatedRun], Taken | None]
    ) -> list[Piece]:
        """The treated runs within [start_s, stop_s) of the edit that `take` takes, in order.

        Of a run that only sounds alike it takes none; the next best is then tried, and of a stretch
        in which none is taken the rest is searched on.
        """
        found: list[Piece] = []
        free_s = start_s
        while stop_s - start_s >= SHORTEST_S and self._patience_s > 0:
            end_s = min(stop_s, start_s + MOST_SEARCHED_S)
            taken = self._first_taken(self._ranked(start_s, end_s, (free_s, stop_s)), take)
            if taken is None:
                self._patience_s -= end_s - start_s
                start_s = end_s if end_s == stop_s else end_s - MOST_SEARCHED_S / 4
                continue
            self._patience_s = PATIENCE_S
            if taken.start_s - start_s >= SHORTEST_S:
                found += self.find(start_s, taken.start_s, take)
            found.append(taken.piece)
            start_s = free_s = taken.stop_s
        return found

    def _first_taken(
        self, runs: list[TreatedRun], take: Callable[[TreatedRun], Taken | None]
    ) -> Taken | None:
        readings = (reading for run in runs for reading in self._readings(run))
        taken = (take(replace(run, sharpness=self._sharpness(run))) for run in readings)
        return next((one for one in taken if one is not None), None)

    def _ranked(
        self, start_s: float, end_s: float, free_s: tuple[float, float]
    ) -> list[TreatedRun]:
        """What was found in [start_s, end_s), that first which explains most between `free_s`."""
        grown: list[TreatedRun] = []
        for hypothesis in self._hypotheses(start_s, end_s):
            refined = self._refined(hypothesis)
            if refined.score >= ALIKE and not any(_holds(run, refined) for run in grown):
                grown.append(self._grown(refined, *free_s))
        grown = [run for run in grown if run.seconds >= SHORTEST_S and run.score >= ALIKE]
        return sorted(grown, key=lambda run: -(run.score - UNLIKE) * run.seconds)

    def _hypotheses(self, start_s: float, end_s: float) -> list[TreatedRun]:
        """The best few of all windows, treatments and places."""
        found = []
        for treatment in treatments():
            vectors, times = self._undone(treatment, start_s, end_s)
            for first, last, place, score in self._best_places(vectors):
                raw_s = place * COARSE * FRAME_S
                lag_s = raw_s - treatment.slope * times[first]
                low, high = sorted((float(times[first]), float(times[last - 1])))
                found.append(TreatedRun(low, high, lag_s, treatment, score))
        found.sort(key=lambda run: -run.score)
        scored = [replace(run, score=self._score(run)) for run in found[:LOOKED_AT]]
        return _distinct(sorted(scored, key=lambda run: -run.score))[:REFINED]

    def _undone(
        self, treatment: Treatment, start_s: float, end_s: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """(N, DIMENSIONS) the stretch as the raw has it, and its instants (N,) in the edit."""
        times = np.arange(start_s, end_s, COARSE * FRAME_S / treatment.speed)
        times = times[::-1] if treatment.reverse else times
        levels = moved_bands(rows_at(self._edit, times / FRAME_S), -treatment.pitch_semitones)
        return unit(with_movement(levels) @ self._basis), times

    def _best_places(self, vectors: np.ndarray) -> Iterator[tuple[int, int, int, float]]:
        """Windows [first, last) of vectors (N, DIMENSIONS), each one's best place, and its cosine.

        Frames overlap so far that every `STRIDE`-th of a window says as much as all.
        """
        length = min(WINDOW, len(vectors), self._coarse.shape[1])
        places = self._coarse.shape[1] - length + 1
        similarity = vectors[::STRIDE] @ self._coarse
        for first in range(0, len(vectors) - length + 1, WINDOW_HOP):
            rows = similarity[first // STRIDE :][: -(-length // STRIDE)]
            total = rows[0, :places].copy()
            for number, row in enumerate(rows[1:], start=1):
                total += row[number * STRIDE :][:places]
            place = int(total.argmax())
            yield first, first + length, place, float(total[place] / len(rows))

    def _cosines(
        self, run: TreatedRun, start_s: float, stop_s: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cosines (N,) along a hypothesis, and their instants (N,) in the edit, rising."""
        treatment = run.treatment
        times = np.arange(start_s, stop_s, FRAME_S)
        raw_s = run.lag_s + treatment.slope * times
        # Movement is over one frame of the raw on either side, in the raw's direction of time.
        around = np.array([-FRAME_S, 0, FRAME_S])
        played = [rows_at(self._raw, (raw_s + shift) / FRAME_S) for shift in around]
        heard = [rows_at(self._edit, (times + s / treatment.slope) / FRAME_S) for s in around]
        heard = [moved_bands(levels, -treatment.pitch_semitones) for levels in heard]
        cosines = np.sum(shape_and_movement(*played) * shape_and_movement(*heard), axis=1)
        outside = (raw_s < 0) | (raw_s > len(self._raw) * FRAME_S)
        return np.where(outside, -1.0, cosines), times

    def _score(self, run: TreatedRun) -> float:
        return float(self._cosines(run, run.start_s, run.stop_s)[0].mean())

    def _sharpness(self, run: TreatedRun) -> float:
        moved = (replace(run, lag_s=run.lag_s + shift) for shift in NOTES_S)
        fall = run.score - max(self._score(other) for other in moved)
        return fall * float(np.sqrt(run.seconds))

    def _refined(
        self, run: TreatedRun, *, moves: tuple[str, ...] = ("place", "speed", "pitch")
    ) -> TreatedRun:
        """Coordinate descent over place, speed and pitch within the run."""
        best = replace(run, score=self._score(run))
        size = 1.0
        for _ in range(ROUNDS):
            for name in moves:
                for sign in (-1, 1):
                    while True:
                        rival = _moved(best, name, sign * size)
                        if not _is_looked_for(rival.treatment):
                            break
                        rival = replace(rival, score=self._score(rival))
                        if rival.score <= best.score + 1e-5:
                            break
                        best = rival
            size /= 2
        return best

    def _grown(self, run: TreatedRun, start_s: float, stop_s: float) -> TreatedRun:
        """The run as far as it holds within [start_s, stop_s), refined over all of it."""
        reach_s = run.seconds
        while True:
            low, high = max(start_s, run.start_s - reach_s), min(stop_s, run.stop_s + reach_s)
            cosines, times = self._cosines(run, low, high)
            sums = np.concatenate([[0], np.cumsum(uniform_filter1d(cosines, 5) - FRAME_ALIKE)])
            first, last = _best_interval(sums, int(np.searchsorted(times, run.middle_s)))
            ends = np.append(times, high)
            grown = replace(run, start_s=float(ends[first]), stop_s=float(ends[last]))
            if grown.seconds < SHORTEST_S:
                return grown
            grown = self._refined(grown)
            at_border = grown.start_s <= start_s + FRAME_S and grown.stop_s >= stop_s - FRAME_S
            if at_border or grown.seconds < 1.2 * run.seconds:
                return grown
            # A speed known from one second holds for a few: the run grows by its own length.
            run, reach_s = grown, grown.seconds

    def _readings(self, run: TreatedRun) -> Iterator[TreatedRun]:
        """What the run may be: first a tape's, if its speed and pitch are not too far apart.

        Held notes leave the speed open, and the pitch of a few seconds is known better: it says
        how fast a tape would have run. Only the waveform tells whether it was one.
        """
        treatment = run.treatment
        by_pitch = 2 ** (treatment.pitch_semitones / 12)
        if abs(treatment.speed / by_pitch - 1) < TAPE_APART:
            tapes = {
                speed: self._refined(
                    run.turned(Treatment(treatment.reverse, speed, tape_pitch(speed))),
                    moves=("place", "speed"),
                )
                for speed in (treatment.speed, by_pitch)
                if SPEED_RANGE[0] < speed < SPEED_RANGE[1]
            }
            best = max(tapes.values(), key=lambda tape: tape.score)
            if best.score > run.score - TAPE_LOSS:
                yield best.turned(_natural(best.treatment))
        free = _natural(treatment)
        # Without a treatment it was a tape at most, and that was asked.
        if not free.is_tape:
            yield run.turned(free)


def _distinct(runs: list[TreatedRun]) -> list[TreatedRun]:
    """The runs, best first, less those that say nearly the same as a better one."""
    result: list[TreatedRun] = []
    for run in runs:
        if not any(_say_the_same(run, better) for better in result):
            result.append(run)
    return result


def _holds(run: TreatedRun, other: TreatedRun) -> bool:
    """Whether another hypothesis lies within a run, and says the same."""
    inside = run.start_s <= other.middle_s < run.stop_s
    return inside and _say_the_same(run, other)


def _say_the_same(run: TreatedRun, other: TreatedRun) -> bool:
    if run.treatment.reverse != other.treatment.reverse:
        return False
    middle = other.middle_s
    places = (r.lag_s + r.treatment.slope * middle for r in (run, other))
    return abs(next(places) - next(places)) < SAME_PLACE_S


def _natural(treatment: Treatment) -> Treatment:
    """What was measured taken for what an editor will have set."""
    speed, pitch = treatment.speed, treatment.pitch_semitones
    if treatment.is_tape:
        return Treatment(treatment.reverse) if abs(speed - 1) < NATURAL_SPEED else treatment
    if abs(speed - 1) < NATURAL_SPEED:
        speed = 1.0
    if abs(pitch - round(pitch)) < NATURAL_PITCH:
        pitch = float(round(pitch))
    return replace(treatment, speed=speed, pitch_semitones=pitch)


def _best_interval(sums: np.ndarray, inside: int) -> tuple[int, int]:
    """Ends of the interval around `inside` of the highest sum, from cumulative sums (N + 1,)."""
    inside = min(inside, len(sums) - 1)
    return int(sums[: inside + 1].argmin()), inside + int(sums[inside:].argmax())


def _is_looked_for(treatment: Treatment) -> bool:
    semitones = treatment.pitch_semitones
    low, high = PITCH_RANGE
    return SPEED_RANGE[0] < treatment.speed < SPEED_RANGE[1] and (
        treatment.is_tape or low < semitones < high
    )


def _moved(run: TreatedRun, name: str, amount: float) -> TreatedRun:
    """The hypothesis a step further in place, speed or pitch; a tape's pitch follows its speed."""
    treatment = run.treatment
    if name == "place":
        return replace(run, lag_s=run.lag_s + amount * FRAME_S)
    if name == "speed":
        speed = treatment.speed * (1 + amount * SPEED_STEP)
        pitch = tape_pitch(speed) if treatment.is_tape else treatment.pitch_semitones
        return run.turned(replace(treatment, speed=speed, pitch_semitones=pitch))
    pitch = treatment.pitch_semitones + amount * PITCH_STEP
    return run.turned(replace(treatment, pitch_semitones=pitch))


def _principal_directions(vectors: np.ndarray) -> np.ndarray:
    """(2 * BANDS, DIMENSIONS) directions of the greatest variance, half whitened."""
    variance, directions = np.linalg.eigh(np.cov(vectors[:: max(1, len(vectors) // 4000)].T))
    scale = np.maximum(variance[-DIMENSIONS:], variance[-1] * 1e-4) ** -0.25
    return (directions[:, -DIMENSIONS:] * scale).astype(np.float32)
