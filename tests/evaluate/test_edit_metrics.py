"""Measures against values found by hand, and what must hold for every edit."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_edits import edit, source

from editorbot.errors import EditorbotError
from editorbot.evaluate import metrics
from editorbot.evaluate.metrics import CauseSpan, dropped_recall, read_causes, score_edit

KEEP_ALL = edit((0, 100))


@st.composite
def edits(draw, duration_s=60.0):
    """One to six plays of a raw of a minute, anywhere and in any order."""
    plays = []
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, 590)) / 10
        length = draw(st.integers(1, 200)) / 10
        plays.append((start, min(start + length, duration_s)))
    return edit(*plays, duration_s=duration_s)


def test_keep_scores_by_hand():
    # Kept by both: 20..40; proposed 30 s, human 40 s.
    precision, recall, f1 = metrics.keep_scores(edit((10, 40)), edit((20, 60)))
    assert precision == pytest.approx(20 / 30)
    assert recall == pytest.approx(20 / 40)
    assert f1 == pytest.approx(40 / 70)


def test_keep_all_scores_as_its_formula_says():
    assert metrics.keep_scores(KEEP_ALL, edit((0, 60)))[2] == pytest.approx(2 * 60 / 160)


def test_edits_that_play_nothing_of_the_raw():
    silence = edit(5.0)
    assert metrics.keep_scores(silence, silence) == (1.0, 1.0, 1.0)
    assert metrics.keep_scores(silence, KEEP_ALL) == (0.0, 0.0, 0.0)
    assert metrics.keep_scores(KEEP_ALL, silence) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("window_s", "f1"), [(0.1, 0.0), (0.5, 0.5), (3.0, 1.0)])
def test_cut_f1_by_its_window(window_s, f1):
    human = edit((0, 40), (60, 100))
    assert metrics.cut_f1(edit((0, 40.3), (62, 100)), human, window_s=window_s) == f1


def test_each_cut_is_matched_once():
    # 40 and 40.2 both lie within 0.5 s of 40, but only one may be matched: 2 * 1 / (1 + 2).
    proposed, human = edit((0, 40), (40.2, 100)), edit((0, 40))
    assert metrics.cut_f1(proposed, human, window_s=0.5) == pytest.approx(2 / 3)


def test_a_distance_of_exactly_the_window_counts_in_both_directions():
    # In binary, 6.9 - 3.9 is more than 3 and 3.9 - 6.9 + 6 less.
    one, other = edit((0, 3.9)), edit((0, 6.9))
    assert metrics.cut_f1(one, other, window_s=3) == metrics.cut_f1(other, one, window_s=3) == 1


def test_cut_f1_without_cuts():
    assert metrics.cut_f1(KEEP_ALL, KEEP_ALL, window_s=0.5) == 1.0
    assert metrics.cut_f1(KEEP_ALL, edit((0, 40)), window_s=0.5) == 0.0
    assert metrics.cut_f1(edit((0, 40)), KEEP_ALL, window_s=0.5) == 0.0


def test_cut_error_is_the_median_of_the_matched():
    human = edit((0, 20), (40, 60), (80, 100))
    proposed = edit((0, 20.1), (40.2, 60.4), (85, 100))
    assert metrics.cut_error_s(proposed, human) == pytest.approx(0.2)
    assert math.isnan(metrics.cut_error_s(KEEP_ALL, human))


def test_cut_error_is_of_the_nearest_pairs():
    # Both points of the proposal lie within 0.5 s of the cut at 40.
    for proposed in (edit((0, 40.1), (40.4, 100)), edit((0, 39.6), (39.9, 100))):
        assert metrics.cut_error_s(proposed, edit((0, 40))) == pytest.approx(0.1)


def test_length_error_has_no_sign():
    human = edit((0, 40))
    assert metrics.length_error(edit((0, 50)), human) == pytest.approx(0.25)
    assert metrics.length_error(edit((0, 30)), human) == pytest.approx(0.25)


def test_order_of_two_swapped_blocks():
    # Of two blocks of n steps each, the n * n pairs across are swapped out of 2n (2n - 1) / 2.
    n = 1000
    pairs = n * (2 * n - 1)
    tau = metrics.order_tau(edit((10, 20), (0, 10)), edit((0, 20)))
    assert tau == pytest.approx((pairs - 2 * n * n) / pairs)


def test_order_of_reversed_play_and_of_nothing_in_common():
    assert metrics.order_tau(edit((0, 20), reverse=(0,)), edit((0, 20))) == pytest.approx(-1)
    assert math.isnan(metrics.order_tau(edit((0, 10)), edit((20, 30))))


def test_loops_f1_counts_plays_and_looks_at_both_ends():
    thrice = edit((0, 40), (30, 40), (30, 100))
    assert metrics.loops_f1(edit((0, 40), (30, 100)), thrice) == pytest.approx(2 / 3)
    twice = edit((0, 40), (30, 100))
    assert metrics.loops_f1(edit((0, 40.4), (30.4, 100)), twice) == 1.0
    assert metrics.loops_f1(edit((0, 40), (31, 100)), twice) == 0.0
    assert metrics.loops_f1(KEEP_ALL, twice) == 0.0
    assert math.isnan(metrics.loops_f1(KEEP_ALL, KEEP_ALL))


def test_dropped_recall_by_cause():
    causes = [CauseSpan(0, 10, "talk"), CauseSpan(20, 30, "vamp"), CauseSpan(50, 60, "talk")]
    recall = dropped_recall(edit((5, 25), (60, 100)), causes)
    assert recall == pytest.approx({"talk": 0.75, "vamp": 0.5})
    assert list(recall) == ["talk", "vamp"]
    assert dropped_recall(KEEP_ALL, causes) == {"talk": 0.0, "vamp": 0.0}


def test_overlapping_spans_of_a_cause_count_once():
    causes = [CauseSpan(0, 10, "talk"), CauseSpan(5, 20, "talk")]
    assert dropped_recall(edit((10, 100)), causes) == {"talk": 0.5}


def test_causes_are_read_and_a_wrong_file_is_named(tmp_path):
    path = tmp_path / "song_causes.json"
    path.write_text('[{"start_s": 1, "end_s": 2.5, "cause": "talk"}]')
    takes = [source(60), source(30)]
    assert read_causes(path, takes[:1]) == (CauseSpan(1.0, 2.5, "talk"),)
    path.write_text('[{"start_s": 1, "end_s": 2.5, "cause": "talk", "source": 1}]')
    assert read_causes(path, takes) == (CauseSpan(61.0, 62.5, "talk"),)
    with pytest.raises(EditorbotError, match=r"song_causes\.json .* of 1 raws, the number"):
        read_causes(path, takes[:1])
    path.write_text('[{"start": 1}]')
    with pytest.raises(EditorbotError, match=r"song_causes\.json .* expected"):
        read_causes(path, takes)


def test_edits_of_other_raws_are_refused_with_expected_and_got():
    with pytest.raises(ValueError, match=r"expected .*100000, 1000.* got .*90000, 1000"):
        score_edit(edit((0, 10), duration_s=90), KEEP_ALL)


@settings(max_examples=40, deadline=None)
@given(edits())
def test_an_edit_agrees_with_itself(an_edit):
    scores = score_edit(an_edit, an_edit)
    for name in ("keep_f1", "keep_precision", "keep_recall"):
        assert getattr(scores, name) == 1
    assert (scores.cut_f1_100ms, scores.cut_f1_500ms, scores.cut_f1_3s) == (1, 1, 1)
    assert scores.length_error == 0
    assert scores.cut_error_s == 0 or math.isnan(scores.cut_error_s)
    assert scores.order_tau == pytest.approx(1)
    assert scores.loops_f1 == 1 or math.isnan(scores.loops_f1)


@settings(max_examples=40, deadline=None)
@given(edits(), edits())
def test_agreement_is_mutual_and_grows_with_the_window(one, other):
    there, back = score_edit(one, other), score_edit(other, one)
    symmetric = ("keep_f1", "cut_f1_100ms", "cut_f1_500ms", "cut_f1_3s", "order_tau", "loops_f1")
    for name in symmetric:
        np.testing.assert_allclose(getattr(there, name), getattr(back, name), err_msg=name)
    assert there.keep_precision == pytest.approx(back.keep_recall)
    assert 0 <= there.cut_f1_100ms <= there.cut_f1_500ms <= there.cut_f1_3s <= 1
    assert 0 <= there.keep_f1 <= 1
