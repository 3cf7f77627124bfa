"""How the network V2 learns."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from editorbot.params import PointerParams
from editorbot.pointer_network.lesson import Finished, Lesson
from editorbot.pointer_network.songs import IGNORE, SongFiles
from editorbot.pointer_network.v2.calibrate import calibrate
from editorbot.pointer_network.v2.examples import (
    Batch,
    Example,
    PointerDataset,
    collate,
    example_digest,
)
from editorbot.pointer_network.v2.losses import pointer_losses, pointer_measures
from editorbot.pointer_network.v2.model import PointerNetwork
from editorbot.train.loop import FitSettings
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


def v2_lesson(
    train: Sequence[SongFiles],
    validation: Sequence[SongFiles],
    *,
    params: PointerParams,
    n_mels: int,
    stems: bool,
) -> Lesson:
    """What V2 needs to learn from songs; see `train_pointer`."""
    train_data = PointerDataset(train, params=params)
    validation_data = PointerDataset(validation, params=params)
    model = PointerNetwork(params, n_mels=n_mels, stems=stems)
    data = _describe(train_data, validation_data)

    def finish() -> Finished:
        songs = validation_data if len(validation_data) else train_data
        decoding, score = calibrate(model, songs, compression_ratio=data["compression_ratio"])
        metrics = {
            "calibration_keep_f1": score,
            "always_commonest_delta_accuracy": commonest_delta_accuracy(songs),
        }
        return Finished(decoding._asdict(), metrics)

    return Lesson(
        PointerTask(model),
        train_data,
        validation_data,
        partial(collate, stride=params.dimensions.stride),
        fit_settings(params),
        data,
        finish,
    )


def fit_settings(params: PointerParams) -> FitSettings:
    """The part of the params that the training loop uses."""
    shared = FitSettings.__annotations__.keys() & PointerParams.model_fields
    return FitSettings(**{name: getattr(params, name) for name in shared})


def _describe(train: PointerDataset, validation: PointerDataset) -> dict[str, Any]:
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


def commonest_delta_accuracy(songs: Iterable[Example]) -> float:
    """What always answering the commonest delta scores: the yardstick for `delta_accuracy`."""
    deltas = np.concatenate([song.targets.delta for song in songs])
    deltas = deltas[deltas != IGNORE]
    return float(np.bincount(deltas).max() / len(deltas)) if len(deltas) else 0.0
