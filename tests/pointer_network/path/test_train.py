"""The path model learns a song by heart, and training goes on where it was interrupted."""

import json
from functools import partial

import numpy as np
import pytest
import torch

from editorbot.edl.frames import to_pointers
from editorbot.edl.model import Source
from editorbot.errors import EditorbotError
from editorbot.params import (
    DecodeParams,
    MelParams,
    PathParams,
    PathSize,
    PointerParams,
    StemsParams,
)
from editorbot.pointer_network import SYSTEM
from editorbot.pointer_network import train as training
from editorbot.pointer_network.path import pretrained
from editorbot.pointer_network.path import train as path_training
from editorbot.pointer_network.path.train import path_lesson
from editorbot.pointer_network.propose import load_editor, propose_from_features
from editorbot.pointer_network.train import train_pointer
from editorbot.train.checkpoints import load_checkpoint

from ..songs import N_MELS, mel_of, path_of, write_song

torch.set_num_threads(1)
FRAMES = 1600
RUNS = ((80, 400), (560, 900), (1000, 1400))
SIZE = PathSize(stride=4, width=32, feedforward=32, partner_width=4, dropout=0.0)
BY_HEART = 250


def prepared(folder, name="tiny", *, seed=0, stems=False, runs=RUNS):
    return write_song(folder, name, mel_of(FRAMES, seed=seed), path_of(*runs), stems=stems)


def trained(folder, train, validation=(), *, resume=None, stems=True, devices=1, **changes):
    path = {
        "size": SIZE,
        "warmup_steps": 2,
        "augment": False,
        "pretrained": "none",
        "lr": 4e-3,
        **changes,
    }
    return train_pointer(
        train,
        validation,
        params=PointerParams(path=PathParams(**path), stems=stems, devices=devices),
        mel=MelParams(n_mels=N_MELS),
        stems=StemsParams(),
        decode=DecodeParams(),
        directory=folder / "models",
        log_directory=folder / "logs",
        resume=resume,
    )


def proposed(checkpoint, *, seed=0):
    """Pointers of the edit that is proposed of a song."""
    editor = load_editor(checkpoint)
    samples = (FRAMES - 1) * editor.grid.hop_length
    source = Source(path="a", sample_rate=22050, channels=1, samples=samples, sha256="0" * 64)
    (edit,) = propose_from_features(editor, mel_of(FRAMES, seed=seed), None, sources=[source])
    assert edit.segments[1].fade_in.samples > 0
    return to_pointers(edit, editor.grid)


@pytest.mark.parametrize("runs", [RUNS, (RUNS[1], RUNS[0], RUNS[2])])
def test_learns_a_song_by_heart_and_edits_it_alike(tmp_path, runs):
    files = prepared(tmp_path, runs=runs)
    result = trained(tmp_path, [files], steps=BY_HEART)
    pointers, true = proposed(result.best), path_of(*runs)
    assert len(pointers) == pytest.approx(len(true), abs=8)
    frames = min(len(pointers), len(true))
    assert (np.abs(pointers[:frames] - true[:frames]) <= 3).mean() > 0.97
    assert result.metrics["calibration_keep_f1"] > 0.97
    # What is kept, where it is cut, its order, and what is gone back to.
    (score,) = score_of(files, checkpoint=result.best)
    assert score > 3.9


def score_of(*songs, checkpoint):
    """By which weights are compared."""
    params = PointerParams(path=PathParams(size=SIZE, pretrained=str(checkpoint)))
    lesson = path_lesson([], songs, params=params, mel=MelParams(n_mels=N_MELS), stems=False)
    return lesson.finish().scores


def test_a_checkpoint_tells_where_it_comes_from(tmp_path):
    songs = [
        prepared(tmp_path, name, seed=seed, stems=True) for seed, name in enumerate(["one", "two"])
    ]
    result = trained(tmp_path, songs[:1], songs[1:], steps=2)
    info = json.loads((result.best / "checkpoint.json").read_text())
    assert info["data"]["songs"] == ["one"] and info["data"]["validation_songs"] == ["two"]
    assert len(info["data"]["digest"]) == 64 and info["data"]["cuts"] == 3
    assert {"val_keep_accuracy", "val/loss", "calibration_keep_f1"} <= set(info["metrics"])
    editor = load_editor(result.best)
    assert editor.stems == StemsParams() and "1 songs" in editor.describe()


