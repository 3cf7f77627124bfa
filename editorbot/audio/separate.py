"""Demucs over a stream of any length in constant memory."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from demucs.apply import BagOfModels, apply_model
from torch import nn

OVERLAP = 0.25
"""Of a segment that is shared with the next, Demucs' own default."""


def separate_blocks(model: nn.Module, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Separate a stream of mixtures (C, T) into parts (S, C, T), of the same total length.

    Each segment is separated by itself and faded into the next by triangular weights, as in
    `demucs.apply.apply_model`; where the stream is cut into blocks makes no difference.

    Args:
        model: A Demucs model or a bag of them.
        blocks: (C, T) float32 at the model's rate, of any lengths, C the model's channels.
    """
    length = segment_samples(model)
    stride = segment_stride(model)
    rising = np.arange(1, length // 2 + 1)
    weight = np.concatenate([rising, np.arange(length - length // 2, 0, -1)]).astype(np.float32)
    weight /= weight.max()
    waiting = np.zeros((model.audio_channels, 0), np.float32)
    # Weighted parts that a later segment may still add to, and the sum of their weights.
    parts = np.zeros((len(model.sources), model.audio_channels, length), np.float32)
    total = np.zeros(length, np.float32)
    for segment, is_last in _segments(blocks, waiting, length=length, stride=stride):
        size = segment.shape[-1]
        parts[..., :size] += weight[:size] * _separate_segment(model, segment)
        total[:size] += weight[:size]
        ready = size if is_last else stride
        yield parts[..., :ready] / total[:ready]
        parts = np.concatenate([parts[..., ready:], np.zeros_like(parts[..., :ready])], axis=-1)
        total = np.concatenate([total[ready:], np.zeros_like(total[:ready])])


def separate_array(model: nn.Module, mixture: np.ndarray) -> np.ndarray:
    """Separate a mixture (C, T) float32 into parts (S, C, T) float32."""
    return np.concatenate(list(separate_blocks(model, [mixture])), axis=-1)


def segment_samples(model: nn.Module) -> int:
    """Samples that the model hears at once."""
    segments = [part.segment for part in _models(model)]
    return int(min(segments) * model.samplerate)


def segment_stride(model: nn.Module) -> int:
    """Samples from the start of a segment to the start of the next."""
    return int((1 - OVERLAP) * segment_samples(model))


def count_segments(model: nn.Module, samples: int) -> int:
    """How many parts `separate_blocks` yields for a stream of so many samples."""
    beyond_first = max(0, samples - segment_samples(model))
    return math.ceil(beyond_first / segment_stride(model)) + (samples > 0)


def _models(model: nn.Module) -> list[nn.Module]:
    return list(model.models) if isinstance(model, BagOfModels) else [model]


def _segments(
    blocks: Iterable[np.ndarray], waiting: np.ndarray, *, length: int, stride: int
) -> Iterator[tuple[np.ndarray, bool]]:
    """Overlapping segments of a stream, and whether each is the last; the last may be shorter."""
    for block in blocks:
        waiting = np.concatenate([waiting, block], axis=-1)
        # More than a segment must wait, so that the last one is known for the last.
        while waiting.shape[-1] > length:
            yield waiting[:, :length], False
            waiting = waiting[:, stride:]
    if waiting.shape[-1]:
        yield waiting, True


def _separate_segment(model: nn.Module, segment: np.ndarray) -> np.ndarray:
    mixture = torch.from_numpy(np.ascontiguousarray(segment))[None]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.inference_mode():
        parts = apply_model(model, mixture, shifts=0, split=False, device=device)
    return parts[0].cpu().numpy()
