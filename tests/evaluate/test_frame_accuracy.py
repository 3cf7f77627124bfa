"""Accuracy of single steps, by a network that is made to give one answer."""

import math

import numpy as np
import pytest
import torch

from editorbot.audio.store import write_array
from editorbot.evaluate.frame_accuracy import FrameAccuracy, describe, frame_accuracy
from editorbot.files import write_npy
from editorbot.params import DecodeParams, MelParams, PointerParams
from editorbot.pointer_network.data import SongFiles
from editorbot.pointer_network.decode import Decoding
from editorbot.pointer_network.model import PointerNetwork
from editorbot.pointer_network.targets import REACH
from editorbot.train.checkpoints import save_checkpoint

SIZE = dict(
    stride=1,
    width=8,
    heads=2,
    encoder_layers=1,
    decoder_layers=1,
    feedforward=8,
    summary_tokens=2,
    cross_window=8,
    self_window=8,
    jump_buckets=2,
)
PARAMS = PointerParams.model_validate({"size": "mini", "mini": SIZE, "stems": False})
MEL = MelParams(n_mels=4)


def checkpoint_that_answers(delta, path):
    torch.manual_seed(0)
    model = PointerNetwork(PARAMS, n_mels=MEL.n_mels, stems=False)
    last = model.heads.delta[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        last.bias[delta + REACH] = 1.0
    params = {"pointer": PARAMS, "decode": DecodeParams(), "mel": MEL}
    values = {name: section.model_dump(mode="json") for name, section in params.items()}
    info = {
        "system": "pointer_network",
        "params": values | {"stems": None},
        "decoding": Decoding()._asdict(),
    }
    save_checkpoint(path, model=model, info=info)
    return path


@pytest.fixture
def song(tmp_path):
    # Of 40 steps, one cut by 10 at step 20; every other step goes on.
    pointers = np.concatenate([np.arange(20), np.arange(30, 50)])
    paths = [tmp_path / name for name in ("mel.zarr.zip", "pointers.npy", "ops.npy")]
    mel = np.random.default_rng(0).random((4, 60)).astype(np.float32)
    write_array(paths[0], mel, name="mel", chunks=(4, 60))
    write_npy(paths[1], pointers)
    write_npy(paths[2], np.zeros(40, np.int8))
    return SongFiles("song", *paths)


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
