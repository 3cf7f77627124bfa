"""Files are written whole or not at all: under a temporary name, then renamed."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from editorbot.errors import EditorbotError

Paths = Path | str | Sequence[Path | str]
"""One file or several, in their order."""


def path_list(given: Paths) -> list[Path]:
    """One path or several as a list."""
    return [Path(given)] if isinstance(given, Path | str) else [Path(path) for path in given]


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it onto `path` when the block succeeds.

    The temporary name keeps `path`'s suffix, since many writers choose their format by it, and
    the process number, so that two writers do not meet. On failure nothing is left behind and
    an existing `path` keeps its content.

    Raises:
        EditorbotError: The file cannot be written (read-only folder, full disk).
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush_to_disk(temporary)
        os.replace(temporary, path)
    except OSError as error:
        # Only what went wrong with this very file, or its folders, is ours to explain.
        ours = {None, *map(str, (temporary, path, *path.parents))}
        if error.filename not in ours:
            raise
        reason = error.strerror or str(error)
        raise EditorbotError(
            f"{path} could not be written ({reason}): make room or choose a folder you may write to"
        ) from error
    finally:
        # In a read-only folder even the removal is refused, and there is nothing to remove.
        if os.path.lexists(temporary):
            temporary.unlink()


def _flush_to_disk(path: Path) -> None:
    """Have the kernel report a full disk now, before the rename makes the file look whole."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8; errors as in `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: object) -> None:
    """Write `value` as indented JSON in a stable order.

    Raises:
        ValueError: There is NaN or infinity in it, which JSON does not have.
        EditorbotError: As `replacing`.
    """
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path | str) -> object:
    """Read a JSON file.

    Raises:
        EditorbotError: The file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise EditorbotError(f"{path} could not be read: {error.strerror}") from error
    except ValueError as error:
        raise EditorbotError(f"{path} is not valid JSON: {error}") from error


def write_npy(path: Path | str, array: np.ndarray) -> None:
    """Write `array` as a .npy file; errors as in `replacing`."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array, allow_pickle=False)


def sha256(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        EditorbotError: The file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EditorbotError(f"{path} could not be read: {error.strerror}") from error
