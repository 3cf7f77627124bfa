"""The training loop, on a task small enough to see through."""

import math
import shutil
import socket
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.data import Dataset

from editorbot.errors import EditorbotError
from editorbot.train import loop
from editorbot.train.checkpoints import load_checkpoint
from editorbot.train.loop import FitSettings, fit, learning_rate
from editorbot.train.task import Ratio, StepResult, SupervisedTask

torch.set_num_threads(1)
SYSTEM = "line"


class Line(SupervisedTask):
    """Fits y = 2 x with dropout, so that random numbers matter."""

    def __init__(self):
        torch.manual_seed(0)
        super().__init__(
            nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.3), nn.Linear(16, 1)),
            loss_weights={"square": 0.5, "absolute": 2.0},
        )

    def step(self, batch):
        names, x, y = batch
        wrong = self.model(x)[:, 0] - y
        losses = {"square": wrong.square().mean(), "absolute": wrong.abs().mean()}
        near = (wrong.abs() < 0.5).sum()
        return StepResult(losses, {"near": Ratio(near, torch.tensor(len(names)))})

    def songs_of(self, batch):
        return ", ".join(batch[0])


def points(count=10, *, broken=None):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, 4, generator=generator)
    y = 2 * x[:, 0]
    if broken is not None:
        y[broken] = math.nan
    return [(f"song {i}", x[i], y[i]) for i in range(count)]


def collate(examples):
    names, x, y = zip(*examples, strict=True)
    return names, torch.stack(x), torch.stack(y)


def settings(**changes):
    values = {
        "lr": 0.03,
        "weight_decay": 0.01,
        "warmup_steps": 3,
        "epochs": 4,
        "patience": 100,
        "batch_size": 2,
        "accumulate": 2,
        "gradient_clip": 0.5,
        "seed": 3,
    }
    return FitSettings(**{**values, **changes})


def fitted(folder, *, train=None, validation=None, changes=None, **options):
    return fit(
        Line(),
        points() if train is None else train,
        points(4) if validation is None else validation,
        collate=collate,
        settings=settings(**(changes or {})),
        directory=folder / "models",
        log_directory=folder / "logs",
        info={"system": SYSTEM},
        **options,
    )


def test_interrupted_training_ends_in_the_same_weights(tmp_path):
    whole = fitted(tmp_path / "whole")
    half = fitted(tmp_path / "half", stop_after_epoch=2)
    assert (half.epochs, whole.epochs) == (2, 4)
    halfway = load_checkpoint(half.latest, system=SYSTEM).weights
    resumed = fitted(tmp_path / "half", resume=half.latest)
    assert resumed._replace(best=whole.best, latest=whole.latest) == whole
    for name in ("best", "latest"):
        ours, theirs = (load_checkpoint(getattr(r, name), system=SYSTEM) for r in (resumed, whole))
        assert ours.info["metrics"] == theirs.info["metrics"]
        for key, tensor in theirs.weights.items():
            assert torch.equal(ours.weights[key], tensor), key
    optimizers = [(r.latest / "optimizer.safetensors").read_bytes() for r in (resumed, whole)]
    assert optimizers[0] == optimizers[1]
    assert not torch.equal(halfway["0.weight"], theirs.weights["0.weight"])


