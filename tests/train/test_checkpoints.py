"""Checkpoints are whole, come back to the bit, and say what is wrong with them."""

import pytest
import torch
from torch import nn

from editorbot.errors import EditorbotError
from editorbot.train import checkpoints
from editorbot.train.checkpoints import (
    load_checkpoint,
    load_optimizer,
    load_weights,
    save_checkpoint,
)

torch.set_num_threads(1)
INFO = {"system": "small", "epoch": 1}


def trained(seed=0):
    torch.manual_seed(seed)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    return model, optimizer


def test_round_trip(tmp_path):
    model, optimizer = trained()
    save_checkpoint(tmp_path / "latest", model=model, optimizer=optimizer, info=INFO)
    saved = load_checkpoint(tmp_path / "latest", system="small")
    other, other_optimizer = trained(seed=1)
    load_weights(other, saved)
    load_optimizer(other_optimizer, tmp_path / "latest")
    assert saved.info == {"format": 1, **INFO}
    for key, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[key], tensor)
    for number, state in optimizer.state_dict()["state"].items():
        for name, tensor in state.items():
            assert torch.equal(other_optimizer.state_dict()["state"][number][name], tensor)


def test_a_second_save_replaces_the_first_and_leaves_nothing_else(tmp_path):
    for epoch in (1, 2):
        model, optimizer = trained(seed=epoch)
        given = optimizer if epoch == 1 else None
        info = {**INFO, "epoch": epoch}
        save_checkpoint(tmp_path / "best", model=model, optimizer=given, info=info)
    assert load_checkpoint(tmp_path / "best", system="small").info["epoch"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
    assert {p.name for p in (tmp_path / "best").iterdir()} == {
        "model.safetensors",
        "checkpoint.json",
    }


def test_death_between_the_renames_is_recovered_from(tmp_path, monkeypatch):
    model, _ = trained()
    save_checkpoint(tmp_path / "best", model=model, info=INFO)
    rename = checkpoints.Path.rename

    def die_on_the_second(path, target):
        if path.name.endswith(".new"):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(checkpoints.Path, "rename", die_on_the_second)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "best", model=model, info={**INFO, "epoch": 2})
    monkeypatch.undo()
    assert not (tmp_path / "best").exists()
    assert load_checkpoint(tmp_path / "best", system="small").info["epoch"] == 1


def test_a_cut_off_file_is_an_error_of_one_sentence(tmp_path):
    save_checkpoint(tmp_path / "best", model=trained()[0], info=INFO)
    weights = tmp_path / "best" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:50])
    with pytest.raises(EditorbotError, match="missing or incomplete"):
        load_checkpoint(tmp_path / "best", system="small")


@pytest.mark.parametrize(
    ("system", "folder", "message"),
    [("other", "best", "not a version 1 checkpoint of other"), ("small", "none", "holds no")],
)
def test_a_wrong_folder_is_named(tmp_path, system, folder, message):
    save_checkpoint(tmp_path / "best", model=trained()[0], info=INFO)
    with pytest.raises(EditorbotError, match=message):
        load_checkpoint(tmp_path / folder, system=system)


def test_other_dimensions_are_an_error_of_one_sentence(tmp_path):
    save_checkpoint(tmp_path / "best", model=trained()[0], info=INFO)
    saved = load_checkpoint(tmp_path / "best", system="small")
    with pytest.raises(EditorbotError, match="other dimensions"):
        load_weights(nn.Linear(4, 2), saved)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EditorbotError, match="could not be written"):
        save_checkpoint(tmp_path / "file" / "best", model=trained()[0], info=INFO)
