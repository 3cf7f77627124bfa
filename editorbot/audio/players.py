"""How one segment reads its recording: as it is, backwards, at another speed or another pitch."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from editorbot.audio import io
from editorbot.audio.interpolate import half_width, read_at
from editorbot.audio.stretch import Stretcher
from editorbot.edl.model import Segment
from editorbot.errors import AudioError

# `player(start, stop)` gives (C, stop - start), float32 or float64; positions count output samples
# from the segment's start, are negative in a fade before it, and go forward from call to call.
Player = Callable[[int, int], np.ndarray]

READ_AHEAD_SAMPLES = 2**16
# A speed is taken as tape speed where the pitch is within this of 12 log2(speed).
PITCH_TOLERANCE_SEMITONES = 1e-6


class SourceReader:
    """Reads any stretch of a recording; cheap where each stretch overlaps or follows the last."""

    def __init__(self, path: Path, *, samples: int, channels: int, dtype: io.Dtype = "float32"):
        self._path, self._samples, self._channels, self._dtype = path, samples, channels, dtype
        self._blocks: Iterator[np.ndarray] | None = None
        self._buffer = np.zeros((channels, 0), dtype)
        self._start = 0

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples (C, stop - start), zero outside the recording."""
        low, high = max(0, start), min(self._samples, stop)
        if low >= high:
            return np.zeros((self._channels, stop - start), self._dtype)
        self._fill(low, high)
        found = self._buffer[:, low - self._start : high - self._start]
        return np.pad(found, ((0, 0), (low - start, stop - high)))

    def _fill(self, low: int, high: int) -> None:
        end = self._start + self._buffer.shape[1]
        if self._blocks is None or not self._start <= low <= end:
            self._blocks = io.read_blocks(
                self._path, block_samples=READ_AHEAD_SAMPLES, start=low, dtype=self._dtype
            )
            self._start = end = low
            self._buffer = self._buffer[:, :0]
        pieces = [self._buffer[:, low - self._start :]]
        self._start = low
        while end < high:
            block = next(self._blocks, None)
            if block is None:
                raise AudioError(
                    f"{self._path} ends at sample {end}, expected {self._samples}: it is cut off, "
                    "so replace it by a whole copy."
                )
            pieces.append(_with_channels(block, self._channels))
            end += block.shape[1]
        self._buffer = np.concatenate(pieces, axis=1)


def _with_channels(block: np.ndarray, channels: int) -> np.ndarray:
    """Spread mono over all channels, average to mono, else keep the channels that both have."""
    if len(block) == channels:
        return block
    if len(block) == 1:
        return np.repeat(block, channels, axis=0)
    if channels == 1:
        return block.mean(axis=0, keepdims=True, dtype=block.dtype)
    kept = block[:channels]
    return np.pad(kept, ((0, channels - len(kept)), (0, 0)))


def make_player(segment: Segment, reader: SourceReader, *, rate_ratio: float, first: int) -> Player:
    """How `segment` sounds.

    Args:
        segment: A segment with a source.
        reader: Its recording.
        rate_ratio: Source samples per output sample at speed 1.
        first: Where reading begins, in output samples from the segment's start.
    """
    ahead = (
        _reversed(reader, segment.src_end)
        if segment.reverse
        else _shifted(reader, segment.src_start)
    )
    tape_pitch = 12.0 * np.log2(segment.speed)
    if abs(segment.pitch_semitones - tape_pitch) < PITCH_TOLERANCE_SEMITONES:
        return _resampled(ahead, ratio=segment.speed * rate_ratio)
    # Stretch in the source's own time so that tape speed then lands on both pitch and length.
    tape_speed = 2.0 ** (segment.pitch_semitones / 12.0)
    ratio = tape_speed * rate_ratio
    begin = int(np.floor(first * ratio)) - half_width(ratio)
    stretcher = Stretcher(ahead, speed=segment.speed / tape_speed, start=begin)
    return _resampled(stretcher.read, ratio=ratio)


def _shifted(reader: SourceReader, src_start: int) -> Player:
    return lambda start, stop: reader.read(src_start + start, src_start + stop)


def _reversed(reader: SourceReader, src_end: int) -> Player:
    return lambda start, stop: reader.read(src_end - stop, src_end - start)[:, ::-1]


def _resampled(ahead: Player, *, ratio: float) -> Player:
    if ratio == 1.0:
        return ahead

    def play(start: int, stop: int) -> np.ndarray:
        margin = half_width(ratio)
        positions = np.arange(start, stop) * ratio
        begin = int(np.floor(positions[0])) - margin
        end = int(np.floor(positions[-1])) + margin + 2
        return read_at(ahead(begin, end), positions - begin, ratio=ratio)

    return play
