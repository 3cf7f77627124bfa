"""What an edit plays of its raw recording, in seconds on the raw's own time axis.

The raw axis. Time runs from 0 to the raw's duration; where an edit has several raws they follow
one another in the order of its sources. It is divided into steps of 10 ms; a step belongs to
whatever covers its middle.

Runs. Each segment with a source is a run of the raw: it enters at one instant and leaves at
another, in the direction of play (a reversed segment enters at its later end).

Jumps. A jump is a place in the output where play does not go on in the raw where it was: it
leaves at one instant and resumes at another more than 10 ms away, in another raw, in another
direction, or after sound that has no source. A change of gain, speed or pitch alone is no jump.

Cuts. The cut times are the leave points and resume points of all jumps, together with the first
point that is entered and the last that is left; the beginnings and ends of the raws themselves
are not cuts, and points within 10 ms of each other are one.

Loops. A loop is a jump after which material is played again: more than half of the first 0.5 s
after it (of the run, if that is shorter) was played before. A passage played three times has two
loops.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from editorbot.edl.model import Edit, Segment
from editorbot.edl.raw_axis import bounds_s

STEP_S = 0.01
"""Seconds; the grid of the raw axis, and the distance below which two instants are one."""
LOOP_LOOK_S = 0.5
"""Seconds after a jump that tell whether it plays material again."""


@dataclass(frozen=True)
class Run:
    """A run of the raw as played: output and raw instants in seconds, `leave_s` may be earlier."""

    out_start_s: float
    out_end_s: float
    enter_s: float
    leave_s: float
    source: int
    follows: bool
    """Whether the run before it in the list touches it in the output."""

    @property
    def steps(self) -> slice:
        """Steps of the raw axis that the run plays."""
        return steps_between(min(self.enter_s, self.leave_s), max(self.enter_s, self.leave_s))

    @property
    def reverse(self) -> bool:
        """Whether the raw is played backwards."""
        return self.leave_s < self.enter_s


@dataclass(frozen=True)
class Jump:
    """A place where play leaves the raw at one instant and resumes at another, in seconds."""

    leave_s: float
    resume_s: float


def steps_between(start_s: float, end_s: float) -> slice:
    """Steps of the raw axis whose middle lies in `[start_s, end_s)`."""
    # Positions are exact multiples of a sample; the rounding keeps 0.295 / 0.01 from being 29.499.
    first, last = (math.ceil(round(t / STEP_S, 6) - 0.5) for t in (start_s, end_s))
    return slice(max(0, first), max(0, last))


def raw_bounds_s(edit: Edit) -> np.ndarray:
    """(S + 1,) seconds at which the S raws of an edit begin on the raw axis, and the end."""
    return bounds_s(edit.sources)


def raw_steps(edit: Edit) -> int:
    """Number of steps of the raw axis."""
    return math.ceil(round(raw_bounds_s(edit)[-1] / STEP_S, 6))


def runs(edit: Edit) -> list[Run]:
    """The runs of an edit in the order of the output; segments without source have none."""
    bounds = raw_bounds_s(edit)
    found, touches = [], False
    for segment in edit.segments:
        if segment.has_source:
            found.append(_run(edit, segment, offset_s=bounds[segment.source], follows=touches))
        touches = segment.has_source
    return found


def _run(edit: Edit, segment: Segment, *, offset_s: float, follows: bool) -> Run:
    rate = edit.sources[segment.source].sample_rate
    ends = [float(offset_s) + position / rate for position in (segment.src_start, segment.src_end)]
    enter_s, leave_s = reversed(ends) if segment.reverse else ends
    return Run(
        out_start_s=segment.out_start / edit.sample_rate,
        out_end_s=segment.out_end / edit.sample_rate,
        enter_s=enter_s,
        leave_s=leave_s,
        source=segment.source,
        follows=follows,
    )


def kept_steps(edit: Edit) -> np.ndarray:
    """(N,) bool, the steps of the raw that are played at least once: a set, not a count."""
    kept = np.zeros(raw_steps(edit), dtype=bool)
    for run in runs(edit):
        kept[run.steps] = True
    return kept


def first_played_s(edit: Edit) -> np.ndarray:
    """(N,) float64, output seconds at which each step is first played; NaN where it never is."""
    times = np.full(raw_steps(edit), np.nan)
    middles = (np.arange(len(times)) + 0.5) * STEP_S
    for run in runs(edit):
        at = run.steps
        speed = abs(run.leave_s - run.enter_s) / (run.out_end_s - run.out_start_s)
        played = run.out_start_s + np.abs(middles[at] - run.enter_s) / speed
        times[at] = np.where(np.isnan(times[at]), played, times[at])
    return times


def jumps(edit: Edit) -> list[Jump]:
    """The jumps of an edit in the order of the output."""
    played = runs(edit)
    return [
        Jump(before.leave_s, after.enter_s)
        for before, after in itertools.pairwise(played)
        if not _goes_on(before, after)
    ]


def _goes_on(before: Run, after: Run) -> bool:
    return (
        after.follows
        and before.source == after.source
        and before.reverse == after.reverse
        and abs(after.enter_s - before.leave_s) <= STEP_S
    )


def cut_times_s(edit: Edit) -> np.ndarray:
    """(K,) float64, the cut times on the raw axis in seconds, ascending and distinct."""
    played = runs(edit)
    if not played:
        return np.zeros(0)
    points = [played[0].enter_s, played[-1].leave_s]
    for jump in jumps(edit):
        points += [jump.leave_s, jump.resume_s]
    bounds = raw_bounds_s(edit)
    distinct: list[float] = []
    for point in sorted(points):
        is_end_of_raw = np.abs(bounds - point).min() <= STEP_S
        if not is_end_of_raw and (not distinct or point - distinct[-1] > STEP_S):
            distinct.append(point)
    return np.array(distinct)


def loops(edit: Edit) -> list[Jump]:
    """The jumps of an edit after which material is played again, in the order of the output."""
    heard = np.zeros(raw_steps(edit), dtype=bool)
    found, before = [], None
    for run in runs(edit):
        if before is not None and not _goes_on(before, run) and _is_heard(run, heard):
            found.append(Jump(before.leave_s, run.enter_s))
        heard[run.steps] = True
        before = run
    return found


def _is_heard(run: Run, heard: np.ndarray) -> bool:
    look_s = min(LOOP_LOOK_S, abs(run.leave_s - run.enter_s))
    until_s = run.enter_s + math.copysign(look_s, run.leave_s - run.enter_s)
    begin = heard[steps_between(*sorted((run.enter_s, until_s)))]
    return len(begin) > 0 and begin.mean() > 0.5
