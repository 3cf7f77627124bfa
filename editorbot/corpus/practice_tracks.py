"""Tracks to practise on: many compositions, each by a band and in a sound of its own.

What a network learns from a few songs and bands it cannot tell from music as such. So the tune, the
instruments, tempo, key, manner of playing, room and mastering of each track are drawn anew. The
tunes are those of music21's corpus that docs/demo_songs.md allows, without the demo songs' own.
A track's band can play it several times, in the same arrangement and room, for takes to differ as
those of people do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from music21 import common

from editorbot.corpus.arrange import BANDS, Band, perform
from editorbot.corpus.demo import mixture, sounded
from editorbot.corpus.demo_catalogue import SONGS
from editorbot.corpus.grooves import has_groove
from editorbot.corpus.score import Note, Score, read_score
from editorbot.corpus.simulation.renditions import write_renditions
from editorbot.corpus.simulation.tone import apply_tone, master, random_tone, reverberated
from editorbot.corpus.synthesise import SAMPLE_RATE

COLLECTIONS = ("ryansMammoth", "bach")
"""Dances and airs of one part, whose chords and bass are the band's own; chorales of four."""
PITCHED_PROGRAMS, BASS_PROGRAMS = range(112), (*range(32, 40), 43, 58, 70, 87)
"""Of General MIDI; what follows the pitched ones are effects."""
KITS = (0, 8, 16, 24, 25, 32, 40)
COMPING = ("pads", "strum", "offbeat", "eighths", "arpeggio")
BASS_LINES = ("roots", "eighths", "walking")
SWING_SHARE, SWING = 0.25, (0.54, 0.66)
MACHINE_SHARE, LOOSENESS = 0.25, (0.3, 2.0)
LEFT_OUT = (0.0, 0.15)
"""Share of the notes, other than the lead's, that a rendition does without."""
BAR_S = (1.3, 3.6)
TRACK_S = (70.0, 160.0)
MOST_SEMITONES = 6
FEWEST_BARS = 8
TONE_DB = 6.0
MASTERED_SHARE, MASTERING_TONE_DB = 0.5, 3.0
ROOM_SHARE, ROOM_S, ROOM_DB = 0.7, (0.3, 6.0), (-22.0, 0.0)
"""How often a track has reverb, how long that takes to fall by 60 dB, and how loud it is."""
SWELL_SHARE, SWELL_DB, SWELL_KNOTS = 0.5, 6.0, (3, 9)
"""How often a track grows and fades in its course, and by how much."""
PEAK = 0.89
DRAWING, PLAYING, ARRANGING, PRODUCING = range(4)
"""What a track's chance is for."""


@dataclass(frozen=True)
class PracticeTrack:
    """How a track is played; another number is another track."""

    number: int
    source: str
    """Path below music21's corpus."""
    band: Band
    quarters_per_minute: float
    seconds: float
    semitones: int
    left_out: float
    """Share of the accompaniment's notes that a rendition does without."""


def practice_track(number: int) -> PracticeTrack:
    """Draw the track of that number."""
    rng = _chance(number, DRAWING)
    while True:
        collection = _sources(COLLECTIONS[int(rng.integers(len(COLLECTIONS)))])
        source = collection[int(rng.integers(len(collection)))]
        score = read_score(source)
        grooves = sorted({b.groove for b in BANDS.values() if has_groove(score, b.groove)})
        if grooves and score.bars >= FEWEST_BARS:
            break
    return PracticeTrack(
        number,
        source,
        _band(rng, grooves),
        quarters_per_minute=60 * score.bar / float(rng.uniform(*BAR_S)),
        seconds=float(rng.uniform(*TRACK_S)),
        semitones=int(rng.integers(-MOST_SEMITONES, MOST_SEMITONES + 1)),
        left_out=float(rng.uniform(*LEFT_OUT)),
    )


