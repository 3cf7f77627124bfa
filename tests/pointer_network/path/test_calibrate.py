"""How answers are decoded is chosen on songs, where there are enough of them."""

import numpy as np
import pytest

from editorbot.pointer_network.path.calibrate import _temperature, score_kept
from editorbot.pointer_network.path.labels import labels_of
from editorbot.pointer_network.path.terms import Run

from ..songs import path_of


def test_an_edit_that_is_the_persons_scores_one():
    labels = labels_of(path_of((40, 80), (160, 240)), raw_frames=400, stride=4)
    assert score_kept([Run(10, 20), Run(40, 60)], labels, step_s=0.1) == (1, 1)
    keep_f1, cut_f1 = score_kept([Run(10, 20)], labels, step_s=0.1)
    assert keep_f1 == pytest.approx(2 * 10 / 40) and cut_f1 == pytest.approx(2 * 2 / 6)


def test_a_cut_counts_within_half_a_second():
    labels = labels_of(path_of((40, 80)), raw_frames=400, stride=4)
    assert score_kept([Run(14, 20)], labels, step_s=0.1)[1] == 1
    assert score_kept([Run(16, 20)], labels, step_s=0.1)[1] == 0.5


def test_a_network_that_is_too_sure_is_cooled():
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, 20_000)

    class Labels:
        kept = (rng.random(20_000) < 1 / (1 + np.exp(-honest))).astype(np.float32)

    class Answers:
        keep = 3 * honest

    assert _temperature([(Answers, Labels)]) == pytest.approx(3, rel=0.1)
