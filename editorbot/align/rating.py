"""Calibrated confidences of a finished list: of the segments and cuts said at .9, 90 % are right.

What right means is said in `editorbot.evaluate.calibration`. A confidence is a logistic function of
a few numbers measured on the list (`grounds`), its weights fitted to pairs with known lists and
kept in `confidence.json`; `benchmarks/alignment_confidence.py` fits them anew.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from editorbot.align.cut_grounds import CutGrounds, with_odds
from editorbot.align.grounds import Grounds, measure_grounds
from editorbot.align.replay import Sound
from editorbot.align.segment_grounds import (
    CopyGrounds,
    NothingGrounds,
    SegmentGrounds,
    StretchedGrounds,
)
from editorbot.align.sides import Side
from editorbot.edl.model import Edit

MODELS_JSON = Path(__file__).parent / "confidence.json"
KINDS = {
    "copy": CopyGrounds,
    "stretched": StretchedGrounds,
    "nothing": NothingGrounds,
    "cut": CutGrounds,
}
"""Names of the models in `MODELS_JSON`, and what each is a function of."""
HIGHEST = 0.999
"""Nothing is surer, nor its opposite: so few were wrong among the pairs."""


@dataclass(frozen=True)
class Model:
    """A logistic function of grounds, times a power of the probability of a copy's place.

    Attributes:
        bias: Logarithm of the odds where all grounds are 0.
        weights: What each field of the grounds adds, in order.
        place_power: Of two places that sound the same the one that was found is right in 2 to the
            power of minus this; 1 if nothing told them apart, less as what came before does.
    """

    bias: float
    weights: tuple[float, ...]
    place_power: float = 0.0

    def confidence(self, grounds: SegmentGrounds | CutGrounds) -> float:
        """Probability that what these grounds are of is right."""
        odds = self.bias + float(np.dot(self.weights, grounds))
        found = 1 / (1 + np.exp(-odds)) * 2 ** (self.place_power * getattr(grounds, "place", 0.0))
        return round(float(np.clip(found, 1 - HIGHEST, HIGHEST)), 4)


@dataclass(frozen=True)
class Rated:
    """A list with confidences, those of its cuts, and what both rest on."""

    edit: Edit
    cut_confidences: tuple[float, ...]
    grounds: Grounds


@cache
def models(path: Path = MODELS_JSON) -> dict[type, Model]:
    """The fitted models by what they are a function of.

    Raises:
        ValueError: The file has other models or fields than there are.
    """
    found = {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    for name, kind in KINDS.items():
        weights = stored[name]["weights"]
        if set(weights) != set(kind._fields):
            raise ValueError(
                f"{path}: {name} has weights for {', '.join(weights)}, expected "
                f"{', '.join(kind._fields)}; fit anew with benchmarks/alignment_confidence.py"
            )
        ordered = tuple(float(weights[field]) for field in kind._fields)
        bias, power = (float(stored[name][part]) for part in ("bias", "place_power"))
        found[kind] = Model(bias, ordered, power)
    return found


def confidences(grounds: Sequence[SegmentGrounds | CutGrounds]) -> list[float]:
    """The probability that each is right."""
    return [models()[type(each)].confidence(each) for each in grounds]


def rated(found: Edit, raw: Side, edit: Side, sound: Sound, *, clock: float) -> Rated:
    """The finished list with a calibrated confidence for each segment, and for each boundary.

    Arguments as for `measure_grounds`.
    """
    grounds = measure_grounds(found, raw, edit, sound, clock=clock)
    of_segments = confidences(grounds.segments)
    segments = [
        segment.model_copy(update={"confidence": confidence})
        for segment, confidence in zip(found.segments, of_segments, strict=True)
    ]
    return Rated(
        edit=found.model_copy(update={"segments": tuple(segments)}),
        cut_confidences=tuple(confidences(with_odds(grounds.cuts, of_segments))),
        grounds=grounds,
    )
