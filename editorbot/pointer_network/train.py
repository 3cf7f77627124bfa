"""Training of the pointer network: prepared songs in, checkpoints out."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from editorbot.errors import EditorbotError
from editorbot.files import write_json
from editorbot.nn.threads import cpu_threads
from editorbot.params import DecodeParams, MelParams, PointerParams, StemsParams
from editorbot.pointer_network.calibrate import calibrate
from editorbot.pointer_network.data import (
    Batch,
    Example,
    PointerDataset,
    SongFiles,
    collate,
    example_digest,
)
from editorbot.pointer_network.losses import pointer_losses, pointer_measures
from editorbot.pointer_network.model import SYSTEM, PointerNetwork, parameter_count
from editorbot.pointer_network.targets import IGNORE
from editorbot.train.checkpoints import load_checkpoint, load_weights, save_checkpoint
from editorbot.train.loop import FitResult, FitSettings, fit
from editorbot.train.task import StepResult, SupervisedTask


class PointerTask(SupervisedTask):
    """The network with its five losses."""

    def __init__(self, model: PointerNetwork):
        super().__init__(model, loss_weights=model.params.loss_weights.model_dump())

    def step(self, batch: Batch) -> StepResult:
        """Teacher-forced losses, each the mean over the batch's songs."""
        outputs = self.model(batch.mel, batch.stems, batch.raw_steps, batch.inputs, batch.bucket)
        losses = pointer_losses(outputs, batch, params=self.model.params)
        means = {name: loss.mean() for name, loss in losses.items()}
        return StepResult(means, pointer_measures(outputs, batch))

    def songs_of(self, batch: Batch) -> str:
        """The batch's songs, joined by commas."""
        return ", ".join(batch.names)


class TrainResult(NamedTuple):
    """Checkpoints, and what the best one reaches on the validation songs."""

    best: Path
    latest: Path
    metrics: dict[str, float]


def train_pointer(
    train: Sequence[SongFiles],
    validation: Sequence[SongFiles],
    *,
    params: PointerParams,
    mel: MelParams,
    stems: StemsParams,
    decode: DecodeParams,
    directory: Path,
    log_directory: Path,
    resume: Path | None = None,
) -> TrainResult:
    """Train on prepared songs and choose the decoding thresholds on the validation songs.

    Args:
        train: Songs to learn from.
        validation: Songs that choose the epoch and the thresholds; where there is none, `train`
            does. Stems are used where all songs have them.
        params: The network and its training.
        mel: How the features were computed; kept in the checkpoint for new recordings.
        stems: How stems were separated; likewise.
        decode: How recordings were decoded; likewise.
        directory: Gets `best`, `latest` and `metrics.json`.
        log_directory: Gets TensorBoard's files.
        resume: A `latest` checkpoint to go on from.

    Raises:
        EditorbotError: No song to learn from, a song that does not fit, or a loss that is not
            finite.
    """
    torch.manual_seed(params.seed)
    songs = [*train, *validation]
    uses_stems = params.stems and all(song.stems_mel is not None for song in songs)
    train_data = PointerDataset(_chosen(train, uses_stems), params=params)
    validation_data = PointerDataset(_chosen(validation, uses_stems), params=params)
    model = PointerNetwork(params, n_mels=mel.n_mels, stems=uses_stems)
    info = {
        "system": SYSTEM,
        "params": {
            "pointer": params.model_dump(mode="json"),
            "decode": decode.model_dump(mode="json"),
            "mel": mel.model_dump(mode="json"),
            "stems": stems.model_dump(mode="json") if uses_stems else None,
        },
        "parameters": parameter_count(model),
        "data": _describe(train_data, validation_data),
    }
    with cpu_threads(params.cpu_threads):
        result = fit(
            PointerTask(model),
            train_data,
            validation_data,
            collate=partial(collate, stride=params.dimensions.stride),
            settings=fit_settings(params),
            directory=directory,
            log_directory=log_directory,
            info=info,
            resume=resume,
        )
        metrics = _finish(result, model, validation_data if len(validation_data) else train_data)
    write_json(Path(directory) / "metrics.json", metrics)
    return TrainResult(result.best, result.latest, metrics)


def fit_settings(params: PointerParams) -> FitSettings:
    """The part of the params that the training loop uses."""
    return FitSettings(**{name: getattr(params, name) for name in FitSettings.__annotations__})


def _chosen(songs: Sequence[SongFiles], uses_stems: bool) -> list[SongFiles]:
    if uses_stems:
        return list(songs)
    return [SongFiles(song.name, song.mel, song.pointers, song.ops) for song in songs]


def _describe(train: PointerDataset, validation: PointerDataset) -> dict[str, Any]:
    if len(train) == 0:
        raise EditorbotError("no song is left to train on: add pairs, or hold out fewer songs")
    digest, counts, ratios = hashlib.sha256(), [], []
    for example in train:  # one at a time, as all of them may not fit into memory
        targets = example.targets
        digest.update(example_digest(example))
        cuts, jumps = ((x == 1).sum() for x in (targets.cut, targets.use_jump))
        counts.append((len(example.steps), cuts, jumps, targets.clamped))
        ratios.append(len(example.steps) / example.raw_steps)
    names = ("steps", "cuts", "jumps", "jumps_cut_short")
    return {
        "songs": [song.name for song in train.songs],
        "validation_songs": [song.name for song in validation.songs],
        "digest": digest.hexdigest(),
        **dict(zip(names, np.sum(counts, axis=0).tolist(), strict=True)),
        "compression_ratio": float(np.median(ratios)),
    }


def _finish(result: FitResult, model: PointerNetwork, songs: PointerDataset) -> dict[str, float]:
    """Choose thresholds for the best weights and add them to its checkpoint."""
    checkpoint = load_checkpoint(result.best, system=SYSTEM)
    load_weights(model, checkpoint)
    ratio = checkpoint.info["data"]["compression_ratio"]
    decoding, score = calibrate(model, songs, compression_ratio=ratio)
    metrics = {
        **checkpoint.info["metrics"],
        "calibration_keep_f1": score,
        "always_commonest_delta_accuracy": commonest_delta_accuracy(songs),
        "best_epoch": result.best_epoch,
        "epochs": result.epochs,
    }
    info = {**checkpoint.info, "decoding": decoding._asdict(), "metrics": metrics}
    save_checkpoint(result.best, model=model, info=info)
    return metrics


def commonest_delta_accuracy(songs: Iterable[Example]) -> float:
    """What always answering the commonest delta scores: the yardstick for `delta_accuracy`."""
    deltas = np.concatenate([song.targets.delta for song in songs])
    deltas = deltas[deltas != IGNORE]
    return float(np.bincount(deltas).max() / len(deltas)) if len(deltas) else 0.0
