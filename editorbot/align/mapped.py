"""Samples in files that are mapped into memory, of which only what is in use shall count."""

import mmap
from pathlib import Path

import numpy as np

DROP = getattr(mmap, "MADV_DONTNEED", None)
"""Not every system has it."""


def mapped(path: Path) -> np.ndarray:
    """(T,) float32, the file's samples, to be read only."""
    return np.memmap(path, dtype=np.float32, mode="r")


def release(*waves: np.ndarray) -> None:
    """Give back the memory that mapped samples have taken up; they are read again when needed.

    What was read once stays in memory otherwise: of three hours at 48 kHz, 4 GB. Arrays that are
    not mapped stay as they are.
    """
    for wave in waves:
        pages = getattr(wave, "_mmap", None)
        if pages is not None and DROP is not None:
            pages.madvise(DROP)
