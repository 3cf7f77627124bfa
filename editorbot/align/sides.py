"""One side of a pair, raw or edit, brought to the rates at which alignment works.

Both sides are mixed to mono. `mono` runs at the raw's own rate, so that positions in it are the
EDL's; `wave` runs at `ANALYSIS_RATE`, for the search. Both lie in files that are mapped into
memory: three hours of raw at 48 kHz are 2 GB, of which only the part in use is held.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from editorbot.align.whiten import BLOCK_SAMPLES, filtered, whitening_filter
from editorbot.audio.io import AudioInfo, check, read_blocks, resample_blocks
from editorbot.errors import EditorbotError

ANALYSIS_RATE = 11025
"""Hz; holds the band below 5 kHz in which lossy coding and noise do the least harm."""


@dataclass(frozen=True)
class Side:
    """A recording as alignment sees it.

    Attributes:
        info: The file as it is.
        rate: Hz of `mono`: the raw's rate, for both sides.
        mono: (T,) float32 at `rate`, the mean of the channels.
        wave: (T,) float32 the same at `ANALYSIS_RATE`.
        white: (T,) float32 `wave` with a flat average spectrum, by one filter for both sides.
    """

    info: AudioInfo
    rate: int
    mono: np.ndarray
    wave: np.ndarray
    white: np.ndarray


@contextmanager
def open_pair(raw: Path, edit: Path) -> Iterator[tuple[Side, Side]]:
    """Yield both sides; their samples live in a scratch folder until the block ends.

    Raises:
        AudioError: A file is missing, damaged or silent.
        EditorbotError: The scratch folder has no room.
    """
    infos = [check(raw), check(edit)]
    rate = infos[0].sample_rate
    with TemporaryDirectory(prefix="editorbot-align-") as folder:
        try:
            sides = _load_pair(infos, rate, Path(folder))
        except OSError as error:
            raise EditorbotError(
                f"{folder} has no room for the decoded sound of {raw} and {edit} "
                f"({error.strerror}): set TMPDIR to a folder with more"
            ) from error
        yield sides


def _load_pair(infos: list[AudioInfo], rate: int, folder: Path) -> tuple[Side, Side]:
    monos = [_mono(info, rate, folder / f"{n}.mono") for n, info in enumerate(infos)]
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
        Side(info=info, rate=rate, mono=mono, wave=wave, white=white)
        for info, mono, wave, white in zip(infos, monos, waves, whites, strict=True)
    ]
    return sides[0], sides[1]


def _mono(info: AudioInfo, rate: int, path: Path) -> np.ndarray:
    mono = (block.mean(axis=0, keepdims=True) for block in read_blocks(info.path))
    return _store(_at_rate(mono, info.sample_rate, rate), path)


def _at_rate(blocks: Iterator[np.ndarray], source_rate: int, rate: int) -> Iterator[np.ndarray]:
    if source_rate == rate:
        return blocks
    return resample_blocks(blocks, source_rate=source_rate, target_rate=rate, channels=1)


def _blocks(mono: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(mono), BLOCK_SAMPLES):
        yield np.asarray(mono[None, start : start + BLOCK_SAMPLES])


def _store(blocks: Iterator[np.ndarray], path: Path) -> np.ndarray:
    """Write (1, T) blocks to `path` and map it: (T,) float32."""
    with path.open("wb") as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block[0], dtype=np.float32).tobytes())
    return np.memmap(path, dtype=np.float32, mode="r")
