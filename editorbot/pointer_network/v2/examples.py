"""Songs as examples and padded batches of the pointer network."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from editorbot.errors import EditorbotError
from editorbot.params import PointerParams
from editorbot.pointer_network.songs import IGNORE, STEMS, SongFiles, read_features, read_path
from editorbot.pointer_network.v2.targets import (
    StepInput,
    Targets,
    encode,
    ops_to_steps,
    pointers_to_steps,
    step_count,
)

KEPT_IN_MEMORY = 2**30
"""Bytes of examples that stay in memory between epochs; the rest is read from disk each time."""


class Example(NamedTuple):
    """One song in full."""

    name: str
    mel: np.ndarray
    """(M, F) float32."""
    stems: np.ndarray | None
    """(S, M, F) float32."""
    steps: np.ndarray
    """(T,) int64, the true raw steps."""
    raw_steps: int
    targets: Targets


class Batch(NamedTuple):
    """B songs, padded to the longest; targets are IGNORE at padded steps."""

    names: tuple[str, ...]
    mel: Tensor
    """(B, M, F) float32, F a multiple of the stride."""
    stems: Tensor | None
    """(B, S, M, F) float32."""
    raw_steps: Tensor
    """(B,) int64."""
    inputs: StepInput
    """(B, T) int64, scalars (B, T, SCALARS) float32."""
    bucket: Tensor
    """(B, T) int64, 0 at padded steps and without a jump."""
    delta: Tensor
    use_jump: Tensor
    cut: Tensor
    stop: Tensor
    ops: Tensor


class PointerDataset(Dataset):
    """Examples of prepared songs, in the given order.

    Raises:
        EditorbotError: A file is missing, holds NaN, or does not fit the others; names the song.
    """

    def __init__(self, songs: Sequence[SongFiles], *, params: PointerParams):
        self.songs, self.params = list(songs), params
        self._kept: dict[int, Example] = {}
        self._kept_bytes = 0

    def __len__(self) -> int:
        return len(self.songs)

    def __iter__(self) -> Iterator[Example]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Example:
        if index in self._kept:
            return self._kept[index]
        example = load_example(self.songs[index], params=self.params)
        size = example.mel.nbytes + (0 if example.stems is None else example.stems.nbytes)
        if self._kept_bytes + size <= KEPT_IN_MEMORY:
            self._kept[index], self._kept_bytes = example, self._kept_bytes + size
        return example


def load_example(song: SongFiles, *, params: PointerParams) -> Example:
    """Read and check one song.

    Raises:
        EditorbotError: As `PointerDataset`.
    """
    mel = read_features(song.mel, song=song.name)
    stems = None if song.stems_mel is None else read_features(song.stems_mel, song=song.name)
    if stems is not None and stems.shape != (STEMS, *mel.shape):
        raise EditorbotError(
            f"song {song.name}: the stems' mels have shape {stems.shape}, expected "
            f"{(STEMS, *mel.shape)}: choose a stems.model of {STEMS} stems, or prepare again"
        )
    pointers, ops = read_path(song, raw_frames=mel.shape[-1])
    return make_example(song.name, mel, stems, pointers, ops, params=params)


def make_example(
    name: str,
    mel: np.ndarray,
    stems: np.ndarray | None,
    pointers: np.ndarray,
    ops: np.ndarray,
    *,
    params: PointerParams,
) -> Example:
    """An example from (M, F) mel, (S, M, F) stems, (E,) pointers and (E,) ops."""
    size, raw_frames = params.dimensions, mel.shape[-1]
    raw_steps = step_count(raw_frames, size.stride)
    steps = pointers_to_steps(pointers, stride=size.stride, raw_frames=raw_frames)
    targets = encode(
        steps,
        ops_to_steps(ops, stride=size.stride),
        raw_steps=raw_steps,
        expected_position=params.expected_position,
        jump_buckets=size.jump_buckets,
    )
    return Example(name, mel, stems, steps, raw_steps, targets)


def collate(examples: Sequence[Example], *, stride: int) -> Batch:
    """Pad examples to one batch; stems only where every song has them."""
    raw_steps = [example.raw_steps for example in examples]
    frames = max(raw_steps) * stride
    targets = [example.targets for example in examples]
    with_stems = all(example.stems is not None for example in examples)
    inputs = [_pad([getattr(t.inputs, name) for t in targets], 0) for name in StepInput._fields]
    return Batch(
        names=tuple(example.name for example in examples),
        mel=pad_frames([example.mel for example in examples], frames),
        stems=pad_frames([example.stems for example in examples], frames) if with_stems else None,
        raw_steps=torch.tensor(raw_steps),
        inputs=StepInput(*inputs),
        bucket=_pad([t.bucket for t in targets], 0),
        delta=_pad([t.delta for t in targets], IGNORE),
        use_jump=_pad([t.use_jump for t in targets], IGNORE),
        cut=_pad([t.cut for t in targets], IGNORE),
        stop=_pad([t.stop for t in targets], IGNORE),
        ops=_pad([t.ops for t in targets], IGNORE),
    )


def pad_frames(arrays: Sequence[np.ndarray], frames: int) -> Tensor:
    """(..., F) arrays -> (B, ..., frames) float32, zeros at the end."""
    padded = torch.zeros(len(arrays), *arrays[0].shape[:-1], frames)
    for row, array in zip(padded, arrays, strict=True):
        row[..., : array.shape[-1]] = torch.from_numpy(np.asarray(array, dtype=np.float32))
    return padded


def _pad(arrays: Sequence[np.ndarray], value: int) -> Tensor:
    """(T, ...) arrays -> (B, longest T, ...)."""
    tensors = [torch.from_numpy(array) for array in arrays]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value)


def example_digest(example: Example) -> bytes:
    """SHA-256 of what is learned from a song: its name, features, path and ops."""
    digest = hashlib.sha256(example.name.encode())
    for array in (example.mel, example.stems, example.steps, example.targets.ops):
        digest.update(b"" if array is None else np.ascontiguousarray(array).data)
    return digest.digest()
