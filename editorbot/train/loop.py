"""The one supervised training loop, on Lightning: every system that learns from examples uses it.

A run is a function of its settings, its data and the epoch alone: the order of examples and the
random numbers of an epoch come from the seed and the epoch's number, the learning rate from the
step's. So a run that goes on from its latest checkpoint ends, on a CPU, in the same weights as one
that was never interrupted. Lightning's own checkpoints, which are pickles, are switched off.

Several devices, GPUs or processes on the CPU, share an epoch's batches and add their gradients up
(Lightning's DDP): N devices do what one does that accumulates N times as many batches.
"""

import logging
import math
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.multiprocessing import ProcessRaisedException
from torch.utils.data import DataLoader, Dataset

from editorbot.errors import EditorbotError
from editorbot.progress import track
from editorbot.train.checkpoints import (
    git_commit,
    load_checkpoint,
    load_optimizer,
    load_weights,
    save_checkpoint,
)
from editorbot.train.means import Means
from editorbot.train.processes import LocalProcesses
from editorbot.train.task import StepResult, SupervisedTask

EPOCH_SEEDS, EPOCH_BATCHES = 100_000, 1_000_000
"""Most epochs of a run and examples of an epoch before two of them share random numbers."""


@dataclass(frozen=True)
class FitSettings:
    """How to train; the meanings are those of the params of the same names."""

    lr: float
    weight_decay: float
    warmup_steps: int
    epochs: int
    patience: int
    batch_size: int
    accumulate: int
    gradient_clip: float
    seed: int
    devices: int = 1
    keep_last: bool = False
    """The latest epoch counts as the best."""


class FitResult(NamedTuple):
    """Where training ended."""

    best: Path
    latest: Path
    best_epoch: int
    best_loss: float
    epochs: int
    """Trained in all, earlier runs included."""


def fit(
    task: SupervisedTask,
    train: Dataset,
    validation: Dataset,
    *,
    collate: Callable[[Sequence[Any]], Any],
    settings: FitSettings,
    directory: Path,
    log_directory: Path,
    info: dict[str, Any],
    resume: Path | None = None,
    stop_after_epoch: int | None = None,
) -> FitResult:
    """Train `task` and keep its best and latest checkpoints in `directory`.

    The best has the lowest weighted validation loss, or training loss where there is no
    validation example, unless the last is to be kept. TensorBoard logs go to `log_directory`; a
    run that does not go on from another replaces the other's, as the two would be drawn as one
    line.

    Args:
        task: Model and losses; its weights are changed.
        train: Examples to learn from; at least one.
        validation: Examples that choose the best epoch; may be empty.
        collate: Makes a batch of a list of examples.
        settings: How to train.
        directory: Gets the folders `best` and `latest`.
        log_directory: Gets TensorBoard's files.
        info: Kept in the checkpoints' JSON; needs a "system".
        resume: A checkpoint with an optimiser to go on from.
        stop_after_epoch: Interrupt after so many epochs in all, to go on later.

    Raises:
        EditorbotError: There is nothing to learn from; `resume` cannot be used; a checkpoint
            cannot be written; or a loss or gradient is not finite, with the song and the step.
    """
    if len(train) == 0:
        raise EditorbotError("no song is left to train on: add pairs, or hold out fewer songs")
    module = _Module(task, train, validation, collate, settings, Path(directory), info)
    if resume is not None:
        module.resume(Path(resume))
    else:
        for events in Path(log_directory).glob("events.out.tfevents.*"):
            events.unlink()
    last = min(settings.epochs, stop_after_epoch or settings.epochs)
    if module.epoch < last and not module.is_stale:
        _run(module, epochs=last - module.epoch, log_directory=Path(log_directory))
    return FitResult(
        module.directory / "best",
        module.directory / "latest",
        module.best_epoch,
        module.best_loss,
        module.epoch,
    )


