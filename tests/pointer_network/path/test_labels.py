"""Pointers become what was done with each step of the raw."""

import numpy as np
import pytest

from editorbot.pointer_network.path.labels import END, Jump, labels_of

from ..songs import path_of


def test_what_is_kept_and_where_it_begins_and_ends():
    labels = labels_of(path_of((8, 20), (32, 40)), raw_frames=42, stride=4)
    np.testing.assert_allclose(labels.kept, [0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 0])
    assert labels.starts.tolist() == [2, 8] and labels.ends.tolist() == [5, 10]
    assert labels.first == 2 and labels.jumps == (Jump(5, 8), Jump(10, END))
    assert labels.inner.tolist() == []


def test_a_step_that_is_played_in_part_is_kept_in_part():
    labels = labels_of(path_of((2, 9)), raw_frames=10, stride=4)
    np.testing.assert_allclose(labels.kept, [0.5, 1.0, 0.5])
    assert labels.runs == [(0.5, 2.25)]


def test_a_loop_and_passages_that_change_places_leave_inside_what_is_kept():
    loop = labels_of(path_of((0, 40), (20, 60)), raw_frames=80, stride=4)
    assert loop.inner.tolist() == [10] and loop.ends.tolist() == [15]
    swap = labels_of(path_of((20, 40), (0, 20), (40, 60)), raw_frames=80, stride=4)
    # From 20 on the raw is kept, too, and so it is after 40.
    assert sorted(swap.inner.tolist()) == [5, 10]
    assert swap.starts.tolist() == [0] and swap.first == 5


def test_stretched_and_reversed_runs_are_no_jumps():
    fast = np.arange(0, 60, 2)
    labels = labels_of(np.concatenate([fast, np.arange(100, 60, -1)]), raw_frames=120, stride=4)
    assert labels.jumps == (Jump(59 / 4, 61 / 4), Jump(101 / 4, END))
    np.testing.assert_allclose(labels.kept[:14], 1)


def test_sound_without_source_parts_two_runs():
    pointers = np.concatenate([np.arange(10), [-1, -1], np.arange(10, 20)])
    assert labels_of(pointers, raw_frames=20, stride=4).jumps == (Jump(2.5, 2.5), Jump(5, END))


@pytest.mark.parametrize("pointers", [[], [-1, -1], [3, 8]])
def test_pointers_that_are_not_of_the_raw_are_refused(pointers):
    with pytest.raises(ValueError, match="expected pointers from 0 to 7"):
        labels_of(np.array(pointers, dtype=np.int64), raw_frames=8, stride=4)
