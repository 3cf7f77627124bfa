"""How the path model learns."""

import hashlib
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from editorbot.params import MelParams, PointerParams
from editorbot.pointer_network.lesson import Finished, Lesson
from editorbot.pointer_network.path.calibrate import calibrate
from editorbot.pointer_network.path.examples import PathDataset, collate
from editorbot.pointer_network.path.features import VERSION
from editorbot.pointer_network.path.losses import PathTask
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.pretrained import load_pretrained
from editorbot.pointer_network.path.terms import PathDecoding
from editorbot.pointer_network.songs import SongFiles
from editorbot.train.loop import FitSettings


def path_lesson(
    train: Sequence[SongFiles],
    validation: Sequence[SongFiles],
    *,
    params: PointerParams,
    mel: MelParams,
    stems: bool,
) -> Lesson:
    """What the path model needs to learn from songs; see `train_pointer`."""
    path = params.path
    step_s = path.size.stride * mel.hop_length / mel.sample_rate
    train_data = PathDataset(train, params=path, mel=mel, augment=path.augment)
    validation_data = PathDataset(validation, params=path, mel=mel, augment=False)
    model = PathNetwork(path.size, stems=stems)
    before = load_pretrained(model, path)
    usual = PathDecoding() if before is None else before.decoding

    def finish() -> Finished:
        songs = validation_data.examples or train_data.examples
        found = calibrate(model, songs, step_s=step_s, usual=usual)
        # Songs that were learned from would always favour what learned them longest.
        scores = found.scores if validation_data.examples else ()
        return Finished(found.decoding._asdict(), found.measures, scores)

    return Lesson(
        PathTask(model, params=path, step_s=step_s, recompute=params.gradient_checkpointing),
        train_data,
        validation_data,
        partial(collate, stride=path.size.stride),
        _fit_settings(params, songs=len(train)),
        {**_describe(train_data, validation_data), "pretrained": before and before.digest},
        finish,
    )


def _fit_settings(params: PointerParams, *, songs: int) -> FitSettings:
    path = params.path
    return FitSettings(
        lr=path.scratch_lr if path.pretrained == "none" else path.lr,
        weight_decay=path.weight_decay,
        warmup_steps=path.warmup_steps,
        epochs=math.ceil(path.steps / max(1, songs)),
        patience=path.patience,
        batch_size=params.batch_size,
        accumulate=params.accumulate,
        gradient_clip=path.gradient_clip,
        seed=params.seed,
        devices=params.devices,
        keep_last=path.epoch == "last",
    )


def _describe(train: PathDataset, validation: PathDataset) -> dict[str, Any]:
    digest = hashlib.sha256(b"".join(example.digest for example in train.examples))
    return {
        "features": VERSION,
        "songs": [song.name for song in train.songs],
        "validation_songs": [song.name for song in validation.songs],
        "digest": digest.hexdigest(),
        "steps": sum(example.features.steps for example in train.examples),
        "cuts": sum(len(x.labels.jumps) for x in train.examples),
    }
