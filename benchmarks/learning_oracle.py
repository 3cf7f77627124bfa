"""What is lost even if every prediction is right: the truth through each model's own words.

The person's edit is written down as the model's targets, and these are decoded as its answers are.
"""

from collections.abc import Sequence

import numpy as np

from editorbot.edl.frames import FrameGrid, from_pointers, to_ops, to_pointers
from editorbot.edl.model import Edit
from editorbot.edl.raw_axis import frame_borders_s
from editorbot.edl.spans import edit_of_spans
from editorbot.params import Params, PointerParams
from editorbot.pointer_network.path.decode import decode_path
from editorbot.pointer_network.path.labels import Labels, labels_of
from editorbot.pointer_network.path.losses import smeared
from editorbot.pointer_network.path.terms import Answers, PathDecoding, Run
from editorbot.pointer_network.v2.propose import tidy
from editorbot.pointer_network.v2.targets import (
    decode,
    encode,
    ops_to_steps,
    pointers_to_steps,
    step_count,
    steps_to_pointers,
)

SURE = 20.0
"""A logit."""
LIKELY = 0.5


def oracle_edit(human: Edit, params: Params) -> Edit:
    """What the model of these params makes of the edit itself; for one source."""
    grid = FrameGrid(params.mel.sample_rate, params.mel.hop_length)
    (source,) = human.sources
    raw_frames = grid.frames(source.samples, sample_rate=source.sample_rate)
    pointers = to_pointers(human, grid)
    if params.pointer.model == "v2":
        played = _through_v2(pointers, to_ops(human, grid), raw_frames, grid, params.pointer)
        return from_pointers(played, grid, sources=human.sources)
    stride = params.pointer.path.size.stride
    labels = labels_of(pointers, raw_frames=raw_frames, stride=stride)
    decoding = PathDecoding(leave=LIKELY, reorder=LIKELY, replay=LIKELY)
    runs = decode_path(_perfect(labels), decoding)
    borders_s = frame_borders_s(human.sources, grid)
    places = np.arange(len(borders_s)) / stride
    return edit_of_spans(np.interp(runs, places, borders_s).tolist(), human.sources)


def _through_v2(
    pointers: np.ndarray, ops: np.ndarray, raw_frames: int, grid: FrameGrid, params: PointerParams
) -> np.ndarray:
    size = params.dimensions
    raw_steps = step_count(raw_frames, size.stride)
    targets = encode(
        pointers_to_steps(pointers, stride=size.stride, raw_frames=raw_frames),
        ops_to_steps(ops, stride=size.stride),
        raw_steps=raw_steps,
        expected_position=params.expected_position,
        jump_buckets=size.jump_buckets,
    )
    steps = decode(targets, raw_steps=raw_steps, expected_position=params.expected_position)
    step_s = size.stride * grid.seconds
    tidied = tidy(
        steps,
        jitter=int(params.jitter_s / step_s),
        shortest=int(np.ceil(params.shortest_segment_s / step_s)),
    )
    return steps_to_pointers(tidied, stride=size.stride, raw_frames=raw_frames)


def _perfect(labels: Labels) -> Answers:
    """The answers that the labels are."""
    steps = len(labels.kept)
    starts, ends = (np.array(x) for x in zip(*labels.runs, strict=True))

    def sure(places: np.ndarray) -> np.ndarray:
        return SURE * (2 * smeared(places, steps, 1.0).numpy() - 1)

    def resume(leaves: Sequence[int], again: bool, runs: Sequence[Run]) -> np.ndarray:
        odds = np.zeros((len(leaves) + 1, steps + 1))
        odds[0, int(labels.first)] = 1
        for row, leave in enumerate(leaves, start=1):
            jumps = [j for j in labels.jumps if round(j.leave) == leave]
            to = jumps[min(int(again), len(jumps) - 1)].resume if jumps else -1
            odds[row, int(to) if to >= 0 else steps] = 1
        return odds

    def place(runs: Sequence[Run]) -> list[Run]:
        return [Run(_nearest(starts, run.start), _nearest(ends, run.end)) for run in runs]

    keep = np.where(labels.kept > 0.5, SURE, -SURE)
    logits = (sure(places) for places in (labels.starts, labels.ends, labels.inner))
    return Answers(keep, *logits, resume, place)


def _nearest(places: np.ndarray, place: float) -> float:
    return float(places[np.argmin(np.abs(places - place))])
