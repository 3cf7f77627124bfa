"""Sound files in and out, in constant memory: the door of this room.

Arrays are (C, T) float32 with full scale at 1, whatever the file holds. The format is found by
the content, not by the suffix. Reading from the middle gives the same samples, to the bit, as
reading from the beginning (`editorbot.audio.decoders` says how, and at what cost).
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from editorbot.audio.check import check, make_info
from editorbot.audio.decoders import AudioInfo, Dtype, open_decoder
from editorbot.audio.resample import (
    downmix_blocks,
    downmix_matrix,
    resample_blocks,
    resampled_length,
)
from editorbot.audio.write import write

__all__ = [
    "AudioInfo",
    "Dtype",
    "check",
    "downmix_blocks",
    "downmix_matrix",
    "probe",
    "read",
    "read_blocks",
    "read_mono",
    "resample_blocks",
    "resampled_length",
    "write",
]

BLOCK_SAMPLES = 2**18


def probe(path: Path | str) -> AudioInfo:
    """Describe a sound file; `samples` is what decoding yields.

    Headers of mp3, m4a and other containers only estimate the length: these are decoded once
    (about 1,200 times real time), and the answer kept while the file does not change.

    Raises:
        AudioError: The file is missing, a folder, empty or not sound.
    """
    path = Path(path)
    try:
        state = path.stat()
    except OSError:
        return _probe(path)  # raises the sentence for it
    return _probe_once(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _probe_once(path: Path, _modified_ns: int, _size: int) -> AudioInfo:
    return _probe(path)


def _probe(path: Path) -> AudioInfo:
    with open_decoder(path) as decoder:
        samples = decoder.samples
        if samples is None:
            blocks = decoder.blocks(0, block_samples=BLOCK_SAMPLES, dtype="float32")
            samples = sum(block.shape[1] for block in blocks)
        return make_info(decoder, samples)


def read_blocks(
    path: Path | str,
    *,
    block_samples: int = BLOCK_SAMPLES,
    start: int = 0,
    stop: int | None = None,
    dtype: Dtype = "float32",
) -> Iterator[np.ndarray]:
    """Yield the samples [start, stop) at the source's rate in blocks (C, T), T <= block_samples.

    What lies behind the end of the file is left out.

    Args:
        path: Any sound file.
        block_samples: Longest block.
        start: First sample.
        stop: One behind the last sample; None for the end.
        dtype: "float64" keeps all bits of 32-bit integers and 64-bit floats.

    Raises:
        AudioError: The file is missing, a folder, empty, not sound, or damaged.
    """
    if start < 0 or (stop is not None and stop < start) or block_samples < 1:
        raise ValueError(
            f"expected 0 <= start <= stop and block_samples >= 1, got start={start}, stop={stop}, "
            f"block_samples={block_samples}"
        )
    with open_decoder(path) as decoder:
        if stop == start:
            return
        position = start
        for block in decoder.blocks(start, block_samples=block_samples, dtype=dtype):
            if stop is not None:
                block = block[:, : stop - position]
            position += block.shape[1]
            yield block
            if position == stop:
                return


def read(
    path: Path | str, *, start: int = 0, stop: int | None = None, dtype: Dtype = "float32"
) -> np.ndarray:
    """Read the samples [start, stop) at the source's rate: (C, T); see `read_blocks`."""
    blocks = list(read_blocks(path, start=start, stop=stop, dtype=dtype))
    if blocks:
        return np.concatenate(blocks, axis=1)
    with open_decoder(path) as decoder:
        return np.zeros((decoder.channels, 0), dtype)


def read_mono(path: Path | str, *, sample_rate: int) -> np.ndarray:
    """Read a whole file as (T,) float32 at `sample_rate` Hz, the mean of its channels."""
    with open_decoder(path) as decoder:
        blocks = decoder.blocks(0, block_samples=BLOCK_SAMPLES, dtype="float32")
        mono = downmix_blocks(blocks, source_channels=decoder.channels, channels=1)
        rates = {"source_rate": decoder.sample_rate, "target_rate": sample_rate}
        resampled = list(resample_blocks(mono, **rates, channels=1))
    return np.concatenate(resampled, axis=1)[0] if resampled else np.zeros(0, np.float32)
