"""Steps: the raw recording on the coarse clock at which an agent decides, 10 steps a second.

Step k covers `[k, k + 1) / steps_per_second` seconds of the raw; the last one may be cut short by
the recording's end. An edit on this clock is a list of runs of steps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops

STEPS_PER_SECOND = 10
FADES_S = (0.0, 0.01, 0.1, 1.0)
"""Seconds; the fades an agent can choose from."""


@dataclass(frozen=True)
class StepRun:
    """Steps `[start, end)` of the raw, played once; the fades index `FADES_S`."""

    start: int
    end: int
    fade_in: int = 0
    fade_out: int = 0


def step_count(source: Source, *, steps_per_second: float = STEPS_PER_SECOND) -> int:
    """Number N of steps of a recording."""
    return math.ceil(round(source.samples / source.sample_rate * steps_per_second, 6))


def step_runs(edit: Edit, *, steps_per_second: float = STEPS_PER_SECOND) -> tuple[StepRun, ...]:
    """The runs of an edit, each end at the nearest step.

    What this clock cannot say is left out: runs shorter than half a step, sound without source,
    and the direction and speed of play.
    """
    found: list[StepRun] = []
    for segment in edit.segments:
        if not segment.has_source:
            continue
        rate = edit.sources[segment.source].sample_rate
        start, end = (
            math.floor(position / rate * steps_per_second + 0.5)
            for position in (segment.src_start, segment.src_end)
        )
        # The last step may be cut short: an end on the recording's own end is the step's end.
        if segment.src_end == edit.sources[segment.source].samples:
            end = step_count(edit.sources[segment.source], steps_per_second=steps_per_second)
        if end <= start:
            continue
        run = StepRun(
            start,
            end,
            fade_in=_nearest_fade(segment.fade_in.samples / edit.sample_rate),
            fade_out=_nearest_fade(segment.fade_out.samples / edit.sample_rate),
        )
        if found and found[-1].end == start:
            run = StepRun(found[-1].start, end, found[-1].fade_in, run.fade_out)
            found.pop()
        found.append(run)
    return tuple(found)


def _nearest_fade(seconds: float) -> int:
    """Index of the fade of the nearest length, by ratio; below 1 ms there is no fade."""
    if seconds < 0.001:
        return 0
    ratios = [abs(math.log(seconds / fade)) for fade in FADES_S[1:]]
    return 1 + int(np.argmin(ratios))


def edit_of_runs(
    runs: Sequence[StepRun], source: Source, *, steps_per_second: float = STEPS_PER_SECOND
) -> Edit:
    """The edit that plays `runs` of `source` at the source's rate.

    Raises:
        ValueError: There is no run; an edit has at least one sample.
    """
    if not runs:
        raise ValueError("expected at least one run of steps, got none: nothing was played")
    segments, out_start = [], 0
    for number, run in enumerate(runs):
        src_start, src_end = (
            min(round(step * source.sample_rate / steps_per_second), source.samples)
            for step in (run.start, run.end)
        )
        out_end = out_start + src_end - src_start
        reach_in = min(src_start, src_end - src_start) if number else src_end - src_start
        last = number == len(runs) - 1
        beyond = source.samples - src_end
        reach_out = src_end - src_start if last else min(beyond, src_end - src_start)
        segments.append(
            Segment(
                out_start=out_start,
                out_end=out_end,
                source=0,
                src_start=src_start,
                src_end=src_end,
                fade_in=_fade(run.fade_in, source.sample_rate, longest=reach_in),
                fade_out=_fade(run.fade_out, source.sample_rate, longest=reach_out),
            )
        )
        out_start = out_end
    segments = _shortened(segments)
    return Edit(
        sample_rate=source.sample_rate,
        samples=out_start,
        sources=(source,),
        segments=with_ops(segments),
    )


def _fade(choice: int, sample_rate: int, *, longest: int) -> Fade:
    return Fade(samples=min(round(FADES_S[choice] * sample_rate), longest))


def _shortened(segments: list[Segment]) -> list[Segment]:
    """Fades across a boundary no longer than either of its segments."""
    result = list(segments)
    for index in range(1, len(result)):
        before, after = result[index - 1], result[index]
        longest = min(before.samples, after.samples)
        for place, name in ((index - 1, "fade_out"), (index, "fade_in")):
            fade = getattr(result[place], name)
            shorter = fade.model_copy(update={"samples": min(fade.samples, longest)})
            result[place] = result[place].model_copy(update={name: shorter})
    return result


def pool_mel(
    mel: np.ndarray,
    steps: int,
    *,
    frames_per_second: float,
    bands: int,
    steps_per_second: float = STEPS_PER_SECOND,
) -> np.ndarray:
    """(M, F) mel frames -> (bands, N) float32 means over each step and over neighbouring bands.

    Raises:
        ValueError: The mel has fewer bands than asked for, or fewer frames than steps a second.
    """
    if mel.ndim != 2 or mel.shape[0] < bands or mel.shape[1] == 0:
        raise ValueError(f"expected a mel of shape (at least {bands}, F), got {mel.shape}")
    if frames_per_second < steps_per_second:
        raise ValueError(
            f"expected at least {steps_per_second} frames a second, got {frames_per_second}"
        )
    # Frame f stands for the instant f / frames_per_second.
    first = np.ceil(np.arange(steps) * frames_per_second / steps_per_second - 1e-9).astype(int)
    first = np.minimum(first, mel.shape[1] - 1)
    edges = np.linspace(0, mel.shape[0], bands, endpoint=False).astype(int)
    values = np.asarray(mel, dtype=np.float32)
    return _means(_means(values, first, axis=1), edges, axis=0).astype(np.float32)


def _means(values: np.ndarray, first: np.ndarray, *, axis: int) -> np.ndarray:
    """Means of the groups that begin at the indices `first`; an empty group is its first value."""
    sums = np.add.reduceat(values, first, axis=axis)
    counts = np.maximum(np.diff(first, append=values.shape[axis]), 1)
    return sums / (counts if axis == 1 else counts[:, None])
