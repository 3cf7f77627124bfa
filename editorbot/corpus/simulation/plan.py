"""Who plays what when: a session as a list of takes and the breaks between them."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from editorbot.corpus.simulation.material import Material
from editorbot.params import SimulateParams

Kind = Literal["passage", "vamp", "false_start", "spoiled_take", "given_up"]
Junk = Literal["talk", "noise", "tuning", "dead_air", "count_in"]

MAX_FALSE_STARTS = 2
MAX_SPOILS = 2
# After a mistake a band often starts again one passage earlier, to get into it.
RUN_UP_SHARE = 0.25
VAMP_REPEATS = (3, 8)
MAX_RETAKES = 4
# What is good is played again from the top, or from where this take or an earlier passage began.
FROM_THE_TOP_SHARE, FROM_THIS_TAKE_SHARE = 0.5, 0.25
# Of the retakes in which something goes wrong; what was played before them stands then.
GIVEN_UP_SHARE = 0.4


@dataclass(frozen=True)
class Span:
    """A run `[start, stop)` of the track that is played once, in track samples.

    `passage` is the passage that it belongs to; `keep` says whether a vamp's repeat is wanted;
    `bars` are the bar lines within it. What is `given_up` was played well, in a retake that failed.
    """

    start: int
    stop: int
    kind: Kind
    passage: int
    keep: bool = False
    bars: tuple[int, ...] = ()


@dataclass(frozen=True)
class Take:
    """What is played from one break to the next."""

    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Break:
    """What is heard between two takes, in order."""

    junk: tuple[Junk, ...]


def plan_session(
    material: Material, rng: np.random.Generator, params: SimulateParams
) -> list[Take | Break]:
    """Play all passages in order, with breaks, false starts, spoiled takes, vamps and retakes.

    The last good playing of each passage is the one to keep.
    """
    events: list[Take | Break] = [_break(rng, params, opening=True)]
    position, furthest, false_starts, retakes = 0, 0, 0, 0
    retake: int | None = None  # the event with which one begins that has not caught up yet
    spoils = [0] * len(material.passages)
    while position < len(material.passages):
        if false_starts < MAX_FALSE_STARTS and rng.random() < params.false_start_share:
            false_starts += 1
            events.append(Take((_false_start(material, position, rng),)))
            events.append(_break(rng, params, short=True))
            continue
        first = position
        take, reached = _take(material, position, rng, params, spoils)
        spoiled = any(span.kind == "spoiled_take" for span in take.spans)
        false_starts = 0
        events.append(take)
        events.append(_break(rng, params, short=spoiled))
        run_up = spoiled and reached > 0 and rng.random() < RUN_UP_SHARE
        position = reached - 1 if run_up else reached
        if spoiled and retake is not None and rng.random() < GIVEN_UP_SHARE:
            events[retake:] = _given_up(events[retake:])
            position = furthest
        if position >= furthest:
            furthest, retake = position, None
        if spoiled or retake is not None or retakes == MAX_RETAKES or not params.retake_share:
            continue
        if rng.random() < params.retake_share:
            retakes, retake = retakes + 1, len(events)
            position = _retaken_from(first, position, rng)
    # Nobody counts in at the end of a session.
    events[-1] = Break((*(name for name in events[-1].junk if name != "count_in"), "dead_air"))
    return events


def _retaken_from(first: int, position: int, rng: np.random.Generator) -> int:
    """The passage from which a band plays again when it has played from `first` to `position`."""
    shares = (FROM_THE_TOP_SHARE, FROM_THIS_TAKE_SHARE)
    anywhere = int(rng.integers(position))
    return int(rng.choice([0, first, anywhere], p=[*shares, 1 - sum(shares)]))


def _given_up(events: list[Take | Break]) -> list[Take | Break]:
    """The same with nothing in it to keep."""
    return [
        event
        if isinstance(event, Break)
        else Take(
            tuple(
                replace(span, kind="given_up" if span.kind == "passage" else span.kind, keep=False)
                for span in event.spans
            )
        )
        for event in events
    ]


def _take(
    material: Material,
    position: int,
    rng: np.random.Generator,
    params: SimulateParams,
    spoils: list[int],
) -> tuple[Take, int]:
    """A take from passage `position` on, and the passage to go on with; counts up `spoils`.

    That is the first one that went wrong, wherever the take ended.
    """
    spans: list[Span] = []
    wrong: list[int] = []
    for number in range(position, len(material.passages)):
        passage = material.passages[number]
        if spoils[number] < MAX_SPOILS and rng.random() < params.spoiled_take_share:
            spoils[number] += 1
            spans.append(Span(passage.start, passage.stop, "spoiled_take", number))
            wrong.append(number)
            if params.played_through_share and rng.random() < params.played_through_share:
                continue
            break
        spans.append(Span(passage.start, passage.stop, "passage", number, True, passage.bars))
        is_last = number == len(material.passages) - 1
        if not is_last and rng.random() < params.vamp_share:
            spans += _vamp(material, number, rng, params)
        if rng.random() < params.break_share:
            break
    return Take(tuple(spans)), wrong[0] if wrong else number + 1


def _vamp(
    material: Material, number: int, rng: np.random.Generator, params: SimulateParams
) -> list[Span]:
    """The last bar or two of a passage again and again; the editor keeps at most one repeat."""
    passage = material.passages[number]
    bars = min(len(passage.bars) - 1, int(rng.integers(1, 3)))
    start = passage.bars[-1 - bars]
    repeats = int(rng.integers(VAMP_REPEATS[0], VAMP_REPEATS[1] + 1))
    if bars == 2:
        repeats = max(2, repeats // 2)
    kept = int(rng.random() < params.vamp_keep_share)
    return [Span(start, passage.stop, "vamp", number, n < kept) for n in range(repeats)]


def _false_start(material: Material, number: int, rng: np.random.Generator) -> Span:
    """The first seconds of a passage, broken off anywhere."""
    passage = material.passages[number]
    length = min(rng.uniform(0.8, 5.0) * material.sample_rate, 0.6 * (passage.stop - passage.start))
    return Span(passage.start, passage.start + int(length), "false_start", number)


def _break(
    rng: np.random.Generator,
    params: SimulateParams,
    *,
    opening: bool = False,
    short: bool = False,
) -> Break:
    """Junk in random order, the count-in last; never empty, as nobody stops for nothing."""
    shares = {
        "talk": params.talk_share,
        "noise": params.noise_share,
        "tuning": params.tuning_share * (0.4 if short else 1.0),
        "dead_air": params.dead_air_share,
    }
    junk = [name for name, share in shares.items() if rng.random() < share]
    rng.shuffle(junk)
    if opening or not junk:
        junk.insert(0, "dead_air")
    if rng.random() < params.count_in_share:
        junk.append("count_in")
    return Break(tuple(junk))