@pytest.mark.parametrize("is_better", [False, True])
def test_the_last_weights_are_taken_where_they_surely_decode_better(
    tmp_path, monkeypatch, is_better
):
    # What is kept of the others is learned from nothing: their loss rises from some epoch on.
    songs = [prepared(tmp_path, "learned")]
    songs += [prepared(tmp_path, f"other{n}", seed=n, runs=((0, 200),)) for n in (1, 2, 3)]
    calls = []

    def calibrated(*given, **options):
        calls.append(calibrate(*given, **options))
        return calls[-1]._replace(scores=(0.5 + 0.1 * is_better * (len(calls) == 2),) * 3)

    calibrate = path_training.calibrate
    monkeypatch.setattr(path_training, "calibrate", calibrated)
    result = trained(tmp_path, songs[:1], songs[1:], steps=40, patience=40)
    assert len(calls) == 2
    best, latest = (load_checkpoint(x, system=SYSTEM).info for x in (result.best, result.latest))
    assert latest["epoch"] == 40 and latest["progress"]["best_epoch"] < 40
    assert (best["epoch"] == 40) == (weights_of(result.best) == weights_of(result.latest))
    assert best["epoch"] == (40 if is_better else latest["progress"]["best_epoch"])
    assert result.metrics["best_epoch"] == best["epoch"] == best["metrics"]["best_epoch"]


def test_songs_that_were_learned_from_choose_no_weights(tmp_path):
    songs = [prepared(tmp_path, name, seed=seed) for seed, name in enumerate(["one", "two"])]
    params = PointerParams(path=PathParams(size=SIZE, pretrained="none"))
    lesson = partial(path_lesson, params=params, mel=MelParams(n_mels=N_MELS), stems=False)
    assert len(lesson(songs[:1], songs[1:]).finish().scores) == 1
    assert lesson(songs, []).finish().scores == ()


def test_what_learned_from_other_features_is_refused(tmp_path, monkeypatch):
    files = prepared(tmp_path)
    best = trained(tmp_path, [files], steps=1).best
    monkeypatch.setattr(pretrained, "VERSION", 99)
    with pytest.raises(EditorbotError, match="another version of editorbot: train it again"):
        load_editor(best)
    with pytest.raises(EditorbotError, match="another version of editorbot: train it again"):
        trained(tmp_path / "next", [files], steps=1, pretrained=str(best))


def test_an_interrupted_training_ends_in_the_same_weights(tmp_path, monkeypatch):
    songs = [prepared(tmp_path, name, seed=seed) for seed, name in enumerate(["one", "two"])]
    whole = trained(tmp_path / "whole", songs, steps=8, augment=True)
    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", partial(training.fit, stop_after_epoch=2))
        part = trained(tmp_path / "part", songs, steps=8, augment=True)
    assert weights(part) != weights(whole)
    resumed = trained(tmp_path / "part", songs, steps=8, augment=True, resume=part.latest)
    assert weights(resumed) == weights(whole)


def test_two_processes_share_the_songs(tmp_path):
    songs = [prepared(tmp_path, name, seed=seed) for seed, name in enumerate(["one", "two"])]
    result = trained(tmp_path, songs, songs[:1], steps=8, augment=True, devices=2)
    progress = load_checkpoint(result.latest, system=SYSTEM).info["progress"]
    assert progress["step"] == 4  # of eight songs, two at a time
    assert result.metrics["epochs"] == 4


def weights(result):
    return weights_of(result.latest)


def weights_of(checkpoint):
    return (checkpoint / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("pointers", "message"),
    [(np.arange(FRAMES - 5, FRAMES + 5), "below 1600"), (np.full(10, -1), "expected pointers")],
)
def test_a_song_that_does_not_fit_is_named(tmp_path, pointers, message):
    files = prepared(tmp_path, "odd one")
    np.save(files.pointers, pointers)
    np.save(files.ops, np.zeros(len(pointers), np.int8))
    with pytest.raises(EditorbotError, match=message) as caught:
        trained(tmp_path, [files])
    assert "song odd one" in str(caught.value)


def test_no_song_to_learn_from(tmp_path):
    with pytest.raises(EditorbotError, match="no song is left to train on"):
        trained(tmp_path, [])
