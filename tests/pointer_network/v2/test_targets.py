"""Paths become decisions and come back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from editorbot.pointer_network.songs import IGNORE
from editorbot.pointer_network.v2.targets import (
    DELTAS,
    NO_SOURCE,
    REACH,
    Decision,
    EditPath,
    decode,
    encode,
    ops_to_steps,
    pointers_to_steps,
    step_count,
    steps_to_pointers,
)

from ..songs import path_of

ENOUGH_BUCKETS = 60


def encoded(steps, *, raw_steps, expected_position="running", jump_buckets=ENOUGH_BUCKETS):
    return encode(
        steps,
        np.zeros(len(steps), dtype=np.int64),
        raw_steps=raw_steps,
        expected_position=expected_position,
        jump_buckets=jump_buckets,
    )


@st.composite
def paths(draw):
    """Runs of raw steps anywhere, and gaps without source."""
    raw_steps = draw(st.integers(1, 3000))
    run = st.tuples(st.integers(0, raw_steps - 1), st.integers(1, 60), st.booleans())
    pieces = [
        np.full(length, NO_SOURCE) if silent else np.arange(start, min(start + length, raw_steps))
        for start, length, silent in draw(st.lists(run, min_size=1, max_size=8))
    ]
    return raw_steps, np.concatenate(pieces)


@settings(deadline=None)
@given(paths(), st.sampled_from(["running", "linear"]))
def test_decisions_say_the_path_exactly(path, expected_position):
    raw_steps, steps = path
    targets = encoded(steps, raw_steps=raw_steps, expected_position=expected_position)
    assert targets.clamped == 0
    again = decode(targets, raw_steps=raw_steps, expected_position=expected_position)
    np.testing.assert_array_equal(again, steps)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 500), st.data())
def test_steps_become_frames_and_come_back(stride, raw_frames, data):
    raw_steps = step_count(raw_frames, stride)
    steps = np.array(
        data.draw(st.lists(st.integers(NO_SOURCE, raw_steps - 1), min_size=1, max_size=50))
    )
    frames = data.draw(st.integers((len(steps) - 1) * stride + 1, len(steps) * stride))
    pointers = steps_to_pointers(steps, stride=stride, raw_frames=raw_frames, edit_frames=frames)
    assert len(pointers) == frames and pointers.max() < raw_frames
    again = pointers_to_steps(pointers, stride=stride, raw_frames=raw_frames)
    np.testing.assert_array_equal(again, steps)


def oracle_error(pointers, *, stride, raw_frames, expected_position, jump_buckets=ENOUGH_BUCKETS):
    """Frames between the truth and what perfect decisions play, away from the cuts."""
    steps = pointers_to_steps(pointers, stride=stride, raw_frames=raw_frames)
    raw_steps = step_count(raw_frames, stride)
    targets = encoded(
        steps,
        raw_steps=raw_steps,
        expected_position=expected_position,
        jump_buckets=jump_buckets,
    )
    steps = decode(targets, raw_steps=raw_steps, expected_position=expected_position)
    again = steps_to_pointers(
        steps, stride=stride, raw_frames=raw_frames, edit_frames=len(pointers)
    )
    cuts = np.flatnonzero(np.diff(pointers) != 1) + 1
    frames = np.arange(len(pointers))
    clear = np.all([abs(frames - cut) > stride // 2 for cut in cuts], axis=0)
    return abs(again - pointers)[clear]


RUNS = ((313, 2500), (1200, 2501), (4003, 9000), (15555, 19990))


@pytest.mark.parametrize("stride", [1, 2, 8])
def test_oracle_in_running_mode_errs_by_half_a_step_at_most(stride):
    error = oracle_error(
        path_of(*RUNS), stride=stride, raw_frames=20000, expected_position="running"
    )
    assert error.max() <= stride / 2
    assert stride > 1 or error.max() == 0


def test_oracle_of_the_original_encoding_loses_the_path():
    """Without jumps to mend it, t / compression_ratio leaves the reach of delta: the known flaw."""
    error = oracle_error(
        path_of(*RUNS), stride=1, raw_frames=20000, expected_position="linear", jump_buckets=0
    )
    assert np.median(error) > 500


def test_a_step_takes_its_middle_frame_and_first_event():
    pointers = np.array([10, 11, 50, 51, 52, 53, -1, -1])
    steps = pointers_to_steps(pointers, stride=4, raw_frames=100)
    np.testing.assert_array_equal(steps, [12, NO_SOURCE])
    np.testing.assert_array_equal(ops_to_steps(np.array([0, 0, 3, 4, 0, 0]), stride=4), [3, 0])


def test_targets_by_hand():
    targets = encoded(np.array([5, 6, NO_SOURCE, 206, 7]), raw_steps=300)
    np.testing.assert_array_equal(targets.inputs.expected, [0, 6, 7, 7, 207])
    np.testing.assert_array_equal(targets.inputs.previous, [-1, 5, 6, 6, 206])
    np.testing.assert_array_equal(targets.bucket, [0, 0, 0, 2, -2])
    moved = [5, 0, IGNORE - REACH, 199 - 2 * DELTAS, -200 + 2 * DELTAS]
    np.testing.assert_array_equal(targets.delta, np.array(moved) + REACH)
    np.testing.assert_array_equal(targets.use_jump, [0, 0, IGNORE, 1, 1])
    np.testing.assert_array_equal(targets.cut, [1, 0, IGNORE, 1, 1])
    np.testing.assert_array_equal(targets.stop, [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(targets.inputs.plays, [0, 0, 0, 0, 0])


def test_plays_count_what_was_heard_before():
    targets = encoded(np.array([3, 4, 3, 4, 3, 4, 5]), raw_steps=10)
    np.testing.assert_array_equal(targets.inputs.expected, [0, 4, 5, 4, 5, 4, 5])
    np.testing.assert_array_equal(targets.inputs.plays, [0, 0, 0, 1, 0, 2, 0])


@pytest.mark.parametrize("back", [3, 200])
def test_only_a_way_back_leads_on_from_the_end_of_the_raw(back):
    path = EditPath(300, expected_position="running", compression_ratio=1.0)
    going_on = Decision(0, 0)
    for pointer in range(300):
        assert not path.ends_with(going_on)
        path.advance(pointer, going_on)
    for decision in (going_on, Decision(0, 5), Decision(1, -20)):
        assert path.ends_with(decision)
    looped = path.decision(300 - back, jump_buckets=ENOUGH_BUCKETS)
    assert not path.ends_with(looped) and path.pointer(looped) == 300 - back
    path.advance(300 - back, looped)
    assert not path.ends_with(going_on)


def test_a_jump_beyond_the_buckets_is_cut_short_and_counted():
    targets = encoded(np.array([0, 1, 999, 1000]), raw_steps=1001, jump_buckets=2)
    assert targets.clamped == 1
    assert targets.bucket.tolist() == [0, 0, 2, 0]
    assert targets.delta[2] == 2 * REACH
