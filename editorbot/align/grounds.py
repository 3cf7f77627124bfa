"""What confidences rest on: numbers measured on the finished list and on the sound of both sides.

All numbers are of the order of one, so that one strength of regularisation suits all of them
(`benchmarks/alignment_confidence.py`).
"""

from dataclasses import dataclass

import numpy as np

from editorbot.align.cut_grounds import CutGrounds, cut_grounds
from editorbot.align.replay import Sound, replay_of
from editorbot.align.segment_grounds import SegmentGrounds, segment_grounds, strengths_of
from editorbot.align.sides import Side
from editorbot.edl.model import Edit


@dataclass(frozen=True)
class Grounds:
    """What the confidence of each segment rests on, and of each boundary between two."""

    segments: tuple[SegmentGrounds, ...]
    cuts: tuple[CutGrounds, ...]


def measure_grounds(found: Edit, raw: Side, edit: Side, sound: Sound, *, clock: float) -> Grounds:
    """Measure what the confidences of the finished list `found` rest on.

    Args:
        found: The list, on the edit's own clock; confidences are the path's and the searches'.
        raw: The raw's side.
        edit: The edit's side, spread by `clock` (`open_pair`).
        sound: The features of both.
        clock: By how much slower the edit's recorder ran.
    """
    replay = replay_of(found, raw, edit, sound, clock=clock)
    strengths = [strengths_of(replay, piece) for piece in replay.pieces]
    together = np.concatenate([np.zeros(0), *strengths])
    typical = float(np.median(together)) if len(together) else 0.0
    return Grounds(segment_grounds(replay, strengths, typical), cut_grounds(replay, typical))
