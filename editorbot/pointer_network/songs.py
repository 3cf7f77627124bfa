"""Prepared songs on disk, as both networks learn from them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zarr

from editorbot.audio.store import read_array
from editorbot.errors import EditorbotError

STEMS = 4
OPS = 8
IGNORE = -100
"""Target of a head that a step does not train."""
Frames = np.ndarray | zarr.Array
"""Features in memory, or in a store from which they are read block by block."""


@dataclass(frozen=True)
class SongFiles:
    """Prepared files of one song; `stems_mel` is None where stems are off.

    Of a simulated song, which has no stems, `parts` tells what each part of the raw is; of a
    recorded one nobody knows.
    """

    name: str
    mel: Path
    pointers: Path
    ops: Path
    stems_mel: Path | None = None
    parts: Path | None = None


def read_features(path: Path, *, song: str) -> np.ndarray:
    """A stored "mel" as float32.

    Raises:
        EditorbotError: The store cannot be read, or holds a value that is not finite.
    """
    mel = read_array(path, "mel").astype(np.float32)
    if not np.isfinite(mel).all():
        raise EditorbotError(
            f"song {song}: {path} holds NaN or infinite values: delete it and prepare it again"
        )
    return mel


def read_path(song: SongFiles, *, raw_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A song's (E,) pointers and (E,) ops.

    Raises:
        EditorbotError: They cannot be read, or do not fit each other or the raw.
    """
    pointers, ops = (_read_npy(path, song.name) for path in (song.pointers, song.ops))
    if len(pointers) == 0 or len(pointers) != len(ops) or pointers.max() >= raw_frames:
        raise EditorbotError(
            f"song {song.name}: {len(pointers)} pointers up to {pointers.max(initial=-1)} and "
            f"{len(ops)} ops, expected as many of each and pointers below {raw_frames}, "
            "the frames of its raw: align the song again"
        )
    return pointers, ops


def _read_npy(path: Path, song: str) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise EditorbotError(
            f"song {song}: {path} could not be read ({error}): align the song again"
        ) from error
