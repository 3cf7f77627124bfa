"""Training of the pointer network: prepared songs in, checkpoints out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from editorbot.errors import EditorbotError
from editorbot.files import write_json
from editorbot.nn.modules import parameter_count
from editorbot.nn.threads import cpu_threads
from editorbot.params import DecodeParams, MelParams, PointerParams, StemsParams
from editorbot.pointer_network import SYSTEM
from editorbot.pointer_network.lesson import Lesson
from editorbot.pointer_network.path.train import path_lesson
from editorbot.pointer_network.songs import SongFiles
from editorbot.pointer_network.surely import surely_best
from editorbot.pointer_network.v2.train import v2_lesson
from editorbot.train.checkpoints import load_checkpoint, load_weights, save_checkpoint
from editorbot.train.loop import FitResult, fit


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
    if not train:
        raise EditorbotError("no song is left to train on: add pairs, or hold out fewer songs")
    torch.manual_seed(params.seed)
    uses_stems = params.stems and all(s.stems_mel is not None for s in (*train, *validation))
    songs = [_chosen(part, uses_stems) for part in (train, validation)]
    with cpu_threads(params.cpu_threads):
        if params.model == "path":
            lesson = path_lesson(*songs, params=params, mel=mel, stems=uses_stems)
        else:
            lesson = v2_lesson(*songs, params=params, n_mels=mel.n_mels, stems=uses_stems)
        info = {
            "system": SYSTEM,
            "params": {
                "pointer": params.model_dump(mode="json"),
                "decode": decode.model_dump(mode="json"),
                "mel": mel.model_dump(mode="json"),
                "stems": stems.model_dump(mode="json") if uses_stems else None,
            },
            "parameters": parameter_count(lesson.task.model),
            "data": lesson.data,
        }
        result = fit(
            lesson.task,
            lesson.train,
            lesson.validation,
            collate=lesson.collate,
            settings=lesson.settings,
            directory=directory,
            log_directory=log_directory,
            info=info,
            resume=resume,
        )
        metrics = _finish(result, lesson)
    write_json(Path(directory) / "metrics.json", metrics)
    return TrainResult(result.best, result.latest, metrics)


def _chosen(songs: Sequence[SongFiles], uses_stems: bool) -> list[SongFiles]:
    if uses_stems:
        return list(songs)
    return [replace(song, stems_mel=None) for song in songs]


def _finish(result: FitResult, lesson: Lesson) -> dict[str, float]:
    """Choose weights and how their answers are decoded; the checkpoint `best` then holds both.

    The weights are those of the lowest loss, unless those of the last epoch surely decode better:
    the loss also rises as answers become too sure, which an order that is learned late outweighs.
    """
    contenders = [load_checkpoint(path, system=SYSTEM) for path in (result.best, result.latest)]
    if contenders[0].info["epoch"] == contenders[1].info["epoch"]:
        contenders.pop()
    finished = []
    for checkpoint in contenders:
        load_weights(lesson.task.model, checkpoint)
        finished.append(lesson.finish())
        if not finished[-1].scores:
            break
    chosen = surely_best(np.array([found.scores for found in finished]))
    checkpoint, found = contenders[chosen], finished[chosen]
    load_weights(lesson.task.model, checkpoint)
    metrics = {
        **checkpoint.info["metrics"],
        **found.measures,
        "best_epoch": checkpoint.info["epoch"],
        "epochs": result.epochs,
    }
    info = {**checkpoint.info, "decoding": found.decoding, "metrics": metrics}
    save_checkpoint(result.best, model=lesson.task.model, info=info)
    return metrics
