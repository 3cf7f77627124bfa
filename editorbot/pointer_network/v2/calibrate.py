"""Thresholds of the rare decisions, chosen by what they do to free-running edits.

One step in some hundred jumps and one in thousands stops, and training weights them up: one half is
no meaningful threshold. Candidates are taken from the probabilities along the true paths of the
validation songs; those that give the free-running proposals the best F1 of kept raw steps
win. With `running`, never leaving the line and never stopping are candidates, so that on these
songs the proposals are no worse than keeping everything.
"""

from collections.abc import Iterable
from itertools import product

import numpy as np
import torch

from editorbot.pointer_network.v2.decode import NEVER, Decoding, decode_steps, teacher_forced
from editorbot.pointer_network.v2.examples import Example
from editorbot.pointer_network.v2.model import PointerNetwork
from editorbot.pointer_network.v2.targets import NO_SOURCE, REACH
from editorbot.progress import track

JUMP_FACTORS = (0.5, 1.0, 2.0)
"""Candidates let so many times the true number of jumps through, counted along the true paths."""
MOST_CUTS_FACTOR, MOST_CUTS_MORE = 4, 8
"""A proposal with more cuts than these make of the true number is of no use."""


def calibrate(
    model: PointerNetwork, examples: Iterable[Example], *, compression_ratio: float
) -> tuple[Decoding, float]:
    """The best thresholds for `examples`, at least one, and the mean keep F1 they reach there.

    `examples` are gone through twice, one at a time.
    """
    candidates = _candidates(model, examples, compression_ratio)
    scores = [
        [_score(model, example, decoding) for decoding in candidates]
        for example in track(examples, "Choosing thresholds, by song")
    ]
    means = np.mean(scores, axis=0)
    best = int(means.argmax())
    return candidates[best], float(means[best])


def keep_f1(proposed: np.ndarray, true: np.ndarray) -> float:
    """F1 of the set of raw steps that a path plays, against that of the true path."""
    proposed, true = set(proposed[proposed != NO_SOURCE]), set(true[true != NO_SOURCE])
    return 2 * len(proposed & true) / max(1, len(proposed) + len(true))


def _score(model: PointerNetwork, example: Example, decoding: Decoding) -> float:
    """Keep F1 of a free-running proposal; 0 if it cuts beyond all measure, which saves time."""
    cuts = int((example.targets.cut == 1).sum())
    most_cuts = MOST_CUTS_FACTOR * cuts + MOST_CUTS_MORE
    if model.params.expected_position == "linear":
        most_cuts = None
    steps = decode_steps(
        model,
        example.mel,
        example.stems,
        decoding=decoding,
        max_length_ratio=model.params.max_length_ratio,
        most_cuts=most_cuts,
    )
    cuts = int((np.diff(steps, prepend=NO_SOURCE) != 1).sum())
    if most_cuts is not None and cuts >= most_cuts:
        return 0.0
    return keep_f1(steps, example.steps)


def _candidates(
    model: PointerNetwork, examples: Iterable[Example], compression_ratio: float
) -> list[Decoding]:
    """Thresholds to try, the most cautious first, which wins ties."""
    if model.params.expected_position == "linear":
        # Three in four steps jump there to stay on their line: nothing is rare, one half is right.
        return [Decoding(compression_ratio=compression_ratio)]
    rows, jumps, near_cuts = [], 0, 0
    for example in examples:
        rows.append(_probabilities(model, example))
        cuts, uses_jump = example.targets.cut == 1, example.targets.use_jump == 1
        jumps += int(uses_jump.sum())
        near_cuts += int((cuts & ~uses_jump).sum())
    use_jump, cut, stop = (
        np.sort(np.concatenate(column))[::-1] for column in zip(*rows, strict=True)
    )
    cautious = [
        (_between(use_jump, round(jumps * factor)), _between(cut, round(near_cuts * factor)))
        for factor in JUMP_FACTORS
    ]
    stops = (NEVER, 0.5, _between(stop, len(rows)))
    pairs = product([(NEVER, NEVER), *cautious, (0.5, 0.5)], stops)
    return [Decoding(*leave, stop, compression_ratio) for leave, stop in pairs]


def _probabilities(
    model: PointerNetwork, example: Example
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a jump, of a delta other than 0 without a jump, and of a stop, along the true path."""
    targets = example.targets
    no_jump = np.zeros_like(targets.bucket)
    outputs = teacher_forced(model, example.mel, example.stems, targets.inputs, no_jump)
    goes_on = outputs.delta[0].float().softmax(dim=-1)[:, REACH]
    columns = (torch.sigmoid(outputs.use_jump[0]), 1 - goes_on, torch.sigmoid(outputs.stop[0]))
    return tuple(column.float().cpu().numpy() for column in columns)


def _between(descending: np.ndarray, count: int) -> float:
    """A threshold that lets the `count` highest through."""
    if count <= 0:
        return NEVER
    if count >= len(descending):
        return 0.0
    return float(descending[count - 1] + descending[count]) / 2