def render_practice_track(track: PracticeTrack, path: Path, *, renditions: int = 1) -> None:
    """Write the track as FLAC: stereo, 44,100 Hz, 16 bits; the same track gives the same samples.

    With more `renditions` than one the others are beside it as {stem}.1.flac and so on, with their
    list in {stem}_renditions.json, as `simulate` reads it.

    Raises:
        EditorbotError: A file cannot be written.
    """
    score = _transposed(read_score(track.source), track.semitones)
    played = (_played(track, score, number) for number in range(renditions))
    write_renditions(path, played, sample_rate=SAMPLE_RATE)


def _played(track: PracticeTrack, score: Score, number: int) -> tuple[np.ndarray, Sequence[float]]:
    """The rendition of that number, (2, T) float32, and its bar lines in seconds."""
    rng = _chance(track.number, PLAYING, number)
    performance = perform(
        score,
        track.band,
        quarters_per_minute=track.quarters_per_minute,
        target_s=track.seconds,
        rng=rng,
        arrangement=_chance(track.number, ARRANGING),
        left_out=track.left_out,
    )
    audio = mixture(sounded(performance, rng))
    return _produced(audio, _chance(track.number, PRODUCING)), performance.bars_s


def _chance(number: int, *purpose: int) -> np.random.Generator:
    return np.random.default_rng([number, *purpose])


def _sources(collection: str) -> list[str]:
    corpus = Path(common.getCorpusFilePath())
    demo = {song.source for song in SONGS}
    found = (path.relative_to(corpus).as_posix() for path in (corpus / collection).iterdir())
    return sorted(name for name in found if name.endswith((".abc", ".mxl")) and name not in demo)


def _band(rng: np.random.Generator, grooves: list[str]) -> Band:
    def some(values, count: int) -> tuple[int, ...]:
        return tuple(int(value) for value in rng.choice(values, count, replace=False))

    swings, machine = rng.random() < SWING_SHARE, rng.random() < MACHINE_SHARE
    return Band(
        leads=some(PITCHED_PROGRAMS, 2),
        basses=some(BASS_PROGRAMS, 1),
        backing=some(PITCHED_PROGRAMS, 2),
        kit=some(KITS, 1)[0],
        groove=str(rng.choice(grooves)),
        comping=str(rng.choice(COMPING)),
        bass_line=str(rng.choice(BASS_LINES)),
        swing=float(rng.uniform(*SWING)) if swings else 0.5,
        looseness=0.0 if machine else float(rng.uniform(*LOOSENESS)),
    )


def _transposed(score: Score, semitones: int) -> Score:
    def moved(notes: tuple[Note, ...]) -> tuple[Note, ...]:
        return tuple(note._replace(pitch=note.pitch + semitones) for note in notes)

    # A semitone up is seven sharps more, or five flats.
    sharps = (score.sharps + 7 * semitones + 6) % 12 - 6
    parts = {name: moved(getattr(score, name)) for name in ("melody", "bass", "other")}
    return replace(score, sharps=sharps, **parts)


def _produced(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A room, a tone and perhaps dynamics and mastering for (C, T) float32."""
    if rng.random() < ROOM_SHARE:
        seconds = float(np.exp(rng.uniform(*np.log(ROOM_S))))
        wet_db = float(rng.uniform(*ROOM_DB))
        wet = reverberated(audio, rng, seconds=seconds, sample_rate=SAMPLE_RATE)
        audio = audio + wet * np.float32(10 ** (wet_db / 20))
    tone = random_tone(rng, spread_db=TONE_DB, sample_rate=SAMPLE_RATE)
    audio = apply_tone(audio, tone)
    if rng.random() < SWELL_SHARE:
        knots = rng.uniform(-SWELL_DB, SWELL_DB, int(rng.integers(*SWELL_KNOTS)))
        places = np.linspace(0, len(knots) - 1, audio.shape[1])
        audio = audio * 10 ** (np.interp(places, np.arange(len(knots)), knots) / 20)
    if rng.random() < MASTERED_SHARE:
        return master(audio, rng, tone_db=MASTERING_TONE_DB, sample_rate=SAMPLE_RATE)
    return (audio * (PEAK / np.abs(audio).max())).astype(np.float32)
