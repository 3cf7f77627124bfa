"""Demo songs: real compositions, arranged for bands and played through a sampled sound font.

Everything comes from installed packages: the compositions from music21's corpus, the sounds from
the General MIDI sound font that pretty_midi ships. Sources and licences: docs/demo_songs.md.
"""

import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from editorbot.audio import io
from editorbot.corpus.arrange import BANDS, Performance, perform
from editorbot.corpus.demo_catalogue import SONGS, DemoSong
from editorbot.corpus.grooves import has_groove
from editorbot.corpus.score import Score, read_score
from editorbot.corpus.simulation.renditions import write_renditions
from editorbot.corpus.synthesise import SAMPLE_RATE, synthesise

STEMS = ("drums", "bass", "other", "vocals")
LOUDNESS_DB = {"drums": 0.0, "bass": -1.0, "other": -3.0, "vocals": 0.0}
"""Of each part while it plays, relative to the drums."""
LOUDNESS_SPREAD_DB = 1.5
PEAK = 0.89
FADE_OUT_S, TAIL_S = 0.5, 1.5
FULL_SCALE = 2**15
"""The files hold integers of 16 bits."""
LEFT_OUT = 0.05
"""Share of the notes, other than the lead's, that a rendition does without."""


@dataclass(frozen=True)
class RenderedSong:
    """The files of a demo song; the mixture is the exact sum of the stems."""

    mixture: Path
    stems: dict[str, Path]


def demo_songs() -> tuple[DemoSong, ...]:
    """All demo songs, in an order that gives any first few a variety of styles."""
    return SONGS


def render_demo(song: DemoSong, directory: Path | str, *, seed: int = 0) -> RenderedSong:
    """Render `song` as {name}.flac and {name}.{stem}.flac into `directory`.

    Stereo, 44,100 Hz, 16 bits. The same song and seed give the same samples; another seed gives
    another performance of the same arrangement style.
    """
    directory = Path(directory)
    stems = render_stems(song, seed=seed)
    files = {stem: directory / f"{song.name}.{stem}.flac" for stem in STEMS}
    for stem, path in files.items():
        _write(path, stems[STEMS.index(stem)])
    mixture = directory / f"{song.name}.flac"
    _write(mixture, stems.sum(axis=0, dtype=np.int16))
    return RenderedSong(mixture=mixture, stems=files)


def render_renditions(song: DemoSong, path: Path, *, renditions: int, seed: int = 0) -> None:
    """Write `song`'s mixture as FLAC, and further renditions by its band with a list beside it.

    Stereo, 44,100 Hz, 16 bits; all are one arrangement, which `render_demo` does not share. The
    same song and seed give the same samples.
    """
    name = zlib.crc32(song.name.encode())

    def played(number: int) -> tuple[np.ndarray, tuple[float, ...]]:
        rng = np.random.default_rng([name, seed, number])
        arrangement = np.random.default_rng([name, seed])
        performance = perform_song(song, rng, arrangement=arrangement, left_out=LEFT_OUT)
        return mixture(sounded(performance, rng)), performance.bars_s

    write_renditions(path, map(played, range(renditions)), sample_rate=SAMPLE_RATE)


def score_of(song: DemoSong) -> Score:
    """The composition, or the excerpt of it, that the song plays."""
    return read_score(
        song.source,
        number=song.number,
        melody_part=song.melody_part,
        first_bar=song.first_bar,
        max_bars=song.max_bars,
    )


def played_by_another_band(song: DemoSong) -> DemoSong:
    """The same song by a band far down the list that knows its metre."""
    score, names = score_of(song), list(BANDS)
    own = names.index(song.band)
    others = [names[(own + step) % len(names)] for step in range(len(names) // 2 - 1, len(names))]
    band = next(name for name in others if has_groove(score, BANDS[name].groove))
    return replace(song, band=band)


def perform_song(
    song: DemoSong,
    rng: np.random.Generator,
    *,
    arrangement: np.random.Generator | None = None,
    left_out: float = 0.0,
) -> Performance:
    """What the song's band plays of it; another state of `rng` is another performance.

    `arrangement` and `left_out` as in `perform`.
    """
    return perform(
        score_of(song),
        BANDS[song.band],
        quarters_per_minute=song.quarters_per_minute,
        target_s=song.target_s,
        rng=rng,
        arrangement=arrangement,
        left_out=left_out,
    )


def render_stems(song: DemoSong, *, seed: int = 0) -> np.ndarray:
    """The parts of `song` as (S, 2, T) int16, S in the order of STEMS, 44,100 Hz."""
    rng = np.random.default_rng([zlib.crc32(song.name.encode()), seed])
    return sounded(perform_song(song, rng), rng)


def sounded(performance: Performance, rng: np.random.Generator) -> np.ndarray:
    """A performance as `render_stems` has it, each part about as loud as usual."""
    samples = round((performance.seconds + TAIL_S) * SAMPLE_RATE)
    parts = np.stack([synthesise(performance.stems[stem], samples=samples) for stem in STEMS])
    return _balance(parts, rng)


def mixture(parts: np.ndarray) -> np.ndarray:
    """The sum of (S, 2, T) int16 parts, (2, T) float32 in [-1, 1)."""
    return parts.sum(axis=0, dtype=np.int16) / np.float32(FULL_SCALE)


def _balance(parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bring each part to its loudness, fade the end, and quantise so that sums stay exact."""
    for part, stem in zip(parts, STEMS, strict=True):
        level_db = LOUDNESS_DB[stem] + rng.uniform(-LOUDNESS_SPREAD_DB, LOUDNESS_SPREAD_DB)
        part *= 10 ** (level_db / 20) / _loudness(part)
    fade = round(FADE_OUT_S * SAMPLE_RATE)
    parts[..., -fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    parts *= PEAK / np.abs(parts.sum(axis=0)).max()
    return np.round(parts * FULL_SCALE).astype(np.int16)


def _loudness(part: np.ndarray) -> float:
    """RMS over the tenths of a second in which the part sounds; 1 for a part that never does."""
    block = SAMPLE_RATE // 10
    usable = part.shape[-1] // block * block
    power = np.square(part[:, :usable]).reshape(2, -1, block).mean(axis=(0, 2))
    return float(np.sqrt(power[power > power.max() * 1e-3].mean())) if power.any() else 1.0


def _write(path: Path, samples: np.ndarray) -> None:
    audio = samples / np.float32(FULL_SCALE)
    io.write(path, audio, sample_rate=SAMPLE_RATE, channels=len(audio), subtype="PCM_16")