class Noise(Dataset):
    """Points drawn anew at each look."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        x = torch.randn(4)
        return f"song {index}", x, 2 * x[0]


def test_interrupted_training_draws_the_same_examples(tmp_path):
    whole = fitted(tmp_path / "whole", train=Noise())
    half = fitted(tmp_path / "half", train=Noise(), stop_after_epoch=2)
    torch.manual_seed(12345)  # the state of another process
    resumed = fitted(tmp_path / "half", train=Noise(), resume=half.latest)
    assert resumed.latest.joinpath("model.safetensors").read_bytes() == (
        whole.latest.joinpath("model.safetensors").read_bytes()
    )


def test_another_runs_best_is_not_taken_for_this_ones(tmp_path):
    fitted(tmp_path / "other", changes={"seed": 1, "epochs": 1})
    half = fitted(tmp_path / "half", stop_after_epoch=2)
    shutil.copytree(half.latest, tmp_path / "other" / "latest of half")
    moved = fitted(tmp_path / "other", resume=tmp_path / "other" / "latest of half")
    assert moved.best_epoch in (3, 4)
    assert load_checkpoint(moved.best, system=SYSTEM).info["epoch"] == moved.best_epoch


def test_death_after_the_first_save_of_an_epoch_loses_no_best(tmp_path, monkeypatch):
    whole = fitted(tmp_path / "whole")
    assert whole.best_epoch == 2
    save, saved = loop.save_checkpoint, []

    def die_in_the_second_epoch(path, **given):
        save(path, **given)
        saved.append(path.name)
        if len(saved) == 3:
            raise KeyError

    monkeypatch.setattr(loop, "save_checkpoint", die_in_the_second_epoch)
    with pytest.raises(KeyError):
        fitted(tmp_path / "dead")
    monkeypatch.undo()
    latest = tmp_path / "dead" / "models" / "latest"
    again = fitted(tmp_path / "dead", resume=latest)
    assert again._replace(best=whole.best, latest=whole.latest) == whole


def test_a_new_run_replaces_the_logs_and_a_resumed_one_goes_on(tmp_path):
    def steps():
        log = EventAccumulator(str(tmp_path / "logs"))
        log.Reload()
        return [event.step for event in log.Scalars("val/loss")]

    fitted(tmp_path, changes={"epochs": 1})
    first = steps()
    half = fitted(tmp_path, stop_after_epoch=1)
    assert steps() == first
    fitted(tmp_path, resume=half.latest)
    assert len(steps()) == 4


@pytest.mark.parametrize("seed", [-1, 1_700_000_000])
def test_any_seed_will_do(tmp_path, seed):
    assert fitted(tmp_path, changes={"seed": seed, "epochs": 1}).epochs == 1


def test_another_seed_gives_other_weights(tmp_path):
    results = [fitted(tmp_path / str(s), changes={"seed": s, "epochs": 1}) for s in (1, 2)]
    one, two = (load_checkpoint(r.latest, system=SYSTEM).weights for r in results)
    assert not torch.equal(one["0.weight"], two["0.weight"])


def test_nothing_is_pickled(tmp_path):
    result = fitted(tmp_path, changes={"epochs": 1})
    names = {path.name for path in (tmp_path / "models").rglob("*") if path.is_file()}
    assert names == {"model.safetensors", "optimizer.safetensors", "checkpoint.json"}
    assert not list(tmp_path.rglob("*.ckpt"))
    for path in result.latest.glob("*.safetensors"):
        # The format: 8 bytes of header length, then JSON.
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        assert data[8 : 8 + length].startswith(b"{")


def test_logs_carry_the_names_that_users_look_for(tmp_path):
    fitted(tmp_path, changes={"epochs": 2})
    log = EventAccumulator(str(tmp_path / "logs"))
    log.Reload()
    scalars = set(log.Tags()["scalars"])
    assert {"train/square_loss", "train/absolute_loss", "train/loss"} <= scalars
    assert {"val/square_loss", "val/loss", "val_near", "grad_norm", "lr"} <= scalars
    losses = {name: log.Scalars(f"train/{name}")[0].value for name in ("square_loss", "loss")}
    absolute = log.Scalars("train/absolute_loss")[0].value
    assert losses["loss"] == pytest.approx(0.5 * losses["square_loss"] + 2 * absolute, rel=1e-5)


@pytest.mark.parametrize("where", ["train", "validation"])
def test_a_loss_that_is_not_finite_names_song_and_step(tmp_path, where):
    with pytest.raises(EditorbotError) as caught:
        fitted(tmp_path, **{where: points(6, broken=2)}, changes={"batch_size": 1})
    assert "song 2: the square loss is nan at step" in str(caught.value)
    assert not list(tmp_path.rglob("*.part*"))


def test_a_gradient_that_is_not_finite_names_all_songs_of_the_step(tmp_path):
    class Steep(Line):
        def step(self, batch):
            flat = (0 * self.model(batch[1])).abs().sqrt().mean()  # 0, of infinite slope
            return StepResult({"square": flat, "absolute": flat}, {})

    with pytest.raises(EditorbotError, match=r"song (song [01], song [01]): the gradient is nan"):
        fit(
            Steep(),
            points(2),
            [],
            collate=collate,
            settings=settings(batch_size=1),
            directory=tmp_path,
            log_directory=tmp_path,
            info={"system": SYSTEM},
        )


def test_training_stops_when_validation_does_not_improve(tmp_path):
    # Targets opposite to what is learned: each epoch validates worse than the first.
    worse = [(name, x, -y) for name, x, y in points(4)]
    result = fitted(tmp_path, validation=worse, changes={"epochs": 50, "patience": 3})
    assert result.epochs == result.best_epoch + 3 < 50


def test_the_last_epoch_is_kept_where_that_is_asked_for(tmp_path):
    worse = [(name, x, -y) for name, x, y in points(4)]
    changes = {"epochs": 9, "patience": 3, "keep_last": True}
    result = fitted(tmp_path, validation=worse, changes=changes)
    assert result.epochs == result.best_epoch == 9
    best, latest = (load_checkpoint(x, system=SYSTEM) for x in (result.best, result.latest))
    assert best.info == latest.info and best.info["metrics"]["val/loss"] == result.best_loss


def test_without_validation_the_training_loss_chooses(tmp_path):
    result = fitted(tmp_path, validation=[], changes={"epochs": 3})
    info = load_checkpoint(result.best, system=SYSTEM).info
    assert result.best_loss == info["metrics"]["train_epoch/loss"]


def test_two_processes_do_what_one_does_that_accumulates(tmp_path):
    """Through gloo; five examples to choose the epoch by are not shared out evenly."""
    given = {"train": points(8), "validation": points(5)}
    one = fitted(tmp_path / "one", **given, changes={"accumulate": 4})
    two = fitted(tmp_path / "two", **given, changes={"accumulate": 2, "devices": 2})
    assert two._replace(best=one.best, latest=one.latest, best_loss=0) == one._replace(best_loss=0)
    for name in ("best", "latest"):
        ours, theirs = (load_checkpoint(getattr(r, name), system=SYSTEM) for r in (two, one))
        assert ours.info["metrics"] == pytest.approx(theirs.info["metrics"], abs=1e-5)
        for key, tensor in theirs.weights.items():
            torch.testing.assert_close(ours.weights[key], tensor, atol=1e-5, rtol=1e-5)


def test_two_processes_go_on_as_if_never_interrupted(tmp_path):
    whole = fitted(tmp_path / "whole", changes={"devices": 2})
    half = fitted(tmp_path / "half", changes={"devices": 2}, stop_after_epoch=2)
    assert half.epochs == 2
    resumed = fitted(tmp_path / "half", changes={"devices": 2}, resume=half.latest)
    assert resumed.latest.joinpath("model.safetensors").read_bytes() == (
        whole.latest.joinpath("model.safetensors").read_bytes()
    )


LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")


def sockets_open_to_others():
    """Inodes of this process's listening sockets that others than this machine can reach."""
    mine = {link.readlink().name for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    ]
    return [
        row[9]
        for row in rows
        if row[3] == "0A" and f"socket:[{row[9]}]" in mine and not row[1].startswith(LOOPBACK)
    ]


