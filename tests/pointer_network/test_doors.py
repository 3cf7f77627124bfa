"""The modules that the original README names."""

import subprocess

import numpy as np
import pytest
import torch
import yaml

from editorbot.audio.store import write_array
from editorbot.corpus.splits import Splits, write_splits
from editorbot.errors import EditorbotError
from editorbot.pointer_network import precache_samples
from editorbot.pointer_network.trainers import pointer_trainer
from editorbot.train.checkpoints import load_checkpoint

from .songs import N_MELS, TINY, mel_of, path_of

torch.set_num_threads(1)
RUNS = ((80, 200), (100, 300))


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A folder with two prepared songs, splits and params."""
    results = tmp_path / "results"
    for seed, name in enumerate(["one", "two"]):
        pointers = path_of(*RUNS)
        (results / "pointers").mkdir(parents=True, exist_ok=True)
        np.save(results / "pointers" / f"{name}_pointers.npy", pointers)
        np.save(results / "pointers" / f"{name}_ops.npy", np.zeros(len(pointers), np.int8))
        mel = mel_of(400, seed=seed).astype(np.float16)
        store = results / "features" / f"{name}_raw.zarr.zip"
        write_array(store, mel, name="mel", chunks=(N_MELS, 400))
    write_splits(results / "splits.json", Splits(("one",), ("two",), ()))
    pointer = {"model": "v2", "mini": TINY.model_dump(), "epochs": 2}
    params = {"mel": {"n_mels": N_MELS}, "stems": {"model": "off"}, "pointer": pointer}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_trainer_trains_and_goes_on_from_a_checkpoint(workspace, capsys):
    pointer_trainer.main(["--config", "params.yaml"])
    best, latest = capsys.readouterr().out.split()
    assert load_checkpoint(latest, system="pointer_network").info["epoch"] == 2
    longer = yaml.safe_load((workspace / "params.yaml").read_text())
    longer["pointer"]["epochs"] = 3
    (workspace / "params.yaml").write_text(yaml.safe_dump(longer))
    pointer_trainer.main(["--config", "params.yaml", "--resume", latest])
    info = load_checkpoint(latest, system="pointer_network").info
    assert info["epoch"] == info["progress"]["step"] == 3
    assert "decoding" in load_checkpoint(best, system="pointer_network").info


def test_trainer_names_what_is_not_prepared(workspace):
    (workspace / "results" / "pointers" / "two_ops.npy").unlink()
    with pytest.raises(EditorbotError, match=r"song two: .*two_ops.npy does not exist"):
        pointer_trainer.main([])


def test_precache_asks_the_pipeline_for_the_songs_files(workspace, monkeypatch):
    commands = []

    def run(command, *, check):
        commands.append(command)
        return subprocess.CompletedProcess(command, returncode=len(commands) - 1)

    monkeypatch.setattr(precache_samples.subprocess, "run", run)
    precache_samples.main(["a song", "--cores", "2"])
    assert commands[0][-5:] == [
        "--cores",
        "2",
        "--",
        "results/features/a song_raw.zarr.zip",
        "results/pointers/a song_pointers.npy",
    ]
    with pytest.raises(EditorbotError, match="preparing the songs failed"):
        precache_samples.main([])
    assert commands[1][-1] == "prepare"


def test_stems_are_prepared_where_they_are_on():
    assert precache_samples.targets_of(["x"], stems=True)[-1] == "results/stems_mel/x_raw.zarr.zip"
