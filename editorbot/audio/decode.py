"""The decoded copy of a recording that features and stems are computed from.

A copy for analysis at one rate: editing and rendering read the recording itself.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from editorbot.audio import store
from editorbot.audio.check import CheckedReading
from editorbot.audio.resample import downmix_blocks, resample_blocks

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


def decode(source: Path | str, output: Path | str, *, sample_rate: int, channels: int) -> None:
    """Check a recording and store its decoded copy, in one pass and constant memory.

    The store's array is "audio", (C, T) float32, with the attributes `sample_rate`,
    `source_rate`, `source_samples` and `source_channels`. C is the source's number of channels,
    or `channels` if that is less, mixed by `editorbot.audio.resample.downmix_matrix`; T is
    `resampled_length(source_samples)`.

    Args:
        source: Any sound file.
        output: The store, `*.zarr.zip`; appears only if all is well.
        sample_rate: Hz.
        channels: At most so many.

    Raises:
        AudioError: As `editorbot.audio.check.check`.
        EditorbotError: `output` cannot be written.
    """
    with CheckedReading(source) as reading:
        kept = min(channels, reading.channels)
        with store.create(
            output,
            name="audio",
            shape=(kept, None),
            dtype=np.float32,
            chunks=(kept, CHUNK_S * sample_rate),
            attrs={"sample_rate": sample_rate, "source_rate": reading.sample_rate},
        ) as writer:
            for block in analysis_blocks(reading, sample_rate=sample_rate, channels=channels):
                writer.append(block)
            writer.attrs["source_samples"] = reading.info().samples
            writer.attrs["source_channels"] = reading.channels
