"""Songs as examples and padded batches of the path model."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from editorbot.edl.frames import FrameGrid
from editorbot.errors import EditorbotError
from editorbot.params import MelParams, PathParams
from editorbot.pointer_network.path.augment import augmented
from editorbot.pointer_network.path.features import Features, features_of, in_bands
from editorbot.pointer_network.path.labels import Labels, labels_of
from editorbot.pointer_network.path.left_out import Part, read_parts, shortened
from editorbot.pointer_network.path.network import Inputs
from editorbot.pointer_network.songs import IGNORE, STEMS, SongFiles, read_features, read_path
from editorbot.progress import track

SHORTENED_SHARE = 0.7
"""How often a simulated session is learned from with takes left out, if it can do without any."""


@dataclass(frozen=True)
class PathExample:
    """One song in full."""

    name: str
    features: Features
    stems: np.ndarray | None
    """(F, STEMS * BANDS) float16."""
    labels: Labels
    ops: np.ndarray
    """(R,) int64, the op of the first frame of the edit that plays the step; IGNORE: none does."""
    parts: tuple[Part, ...] = ()
    """Of a simulated song."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is learned from the song."""
        digest = hashlib.sha256(self.name.encode())
        features = self.features
        arrays = (features.mel, *features.repeats, features.beats, self.stems, self.ops)
        arrays = (*arrays, *self.labels[:3])
        for array in arrays:
            digest.update(b"" if array is None else np.ascontiguousarray(array).data)
        digest.update(repr((*self.labels[3:], *self.parts)).encode())
        return digest.digest()


class PathBatch(NamedTuple):
    """B songs, padded to the longest."""

    names: tuple[str, ...]
    inputs: Inputs
    labels: tuple[Labels, ...]
    ops: Tensor
    """(B, R) int64, IGNORE at padded steps."""


class PathDataset(Dataset):
    """Examples of prepared songs, in the given order; they stay in memory.

    Raises:
        EditorbotError: A file is missing, holds NaN, or does not fit the others; names the song.
    """

    def __init__(
        self, songs: Sequence[SongFiles], *, params: PathParams, mel: MelParams, augment: bool
    ):
        self.songs, self.augment, self.stride = list(songs), augment, params.size.stride
        self.steps_per_s = mel.sample_rate / (mel.hop_length * self.stride)
        made = (load_example(song, stride=params.size.stride, mel=mel) for song in self.songs)
        bar = track(made, "Looking for what is played again, by song", total=len(self.songs))
        self.examples = list(bar)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> PathExample:
        example = self.examples[index]
        if not self.augment:
            return example
        # The loop seeds torch for each example.
        rng = np.random.default_rng(int(torch.randint(2**31, ())))
        example = self._shortened(example, rng)
        features, stems = augmented(example.features, example.stems, rng)
        return replace(example, features=features, stems=stems)

    def _shortened(self, example: PathExample, rng: np.random.Generator) -> PathExample:
        """Of a simulated session often one with takes left out."""
        if not example.parts or rng.random() >= SHORTENED_SHARE:
            return example
        less = shortened(
            example.features,
            example.parts,
            rng,
            stride=self.stride,
            steps_per_s=self.steps_per_s,
        )
        if less is None:
            return example
        steps = less.features.steps
        ops = _ops_by_step(less.pointers, less.ops, stride=self.stride, steps=steps)
        return replace(example, features=less.features, labels=less.labels, ops=ops)


def load_example(song: SongFiles, *, stride: int, mel: MelParams) -> PathExample:
    """Read and check one song.

    Raises:
        EditorbotError: As `PathDataset`.
    """
    frames = read_features(song.mel, song=song.name)
    stems = None
    if song.stems_mel is not None:
        stems = stem_bands(read_features(song.stems_mel, song=song.name))
    pointers, ops = read_path(song, raw_frames=frames.shape[1])
    grid = FrameGrid(mel.sample_rate, mel.hop_length)
    features = features_of(frames, stride=stride, grid=grid)
    if stems is not None and len(stems) != len(features.mel):
        raise EditorbotError(
            f"song {song.name}: the stems' mels have {len(stems)} frames, expected "
            f"{len(features.mel)}: prepare the song again"
        )
    try:
        labels = labels_of(pointers, raw_frames=frames.shape[1], stride=stride)
    except ValueError as error:
        raise EditorbotError(f"song {song.name}: {error}: align the song again") from error
    by_step = _ops_by_step(pointers, ops, stride=stride, steps=features.steps)
    parts = read_parts(song.parts, song=song.name, grid=grid) if song.parts else ()
    return PathExample(song.name, features, stems, labels, by_step, parts)


def stem_bands(stems: np.ndarray) -> np.ndarray:
    """(S, M, F) mels of the stems -> (F, S * BANDS) float16.

    Raises:
        EditorbotError: There are other than four stems.
    """
    if len(stems) != STEMS:
        raise EditorbotError(
            f"expected the mels of {STEMS} stems, got {len(stems)}: choose a stems.model of "
            f"{STEMS} stems, or set pointer.stems to false"
        )
    return np.concatenate([in_bands(stem) for stem in stems], axis=1)


def _ops_by_step(pointers: np.ndarray, ops: np.ndarray, *, stride: int, steps: int) -> np.ndarray:
    by_step = np.full(steps, IGNORE, np.int64)
    heard = np.flatnonzero(pointers >= 0)[::-1]
    # Backwards, so that of several plays the first remains; and what is rare outweighs a copy.
    for rare in (False, True):
        chosen = heard[(ops[heard] != 0) == rare]
        by_step[pointers[chosen] // stride] = ops[chosen]
    return by_step


def collate(examples: Sequence[PathExample], *, stride: int) -> PathBatch:
    """Pad examples to one batch; stems only where every song has them."""
    stems = [example.stems for example in examples]
    inputs = inputs_of(
        [example.features for example in examples],
        None if any(x is None for x in stems) else stems,
        stride=stride,
    )
    names = tuple(example.name for example in examples)
    labels = tuple(example.labels for example in examples)
    return PathBatch(names, inputs, labels, _pad([e.ops for e in examples], IGNORE))


def inputs_of(
    features: Sequence[Features], stems: Sequence[np.ndarray] | None, *, stride: int
) -> Inputs:
    """What the network sees of songs."""
    return Inputs(
        mel=_pad_frames([f.mel for f in features], stride),
        repeats=_pad([f.repeats.features for f in features], 0),
        partners=_pad([f.repeats.partners for f in features], -1).long(),
        behind=_pad([f.repeats.behind for f in features], 0).long(),
        ahead=_pad([f.repeats.ahead for f in features], 0).long(),
        beats=_pad([f.beats for f in features], 0),
        stems=None if stems is None else _pad_frames(stems, stride),
        lengths=torch.tensor([f.steps for f in features]),
        frames=torch.tensor([len(f.mel) for f in features]),
    )


def _pad_frames(arrays: Sequence[np.ndarray], stride: int) -> Tensor:
    """(F, D) arrays -> (B, R * stride, D); a last frame fills up its step."""
    whole = [np.pad(x, ((0, -len(x) % stride), (0, 0)), mode="edge") for x in arrays]
    return _pad(whole, 0)


def _pad(arrays: Sequence[np.ndarray], value: int) -> Tensor:
    """(R, ...) arrays -> (B, longest R, ...)."""
    tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value)
