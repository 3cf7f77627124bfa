"""Global search: for each short window of the edit, the places of the raw that sound most like it.

The cross-correlation of two sequences of feature vectors, summed over their dimensions, equals
the similarity matrix summed along its diagonals. At a hop of 46 ms matrix products make that
cheaper than Fourier transforms, and every lag is tried: loops and reorders cost nothing extra.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from editorbot.align.features import HOP, Features
from editorbot.progress import track

POOL = 4
"""Frames per coarse frame."""
COARSE_HOP = HOP * POOL
"""Samples at the analysis rate: 46 ms."""
DIMENSIONS = 32
HOP_FRAMES = 11
"""Coarse frames from one window to the next: 0.5 s."""
WINDOW_HOPS = (1, 2, 5)
"""Lengths of the windows in hops: 0.5 s finds short runs, 2.6 s tells alike passages apart."""
BUCKET = 6
"""Lags of which only the best is kept: peaks lie further apart."""
SILENT_SHARE = 0.7
"""A window with more quiet frames than this is not searched for."""


class Candidate(NamedTuple):
    """A place of the raw that sounds like a window of the edit; positions in coarse frames."""

    start: int
    frames: int
    lag: int
    score: float


def search(raw: Features, edit: Features, *, keep: int, margin: float) -> list[Candidate]:
    """For each window of the edit at most `keep` candidates per window length, in order of time.

    Candidates whose mean cosine lies more than `margin` below their window's best are dropped.
    """
    basis, centre = _basis(raw)
    raw_coarse, edit_coarse = _pooled(raw, basis, centre), _pooled(edit, basis, centre)
    active = (np.linalg.norm(edit_coarse, axis=1) > 0).astype(np.float32)
    recent: deque[np.ndarray] = deque(maxlen=max(WINDOW_HOPS))
    candidates = []
    hops = range(len(edit_coarse) // HOP_FRAMES)
    sums = _diagonal_sums(raw_coarse, edit_coarse)
    for hop, scores in zip(track(hops, "searching"), sums, strict=True):
        recent.append(scores)
        for length in WINDOW_HOPS:
            if len(recent) < length:
                continue
            start, frames = (hop + 1 - length) * HOP_FRAMES, length * HOP_FRAMES
            count = active[start : start + frames].sum()
            if count < frames * (1 - SILENT_SHARE):
                continue
            total = _window_scores(list(recent)[-length:]) / count
            for place, score in _peaks(total, keep=keep, margin=margin):
                position = place - (HOP_FRAMES - 1)
                candidates.append(Candidate(start, frames, position - start, score))
    return candidates


def _basis(raw: Features) -> tuple[np.ndarray, np.ndarray]:
    """(2 * BANDS, DIMENSIONS) principal directions, half whitened, and the mean to take off.

    What all frames of a recording share says nothing about the place.
    """
    vectors = _mean_pooled(raw.vectors)
    vectors = vectors[np.linalg.norm(vectors, axis=1) > 0]
    centre = vectors.mean(axis=0)
    variance, directions = np.linalg.eigh(np.cov((vectors - centre).T))
    variance, directions = variance[-DIMENSIONS:], directions[:, -DIMENSIONS:]
    scale = np.maximum(variance, variance[-1] * 1e-4) ** -0.25
    return (directions * scale).astype(np.float32), centre.astype(np.float32)


def _mean_pooled(vectors: np.ndarray) -> np.ndarray:
    frames = len(vectors) // POOL
    if frames == 0:
        return vectors[:1].astype(np.float32)
    pooled = vectors[: frames * POOL].reshape(frames, POOL, -1)
    return pooled.mean(axis=1, dtype=np.float32)


def _pooled(features: Features, basis: np.ndarray, centre: np.ndarray) -> np.ndarray:
    vectors = _mean_pooled(features.vectors)
    sounding = np.linalg.norm(vectors, axis=1, keepdims=True) > 0
    projected = np.where(sounding, (vectors - centre) @ basis, 0)
    return projected / (np.linalg.norm(projected, axis=1, keepdims=True) + 1e-6)


def _diagonal_sums(raw: np.ndarray, edit: np.ndarray) -> Iterator[np.ndarray]:
    """Yield per hop of the edit the similarity summed along its diagonals.

    Value p belongs to the raw position p - (HOP_FRAMES - 1) of the hop's first frame.
    """
    length = len(raw) + HOP_FRAMES - 1
    for start in range(0, len(edit) - HOP_FRAMES + 1, HOP_FRAMES):
        similarity = edit[start : start + HOP_FRAMES] @ raw.T
        total = np.zeros(length, dtype=np.float32)
        for row, values in enumerate(similarity):
            offset = HOP_FRAMES - 1 - row
            total[offset : offset + len(raw)] += values
        yield total


def _window_scores(hops: list[np.ndarray]) -> np.ndarray:
    total = hops[0].copy()
    for number, scores in enumerate(hops[1:], start=1):
        shift = number * HOP_FRAMES
        total[: max(len(total) - shift, 0)] += scores[shift:]
    return total


def _peaks(scores: np.ndarray, *, keep: int, margin: float) -> list[tuple[int, float]]:
    """Positions and values of at most `keep` highest local maxima."""
    padding = -len(scores) % BUCKET
    buckets = np.pad(scores, (0, padding), constant_values=-np.inf).reshape(-1, BUCKET)
    best = buckets.max(axis=1)
    keep = min(keep, len(best))
    chosen = np.argpartition(best, -keep)[-keep:]
    chosen = chosen[best[chosen] > best.max() - margin]
    places = chosen * BUCKET + buckets[chosen].argmax(axis=1)
    return [(int(place), float(scores[place])) for place in places]
