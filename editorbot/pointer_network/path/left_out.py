"""Simulated sessions with some of their takes left out, as other sessions to learn from.

Which take of a passage is kept depends on the others. Heard always beside the same ones, a network
learns it by heart; of a simulated session it is known what would be kept without some of them.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, TypeAdapter, ValidationError

from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Op
from editorbot.errors import EditorbotError, first_problem
from editorbot.files import read_json
from editorbot.pointer_network.path.features import Features
from editorbot.pointer_network.path.labels import Labels, labels_of
from editorbot.pointer_network.path.repeats import (
    DIRECTIONS,
    PER_THRESHOLD,
    SCALES,
    SPANS,
    TYPICAL,
    Repeats,
)

MOST_LEFT_OUT = 0.8
"""Chance that a take is left out, at most; each time it is drawn anew."""
LEAST_ACROSS_S = 2.0
"""How long two agreements last by which a third is told."""

_BORDERS_S = np.array([border for scale in SCALES for border in scale.borders_s[:-1]])
_LONGEST_S = np.repeat(
    [scale.borders_s[-1] for scale in SCALES], [len(scale.borders_s) - 1 for scale in SCALES]
)


class Part(NamedTuple):
    """Frames [start, stop) of a simulated raw."""

    start: int
    stop: int
    passage: int | None
    """What of the track is played; None between takes."""
    good: bool
    """Whether it was played well."""


class _StoredPart(BaseModel):
    """As `editorbot.corpus.jams.parts_of` writes it."""

    start_s: float
    end_s: float
    passage: int | None
    good: bool


_STORED = TypeAdapter(list[_StoredPart])


def read_parts(path: Path, *, song: str, grid: FrameGrid) -> tuple[Part, ...]:
    """The parts of a simulated song, on that grid.

    Raises:
        EditorbotError: The file cannot be read, or holds something else.
    """
    try:
        stored = _STORED.validate_python(read_json(path))
    except ValidationError as error:
        raise EditorbotError(
            f"song {song}: {path} does not tell what its parts are ({first_problem(error)}): "
            "simulate it again"
        ) from error
    return tuple(
        Part(round(x.start_s / grid.seconds), round(x.end_s / grid.seconds), x.passage, x.good)
        for x in stored
    )


class Shortened(NamedTuple):
    """A session with takes left out."""

    features: Features
    labels: Labels
    ops: np.ndarray
    """(F,) int64 ops of the frames of its edit."""
    pointers: np.ndarray
    """(F,) int64 frames of the raw that these play."""


def shortened(
    features: Features,
    parts: tuple[Part, ...],
    rng: np.random.Generator,
    *,
    stride: int,
    steps_per_s: float,
) -> Shortened | None:
    """The session with takes left out by chance; None where each of them is needed.

    Of every passage that was played well one such playing remains, and the last one is kept. What
    agreed best is taken to do so where both ends remain; what agreed with one and the same step of
    a take that is left out is taken to agree. Nothing else is looked for.
    """
    left_out = _left_out(parts, rng)
    if not left_out:
        return None
    remains = np.ones(features.steps, bool)
    for start, stop in left_out:
        remains[round(start / stride) : round(stop / stride)] = False
    frames = np.repeat(remains, stride)[: len(features.mel)]
    before = np.concatenate([[0], np.cumsum(frames)])
    pointers, ops = _edit(parts, left_out, before)
    by_beat = np.diff(features.beats, append=features.beats[-1:])[remains]
    shorter = Features(
        features.mel[frames],
        _remaining(features.repeats, remains, steps_per_s),
        np.concatenate([[0], np.cumsum(by_beat)[:-1]]).astype(np.float32),
    )
    labels = labels_of(pointers, raw_frames=len(shorter.mel), stride=stride)
    return Shortened(shorter, labels, ops, pointers)


def _left_out(parts: tuple[Part, ...], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Frames [start, stop) of takes, with the breaks after them, of which none is needed."""
    takes = _takes(parts)
    playings = [{p.passage for p in take if p.good} for take, _ in takes]
    share = rng.uniform(0, MOST_LEFT_OUT)
    remaining = set(range(len(takes)))
    for number in rng.permutation(len(takes)).tolist():
        others = set().union(*(playings[n] for n in remaining if n != number))
        if rng.random() < share and playings[number] <= others:
            remaining.remove(number)
    return [(takes[n][0][0].start, takes[n][1]) for n in range(len(takes)) if n not in remaining]


