"""Steps: the raw on the coarse clock at which an agent decides, 10 steps a second.

Step k covers `[k, k + 1) / steps_per_second` seconds of the raw axis, on which several raws follow
one another; the last one may be cut short by the axis' end. An edit on this clock is a list of runs
of steps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from editorbot.edl.frames import resampled_length
from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops
from editorbot.edl.raw_axis import SourceRun, bounds_s, source_runs

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


def step_count(sources: Sequence[Source], *, steps_per_second: float = STEPS_PER_SECOND) -> int:
    """Number N of steps of some recordings."""
    return math.ceil(round(float(bounds_s(sources)[-1]) * steps_per_second, 6))


def step_runs(edit: Edit, *, steps_per_second: float = STEPS_PER_SECOND) -> tuple[StepRun, ...]:
    """The runs of an edit, each end at the nearest step.

    What this clock cannot say is left out: runs shorter than half a step, sound without source,
    and the direction and speed of play.
    """
    found: list[StepRun] = []
    bounds, last = bounds_s(edit.sources), len(edit.sources) - 1
    for segment in edit.segments:
        if not segment.has_source:
            continue
        rate = edit.sources[segment.source].sample_rate
        start, end = (
            math.floor((float(bounds[segment.source]) + position / rate) * steps_per_second + 0.5)
            for position in (segment.src_start, segment.src_end)
        )
        # The last step may be cut short: an end on the axis' own end is the step's end.
        if segment.source == last and segment.src_end == edit.sources[last].samples:
            end = step_count(edit.sources, steps_per_second=steps_per_second)
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
    runs: Sequence[StepRun],
    sources: Sequence[Source],
    *,
    steps_per_second: float = STEPS_PER_SECOND,
) -> Edit:
    """The edit that plays `runs` of `sources` at the first source's rate.

    Raises:
        ValueError: There is no run; an edit has at least one sample.
    """
    if not runs:
        raise ValueError("expected at least one run of steps, got none: nothing was played")
    parts = [part for run in runs for part in _parts(run, sources, steps_per_second)]
    sample_rate, out_start = sources[0].sample_rate, 0
    segments = []
    for number, (played, fade_in, fade_out) in enumerate(parts):
        source = sources[played.source]
        length, before, beyond = (
            resampled_length(samples, source.sample_rate, sample_rate)
            for samples in (played.end - played.start, played.start, source.samples - played.end)
        )
        reach_in = min(before, length) if number else length
        reach_out = length if number == len(parts) - 1 else min(beyond, length)
        segments.append(
            Segment(
                out_start=out_start,
                out_end=out_start + length,
                source=played.source,
                src_start=played.start,
                src_end=played.end,
                fade_in=_fade(fade_in, sample_rate, longest=reach_in),
                fade_out=_fade(fade_out, sample_rate, longest=reach_out),
            )
        )
        out_start += length
    return Edit(
        sample_rate=sample_rate,
        samples=out_start,
        sources=tuple(sources),
        segments=with_ops(_shortened(segments)),
    )


class _Part(NamedTuple):
    """What a run plays of one recording; from one to the next it goes on without a fade."""

    played: SourceRun
    fade_in: int
    fade_out: int


def _parts(run: StepRun, sources: Sequence[Source], steps_per_second: float) -> list[_Part]:
    played = source_runs(sources, run.start / steps_per_second, run.end / steps_per_second)
    parts = [_Part(part, 0, 0) for part in played]
    parts[0] = parts[0]._replace(fade_in=run.fade_in)
    parts[-1] = parts[-1]._replace(fade_out=run.fade_out)
    return parts


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
    frame_times_s: np.ndarray,
    bands: int,
    steps_per_second: float = STEPS_PER_SECOND,
) -> np.ndarray:
    """(M, F) mel frames -> (bands, N) float32 means over each step and over neighbouring bands.

    `frame_times_s` (F,) ascending are the frames' instants on the raw axis.

    Raises:
        ValueError: The mel has fewer bands than asked for, or other than F frames.
    """
    frames = len(frame_times_s)
    if mel.ndim != 2 or mel.shape[0] < bands or mel.shape[1] != frames:
        raise ValueError(f"expected a mel of shape (at least {bands}, {frames}), got {mel.shape}")
    first = np.searchsorted(frame_times_s, np.arange(steps) / steps_per_second - 1e-9)
    first = np.minimum(first, frames - 1)
    edges = np.linspace(0, mel.shape[0], bands, endpoint=False).astype(int)
    values = np.asarray(mel, dtype=np.float32)
    return _means(_means(values, first, axis=1), edges, axis=0).astype(np.float32)


def _means(values: np.ndarray, first: np.ndarray, *, axis: int) -> np.ndarray:
    """Means of the groups that begin at the indices `first`; an empty group is its first value."""
    sums = np.add.reduceat(values, first, axis=axis)
    counts = np.maximum(np.diff(first, append=values.shape[axis]), 1)
    return sums / (counts if axis == 1 else counts[:, None])