def _run(module: "_Module", *, epochs: int, log_directory: Path) -> None:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    on_gpu, devices = torch.cuda.is_available(), module.settings.devices
    module.bar = iter(track(range(epochs), "Training, in epochs"))
    next(module.bar)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as meeting:
        # Lightning advises worker processes, which gain nothing while examples are in memory.
        warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
        warnings.filterwarnings("ignore", category=FutureWarning, module="lightning")
        trainer = lightning.Trainer(
            accelerator="gpu" if on_gpu else "cpu",
            devices=devices,
            strategy=LocalProcesses(Path(meeting) / "meeting") if devices > 1 else "auto",
            use_distributed_sampler=False,
            precision="bf16-mixed" if on_gpu else "32-true",
            max_epochs=epochs,
            accumulate_grad_batches=module.settings.accumulate,
            gradient_clip_val=module.settings.gradient_clip,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=TensorBoardLogger(log_directory, name=None, version=""),
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        try:
            trainer.fit(module)
        except ProcessRaisedException as error:
            raise _own_error(error) from error
        finally:
            module.bar.close()
            module.task.cpu()
    if devices > 1:  # of what the processes did, only files are left
        module.resume(module.directory / "latest")


def _own_error(error: ProcessRaisedException) -> Exception:
    """What a process of several raised, where it is ours; its last line says it all."""
    name, _, text = str(error).strip().splitlines()[-1].partition(": ")
    return EditorbotError(text) if name.endswith(EditorbotError.__name__) else error


def learning_rate(step: int, *, settings: FitSettings, steps: int) -> float:
    """Linear warm-up, then a cosine to zero at `steps`, the number of optimiser steps in all."""
    if step < settings.warmup_steps:
        return settings.lr * (step + 1) / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
    return settings.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def _random_seed(epoch_seed: int, number: int) -> int:
    """A seed that torch takes, one for each number from 0 to EPOCH_BATCHES - 1."""
    return (epoch_seed * EPOCH_BATCHES + number) % 2**63


class _Drawn(Dataset):
    """Examples that may be drawn at random, from their number and the epoch's seed alone."""

    def __init__(self, data: Dataset, epoch_seed: int):
        self.data, self.epoch_seed = data, epoch_seed

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        # From the epoch's end backwards, as batches count from its beginning.
        torch.manual_seed(_random_seed(self.epoch_seed, EPOCH_BATCHES - 1 - index))
        return self.data[index]


class _Module(lightning.LightningModule):
    """Lightning's view of a task. Counts steps and epochs itself, since runs are continued."""

    def __init__(
        self,
        task: SupervisedTask,
        train: Dataset,
        validation: Dataset,
        collate: Callable,
        settings: FitSettings,
        directory: Path,
        info: dict[str, Any],
    ):
        super().__init__()
        self.task, self.train_data, self.validation_data = task, train, validation
        self.collate, self.settings, self.directory, self.info = collate, settings, directory, info
        self.commit = git_commit()
        self.epoch, self.step = 0, 0
        self.best_loss, self.best_epoch = math.inf, 0
        self.resumed_from: Path | None = None
        self.songs_of_step: list[str] = []
        self.bar: Iterator[int] = iter(())
        self.means = {"train": Means(), "val": Means()}
        # Lightning's word for devices that have no song to validate on.
        self.allow_zero_length_dataloader_with_multiple_devices = True

    @property
    def is_stale(self) -> bool:
        return self.epoch - self.best_epoch >= self.settings.patience

    @property
    def total_steps(self) -> int:
        batches = math.ceil(len(self.train_data) / self.settings.batch_size)
        together = self.settings.accumulate * self.settings.devices
        return self.settings.epochs * math.ceil(batches / together)

    def resume(self, path: Path) -> None:
        checkpoint = load_checkpoint(path, system=self.info["system"])
        load_weights(self.task.model, checkpoint)
        progress = checkpoint.info["progress"]
        self.epoch, self.step = checkpoint.info["epoch"], progress["step"]
        if self._holds_best(progress):
            self.best_loss, self.best_epoch = progress["best_loss"], progress["best_epoch"]
        else:
            # Without its file an earlier best is of no use: the next epoch becomes the best.
            self.best_epoch = self.epoch
        self.resumed_from = path

    def _holds_best(self, progress: dict[str, Any]) -> bool:
        """Whether the folder `best` is that of the run that is resumed, not another run's."""
        try:
            best = load_checkpoint(self.directory / "best", system=self.info["system"])
        except EditorbotError:
            return False
        keys = ("best_loss", "best_epoch")
        return all(best.info["progress"][key] == progress[key] for key in keys)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = torch.optim.AdamW(
            self.task.model.parameters(),
            lr=self.settings.lr,
            weight_decay=self.settings.weight_decay,
        )
        if self.resumed_from is not None:
            load_optimizer(optimizer, self.resumed_from)
        return optimizer

    def train_dataloader(self) -> DataLoader:
        # A list, not a sampler that draws: Lightning may begin to iterate more than once.
        generator = torch.Generator().manual_seed(self._epoch_seed)
        order = torch.randperm(len(self.train_data), generator=generator).tolist()
        batches = self._batches(order)
        # Devices wait for each other, so the last ones go through an epoch's first batches again.
        batches += list(islice(cycle(batches), -len(batches) % self.settings.devices))
        return self._loader(_Drawn(self.train_data, self._epoch_seed), batches)

    def val_dataloader(self) -> DataLoader:
        return self._loader(self.validation_data, self._batches(range(len(self.validation_data))))

    def _batches(self, order: Sequence[int]) -> list[list[int]]:
        size = self.settings.batch_size
        return [list(order[start : start + size]) for start in range(0, len(order), size)]

    def _loader(self, data: Dataset, batches: list[list[int]]) -> DataLoader:
        """Of every so many batches this device's one."""
        mine = batches[self.trainer.global_rank :: self.settings.devices]
        return DataLoader(data, batch_sampler=mine, collate_fn=self.collate)

    @property
    def _epoch_seed(self) -> int:
        return self.settings.seed * EPOCH_SEEDS + self.epoch

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        # For dropout; at each batch, as loaders draw random numbers too, at times of their own.
        number = batch_index * self.settings.devices + self.trainer.global_rank
        torch.manual_seed(_random_seed(self._epoch_seed, number))

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        self.songs_of_step.append(self.task.songs_of(batch))
        result = self._step(batch, "train")
        total = self._total(result)
        losses = {f"train/{name}_loss": loss.item() for name, loss in result.losses.items()}
        self._log({**losses, "train/loss": total.item()})
        return total

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self._step(batch, "val")

    def _step(self, batch: Any, stage: str) -> StepResult:
        result = self.task.step(batch)
        self.means[stage].add(result)
        for name, loss in result.losses.items():
            if not torch.isfinite(loss):
                raise EditorbotError(
                    f"song {self.task.songs_of(batch)}: the {name} loss is {loss.item()} at step "
                    f"{self.step} ({stage}), expected a finite number: check the song's features, "
                    "or lower lr"
                )
        return result

    def _total(self, result: StepResult) -> Tensor:
        weights = self.task.loss_weights
        return sum(weights[name] * loss for name, loss in result.losses.items())

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        gradients = [p.grad for p in self.task.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients).item()
        if not math.isfinite(norm):
            raise EditorbotError(
                f"song {', '.join(self.songs_of_step)}: the gradient is {norm} at step "
                f"{self.step}, expected a finite number: check the song's features, or lower lr"
            )
        self.songs_of_step = []
        lr = learning_rate(self.step, settings=self.settings, steps=self.total_steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        self._log({"grad_norm": norm, "lr": lr})
        self.step += 1

    def on_train_epoch_end(self) -> None:
        self.epoch += 1
        metrics = self._take_metrics()
        self._log(metrics)
        loss = metrics.get("val/loss", metrics["train_epoch/loss"])
        is_best = loss < self.best_loss or self.settings.keep_last
        if is_best:
            self.best_loss, self.best_epoch = loss, self.epoch
        info = self._checkpoint_info(metrics)
        optimizer = self.trainer.optimizers[0]
        model = self.task.model
        if self.trainer.is_global_zero:
            # The best first: should the process die in between, this epoch is done again.
            if is_best:
                save_checkpoint(self.directory / "best", model=model, info=info)
            save_checkpoint(self.directory / "latest", model=model, optimizer=optimizer, info=info)
        self.trainer.should_stop = self.is_stale
        if self.trainer.is_global_zero:
            next(self.bar, None)

    def _take_metrics(self) -> dict[str, float]:
        """Means of the epoch under TensorBoard's names, and a clean slate for the next one."""
        metrics = {}
        for stage, prefix in (("train", "train_epoch"), ("val", "val")):
            means = self.means[stage].take(devices=self.settings.devices)
            weights = self.task.loss_weights
            losses = {k: v for k, v in means.items() if k.endswith("_loss")}
            metrics |= {f"{prefix}/{k}": v for k, v in losses.items()}
            metrics |= {f"{stage}_{k}": v for k, v in means.items() if k not in losses}
            if losses:
                total = sum(weights[k.removesuffix("_loss")] * v for k, v in losses.items())
                metrics[f"{prefix}/loss"] = total
        return metrics

    def _checkpoint_info(self, metrics: dict[str, float]) -> dict[str, Any]:
        progress = {
            "step": self.step,
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
        }
        return {
            **self.info,
            "epoch": self.epoch,
            "metrics": metrics,
            "progress": progress,
            "git_commit": self.commit,
        }

    def _log(self, values: dict[str, float]) -> None:
        self.logger.log_metrics(values, step=self.step)
