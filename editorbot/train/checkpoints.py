"""Checkpoints: a folder of safetensors and JSON, from which a model is rebuilt without a pickle.

    model.safetensors       the weights
    optimizer.safetensors   moments and steps of the optimiser, where training may go on
    checkpoint.json         what the weights are: system, params, epoch, metrics, commit, data

A folder is written under another name and then put in place by renaming. Should the process die
between the two renames, the old folder is found under `.{name}.old`, and loading puts it back.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from editorbot.errors import EditorbotError
from editorbot.files import read_json, write_json

FORMAT = 1
WEIGHTS, OPTIMIZER, INFO = "model.safetensors", "optimizer.safetensors", "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as read; `info` is the JSON."""

    path: Path
    info: dict[str, Any]
    weights: dict[str, Tensor]


def save_checkpoint(
    path: Path,
    *,
    model: nn.Module,
    info: dict[str, Any],
    optimizer: torch.optim.Optimizer | None = None,
) -> None:
    """Write a checkpoint folder, whole or not at all, over what `path` held before.

    Raises:
        EditorbotError: The folder cannot be written.
    """
    path = Path(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        fresh.mkdir(parents=True, exist_ok=True)
        save_file(_plain(model.state_dict()), fresh / WEIGHTS)
        if optimizer is not None:
            save_file(_optimizer_tensors(optimizer), fresh / OPTIMIZER)
        write_json(fresh / INFO, {"format": FORMAT, **info})
        _put_in_place(fresh, path)
    except (OSError, SafetensorError) as error:
        raise EditorbotError(
            f"{path} could not be written ({error}): make room or choose a folder you may write to"
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def load_checkpoint(
    path: Path | str, *, system: str, instead: str = "give the folder of a trained checkpoint"
) -> Checkpoint:
    """Read a checkpoint folder of `system`.

    Args:
        path: The folder.
        system: Whose checkpoint it is to be.
        instead: What is to be done where there is none.

    Raises:
        EditorbotError: The folder is missing, is incomplete, or holds another system's checkpoint.
    """
    path = Path(path)
    _recover(path)
    if not (path / INFO).exists():
        raise EditorbotError(f"{path} holds no {INFO}: {instead}")
    info = read_json(path / INFO)
    if not isinstance(info, dict) or (info.get("format"), info.get("system")) != (FORMAT, system):
        raise EditorbotError(
            f"{path} is not a version {FORMAT} checkpoint of {system}: train it again"
        )
    return Checkpoint(path, info, _read_tensors(path / WEIGHTS))


def load_weights(model: nn.Module, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's weights into `model`.

    Raises:
        EditorbotError: The model has other dimensions.
    """
    try:
        model.load_state_dict(checkpoint.weights)
    except RuntimeError as error:
        raise EditorbotError(
            f"{checkpoint.path} has other dimensions than the params ask for: "
            "train anew, or set the params that it was trained with"
        ) from error


def load_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Put the saved state, which `save_checkpoint` wrote for the same params, into `optimizer`.

    Raises:
        EditorbotError: The checkpoint holds none, as `best` does not, or it is incomplete.
    """
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in _read_tensors(Path(path) / OPTIMIZER).items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def git_commit() -> str | None:
    """The commit of the package's checkout, "+" behind it where files differ; None outside git.

    A package that is installed into the environment of another checkout has none either.
    """
    folder = Path(__file__).parent
    try:
        _git(folder, "ls-files", "--error-unmatch", Path(__file__).name)
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _plain(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return _plain({f"{n}.{name}": x for n, values in state.items() for name, x in values.items()})


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise EditorbotError(
            f"{path} is missing or incomplete ({error}): use another checkpoint or train again"
        ) from error


def _old(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _put_in_place(fresh: Path, path: Path) -> None:
    """Rename `fresh` to `path`; a folder cannot be renamed onto one that holds files."""
    _recover(path)
    old = _old(path)
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    fresh.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def _recover(path: Path) -> None:
    """Put back the folder of a process that died between moving it away and replacing it."""
    if not path.exists() and _old(path).exists():
        _old(path).rename(path)
