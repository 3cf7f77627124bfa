"""Accuracy of single decisions on the true path, and why it says little.

The delta head is asked, at every step of the person's edit, where the next step lies. Nearly always
it is one further on, so an answer that never changes is right for nearly all steps: the accuracy is
reported beside that constant's, and over the steps at cuts alone, where something is decided.
Editors are judged by the edits that they propose (see `metrics`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from editorbot.pointer_network.data import PointerDataset, SongFiles, collate
from editorbot.pointer_network.propose import load_editor
from editorbot.pointer_network.train import PointerTask, commonest_delta_accuracy
from editorbot.progress import track


@dataclass(frozen=True)
class FrameAccuracy:
    """Shares of steps, 0 to 1, whose delta is answered rightly; NaN where there is no such step."""

    delta_accuracy: float
    delta_accuracy_at_cuts: float
    delta_accuracy_of_constant: float
    """By always giving the answer that is most often right on these songs."""


def frame_accuracy(checkpoint: Path | str, songs: Sequence[SongFiles]) -> FrameAccuracy:
    """Accuracy of a checkpoint's delta head along the true paths of prepared songs.

    Raises:
        EditorbotError: The checkpoint or a song's file cannot be used.
    """
    model = load_editor(checkpoint).model
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


def describe(accuracy: FrameAccuracy) -> str:
    """One sentence with the numbers that are known."""
    sentence = (
        "Of single steps on the person's path the network answers "
        f"{accuracy.delta_accuracy:.1%} rightly and a constant answer "
        f"{accuracy.delta_accuracy_of_constant:.1%}"
    )
    if math.isnan(accuracy.delta_accuracy_at_cuts):
        return sentence + "."
    return sentence + f"; of the steps at cuts, {accuracy.delta_accuracy_at_cuts:.1%}."