def _takes(parts: tuple[Part, ...]) -> list[tuple[list[Part], int]]:
    """The parts of each take, and the frame at which the next one begins, or this one ends."""
    takes: list[list[Part]] = []
    is_open = False
    for part in parts:
        if part.passage is not None:
            if not is_open:
                takes.append([])
            takes[-1].append(part)
        is_open = part.passage is not None
    ends = [take[0].start for take in takes[1:]] + [take[-1].stop for take in takes[-1:]]
    return list(zip(takes, ends, strict=True))


def _edit(
    parts: tuple[Part, ...], left_out: list[tuple[int, int]], before: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(F,) pointers and ops of an edit that keeps the last good playing of each passage.

    `before` counts the frames that remain before each of the session's.
    """
    last: dict[int, Part] = {}
    for part in parts:
        is_left_out = any(start <= part.start < stop for start, stop in left_out)
        if part.good and not is_left_out:
            last[part.passage] = part
    kept = sorted(last.values())
    total = len(before) - 1
    runs = [before[[min(part.start, total), min(part.stop, total)]] for part in kept]
    pointers = np.concatenate([np.arange(*run) for run in runs])
    jumps = np.diff(pointers, prepend=pointers[0] - 1) != 1
    return pointers, np.where(jumps, Op.SKIP, Op.COPY)


class _Pairs(NamedTuple):
    """N pairs of steps that agree, as the first of each is told of the second."""

    step: np.ndarray
    partner: np.ndarray
    features: np.ndarray
    """(N, PER_SPAN)."""
    behind: np.ndarray
    ahead: np.ndarray


def _remaining(repeats: Repeats, remains: np.ndarray, steps_per_s: float) -> Repeats:
    """What is still played again; spans are those of the lags as they are now."""
    told = _Told(*(x.reshape(len(remains), DIRECTIONS * SPANS, -1) for x in repeats))
    direct = _direct(told, remains)
    across = _across(told, remains, least=LEAST_ACROSS_S * steps_per_s)
    pairs = _Pairs(*(np.concatenate(both) for both in zip(direct, across, strict=True)))
    place, steps = np.cumsum(remains) - 1, int(remains.sum())
    step, partner = place[pairs.step], place[pairs.partner]
    lag_s = np.abs(partner - step) / steps_per_s
    span = np.searchsorted(_BORDERS_S, lag_s, side="right") - 1
    # Of several in a span the best is written last; a step is no repeat of itself.
    order = np.argsort(pairs.features[:, PER_THRESHOLD * TYPICAL], kind="stable")
    order = order[span[order] >= 0]
    step, partner, lag_s, span = (x[order] for x in (step, partner, lag_s, span))
    cell = step, np.where(partner > step, 0, 1), span
    found = pairs.features[order]
    found[:, -1] = lag_s / _LONGEST_S[span]
    results = []
    values = found, partner, pairs.behind[order], pairs.ahead[order]
    for old, value, nothing in zip(repeats, values, (0, -1, 0, 0), strict=True):
        result = np.full((steps, DIRECTIONS, SPANS, *value.shape[1:]), nothing, old.dtype)
        result[cell] = value
        results.append(result.reshape(steps, -1))
    return Repeats(*results)


class _Told(NamedTuple):
    """(R, DIRECTIONS * SPANS, ...) of what `Repeats` holds."""

    features: np.ndarray
    partners: np.ndarray
    behind: np.ndarray
    ahead: np.ndarray


def _direct(told: _Told, remains: np.ndarray) -> _Pairs:
    """Those that remain."""
    partners = told.partners[..., 0]
    step, kind = np.nonzero((partners >= 0) & remains[partners] & remains[:, None])
    rest = (x[step, kind, 0] for x in told[1:])
    partner, behind, ahead = rest
    return _Pairs(step, partner, told.features[step, kind], behind, ahead)


def _across(told: _Told, remains: np.ndarray, *, least: float) -> _Pairs:
    """Those that remain and agree both with a step that is left out; as much as either does.

    Both agreements last for `least` steps.
    """
    partners = told.partners[..., 0]
    step, kind = np.nonzero((partners >= 0) & ~remains[partners] & remains[:, None])
    between = partners[step, kind]
    second = partners[between]
    number, other = np.nonzero((second >= 0) & remains[second])
    step, kind, between = step[number], kind[number], between[number]
    features, behind, ahead = (
        np.minimum(x[step, kind], x[between, other])
        for x in (told.features, told.behind, told.ahead)
    )
    pairs = _Pairs(step, second[number, other], features, behind[:, 0], ahead[:, 0])
    lasting = pairs.behind + pairs.ahead >= least
    return _Pairs(*(x[lasting] for x in pairs))
