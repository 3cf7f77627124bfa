"""Views of an EDL on a grid of frames: pointers and ops, one value per frame of the edit.

Frame f stands for the instant f * hop_length / sample_rate of its recording, the centre of the
f-th mel column; a recording of T samples at that rate has 1 + T // hop_length frames.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from editorbot.edl.model import Edit, Fade, Op, Segment, Source, reaches_across, with_ops

TIE = 1e-6
"""Of a frame: far more than rounding errors, far less than a sample."""
NO_SOURCE = -1


@dataclass(frozen=True)
class FrameGrid:
    """A grid of frames: one every `hop_length` samples at `sample_rate` Hz."""

    sample_rate: int
    hop_length: int

    @property
    def seconds(self) -> float:
        """Time from one frame to the next."""
        return self.hop_length / self.sample_rate

    def frames(self, samples: int, *, sample_rate: int) -> int:
        """Number of frames of a recording of `samples` at `sample_rate` Hz."""
        return 1 + resampled_length(samples, sample_rate, self.sample_rate) // self.hop_length

    def times(self, frames: int) -> np.ndarray:
        """(F,) float64, the instants of the first `frames` frames in seconds."""
        return self.positions(frames, sample_rate=1)

    def positions(self, frames: int, *, sample_rate: int) -> np.ndarray:
        """(F,) float64, the instants of the first `frames` frames in samples at `sample_rate` Hz.

        The products are exact integers, so that whole positions come out whole.
        """
        return np.arange(frames) * (self.hop_length * sample_rate) / self.sample_rate


def resampled_length(samples: int, source_rate: int, target_rate: int) -> int:
    """Length after resampling: samples * target_rate / source_rate, halves rounded up."""
    return (2 * samples * target_rate + source_rate) // (2 * source_rate)


def to_pointers(edit: Edit, grid: FrameGrid) -> np.ndarray:
    """(F,) int64, the source frame that each frame of the edit plays; -1 without source.

    With several sources the frames of one follow those of the one before it, in their order.
    """
    frames = grid.frames(edit.samples, sample_rate=edit.sample_rate)
    pointers = np.full(frames, NO_SOURCE, dtype=np.int64)
    offsets = _first_frames(edit.sources, grid)
    position = grid.positions(frames, sample_rate=edit.sample_rate)
    for segment in edit.segments:
        if not segment.has_source:
            continue
        inside = _frames_of(segment, position, last=segment.out_end == edit.samples)
        source = edit.sources[segment.source]
        played = _source_seconds(segment, position[inside], edit.sample_rate, source.sample_rate)
        # Halfway between two frames, rounding errors must not choose now the one, now the other.
        frame = np.floor(played / grid.seconds + 0.5 + TIE).astype(np.int64)
        highest = grid.frames(source.samples, sample_rate=source.sample_rate) - 1
        pointers[inside] = offsets[segment.source] + np.clip(frame, 0, highest)
    return pointers


def _first_frames(sources: Sequence[Source], grid: FrameGrid) -> np.ndarray:
    counts = [grid.frames(s.samples, sample_rate=s.sample_rate) for s in sources]
    return np.concatenate([[0], np.cumsum(counts)])


def _frames_of(segment: Segment, position: np.ndarray, *, last: bool) -> slice:
    """Frames whose instant lies in the segment; the last segment also owns the very end."""
    start = np.searchsorted(position, segment.out_start, side="left")
    end = len(position) if last else np.searchsorted(position, segment.out_end, side="left")
    return slice(int(start), int(end))


def _source_seconds(
    segment: Segment, position: np.ndarray, sample_rate: int, source_rate: int
) -> np.ndarray:
    """Instants of the source, in seconds, that are heard at output positions (in samples)."""
    progress = (position - segment.out_start) / sample_rate * segment.speed
    if segment.reverse:
        return (segment.src_end - 1) / source_rate - progress
    return segment.src_start / source_rate + progress


def to_ops(edit: Edit, grid: FrameGrid) -> np.ndarray:
    """(F,) int8, the op of each frame of the edit.

    COPY wherever sound is copied on; INSERT without source. A jump forward puts SKIP on the first
    frame after it. A jump back puts LOOP_END on the last frame before it and LOOP_START on the
    first after it. Frames inside a fade from or to nothing are FADE_IN or FADE_OUT; a fade across
    from one segment to the next belongs to their cut and has no op. The last frame is STOP.
    """
    frames = grid.frames(edit.samples, sample_rate=edit.sample_rate)
    ops = np.full(frames, Op.COPY, dtype=np.int8)
    position = grid.positions(frames, sample_rate=edit.sample_rate)
    spans = [
        _frames_of(segment, position, last=segment.out_end == edit.samples)
        for segment in edit.segments
    ]
    for index, (segment, span) in enumerate(zip(edit.segments, spans, strict=True)):
        if not segment.has_source:
            ops[span] = Op.INSERT
            continue
        if not reaches_across(edit, index, side="in"):
            end = segment.out_start + segment.fade_in.samples
            ops[span][position[span] < end] = Op.FADE_IN
        if not reaches_across(edit, index, side="out"):
            start = segment.out_end - segment.fade_out.samples
            ops[span][position[span] >= start] = Op.FADE_OUT
    for segment, span in zip(edit.segments, spans, strict=True):
        _mark_jump(ops, segment, span)
    ops[-1] = Op.STOP
    return ops


def _mark_jump(ops: np.ndarray, segment: Segment, span: slice) -> None:
    if span.start == span.stop:
        return
    if segment.op == "SKIP":
        ops[span.start] = Op.SKIP
    elif segment.op == "LOOP_START":
        ops[span.start] = Op.LOOP_START
        if span.start > 0:
            ops[span.start - 1] = Op.LOOP_END


def from_pointers(
    pointers: np.ndarray,
    grid: FrameGrid,
    *,
    sources: Sequence[Source],
    sample_rate: int | None = None,
    samples: int | None = None,
    fade: Fade | None = None,
) -> Edit:
    """The EDL that plays `pointers`, (F,) int64, from `sources`; the inverse of `to_pointers`.

    Each run of pointers that advance by one inside a source becomes a segment; a run's boundary is
    the last sample not after the instant of its first frame. `sample_rate` defaults to the first
    source's and `samples`, the output's length, to what F frames stand for. `fade` is put across
    every jump.

    Raises:
        ValueError: There are no pointers, or one lies beyond the sources.
    """
    if len(pointers) == 0:
        raise ValueError("expected at least one pointer, got none")
    offsets = _first_frames(sources, grid)
    last = int(offsets[-1]) - 1
    if pointers.max() > last or pointers.min() < NO_SOURCE:
        raise ValueError(
            f"expected pointers from {NO_SOURCE} to {last}, "
            f"got {pointers.min()} to {pointers.max()}"
        )
    sample_rate = sample_rate or sources[0].sample_rate
    position = grid.positions(len(pointers), sample_rate=sample_rate)
    if samples is None:
        samples = max(1, math.ceil(position[-1]))
    numbers = np.searchsorted(offsets, pointers, side="right") - 1
    starts = _run_starts(pointers, numbers)
    bounds = [*np.floor(position[starts]).astype(int).tolist(), samples]
    segments = []
    for start, out_start, out_end in zip(starts, bounds[:-1], bounds[1:], strict=True):
        if out_end <= out_start:
            continue
        number = int(numbers[start])
        if number == NO_SOURCE:
            segments.append(_silence(out_start, out_end))
        else:
            source, seconds = sources[number], (pointers[start] - offsets[number]) * grid.seconds
            src_start = round(float(seconds) * source.sample_rate)
            segments += _run(number, source, src_start, out_start, out_end, sample_rate)
    return Edit(
        sample_rate=sample_rate,
        samples=samples,
        sources=tuple(sources),
        segments=with_ops(with_fades(segments, fade) if fade else segments),
    )


def _run_starts(pointers: np.ndarray, numbers: np.ndarray) -> list[int]:
    """First frames of the maximal runs: pointers that advance by one, or stay without source.

    `numbers`, (F,), are those of the sources that the pointers lie in, or `NO_SOURCE`.
    """
    same = np.diff(numbers) == 0
    goes_on = same & ((np.diff(pointers) == 1) | (numbers[1:] == NO_SOURCE))
    return [0, *(np.flatnonzero(~goes_on) + 1).tolist()]


def _run(
    number: int, source: Source, src_start: int, out_start: int, out_end: int, sample_rate: int
) -> list[Segment]:
    """One run as segments: a run that outlasts its source by a part of a frame ends in nothing."""
    wanted = resampled_length(out_end - out_start, sample_rate, source.sample_rate)
    src_end = min(src_start + max(1, wanted), source.samples)
    if src_start >= source.samples:
        return [_silence(out_start, out_end)]
    # Only where the source is exhausted is the output run cut short.
    short = wanted - (src_end - src_start)
    middle = out_end - resampled_length(max(0, short), source.sample_rate, sample_rate)
    run = []
    if middle > out_start:
        run.append(
            Segment(
                out_start=out_start,
                out_end=middle,
                source=number,
                src_start=src_start,
                src_end=src_end,
            )
        )
    if out_end > max(middle, out_start):
        run.append(_silence(max(middle, out_start), out_end))
    return run


def _silence(out_start: int, out_end: int) -> Segment:
    return Segment(out_start=out_start, out_end=out_end, source=None, src_start=None, src_end=None)


def with_fades(segments: list[Segment], fade: Fade) -> list[Segment]:
    """Put `fade` on both sides of each boundary, as far as both segments are long enough."""
    result = list(segments)
    for index in range(1, len(result)):
        before, after = result[index - 1], result[index]
        samples = min(fade.samples, before.samples, after.samples)
        across = fade.model_copy(update={"samples": samples})
        if before.has_source:
            result[index - 1] = before.model_copy(update={"fade_out": across})
        if after.has_source:
            result[index] = after.model_copy(update={"fade_in": across})
    return result
