"""The edit decision list (EDL): an ordered list of segments that covers an output without gap.

All positions are integer samples and all runs are half-open. Output positions count at the
edit's `sample_rate`; source positions count at that source's own rate.

Fades. A fade belongs to the segment that it shapes. Between two segments that both have a source,
each fade is centred on their boundary `b` and reaches across it: a fade of `n` samples covers
`[b - n // 2, b - n // 2 + n)`, for which the segment goes on playing its source beyond its own
run. At the output's start and end, and beside a segment without source, nothing can reach across:
there the fade lies wholly inside its segment, touching the boundary. The weight at the i-th of n
samples is taken at `w = (i + 1/2) / n`: `linear` is w, `equal_power` is sin(pi/2 w); a fade out
runs backwards.
"""

from enum import IntEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

NonNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
Curve = Literal["linear", "equal_power"]


class Op(IntEnum):
    """What the editor does at one frame of the edit."""

    COPY = 0
    LOOP_START = 1
    LOOP_END = 2
    SKIP = 3
    FADE_IN = 4
    FADE_OUT = 5
    STOP = 6
    INSERT = 7


class _Record(BaseModel):
    # JSON has neither NaN nor infinity, but Python's reader takes them.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fade(_Record):
    """A fade of `samples` output samples; zero samples is a hard cut."""

    samples: NonNegative = 0
    curve: Curve = "equal_power"


class Source(_Record):
    """A recording that segments play from; `samples` counts at its own `sample_rate` in Hz."""

    path: str
    sample_rate: Positive
    channels: Positive
    samples: Positive
    sha256: str


class Segment(_Record):
    """A run of the output `[out_start, out_end)` that plays `[src_start, src_end)` of a source.

    `source` indexes `Edit.sources`; it and the source positions are None where the output has no
    source (silence, or sound from elsewhere). `speed` is source seconds per output second;
    `pitch_semitones` is what is heard relative to the source, so a tape that runs at speed s has
    pitch 12 log2(s). `confidence` is the probability that the segment is right, None if unknown.
    `op` tells how the segment begins: COPY, SKIP after a forward jump, LOOP_START after a jump
    back, INSERT without source.
    """

    out_start: NonNegative
    out_end: Positive
    source: NonNegative | None
    src_start: NonNegative | None
    src_end: Positive | None
    op: Literal["COPY", "SKIP", "LOOP_START", "INSERT"] = "COPY"
    gain_db: float = 0.0
    speed: Annotated[float, Field(gt=0)] = 1.0
    pitch_semitones: float = 0.0
    reverse: bool = False
    polarity: Literal[1, -1] = 1
    fade_in: Fade = Fade()
    fade_out: Fade = Fade()
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _runs_are_forward(self) -> "Segment":
        if self.out_end <= self.out_start:
            raise ValueError(
                f"segment is empty: out_start {self.out_start}, out_end {self.out_end}"
            )
        given = [value is not None for value in (self.source, self.src_start, self.src_end)]
        if any(given) and not all(given):
            raise ValueError("source, src_start and src_end are given together or not at all")
        if self.src_start is not None and self.src_end <= self.src_start:
            raise ValueError(f"source run is empty: {self.src_start} to {self.src_end}")
        return self

    @property
    def samples(self) -> int:
        """Length in output samples."""
        return self.out_end - self.out_start

    @property
    def has_source(self) -> bool:
        """Whether the segment plays a source."""
        return self.source is not None


class Edit(_Record):
    """An edit: `samples` output samples at `sample_rate` Hz, made of `segments` from `sources`."""

    version: Literal[1] = 1
    sample_rate: Positive
    samples: Positive
    sources: tuple[Source, ...]
    segments: tuple[Segment, ...]

    @model_validator(mode="after")
    def _segments_cover_the_output(self) -> "Edit":
        position = 0
        for number, segment in enumerate(self.segments):
            if segment.out_start != position:
                raise ValueError(
                    f"segment {number} starts at {segment.out_start}, expected {position}: "
                    "segments cover the output without gap or overlap"
                )
            position = segment.out_end
            if segment.has_source:
                self._check_source_run(number, segment)
        if position != self.samples:
            raise ValueError(f"segments end at {position}, expected {self.samples} samples")
        return self

    def _check_source_run(self, number: int, segment: Segment) -> None:
        if segment.source >= len(self.sources):
            raise ValueError(
                f"segment {number} names source {segment.source} of {len(self.sources)}"
            )
        length = self.sources[segment.source].samples
        if segment.src_end > length:
            raise ValueError(
                f"segment {number} ends at source sample {segment.src_end}, of {length}"
            )


def reaches_across(edit: Edit, index: int, *, side: Literal["in", "out"]) -> bool:
    """Whether the fade of segment `index` on that side crosses into a neighbour."""
    neighbour = index - 1 if side == "in" else index + 1
    return 0 <= neighbour < len(edit.segments) and edit.segments[neighbour].has_source


def goes_on(before: Segment, after: Segment) -> bool:
    """Whether nothing jumps from one segment to the next: only gain, pitch or polarity may change.

    Two segments without source go on too.
    """
    if before.source is None or after.source is None:
        return before.source is after.source
    same_way = (before.source, before.reverse, before.speed) == (
        after.source,
        after.reverse,
        after.speed,
    )
    meets = (
        before.src_start == after.src_end if before.reverse else before.src_end == after.src_start
    )
    return same_way and meets


def with_ops(segments: list[Segment], *, tolerance: int = 0) -> tuple[Segment, ...]:
    """Give each segment the op by which it begins, from where the one before it left its source.

    A segment of another source than the one before begins with SKIP, as nothing is played again.
    Where speed, pitch or direction change, source positions so many samples apart count as one:
    those of a stretched segment are only measured.
    """
    result, before = [], None
    for segment in segments:
        result.append(segment.model_copy(update={"op": _begins_with(before, segment, tolerance)}))
        if segment.has_source:
            before = segment
    return tuple(result)


def _begins_with(before: Segment | None, segment: Segment, tolerance: int) -> str:
    if not segment.has_source:
        return "INSERT"
    if before is None:
        return "COPY"
    if before.source != segment.source:
        return "SKIP"
    is_treated_alike = (before.speed, before.pitch_semitones, before.reverse) == (
        segment.speed,
        segment.pitch_semitones,
        segment.reverse,
    )
    if abs(before.src_end - segment.src_start) <= (0 if is_treated_alike else tolerance):
        return "COPY"
    return "SKIP" if segment.src_start > before.src_end else "LOOP_START"
