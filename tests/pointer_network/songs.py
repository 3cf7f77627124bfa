"""A tiny song for the tests: a mel that can be told apart everywhere, and an edit with a loop."""

import numpy as np

from editorbot.params import MiniPointerSize, PointerParams
from editorbot.pointer_network.data import Example, make_example

N_MELS = 16
TINY = MiniPointerSize(
    stride=4,
    width=32,
    heads=4,
    encoder_layers=1,
    decoder_layers=2,
    feedforward=64,
    dropout=0.0,
    summary_tokens=4,
    cross_window=16,
    self_window=16,
    jump_buckets=4,
)


def tiny_params(**changes) -> PointerParams:
    values = {"mini": TINY, "epochs": 4, "warmup_steps": 2, "lr": 2e-3, "patience": 100}
    return PointerParams(**{**values, **changes})


def mel_of(frames: int, *, seed: int) -> np.ndarray:
    """(M, F) in [0, 1], changing every dozen frames as music does."""
    generator = np.random.default_rng(seed)
    notes = generator.random((N_MELS, -(-frames // 12)))
    mel = np.repeat(notes, 12, axis=1)[:, :frames] + 0.1 * generator.random((N_MELS, frames))
    return np.clip(mel, 0, 1).astype(np.float32)


def path_of(*runs: tuple[int, int]) -> np.ndarray:
    """Pointers that play each [start, stop) of raw frames in turn."""
    return np.concatenate([np.arange(start, stop) for start, stop in runs])


def song(
    name: str = "tiny",
    *,
    frames: int = 1600,
    runs: tuple[tuple[int, int], ...] = ((80, 400), (240, 400), (240, 400), (900, 1400)),
    seed: int = 0,
    params: PointerParams | None = None,
) -> Example:
    """A count-in is left out, a phrase of 160 frames is played three times, a take is skipped."""
    pointers = path_of(*runs)
    ops = np.zeros(len(pointers), dtype=np.int8)
    ops[-1] = 6
    mel = mel_of(frames, seed=seed)
    return make_example(name, mel, None, pointers, ops, params=params or tiny_params())
