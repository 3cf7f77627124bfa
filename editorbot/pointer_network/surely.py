"""The better of several ways, unless it may be chance that it is."""

import numpy as np

FEWEST_SONGS = 3
"""With fewer the first way stays."""


def surely_best(scores: np.ndarray) -> int:
    """Of (C, S) scores of candidates and songs, the best one, or the first if it may be chance.

    It has to beat the first by more than the standard error of their difference.
    """
    if scores.shape[1] < FEWEST_SONGS:
        return 0
    gains = scores - scores[0]
    best = int(np.argmax(gains.mean(axis=1)))
    error = gains[best].std(ddof=1) / np.sqrt(scores.shape[1])
    return best if gains[best].mean() > error else 0
