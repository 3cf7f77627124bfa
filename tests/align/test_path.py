from itertools import product

import numpy as np
import pytest

from editorbot.align.diagonals import Diagonal
from editorbot.align.path import (
    NOWHERE,
    NOWHERE_SHARE,
    Run,
    alike_runs,
    best_path,
    short_runs,
)
from editorbot.align.rivals import rivals

FRAMES = 6
DIAGONALS = [Diagonal(0, 4, 1.0), Diagonal(2, 6, 2.0), Diagonal(0, 6, 3.0)]


def total(states: tuple[int, ...], evidences: list[np.ndarray], cost: float, nowhere: float):
    value = 0.0
    for frame, state in enumerate(states):
        before = states[frame - 1] if frame else NOWHERE
        share = NOWHERE_SHARE if NOWHERE in (state, before) else 1
        value -= cost * share * (state != before)
        if state == NOWHERE:
            value += nowhere
        else:
            span = DIAGONALS[state]
            if not span.first <= frame < span.last:
                return -np.inf
            value += evidences[state][frame - span.first]
    return value


@pytest.mark.parametrize("seed", range(12))
def test_the_path_is_the_best_of_all_sequences(seed):
    rng = np.random.default_rng(seed)
    evidences = [rng.exponential(1, d.last - d.first) for d in DIAGONALS]
    cost, nowhere = float(rng.uniform(0, 3)), float(rng.uniform(0, 1))
    runs = best_path(DIAGONALS, evidences, frames=FRAMES, switch_cost=cost, nowhere=nowhere)
    states = tuple(run.diagonal for run in runs for _ in range(run.first, run.last))
    best = max(
        total(sequence, evidences, cost, nowhere)
        for sequence in product([NOWHERE, 0, 1, 2], repeat=FRAMES)
    )
    assert len(states) == FRAMES
    assert total(states, evidences, cost, nowhere) == pytest.approx(best)


def test_without_diagonals_nothing_has_a_source():
    assert best_path([], [], frames=5, switch_cost=1, nowhere=0.1) == [Run(0, 5, NOWHERE)]


def test_rivals_explain_a_run_almost_as_well():
    same = [np.full(60, 2.0), np.full(60, 2.0)]
    diagonals = [Diagonal(0, 60, 1.0), Diagonal(0, 60, 9.0)]
    run = Run(0, 60, 0)
    assert rivals(run, diagonals, same) == [1]
    assert rivals(run, diagonals, [same[0], 0.1 * same[1]]) == []


def test_a_run_too_short_for_the_path_is_offered():
    diagonals = [Diagonal(0, 400, 1.0), Diagonal(80, 330, 2.0)]
    weak, short = np.full(400, 0.2), np.zeros(250)
    short[100:140] = 0.6
    evidences = [weak, short]
    options = {"nowhere": 0.1}
    path = [Run(0, 50, 0), Run(50, 350, NOWHERE), Run(350, 400, 0)]
    assert best_path(diagonals, evidences, frames=400, switch_cost=20, **options) == [
        Run(0, 400, 0)
    ]
    evidences = [np.where(np.arange(400) // 50 % 7 == 0, 0.2, 0.0), short]
    assert short_runs(path, diagonals, evidences, **options) == [Run(180, 220, 1)]
    assert short_runs([Run(0, 400, 0)], diagonals, evidences, **options) == []


def test_short_runs_must_be_as_alike_as_copies_are():
    diagonals = [Diagonal(0, 300, 0.0), Diagonal(100, 400, 900.0)]
    strengths = [np.full(300, 0.9), np.full(300, -0.7)]
    copy, grain = Run(50, 100, 0), Run(150, 200, 1)
    typical = np.full(400, 0.95)
    assert alike_runs([copy, grain], diagonals, strengths, typical) == [copy]
    # Under noise copies are no more alike than that, and where it is unknown nothing is said.
    assert alike_runs([copy, grain], diagonals, strengths, typical * 0.8) == [copy, grain]
    assert alike_runs([grain], diagonals, strengths, np.zeros(400)) == [grain]
