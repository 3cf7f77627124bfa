"""What an edit plays of its raw: steps, cuts and loops against values found by hand."""

import numpy as np
import pytest
from small_edits import edit

from editorbot.edl.model import Edit
from editorbot.evaluate.playback import (
    STEP_S,
    cut_times_s,
    first_played_s,
    jumps,
    kept_steps,
    loops,
    runs,
)


def test_a_step_is_kept_if_its_middle_is_played():
    # The middles of steps 0 to 3 are 5, 15, 25 and 35 ms.
    kept = kept_steps(edit((0.015, 0.035), duration_s=0.06))
    np.testing.assert_array_equal(kept, [False, True, True, False, False, False])


def test_keep_is_a_set_so_that_a_second_play_adds_nothing():
    once = kept_steps(edit((10, 30)))
    np.testing.assert_array_equal(kept_steps(edit((10, 30), (10, 30), (20, 25))), once)
    assert once.sum() == 20 / STEP_S


def test_a_reversed_segment_enters_at_its_later_end():
    (run,) = runs(edit((10, 20), reverse=(0,)))
    assert (run.enter_s, run.leave_s) == (20, 10)
    assert kept_steps(edit((10, 20), reverse=(0,))).sum() == 1000


def test_first_played_follows_the_output():
    times = first_played_s(edit((20, 30), (10, 15), (20, 30)))
    assert times[2000] == pytest.approx(0.005)
    assert times[1000] == pytest.approx(10.005)
    assert np.isnan(times[1500])


def test_first_played_of_reversed_and_faster_play():
    backwards = first_played_s(edit((10, 20), reverse=(0,)))
    assert backwards[1999] == pytest.approx(0.005)
    assert backwards[1000] == pytest.approx(9.995)
    fast = edit((10, 20)).model_dump()
    fast["samples"] = 5000
    fast["segments"][0].update(out_end=5000, speed=2.0)
    assert first_played_s(Edit.model_validate(fast))[1999] == pytest.approx(4.9975)


@pytest.mark.parametrize(
    ("plays", "cuts"),
    [
        # The raw's own ends are no cuts.
        ([(0, 100)], []),
        ([(0, 40), (60, 100)], [40, 60]),
        # A trim at either end is one.
        ([(12, 100)], [12]),
        ([(0, 88)], [88]),
        # A boundary at which play goes on is none, nor is one that is 10 ms off.
        ([(0, 40), (40, 100)], []),
        ([(0, 40), (40.01, 100)], []),
        ([(0, 40), (40.02, 100)], [40, 40.02]),
        # A passage played three times has the same two points as one played twice.
        ([(0, 40), (30, 40), (30, 100)], [30, 40]),
        ([(0, 40), (30, 100)], [30, 40]),
        # Sound from elsewhere leaves the raw and resumes it at one point.
        ([(0, 40), 5.0, (40, 100)], [40]),
        # The later half first.
        ([(50, 100), (0, 50)], [50]),
    ],
)
def test_cut_times(plays, cuts):
    np.testing.assert_allclose(cut_times_s(edit(*plays)), cuts)


def test_an_edit_without_any_source_has_no_cuts():
    assert len(cut_times_s(edit(3.0))) == 0


def test_a_change_of_direction_is_a_jump_though_it_goes_on_where_it_was():
    assert len(jumps(edit((0, 40), (30, 40), reverse=(1,)))) == 1
    assert len(jumps(edit((0, 40), (40, 50)))) == 0


def test_several_raws_follow_one_another_on_the_axis():
    values = edit((0, 40), (5, 20)).model_dump()
    second = values["sources"][0] | {"path": "b.wav", "samples": 50_000}
    values["sources"] = [values["sources"][0], second]
    values["segments"][1]["source"] = 1
    both = Edit.model_validate(values)
    np.testing.assert_allclose(cut_times_s(both), [40, 105, 120])
    kept = kept_steps(both)
    assert len(kept) == 15_000
    assert kept[10_500:12_000].all()
    assert kept.sum() == 4000 + 1500


@pytest.mark.parametrize(
    ("plays", "expected"),
    [
        ([(0, 40), (30, 100)], [(40, 30)]),
        ([(0, 40), (30, 40), (30, 100)], [(40, 30), (40, 30)]),
        # A reorder goes back to what was not heard yet.
        ([(50, 100), (0, 50)], []),
        # A repeat of earlier material further on counts too.
        ([(0, 20), (50, 60), (0, 20)], [(60, 0)]),
        # Half of the first 0.5 s and less was heard: an overlap of the cut, not a loop.
        ([(0, 40), (39.8, 60)], []),
        ([(0, 40), (39.7, 60)], [(40, 39.7)]),
    ],
)
def test_loops(plays, expected):
    assert [(jump.leave_s, jump.resume_s) for jump in loops(edit(*plays))] == expected
