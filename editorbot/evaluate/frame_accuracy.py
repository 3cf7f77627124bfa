"""Accuracy of single decisions, and why it says little.

The path model is asked of every step of the raw whether it is kept; never leaving anything out is
right for all that the person kept. The network V2's delta head is asked, at every step of the
person's edit, where the next step lies. Nearly always it is one further on, so an answer that never
changes is right for nearly all steps: the accuracy is reported beside that constant's, and over the
steps at cuts alone, where something is decided. Editors are judged by the edits that they propose
(see `metrics`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from editorbot.pointer_network.path.answers import answers_of
from editorbot.pointer_network.path.examples import PathDataset
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.propose import PointerEditor, load_editor
from editorbot.pointer_network.songs import SongFiles
from editorbot.pointer_network.v2.examples import PointerDataset, collate
from editorbot.pointer_network.v2.model import PointerNetwork
from editorbot.pointer_network.v2.train import PointerTask, commonest_delta_accuracy
from editorbot.progress import track


@dataclass(frozen=True)
class FrameAccuracy:
    """Shares of steps, 0 to 1, whose delta is answered rightly; NaN where there is no such step."""

    delta_accuracy: float
    delta_accuracy_at_cuts: float
    delta_accuracy_of_constant: float
    """By always giving the answer that is most often right on these songs."""


@dataclass(frozen=True)
class KeepAccuracy:
    """Shares of the raw's steps, 0 to 1, that are rightly kept or left out."""

    keep_accuracy: float
    keep_accuracy_of_keeping_all: float


def frame_accuracy(
    checkpoint: Path | str, songs: Sequence[SongFiles]
) -> KeepAccuracy | FrameAccuracy:
    """Accuracy of a checkpoint's single decisions on prepared songs.

    Raises:
        EditorbotError: The checkpoint or a song's file cannot be used.
    """
    editor = load_editor(checkpoint)
    if isinstance(editor.model, PathNetwork):
        return _keep_accuracy(editor, songs)
    return _delta_accuracy(editor.model, songs)


def _keep_accuracy(editor: PointerEditor, songs: Sequence[SongFiles]) -> KeepAccuracy:
    data = PathDataset(songs, params=editor.params.path, mel=editor.mel, augment=False)
    right, kept = [], []
    for example in track(data.examples, "accuracy of single decisions"):
        answers, true = (
            answers_of(editor.model, example.features, example.stems),
            example.labels.kept > 0.5,
        )
        right.append((answers.keep > 0) == true)
        kept.append(true)
    return KeepAccuracy(*(float(np.concatenate(parts).mean()) for parts in (right, kept)))


def _delta_accuracy(model: PointerNetwork, songs: Sequence[SongFiles]) -> FrameAccuracy:
    data, task = PointerDataset(songs, params=model.params), PointerTask(model)
    examples = [data[index] for index in range(len(data))]
    sums: dict[str, list[tuple[float, float]]] = {}
    task.eval()
    for example in track(examples, "accuracy of single decisions"):
        batch = collate([example], stride=model.params.dimensions.stride)
        with torch.inference_mode():
            measures = task.step(batch).measures
        for name, ratio in measures.items():
            sums.setdefault(name, []).append((float(ratio.sum), float(ratio.count)))
    return FrameAccuracy(
        delta_accuracy=_mean(sums["delta_accuracy"]),
        delta_accuracy_at_cuts=_mean(sums["cut_delta_accuracy"]),
        delta_accuracy_of_constant=commonest_delta_accuracy(examples),
    )


def _mean(parts: Sequence[tuple[float, float]]) -> float:
    right, steps = (sum(column) for column in zip(*parts, strict=True))
    return right / steps if steps else math.nan


def describe(accuracy: KeepAccuracy | FrameAccuracy) -> str:
    """One sentence with the numbers that are known."""
    if isinstance(accuracy, KeepAccuracy):
        return (
            "Of single steps of the raw the network keeps or leaves out "
            f"{accuracy.keep_accuracy:.1%} rightly, and keeping all of them "
            f"{accuracy.keep_accuracy_of_keeping_all:.1%}."
        )
    sentence = (
        "Of single steps on the person's path the network answers "
        f"{accuracy.delta_accuracy:.1%} rightly and a constant answer "
        f"{accuracy.delta_accuracy_of_constant:.1%}"
    )
    if math.isnan(accuracy.delta_accuracy_at_cuts):
        return sentence + "."
    return sentence + f"; of the steps at cuts, {accuracy.delta_accuracy_at_cuts:.1%}."
