"""The finished track that a jam is made of, divided at bar lines into passages."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from editorbot.audio import io
from editorbot.audio.beats import beat_grid
from editorbot.corpus.simulation.renditions import Rendition, read_renditions
from editorbot.errors import AudioError
from editorbot.params import SimulateParams

MIN_TRACK_S = 15.0
MIN_PASSAGES = 3
# Of a longer track so much is held back, as sound that the raw does not hold.
SPARE_S = 30.0
# A jam leaves headroom, so that crossfades and gains of the editor never clip.
PEAK = 0.42


@dataclass(frozen=True)
class Passage:
    """A run `[start, stop)` of the track, in samples; `bars` are the bar lines within it."""

    start: int
    stop: int
    bars: tuple[int, ...]


@dataclass(frozen=True)
class Material:
    """What the band can play: `audio` (C, T) float32, in `passages` that follow each other.

    `spare` (C, T) is another part of the same track, at the same level, if there is one; `others`
    are further renditions of the track.
    """

    audio: np.ndarray
    sample_rate: int
    passages: tuple[Passage, ...]
    beat_s: float
    spare: np.ndarray | None = None
    others: tuple[Rendition, ...] = ()

    def sounding(self, change: Callable[[np.ndarray], np.ndarray]) -> "Material":
        """The same music with its sound (C, T) changed, at the same peak."""
        audio = change(self.audio)
        scale = np.float32(PEAK / np.abs(audio).max())
        others = tuple(replace(x, audio=change(x.audio) * scale) for x in self.others)
        return replace(self, audio=audio * scale, others=others)

    def rendition(self, number: int) -> Rendition:
        """How the band plays the track at that time; it has as many ways as there are."""
        turn = number % (1 + len(self.others))
        return self.others[turn - 1] if turn else Rendition.own(self.audio)


def load_material(
    track: Path,
    rng: np.random.Generator,
    params: SimulateParams,
    *,
    renditions: Path | None = None,
) -> Material:
    """Read a track, or an excerpt of `params.max_track_s`, and find its passages.

    Raises:
        AudioError: The track is unreadable, silent, shorter than 15 s, or without a pulse.
        EditorbotError: The list of other renditions cannot be used.
    """
    info = io.probe(track)
    length_s = info.samples / info.sample_rate
    if length_s < MIN_TRACK_S:
        raise AudioError(
            f"{track} is {length_s:.1f} s long, expected at least {MIN_TRACK_S:.0f} s of music to "
            "make a jam from: give a longer track."
        )
    wanted = round(params.max_track_s * info.sample_rate)
    first = int(rng.integers(0, max(1, info.samples - wanted)))
    audio = io.read(track, start=first, stop=min(info.samples, first + wanted))
    peak = np.abs(audio).max()
    if not peak > 0.001:
        raise AudioError(f"{track} is silent where it was read: give a track with sound.")
    try:
        grid = beat_grid(audio.mean(axis=0), sample_rate=info.sample_rate)
    except AudioError as error:
        raise AudioError(f"{track}: {error}") from error
    passages = _passages(grid.bars, rng, passage=round(params.passage_s * info.sample_rate))
    if len(passages) < MIN_PASSAGES:
        raise AudioError(
            f"{track} has {len(passages)} passages of about {params.passage_s:.0f} s, expected at "
            f"least {MIN_PASSAGES}: give a longer track or a smaller simulate.passage_s."
        )
    beat_s = 60.0 / grid.tempo_bpm
    scale = np.float32(PEAK / peak)
    spare = _spare(track, info, first, first + audio.shape[1])
    others: tuple[Rendition, ...] = ()
    if renditions is not None:
        others = read_renditions(
            renditions, first=first, sample_rate=info.sample_rate, channels=len(audio)
        )
    return Material(
        audio=(audio * scale).astype(np.float32),
        sample_rate=info.sample_rate,
        passages=passages,
        beat_s=beat_s,
        spare=None if spare is None else (spare * scale).astype(np.float32),
        others=tuple(replace(x, audio=x.audio * scale) for x in others),
    )


def _spare(track: Path, info: io.AudioInfo, start: int, stop: int) -> np.ndarray | None:
    """The longest part of a track outside `[start, stop)`, a second away from it."""
    gap, most = info.sample_rate, round(SPARE_S * info.sample_rate)
    before = (max(0, start - gap - most), max(0, start - gap))
    after = (min(stop + gap, info.samples), min(stop + gap + most, info.samples))
    first, last = max(before, after, key=lambda run: run[1] - run[0])
    return io.read(track, start=first, stop=last) if last - first >= 5 * gap else None


def _passages(bars: np.ndarray, rng: np.random.Generator, *, passage: int) -> tuple[Passage, ...]:
    """Group bars into passages of 2, 4, 8 or so bars; a short rest joins the last passage."""
    bar = float(np.median(np.diff(bars)))
    borders = [0]
    while borders[-1] < len(bars) - 1:
        count = max(2, 2 * round(rng.uniform(0.6, 1.4) * passage / bar / 2))
        borders.append(min(len(bars) - 1, borders[-1] + count))
    if len(borders) > 2 and borders[-1] - borders[-2] < 2:
        del borders[-2]
    return tuple(
        Passage(int(bars[a]), int(bars[b]), tuple(int(bar) for bar in bars[a : b + 1]))
        for a, b in pairwise(borders)
    )
