"""Thresholds are chosen by free-running proposals."""

import numpy as np
import pytest
import torch

from editorbot.pointer_network.v2 import calibrate as module
from editorbot.pointer_network.v2.calibrate import calibrate, keep_f1
from editorbot.pointer_network.v2.decode import NEVER
from editorbot.pointer_network.v2.model import PointerNetwork

from ..songs import N_MELS, song, tiny_params

torch.set_num_threads(1)


def test_keep_f1_by_hand():
    assert keep_f1(np.array([1, 2, 3, 4]), np.array([3, 4, 4, -1])) == pytest.approx(4 / 6)
    assert keep_f1(np.array([1]), np.array([2])) == 0


def test_an_untrained_network_is_told_to_keep_all():
    """Its jumps are noise: no candidate may be preferred that is worse than keeping everything."""
    torch.manual_seed(0)
    params = tiny_params()
    model, example = PointerNetwork(params, n_mels=N_MELS, stems=False), song(params=params)
    decoding, score = calibrate(model, [example], compression_ratio=0.7)
    keep_all = keep_f1(np.arange(example.raw_steps), example.steps)
    assert score >= keep_all
    assert (decoding.use_jump, decoding.cut) == (NEVER, NEVER) or score > keep_all
    assert decoding.compression_ratio == 0.7


def test_the_best_candidate_wins_and_the_first_of_equals(monkeypatch):
    scores = iter([0.2, 0.7, 0.7] + [0.1] * 12)
    tried = []

    def score(model, example, decoding):
        tried.append(decoding)
        return next(scores)

    monkeypatch.setattr(module, "_score", score)
    model = PointerNetwork(tiny_params(), n_mels=N_MELS, stems=False)
    decoding, best = calibrate(model, [song()], compression_ratio=1.0)
    assert best == 0.7 and decoding is tried[1] and len(tried) == 15
