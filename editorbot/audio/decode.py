"""The decoded copy of a song's side that features and stems are computed from.

A copy for analysis at one rate: editing and rendering read the recordings themselves.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from editorbot.audio import store
from editorbot.audio.check import CheckedReading
from editorbot.audio.resample import downmix_blocks, resample_blocks
from editorbot.files import Paths, path_list

CHUNK_S = 10
"""Seconds per chunk of the store: 3.5 MB at 44.1 kHz stereo."""


def analysis_blocks(
    reading: CheckedReading, *, sample_rate: int, channels: int
) -> Iterator[np.ndarray]:
    """Yield a recording as (C, T) float32 at `sample_rate`, mixed down to at most `channels`.

    The one definition of what features see, whether it is stored or not.

    Raises:
        AudioError: As `editorbot.audio.check.check`, at the latest at the end.
    """
    kept = min(channels, reading.channels)
    mixed = downmix_blocks(reading.blocks(), source_channels=reading.channels, channels=channels)
    rates = {"source_rate": reading.sample_rate, "target_rate": sample_rate}
    return resample_blocks(mixed, **rates, channels=kept)


def decode(sources: Paths, output: Path | str, *, sample_rate: int, channels: int) -> None:
    """Check recordings and store their decoded copy, in one pass and constant memory.

    The store's array is "audio", (C, T) float32, with the attributes `sample_rate` and `sources`:
    several recordings lie one after the other (`editorbot.audio.parts`). C is the number of
    channels of the source that has the fewest, or `channels` if that is less; sources with more
    are mixed by `editorbot.audio.resample.downmix_matrix`.

    Args:
        sources: Any sound file, or several.
        output: The store, `*.zarr.zip`; appears only if all is well.
        sample_rate: Hz.
        channels: At most so many.

    Raises:
        AudioError: As `editorbot.audio.check.check`.
        EditorbotError: `output` cannot be written.
    """
    with ExitStack() as files:
        readings = [files.enter_context(CheckedReading(path)) for path in path_list(sources)]
        kept = min(channels, *(reading.channels for reading in readings))
        with store.create(
            output,
            name="audio",
            shape=(kept, None),
            dtype=np.float32,
            chunks=(kept, CHUNK_S * sample_rate),
            attrs={"sample_rate": sample_rate},
        ) as writer:
            for reading in readings:
                for block in analysis_blocks(reading, sample_rate=sample_rate, channels=kept):
                    writer.append(block)
            writer.attrs["sources"] = [
                {
                    "sample_rate": reading.sample_rate,
                    "channels": reading.channels,
                    "samples": reading.info().samples,
                }
                for reading in readings
            ]
