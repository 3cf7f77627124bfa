"""One side of a pair, raw or edit, brought to the rates at which alignment works.

Both sides are mixed to mono. `mono` runs at the raw's own rate, so that positions in it are the
EDL's; `wave` runs at `ANALYSIS_RATE`, for the search. Both lie in files that are mapped into
memory: three hours of raw at 48 kHz are 2 GB, of which only the part in use is held.

Several raws follow each other on one axis, at the first one's rate and with silence between.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from editorbot.align.mapped import mapped, release
from editorbot.align.whiten import BLOCK_SAMPLES, filtered, whitening_filter
from editorbot.audio.io import AudioInfo, check, read_blocks, resample_blocks
from editorbot.errors import EditorbotError

ANALYSIS_RATE = 11025
"""Hz; holds the band below 5 kHz in which lossy coding and noise do the least harm."""
CLOCK_STEPS = 10**6
GAP_S = 1.0
"""Silence between two raws: no window of the search reaches across."""


@dataclass(frozen=True)
class Recording:
    """A file as a run of a side.

    Attributes:
        info: The file as it is.
        start: Its first sample on the side.
        samples: Its length at the side's rate.
    """

    info: AudioInfo
    start: int
    samples: int


@dataclass(frozen=True)
class Side:
    """One recording, or several raws, as alignment sees them.

    Attributes:
        recordings: The files, in order.
        rate: Hz of `mono`: the first raw's rate, for both sides.
        mono: (T,) float32 at `rate`, the mean of the channels.
        wave: (T,) float32 the same at `ANALYSIS_RATE`.
        white: (T,) float32 `wave` with a flat average spectrum, by one filter for both sides.
    """

    recordings: tuple[Recording, ...]
    rate: int
    mono: np.ndarray
    wave: np.ndarray
    white: np.ndarray

    @property
    def seconds(self) -> float:
        """Length of what was recorded."""
        return sum(r.info.samples / r.info.sample_rate for r in self.recordings)


@contextmanager
def open_pair(
    raws: Sequence[Path], edit: Path, *, clock: float = 1.0
) -> Iterator[tuple[Side, Side]]:
    """Yield both sides; their samples live in a scratch folder until the block ends.

    A `clock` above 1 says that the edit's recorder ran so much slower than the raw's: one second of
    the edit is so many of the raw, and the edit's samples are spread accordingly.

    Raises:
        AudioError: A file is missing, damaged or silent.
        EditorbotError: The scratch folder has no room.
    """
    infos = [check(raw) for raw in raws]
    heard = check(edit)
    with TemporaryDirectory(prefix="editorbot-align-") as folder:
        try:
            sides = _load_pair(infos, heard, Path(folder), clock)
        except OSError as error:
            raise EditorbotError(
                f"{folder} has no room for the decoded sound of {edit} and its raw "
                f"({error.strerror}): set TMPDIR to a folder with more"
            ) from error
        yield sides


def _load_pair(
    raws: list[AudioInfo], edit: AudioInfo, folder: Path, clock: float
) -> tuple[Side, Side]:
    rate = raws[0].sample_rate
    recordings: tuple[list[Recording], list[Recording]] = [], []
    monos = [
        _store(_end_to_end(raws, rate, recordings[0]), folder / "0.mono"),
        _store(_end_to_end([edit], rate * clock, recordings[1]), folder / "1.mono"),
    ]
    waves = [
        _store(_at_rate(_blocks(mono), rate, ANALYSIS_RATE), folder / f"{n}.wave")
        for n, mono in enumerate(monos)
    ]
    taps = whitening_filter(waves, sample_rate=ANALYSIS_RATE)
    whites = [
        _store((block[None] for block in filtered(wave, taps)), folder / f"{n}.white")
        for n, wave in enumerate(waves)
    ]
    sides = [
        Side(recordings=tuple(files), rate=rate, mono=mono, wave=wave, white=white)
        for files, mono, wave, white in zip(recordings, monos, waves, whites, strict=True)
    ]
    return sides[0], sides[1]


def _end_to_end(
    infos: list[AudioInfo], rate: float, recordings: list[Recording]
) -> Iterator[np.ndarray]:
    """Yield the files' (1, T) blocks at `rate`, and note in `recordings` where each lies."""
    position = 0
    for number, info in enumerate(infos):
        if number:
            gap = np.zeros((1, round(GAP_S * rate)), np.float32)
            position += gap.shape[1]
            yield gap
        start = position
        mono = (block.mean(axis=0, keepdims=True) for block in read_blocks(info.path))
        for block in _at_rate(mono, info.sample_rate, rate):
            position += block.shape[1]
            yield block
        recordings.append(Recording(info, start, position - start))


def _at_rate(blocks: Iterator[np.ndarray], source_rate: float, rate: float) -> Iterator[np.ndarray]:
    if source_rate == rate:
        return blocks
    # Rates by a clock are no whole numbers; their ratio is what counts.
    rates = {
        "source_rate": round(source_rate * CLOCK_STEPS),
        "target_rate": round(rate * CLOCK_STEPS),
    }
    return resample_blocks(blocks, **rates, channels=1)


def _blocks(mono: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(mono), BLOCK_SAMPLES):
        yield np.asarray(mono[None, start : start + BLOCK_SAMPLES])
        release(mono)


def _store(blocks: Iterator[np.ndarray], path: Path) -> np.ndarray:
    """Write (1, T) blocks to `path` and map it: (T,) float32."""
    with path.open("wb") as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block[0], dtype=np.float32).tobytes())
    return mapped(path)
