"""The recorder that runs through a whole session: the raw recording and what each part of it is."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from editorbot.corpus.simulation import junk
from editorbot.corpus.simulation.material import Material
from editorbot.corpus.simulation.perform import LEAD_S, Style, play, random_style, spoil
from editorbot.corpus.simulation.plan import Break, Span, Take
from editorbot.corpus.simulation.voice import talk
from editorbot.params import SimulateParams

# Length in seconds of what fills breaks, before `junk_scale`.
JUNK_SECONDS = {
    "talk": (2.0, 8.0),
    "noise": (1.0, 4.0),
    "tuning": (2.0, 7.0),
    "dead_air": (1.0, 5.0),
}
# RMS of what fills breaks against the music's, dB. Microphones stand close and are set for singing
# and playing: who talks or tunes in front of one is as loud as the band, who stands away is not.
JUNK_LEVEL_DB = {"talk": (-15.0, 3.0), "noise": (-20.0, 0.0), "tuning": (-12.0, 3.0)}
# Peaks of talk, noise, tuning and counts bend towards this, below the largest of the recording.
JUNK_PEAK = 0.45
RING_OUT_S = (0.15, 0.8)


@dataclass(frozen=True)
class Stretch:
    """A run `[start, stop)` of the raw; `cause` tells why it is dropped, None if it is good.

    `passage` and `bars` (raw samples) tell what of the track good stretches play; what is `good`
    in itself is dropped too where the same passage was played well later.
    """

    start: int
    stop: int
    cause: str | None
    passage: int | None = None
    bars: tuple[int, ...] = ()
    good: bool = False


@dataclass(frozen=True)
class Recording:
    """A raw recording: `audio` (C, T) float32 and `stretches` that cover it in order."""

    audio: np.ndarray
    sample_rate: int
    stretches: tuple[Stretch, ...]


class _Tape:
    """Sounds laid over each other, and marks; `position` is where the next thing begins."""

    def __init__(self, channels: int):
        self.channels = channels
        self.position = 0
        self.stretches: list[Stretch] = []
        self._sounds: list[tuple[int, np.ndarray]] = []

    def lay(self, sound: np.ndarray, *, lead: int = 0) -> None:
        """Mix in `sound` (C, T), its sample `lead` at the present position."""
        start = self.position - lead
        self._sounds.append((max(0, start), sound[:, max(0, -start) :]))

    def mark(self, stretch: Stretch) -> None:
        """Note what was recorded and move to its end."""
        self.stretches.append(stretch)
        self.position = stretch.stop

    def mixed(self) -> np.ndarray:
        """All sounds up to the present position, (C, T) float32."""
        audio = np.zeros((self.channels, self.position), np.float32)
        for start, sound in self._sounds:
            room = audio[:, start : start + sound.shape[1]]
            room += sound[:, : room.shape[1]]
        return audio


def record_session(
    material: Material,
    events: list[Take | Break],
    rng: np.random.Generator,
    params: SimulateParams,
) -> Recording:
    """Play a planned session to a tape, in a room that is never quite silent."""
    tape = _Tape(len(material.audio))
    music_rms = float(np.sqrt(np.mean(material.audio**2)))
    takes = 0
    for event in events:
        if isinstance(event, Break):
            for name in event.junk:
                _record_junk(tape, name, music_rms, material, rng, params)
        else:
            _record_take(tape, event, takes, material, rng, params)
            takes += 1
    audio = tape.mixed()
    rate = material.sample_rate
    room = junk.room_tone(rng, samples=audio.shape[1], channels=len(audio), sample_rate=rate)
    audio += room * np.float32(10.0 ** (params.room_tone_db / 20.0))
    # Laid over each other, a ring-out and a loud stick can exceed the material's own peak.
    audio *= np.float32(min(1.0, 0.5 / np.abs(audio).max()))
    return Recording(audio, rate, _last_playing_kept(tape.stretches))


def _record_junk(
    tape: _Tape,
    name: str,
    music_rms: float,
    material: Material,
    rng: np.random.Generator,
    params: SimulateParams,
) -> None:
    rate = material.sample_rate
    if name == "count_in":
        sound = junk.count_in(rng, beat_s=material.beat_s, sample_rate=rate)
        sound = _placed(sound * rng.uniform(0.25, 0.6), tape.channels, rng)
    else:
        seconds = rng.uniform(*JUNK_SECONDS[name]) * params.junk_scale
        sound = np.zeros((tape.channels, round(seconds * rate)), np.float32)
        if name != "dead_air":
            make = {"talk": talk, "noise": junk.noise, "tuning": junk.tuning}[name]
            level = music_rms * 10.0 ** (rng.uniform(*JUNK_LEVEL_DB[name]) / 20.0)
            sound = _placed(make(rng, seconds=seconds, sample_rate=rate), tape.channels, rng)
            sound *= level / max(1e-6, float(np.sqrt(np.mean(sound**2))))
    tape.lay(JUNK_PEAK * np.tanh(sound / JUNK_PEAK))
    length = sound.shape[1]
    if name != "count_in":  # a moment passes before the next thing; music follows a count at once
        length += round(rng.uniform(0.05, 0.4) * rate)
    tape.mark(Stretch(tape.position, tape.position + length, name))


def _placed(sound: np.ndarray, channels: int, rng: np.random.Generator) -> np.ndarray:
    """Mono sound somewhere between the channels, (C, T) float32."""
    gains = 10.0 ** (rng.uniform(-6, 0, channels) / 20.0)
    return (gains[:, None] * sound).astype(np.float32)


def _record_take(
    tape: _Tape,
    take: Take,
    number: int,
    material: Material,
    rng: np.random.Generator,
    params: SimulateParams,
) -> None:
    rate = material.sample_rate
    # What a band plays twice in one take it plays anew, as it does from take to take.
    renditions = [material.rendition(number + turn) for turn in range(len(take.spans))]
    take_style = random_style(rng, params, renditions[0], sample_rate=rate)
    runs = _runs(take.spans)
    turn = 0
    for before, run in zip([None, *runs[:-1]], runs, strict=True):
        # After a mistake the same playing goes on.
        turn += before is not None and before[-1].kind != "spoiled_take"
        style = replace(take_style, rendition=renditions[turn])
        if run[0].kind == "vamp":
            style = random_style(rng, params, renditions[turn], sample_rate=rate, around=take_style)
        _record_run(tape, run, style, rng, sample_rate=rate, is_last=run is runs[-1])


def _runs(spans: tuple[Span, ...]) -> list[list[Span]]:
    """Group spans that follow each other in the track, as they are played without a seam.

    What goes wrong in a group does so in its last span.
    """
    runs = [[spans[0]]]
    for before, span in pairwise(spans):
        goes_on = before.stop == span.start and before.kind != "spoiled_take"
        if goes_on and "vamp" not in (before.kind, span.kind):
            runs[-1].append(span)
        else:
            runs.append([span])
    return runs


def _record_run(
    tape: _Tape,
    run: list[Span],
    style: Style,
    rng: np.random.Generator,
    *,
    sample_rate: int,
    is_last: bool,
) -> None:
    origin, base = run[0].start, tape.position
    lead = round(LEAD_S * sample_rate)
    ring = round(rng.uniform(*RING_OUT_S) * sample_rate) if is_last else 0
    sound = play(origin, run[-1].stop, style, lead=lead, tail=ring)
    end = sound.shape[1] - ring
    if run[-1].kind == "spoiled_take":
        first = lead + style.between(origin, run[-1].start)
        options = {"gives_up": is_last, "rng": rng, "sample_rate": sample_rate}
        sound, end = spoil(sound, first=first, stop=end, **options)
    rising = np.linspace(0, 1, lead, dtype=np.float32)
    sound[:, :lead] *= rising
    if is_last:
        decay = np.exp(-4.0 * np.linspace(0, 1, ring)) * np.linspace(1, 0, ring)
        sound = sound[:, : end + ring]
        sound[:, end:] *= decay[: sound.shape[1] - end].astype(np.float32)
    else:  # what follows rises by the same ramp, so that seams do not click
        sound[:, end - lead : end] *= rising[::-1]
    tape.lay(sound, lead=lead)
    for span in run:
        start = base + style.between(origin, span.start)
        stop = base + (end - lead if span is run[-1] else style.between(origin, span.stop))
        bars = tuple(base + style.between(origin, bar) for bar in span.bars)
        cause = _cause(span)
        tape.mark(Stretch(start, stop, cause, span.passage, bars, cause is None))


def _cause(span: Span) -> str | None:
    good = span.kind == "passage" or (span.kind == "vamp" and span.keep)
    if span.kind == "given_up":
        return "spoiled_take"
    return None if good else span.kind


def _last_playing_kept(stretches: list[Stretch]) -> tuple[Stretch, ...]:
    """Of passages that were played well more than once only the last playing stays good.

    Where a band starts again a passage before its mistake, what it plays again belonged to the
    spoiled take; else it was an earlier take.
    """
    last = {}
    for index, stretch in enumerate(stretches):
        if stretch.cause is None and stretch.bars:
            last[stretch.passage] = index
    result, spoiled = [], False
    for index, stretch in reversed(list(enumerate(stretches))):
        played = stretch.cause in (None, "vamp")
        spoiled = stretch.cause == "spoiled_take" or (spoiled and played)
        if played and index < last.get(stretch.passage, 0):
            stretch = replace(stretch, cause="spoiled_take" if spoiled else "earlier_take")
        result.append(stretch)
    return tuple(reversed(result))
