"""The network learns a song by heart, and training goes on where it was interrupted."""

import json

import numpy as np
import pytest
import torch

from editorbot.audio.store import write_array
from editorbot.errors import EditorbotError
from editorbot.params import DecodeParams, MelParams, StemsParams
from editorbot.pointer_network.propose import load_editor
from editorbot.pointer_network.songs import SongFiles
from editorbot.pointer_network.train import train_pointer
from editorbot.pointer_network.v2.calibrate import keep_f1
from editorbot.pointer_network.v2.decode import decode_steps
from editorbot.pointer_network.v2.examples import PointerDataset

from ..songs import N_MELS, mel_of, path_of, tiny_params, write_song

torch.set_num_threads(1)
FRAMES = 1600
LOOP = ((80, 400), (240, 400), (240, 400), (900, 1400))
BY_HEART = 200
"""Epochs; a hundred still miss one of the passes through the loop."""


def prepared(folder, name="tiny", *, seed=0, stems=False) -> SongFiles:
    return write_song(folder, name, mel_of(FRAMES, seed=seed), path_of(*LOOP), stems=stems)


def trained(folder, train, validation=(), *, resume=None, **changes):
    return train_pointer(
        train,
        validation,
        params=tiny_params(**changes),
        mel=MelParams(n_mels=N_MELS),
        stems=StemsParams(),
        decode=DecodeParams(),
        directory=folder / "models",
        log_directory=folder / "logs",
        resume=resume,
    )


def test_learns_a_song_by_heart_and_plays_it_back_running_free(tmp_path):
    files = prepared(tmp_path)
    result = trained(tmp_path, [files], epochs=BY_HEART, lr=3e-3)
    editor = load_editor(result.best)
    example = PointerDataset([files], params=editor.model.params)[0]
    steps = decode_steps(
        editor.model, example.mel, None, decoding=editor.decoding, max_length_ratio=2.0
    )
    np.testing.assert_array_equal(steps, example.steps)
    assert result.metrics["calibration_keep_f1"] == 1.0
    assert keep_f1(np.arange(example.raw_steps), example.steps) < 0.8  # keeping all would not do


def test_a_checkpoint_tells_where_it_comes_from(tmp_path):
    songs = [
        prepared(tmp_path, name, seed=seed, stems=True) for seed, name in enumerate(["one", "two"])
    ]
    result = trained(tmp_path, songs[:1], songs[1:], epochs=2)
    info = json.loads((result.best / "checkpoint.json").read_text())
    assert info["data"]["songs"] == ["one"] and info["data"]["validation_songs"] == ["two"]
    assert len(info["data"]["digest"]) == 64 and info["data"]["cuts"] == 4
    assert info["params"]["stems"] == StemsParams().model_dump()
    assert {"val_delta_accuracy", "val/loss", "calibration_keep_f1"} <= set(info["metrics"])
    editor = load_editor(result.best)
    assert editor.stems == StemsParams() and "1 songs" in editor.describe()
    with pytest.raises(EditorbotError, match="give the folder best"):
        load_editor(result.latest)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda files: np.save(files.pointers, np.arange(FRAMES - 5, FRAMES + 5)), "below 1600"),
        (lambda files: np.save(files.ops, np.zeros(3, np.int8)), "3 ops"),
        (lambda files: files.ops.write_bytes(b"nothing"), "could not be read"),
        (
            lambda files: write_array(
                files.mel,
                np.full((N_MELS, FRAMES), np.nan, np.float16),
                name="mel",
                chunks=(N_MELS, 512),
            ),
            "NaN or infinite",
        ),
    ],
)
def test_a_song_that_does_not_fit_is_named(tmp_path, break_it, message):
    files = prepared(tmp_path, "odd one")
    break_it(files)
    with pytest.raises(EditorbotError, match=message) as caught:
        trained(tmp_path, [files])
    assert "song odd one" in str(caught.value)


def test_a_model_of_other_than_four_stems_is_refused(tmp_path):
    files = prepared(tmp_path, "six", stems=True)
    six = np.zeros((6, N_MELS, FRAMES), np.float16)
    write_array(files.stems_mel, six, name="mel", chunks=(6, N_MELS, 512))
    with pytest.raises(EditorbotError, match=r"song six: .*choose a stems.model of 4 stems"):
        trained(tmp_path, [files])


def test_no_song_to_learn_from(tmp_path):
    with pytest.raises(EditorbotError, match="no song is left to train on"):
        trained(tmp_path, [])
