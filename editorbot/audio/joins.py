"""Cuts at the very sample where the two sides match, and before the attack that they share.

Where an edit leaves a recording and where it resumes is known to some milliseconds. Within that,
the instant at which it resumes is moved to where its waveform lies most like the one that it takes
over from, so that a crossfade neither cancels nor doubles what sounds on both sides (as in WSOLA:
Verhelst and Roelands, ICASSP 1993). Then both sides are cut earlier, by as much, where it is quiet
right before: an attack is heard whole from the side that resumes, and not begun by the one left.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from editorbot.audio import io
from editorbot.edl.frames import resampled_length
from editorbot.edl.model import Edit, Segment, with_ops
from editorbot.edl.raw_axis import bounds_s

REACH_S = 0.008
"""Seconds by which a cut moves, at most: a period of 62 Hz, half of it to either side."""
COMPARED_S = 0.02
"""Seconds around a cut that are compared."""
LEAST_LIKENESS = 0.3
"""Correlation below which nothing matches, and the cut stays where it is."""
EARLIER_S = 0.025
"""Seconds by which both sides are cut earlier, at most."""
SEAM_S = 0.01
"""Seconds around a cut in which it is to be quiet: those of a crossfade."""
QUIETER, NEARLY = 0.25, 2.5
"""Power there, of that at the cut, from which on an earlier one is worth it; of the least power,
with which the latest cut is taken."""


class _Join(NamedTuple):
    """What changes at a cut, in samples."""

    moved: int
    """Of where the edit resumes, which shortens it."""
    earlier: int
    """Of where it leaves and resumes, alike."""


def matched(edit: Edit, *, fixed_s: Sequence[float] = ()) -> Edit:
    """The edit with its cuts moved to where their sides match, if anywhere, and it is quiet.

    Only cuts between segments that play forwards at their own speed, of sources of one rate, move.
    What leaves or resumes at an instant of `fixed_s`, in seconds of the raw axis, or so near to it
    that it might reach it, stays. Each source is read once, in blocks.

    Raises:
        AudioError: A source cannot be read.
    """
    cuts = [n for n in range(1, len(edit.segments)) if _may_move(edit, n, fixed_s)]
    windows = _windows(edit, cuts)
    most, seam = _samples(edit, EARLIER_S), _samples(edit, SEAM_S)
    joins = {}
    for cut in cuts:
        left, following = windows[cut]
        moved, earlier = _best_move(left[most:], following[most:]), 0
        if _are_free(_sides_s(edit, cut), fixed_s, REACH_S + EARLIER_S):
            first = (len(following) - len(left)) // 2 + moved
            right = following[first : first + len(left)]
            earlier = _earlier(left**2 + right**2, most, seam)
        # Nothing resumes before the beginning of its recording.
        start = edit.segments[cut].src_start + moved
        if start >= 0:
            joins[cut] = _Join(moved, min(earlier, start))
    return _moved(edit, joins)


def _may_move(edit: Edit, number: int, fixed_s: Sequence[float]) -> bool:
    pair = edit.segments[number - 1], edit.segments[number]
    plain = all(s.has_source and s.speed == 1 and not s.reverse for s in pair)
    if not plain or pair[0].src_end == pair[1].src_start:
        return False
    rates = {edit.sources[segment.source].sample_rate for segment in pair}
    shortest = min(segment.samples for segment in pair)
    if rates != {edit.sample_rate} or shortest <= 4 * _samples(edit, REACH_S + EARLIER_S):
        return False
    return _are_free(_sides_s(edit, number)[1:], fixed_s, REACH_S)


def _sides_s(edit: Edit, number: int) -> tuple[float, float]:
    """Where the edit leaves and where it resumes at that cut, in seconds of the raw axis."""
    before, after = edit.segments[number - 1], edit.segments[number]
    begins_s, rate = bounds_s(edit.sources), edit.sample_rate
    return (
        begins_s[before.source] + before.src_end / rate,
        begins_s[after.source] + after.src_start / rate,
    )


def _are_free(places_s: Sequence[float], fixed_s: Sequence[float], reach_s: float) -> bool:
    return all(abs(place - fixed) > reach_s for place in places_s for fixed in fixed_s)


def _samples(edit: Edit, seconds: float) -> int:
    return round(seconds * edit.sample_rate)


def _windows(edit: Edit, cuts: Sequence[int]) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """For each cut what is left, (e + 2 c,) samples, and what may follow, (e + 2 c + 2 r,)."""
    half, reach = _samples(edit, COMPARED_S / 2), _samples(edit, REACH_S)
    early = half + _samples(edit, EARLIER_S)
    wanted: dict[int, list[tuple[int, int, np.ndarray]]] = {}
    windows = {}
    for cut in cuts:
        before, after = edit.segments[cut - 1], edit.segments[cut]
        windows[cut] = np.zeros(early + half), np.zeros(early + half + 2 * reach)
        places = (
            (before.source, before.src_end - early),
            (after.source, after.src_start - early - reach),
        )
        for (source, start), window in zip(places, windows[cut], strict=True):
            wanted.setdefault(source, []).append((start, start + len(window), window))
    for source, spans in wanted.items():
        _fill(Path(edit.sources[source].path), spans)
    return windows


def _fill(path: Path, spans: list[tuple[int, int, np.ndarray]]) -> None:
    """Fill windows (start, stop, samples) with the mean of the channels, zeros outside."""
    position, last = 0, max(stop for _, stop, _ in spans)
    for block in io.read_blocks(path, stop=max(0, last)):
        mono = block.mean(axis=0)
        for start, stop, window in spans:
            low, high = max(start, position), min(stop, position + len(mono))
            if low < high:
                window[low - start : high - start] = mono[low - position : high - position]
        position += len(mono)


def _best_move(left: np.ndarray, following: np.ndarray) -> int:
    """Samples by which the beginning moves."""
    dots = np.correlate(following, left, mode="valid")
    energy = np.cumsum(np.concatenate([[0.0], following**2]))
    energy = energy[len(left) :] - energy[: -len(left)]
    scale = np.sqrt(np.maximum(energy * np.sum(left**2), 1e-20))
    likeness = dots / scale
    best, middle = int(np.argmax(likeness)), len(likeness) // 2
    return best - middle if likeness[best] >= LEAST_LIKENESS else 0


def _earlier(power: np.ndarray, most: int, seam: int) -> int:
    """Samples by which to cut earlier, at most so many, a window (most + 2 c,) of both sides."""
    half = (len(power) - most) // 2
    total = np.cumsum(np.concatenate([[0.0], power]))
    # The cut as it is lies at most + half.
    around = np.arange(most + half, half - 1, -1)
    within = total[around + seam // 2] - total[around - seam // 2]
    if within.min() > QUIETER * within[0]:
        return 0
    return int(np.argmax(within <= NEARLY * within.min()))


def _moved(edit: Edit, joins: dict[int, _Join]) -> Edit:
    position, segments = 0, []
    for number, segment in enumerate(edit.segments):
        start, end = segment.src_start, segment.src_end
        if number in joins:
            start += joins[number].moved - joins[number].earlier
        if number + 1 in joins:
            end -= joins[number + 1].earlier
        segments.append(_placed(edit, segment, start, end, position))
        position = segments[-1].out_end
    return edit.model_copy(update={"samples": position, "segments": with_ops(segments)})


def _placed(
    edit: Edit, segment: Segment, src_start: int | None, src_end: int | None, out_start: int
) -> Segment:
    length = segment.samples
    if (src_start, src_end) != (segment.src_start, segment.src_end):
        rate = edit.sources[segment.source].sample_rate
        length = resampled_length(src_end - src_start, rate, edit.sample_rate)
    update = {
        "src_start": src_start,
        "src_end": src_end,
        "out_start": out_start,
        "out_end": out_start + length,
    }
    return segment.model_copy(update=update)
