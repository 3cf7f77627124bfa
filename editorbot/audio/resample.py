"""Streamed changes of sample rate and of the number of channels."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from editorbot.edl.frames import resampled_length


def resample_blocks(
    blocks: Iterable[np.ndarray], *, source_rate: int, target_rate: int, channels: int
) -> Iterator[np.ndarray]:
    """Resample a stream of (C, T) blocks with soxr's high quality, in constant memory.

    The result does not depend on how the stream is cut into blocks beyond float rounding, has no
    delay, and its length is `resampled_length` of the whole.

    Args:
        blocks: (C, T) float32 of any lengths.
        source_rate: Hz.
        target_rate: Hz; equal rates pass the blocks through.
        channels: C.
    """
    if source_rate == target_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(source_rate, target_rate, channels, dtype="float32")
    taken = given = 0
    for block in blocks:
        taken += block.shape[1]
        resampled = stream.resample_chunk(np.ascontiguousarray(block.T))
        given += len(resampled)
        if len(resampled):
            yield np.ascontiguousarray(resampled.T)
    rest = stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)
    missing = resampled_length(taken, source_rate=source_rate, target_rate=target_rate) - given
    if missing > 0:
        # soxr's own rounding may end one sample away from ours.
        rest = np.pad(rest, ((0, max(0, missing - len(rest))), (0, 0)))[:missing]
        yield np.ascontiguousarray(rest.T)


def downmix_matrix(source_channels: int, channels: int) -> np.ndarray:
    """Weights (channels, source_channels) of a downmix that knows no loudspeaker layout.

    Output k is the mean of the source channels k, k + n, k + 2n, ... for n outputs, so that
    stereo pairs of a multitrack recording stay left and right. Channels left over when n does
    not divide their number (the centre of three) go to all outputs alike. Each row sums to 1,
    and the mean of the outputs is the mean of the sources: mono features do not depend on how
    many channels a copy keeps. Fewer sources than outputs stay as they are.
    """
    if source_channels <= channels:
        return np.eye(source_channels, dtype=np.float32)
    weights = np.zeros((channels, source_channels), np.float32)
    paired = source_channels - source_channels % channels
    for source in range(paired):
        weights[source % channels, source] = 1
    weights[:, paired:] = 1 / channels
    return weights * np.float32(channels / source_channels)


def downmix_blocks(
    blocks: Iterable[np.ndarray], *, source_channels: int, channels: int
) -> Iterator[np.ndarray]:
    """Mix a stream of (C, T) blocks down to at most `channels`, by `downmix_matrix`."""
    if source_channels <= channels:
        yield from blocks
        return
    weights = downmix_matrix(source_channels, channels)
    for block in blocks:
        # Not `@`: OpenBLAS takes 30 times as long for so few rows.
        yield np.einsum("ks,st->kt", weights, block)
