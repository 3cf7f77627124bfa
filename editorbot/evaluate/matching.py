"""Which of two sets of instants belong together, the nearest first."""

import numpy as np


def matched_distances(reference: np.ndarray, estimated: np.ndarray, *, within: float) -> np.ndarray:
    """(N,) ascending distances of the pairs of `reference` (R,) and `estimated` (E,) instants.

    Pairs are taken nearest first, each instant at most once, none farther apart than `within`.
    `mir_eval.util.match_events` finds the most pairs instead, whichever they are: right for
    counting them, arbitrary for how far apart they lie.
    """
    distances = np.abs(np.asarray(reference)[:, None] - np.asarray(estimated)[None, :])
    rows, columns = np.nonzero(distances <= within)
    free_rows, free_columns = (np.ones(count, dtype=bool) for count in distances.shape)
    taken = []
    for nearest in np.argsort(distances[rows, columns], kind="stable"):
        row, column = rows[nearest], columns[nearest]
        if free_rows[row] and free_columns[column]:
            free_rows[row] = free_columns[column] = False
            taken.append(distances[row, column])
    return np.array(taken)