class Listening(Dataset):
    """Points, and at each look a note of the sockets that are open."""

    def __init__(self, notes):
        self.notes = notes

    def __len__(self):
        return 4

    def __getitem__(self, index):
        (self.notes / str(index)).write_text(" ".join(sockets_open_to_others()))
        return points()[index]


def test_two_processes_listen_to_nobody_else(tmp_path):
    (tmp_path / "notes").mkdir()
    given = {"changes": {"devices": 2, "epochs": 1, "batch_size": 1}}
    fitted(tmp_path, train=Listening(tmp_path / "notes"), **given)
    notes = [path.read_text() for path in (tmp_path / "notes").iterdir()]
    assert notes == [""] * 4
    with socket.create_server(("0.0.0.0", 0)):
        assert sockets_open_to_others()


def test_what_goes_wrong_in_one_of_two_processes_is_told(tmp_path):
    with pytest.raises(EditorbotError, match=r"^song song 7(, song .)?: the square loss is nan"):
        fitted(tmp_path, train=points(broken=7), changes={"devices": 2, "batch_size": 1})


def test_nothing_to_learn_from(tmp_path):
    with pytest.raises(EditorbotError, match="no song is left"):
        fitted(tmp_path, train=[])


def test_learning_rate_warms_up_and_falls_to_zero():
    rates = [learning_rate(step, settings=settings(), steps=20) for step in range(21)]
    np.testing.assert_allclose(rates[:3], [0.01, 0.02, 0.03])
    assert max(rates) == rates[3] == 0.03
    assert rates[20] == pytest.approx(0) and all(np.diff(rates[3:]) < 0)
