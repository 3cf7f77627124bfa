"""Digests of the user's recordings, so that their content and not their time decides what runs.

A better take moved over an old one often keeps the time at which it was recorded, which lies before
everything that was made from the old take; and a copied or checked-out file has a new time though
nothing changed. So each rule that reads a recording has the recording's digest among its params.
Digests are remembered by size and time of the file, as git and DVC do.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from editorbot.files import sha256, write_text
from editorbot.progress import track

MEMORY = Path(".snakemake/editorbot/sources.json")
# A file that changes twice within a tick of the file system's clock keeps its time, so what was
# written this recently is read again next time.
SETTLED_AFTER_S = 2.0
# Reading this much takes more than a few seconds, and is shown by a bar.
SHOWN_FROM_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Known:
    """A digest and the look of the file when it was taken."""

    size: int
    mtime_ns: int
    inode: int
    sha256: str

    def fits(self, status: os.stat_result) -> bool:
        """Whether a file still looks as it did."""
        return (self.size, self.mtime_ns, self.inode) == _look(status)


def digest_sources(paths: Iterable[Path], *, memory: Path = MEMORY) -> dict[str, str]:
    """SHA-256 of each existing file by its path as given; reads only files that look changed.

    Raises:
        EditorbotError: A file cannot be read, or `memory` not be written.
    """
    known = _recall(memory)
    status = {str(path): os.stat(path) for path in paths if Path(path).is_file()}
    unknown = [
        path for path, look in status.items() if path not in known or not known[path].fits(look)
    ]
    if unknown:
        read_at_ns = time.time_ns()
        for path, digest in zip(unknown, _read(unknown, status), strict=True):
            known[path] = Known(*_look(status[path]), sha256=digest)
        settled_ns = read_at_ns - int(SETTLED_AFTER_S * 1e9)
        _remember(memory, {p: k for p, k in known.items() if k.mtime_ns < settled_ns})
    return {path: known[path].sha256 for path in status}


def join_digests(digests: Iterable[str]) -> str:
    """One digest for several, in their order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _read(paths: list[str], status: dict[str, os.stat_result]) -> list[str]:
    with ThreadPoolExecutor(max_workers=4) as pool:
        digests = pool.map(sha256, paths)
        if sum(status[path].st_size for path in paths) < SHOWN_FROM_BYTES:
            return list(digests)
        return list(track(digests, "looking at new recordings", total=len(paths)))


def _look(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _recall(memory: Path) -> dict[str, Known]:
    try:
        entries = json.loads(memory.read_text(encoding="utf-8"))
        return {path: Known(**entry) for path, entry in entries.items()}
    except (FileNotFoundError, ValueError, TypeError):
        # Only a memory: without it every recording is read once more.
        return {}


def _remember(memory: Path, known: dict[str, Known]) -> None:
    write_text(memory, json.dumps({path: vars(entry) for path, entry in known.items()}, indent=0))
