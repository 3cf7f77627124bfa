"""Tiny songs and networks for the tests: mels that can be told apart everywhere, known edits."""

from pathlib import Path

import numpy as np

from editorbot.audio.store import write_array
from editorbot.params import DecodeParams, MelParams, MiniPointerSize, PointerParams, StemsParams
from editorbot.pointer_network.path.features import VERSION
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.terms import PathDecoding
from editorbot.pointer_network.songs import SongFiles
from editorbot.pointer_network.v2.decode import Decoding
from editorbot.pointer_network.v2.examples import Example, make_example
from editorbot.pointer_network.v2.model import PointerNetwork
from editorbot.train.checkpoints import save_checkpoint

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
    values = {
        "model": "v2",
        "stems": True,
        "mini": TINY,
        "epochs": 4,
        "warmup_steps": 2,
        "lr": 2e-3,
        "patience": 100,
    }
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


def write_song(
    folder: Path, name: str, mel: np.ndarray, pointers: np.ndarray, *, stems: bool = False
) -> SongFiles:
    """A prepared song's files, as the pipeline leaves them; each stem is the mel again."""
    files = SongFiles(
        name,
        folder / f"{name}.zarr.zip",
        folder / f"{name}_pointers.npy",
        folder / f"{name}_ops.npy",
        folder / f"{name}_stems.zarr.zip" if stems else None,
    )
    mel = mel.astype(np.float16)
    write_array(files.mel, mel, name="mel", chunks=(len(mel), 512))
    if stems:
        parts = np.stack([mel] * 4)
        write_array(files.stems_mel, parts, name="mel", chunks=(4, len(mel), 512))
    ops = np.zeros(len(pointers), dtype=np.int8)
    ops[-1] = 6
    np.save(files.pointers, pointers)
    np.save(files.ops, ops)
    return files


def write_checkpoint(
    path: Path,
    model: PointerNetwork | PathNetwork,
    *,
    stems: bool,
    decoding: Decoding | PathDecoding,
    params: PointerParams | None = None,
) -> Path:
    """A checkpoint of a network as it is, from which `load_editor` rebuilds it."""
    sections = {
        "pointer": params or model.params,
        "mel": MelParams(n_mels=N_MELS),
        "decode": DecodeParams(),
        "stems": StemsParams(),
    }
    params = {name: section.model_dump(mode="json") for name, section in sections.items()}
    info = {
        "system": "pointer_network",
        "params": params if stems else {**params, "stems": None},
        "parameters": 1,
        "epoch": 1,
        "data": {"features": VERSION, "songs": ["one", "two"], "cuts": 7},
        "decoding": decoding._asdict(),
    }
    save_checkpoint(path, model=model, info=info)
    return path
