"""Find out in one streamed pass whether a recording can be worked with, and say why not."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from editorbot.audio.decoders import (
    AudioInfo,
    ContainerDecoder,
    SoundfileDecoder,
    no_samples,
    open_decoder,
)
from editorbot.audio.truncation import ends_early, has_mpeg_length
from editorbot.errors import AudioError
from editorbot.progress import SHORT_S, track

# A quarter of the smallest step of 16 bits, -102 dBFS: what lossy coders make of digital silence.
SILENCE_PEAK = 2.0**-17
_BLOCK_SAMPLES = 2**18
_MP3_SLACK = 2 * 1152  # samples: encoders count the tag's own frame or not
_CONTAINER_SLACK_S = 0.25  # containers round, and trim what the codec padded


def check(path: Path | str) -> AudioInfo:
    """Decode a whole file once, in constant memory, and return what it holds.

    Raises:
        AudioError: The file is missing, a folder, empty, not sound, of zero length, cut off,
            damaged, silent throughout, or holds NaN or infinite samples.
    """
    with CheckedReading(path) as reading:
        for _ in reading.blocks():
            pass
        return reading.info()


class CheckedReading:
    """Reads a file from start to end and raises, at the latest at its end, what is wrong with it.

    For steps that want the samples anyway: checking costs no second pass. Use as a context
    manager; `info` is known when `blocks` is exhausted.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._decoder = open_decoder(self.path)
        self.sample_rate = self._decoder.sample_rate
        self.channels = self._decoder.channels
        self._samples: int | None = None

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield (C, T) float32 at the source's rate; errors as in `check`."""
        # Before the samples, for a cut-off file may decode without complaint.
        cut_off = ends_early(self.path)
        samples, peak = 0, 0.0
        blocks = self._decoder.blocks(0, block_samples=_BLOCK_SAMPLES, dtype="float32")
        # By the header, which may say nothing.
        count = math.ceil((self._decoder.header_samples or 0) / _BLOCK_SAMPLES) or None
        for block in track(blocks, f"Reading {self.path.name}", total=count, after_s=SHORT_S):
            # Both carry NaN and infinity on, and need no copy of the block.
            highest, lowest = block.max(), block.min()
            if not (np.isfinite(highest) and np.isfinite(lowest)):
                raise self._not_finite(block, samples)
            peak = max(peak, float(highest), -float(lowest))
            samples += block.shape[1]
            yield block
        self._check_length(samples, cut_off)
        if peak < SILENCE_PEAK:
            raise AudioError(
                f"{self.path} is silent throughout: check that the right track was exported"
            )
        self._samples = samples

    def info(self) -> AudioInfo:
        """What was read; only after `blocks` came to its end."""
        if self._samples is None:
            raise ValueError(f"{self.path} has not been read to its end")
        return make_info(self._decoder, self._samples)

    def _not_finite(self, block: np.ndarray, before: int) -> AudioError:
        channel_first = np.argmax(~np.isfinite(block).all(axis=0))
        second = (before + int(channel_first)) / self.sample_rate
        return AudioError(
            f"{self.path} holds NaN or infinite samples, the first at {second:.3f} s: export it "
            "again"
        )

    def _check_length(self, samples: int, cut_off: bool) -> None:
        if not samples:
            raise no_samples(self.path)
        expected = _promised_samples(self._decoder)
        if not cut_off and samples >= expected:
            return
        found = f"{samples / self.sample_rate:.1f} s"
        promised = self._decoder.header_samples or 0
        of = f" of {promised / self.sample_rate:.1f} s" if promised > samples else ""
        raise AudioError(
            f"{self.path} is cut off: only {found}{of} can be read, so copy or export it again"
        )

    def __enter__(self) -> "CheckedReading":
        return self

    def __exit__(self, *_: object) -> None:
        self._decoder.close()


def make_info(decoder: SoundfileDecoder | ContainerDecoder, samples: int) -> AudioInfo:
    """Describe what `decoder` reads, `samples` long."""
    return AudioInfo(
        path=decoder.path,
        sample_rate=decoder.sample_rate,
        channels=decoder.channels,
        samples=samples,
        format=decoder.format,
        subtype=decoder.subtype,
    )


def _promised_samples(decoder: SoundfileDecoder | ContainerDecoder) -> int:
    """The least that a whole file yields, by its header."""
    promised = decoder.header_samples or 0
    if isinstance(decoder, ContainerDecoder):
        return promised - round(_CONTAINER_SLACK_S * decoder.sample_rate)
    if decoder.format == "MP3":
        # Without a tag libsndfile estimates from the size of the first frame.
        return promised - _MP3_SLACK if has_mpeg_length(decoder.path) else 0
    return promised
