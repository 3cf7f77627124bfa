"""Accuracy of single steps, by a network that is made to give one answer."""

import math

import pytest
import torch

from editorbot.evaluate.frame_accuracy import FrameAccuracy, describe, frame_accuracy
from editorbot.pointer_network.v2.decode import Decoding
from editorbot.pointer_network.v2.model import PointerNetwork
from editorbot.pointer_network.v2.targets import REACH

from ..songs import N_MELS, TINY, mel_of, path_of, tiny_params, write_checkpoint, write_song

torch.set_num_threads(1)


def checkpoint_that_answers(delta, path):
    params = tiny_params(mini={**TINY.model_dump(), "stride": 1}, stems=False)
    model = PointerNetwork(params, n_mels=N_MELS, stems=False)
    last = model.heads.delta[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        last.bias[delta + REACH] = 1.0
    return write_checkpoint(path, model, stems=False, decoding=Decoding())


@pytest.fixture
def song(tmp_path):
    # Of 40 steps, one cut by 10 at step 20; every other step goes on.
    pointers = path_of((0, 20), (30, 50))
    return write_song(tmp_path, "song", mel_of(60, seed=0), pointers)


def test_a_network_that_always_goes_on_is_as_good_as_the_constant(tmp_path, song):
    found = frame_accuracy(checkpoint_that_answers(0, tmp_path / "best"), [song, song])
    assert found.delta_accuracy == pytest.approx(39 / 40)
    assert found.delta_accuracy_of_constant == pytest.approx(39 / 40)
    assert found.delta_accuracy_at_cuts == 0


def test_a_network_that_knows_the_cut_alone(tmp_path, song):
    found = frame_accuracy(checkpoint_that_answers(10, tmp_path / "best"), [song])
    assert found.delta_accuracy == pytest.approx(1 / 40)
    assert found.delta_accuracy_of_constant == pytest.approx(39 / 40)
    assert found.delta_accuracy_at_cuts == 1


def test_the_sentence_has_the_numbers_that_are_known():
    text = describe(FrameAccuracy(0.9981, 0.25, 0.999))
    for number in ("99.8%", "25.0%", "99.9%"):
        assert number in text
    assert "nan" not in describe(FrameAccuracy(0.998, math.nan, 0.999))
