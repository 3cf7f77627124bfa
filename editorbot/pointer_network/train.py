"""Training of the pointer network: prepared songs in, checkpoints out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

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
    """Choose how the best weights' answers are decoded, and add that to their checkpoint."""
    checkpoint, model = load_checkpoint(result.best, system=SYSTEM), lesson.task.model
    load_weights(model, checkpoint)
    decoding, measures = lesson.finish()
    metrics = {
        **checkpoint.info["metrics"],
        **measures,
        "best_epoch": result.best_epoch,
        "epochs": result.epochs,
    }
    info = {**checkpoint.info, "decoding": decoding, "metrics": metrics}
    save_checkpoint(result.best, model=model, info=info)
    return metrics
