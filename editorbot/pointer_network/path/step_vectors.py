"""The steps of a raw recording as vectors whose product says how far two of them sound the same.

What is compared is the shape of the spectrum, less its mean over the recording, and what sets in,
so that level and tone of a take count for little. Both are whitened by the recording's own
covariance (shrunk as in Ledoit and Wolf 2004, Journal of Multivariate Analysis 88): what varies
together throughout, as the notes of its chords, says little about where a step is from, and what
is rare says much.
"""

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.ndimage import uniform_filter1d
from sklearn.covariance import ledoit_wolf

BANDS = 128
"""Of the spectrum, of as many mel bands or fewer."""
LOCAL_BANDS = 33
"""Bands whose mean is taken off each: tone that changes slowly over the spectrum."""
WINDOW_STEPS = 3
"""A step is heard through a window that reaches into its neighbours, as a repeat's steps begin and
end elsewhere in the music."""
QUIET_SHARE = 0.2
"""Share of the steps that do not count in means: silence has no shape."""
TIE = 1e-4
"""Differences of loudness that are rounding."""
FAINT = 0.7
"""Norm, of the typical one, below which a step is too faint to agree fully with anything."""
APART = 3
"""Of so many steps one tells the covariance: those beside each other share most of their window."""
LEAST_VARIANCE = 1e-6
"""Of the mean one; where nothing varies there is nothing to divide by."""
BLOCK_STEPS = 4096


def step_vectors(mel: np.ndarray, *, stride: int) -> np.ndarray:
    """(R, D) float32 of norm 1 or less from an (M, F) mel in [0, 1], `stride` frames a step.

    The last step may hold fewer frames.
    """
    steps = -(-mel.shape[1] // stride)
    parts = np.empty((steps, 2, min(BANDS, len(mel))), np.float32)
    shape, onsets = parts[:, 0], parts[:, 1]
    for start in range(0, steps, BLOCK_STEPS):
        block = slice(start, min(start + BLOCK_STEPS, steps))
        shape[block], onsets[block] = _shape_and_onsets(mel, block.start, block.stop, stride)
    loudness = shape.mean(axis=1)
    sounding = loudness >= np.quantile(loudness, QUIET_SHARE) - TIE
    shape -= uniform_filter1d(shape, LOCAL_BANDS, axis=1)
    for part in (shape, onsets):
        _standardise(part, sounding)
    vectors = _whitened(parts.reshape(steps, -1), sounding)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    typical = float(np.sqrt(np.mean(norms[sounding] ** 2)))
    vectors /= np.maximum(norms, max(FAINT * typical, 1e-6))
    return vectors


def _shape_and_onsets(
    mel: np.ndarray, start: int, stop: int, stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """(stop - start, bands) float32 means of the level, and of how much it rises, around steps."""
    reach = WINDOW_STEPS // 2
    # One more frame, to rise from; the recording's first and last frames go on beyond it.
    first, last = (start - reach) * stride - 1, (stop + reach) * stride
    inside = mel[:, max(first, 0) : last].astype(np.float32)
    beyond = max(-first, 0), last - max(first, 0) - inside.shape[1]
    frames = np.pad(inside, ((0, 0), beyond), mode="edge")
    bands = np.array_split(frames, min(BANDS, len(frames)))
    level = np.stack([band.mean(axis=0) for band in bands], axis=1)
    rising = np.maximum(np.diff(level, axis=0), 0)
    return _through_windows(level[1:], stride), _through_windows(rising, stride)


def _through_windows(frames: np.ndarray, stride: int) -> np.ndarray:
    """((R + WINDOW_STEPS - 1) * stride, B) -> (R, B) means through a Hann window."""
    window = np.hanning(WINDOW_STEPS * stride + 2)[1:-1].astype(np.float32)
    weights = (window / window.sum()).reshape(WINDOW_STEPS, stride)
    steps = frames.reshape(-1, stride, frames.shape[1])
    count = len(steps) - WINDOW_STEPS + 1
    return sum(
        np.einsum("rsb,s->rb", steps[part : part + count], weight)
        for part, weight in enumerate(weights)
    )


def _standardise(part: np.ndarray, sounding: np.ndarray) -> None:
    """Take off its mean over the sounding steps, whose mean square becomes one; in place."""
    part -= part[sounding].mean(axis=0)
    part /= max(float(np.sqrt(np.mean(part[sounding] ** 2))), 1e-6)


def _whitened(vectors: np.ndarray, sounding: np.ndarray) -> np.ndarray:
    """Turned and scaled until the sounding steps' numbers vary alike and independently."""
    told = vectors[np.flatnonzero(sounding)[::APART]]
    if len(told) < 2:
        return vectors
    covariance, _ = ledoit_wolf(told, assume_centered=True)
    covariance[np.diag_indices_from(covariance)] += LEAST_VARIANCE
    lower = cholesky(covariance.astype(np.float32), lower=True)
    return np.ascontiguousarray(solve_triangular(lower, vectors.T, lower=True).T)
