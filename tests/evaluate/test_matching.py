"""Instants are matched nearest first and one to one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from editorbot.evaluate.matching import matched_distances

INSTANTS = st.lists(st.integers(0, 40), max_size=6, unique=True).map(sorted).map(np.array)


def slowly(reference, estimated, within):
    """The nearest pair is taken out of both sets until none is near enough."""
    reference, estimated, found = list(reference), list(estimated), []
    while reference and estimated:
        distance, one, other = min((abs(a - b), a, b) for a in reference for b in estimated)
        if distance > within:
            break
        found.append(distance)
        reference.remove(one)
        estimated.remove(other)
    return found


@given(INSTANTS, INSTANTS, st.integers(0, 10))
def test_as_by_taking_out_the_nearest_pair_again_and_again(reference, estimated, within):
    found = matched_distances(reference, estimated, within=within)
    assert found.tolist() == slowly(reference.tolist(), estimated.tolist(), within)


def test_the_farthest_that_counts_is_the_window_itself():
    assert matched_distances(np.array([1.0, 9.0]), np.array([3.0, 12.0]), within=2).tolist() == [2]
