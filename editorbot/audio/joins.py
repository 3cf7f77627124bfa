"""Cuts at the very sample where the two sides match.

Where an edit leaves a recording and where it resumes is known to some milliseconds. Within that,
the instant at which it resumes is moved to where its waveform lies most like the one that it takes
over from, so that a crossfade neither cancels nor doubles what sounds on both sides (as in WSOLA:
Verhelst and Roelands, ICASSP 1993).
"""

from collections.abc import Sequence
from pathlib import Path

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


def matched(edit: Edit, *, fixed_s: Sequence[float] = ()) -> Edit:
    """The edit with the beginnings of its segments moved to where they match, if anywhere.

    Only cuts between segments that play forwards at their own speed, of sources of one rate, move.
    Those that resume at an instant of `fixed_s`, in seconds of the raw axis, or so near to it that
    they might reach it, stay. Each source is read once, in blocks.

    Raises:
        AudioError: A source cannot be read.
    """
    cuts = [n for n in range(1, len(edit.segments)) if _may_move(edit, n, fixed_s)]
    windows = _windows(edit, cuts)
    moves = {cut: _best_move(*windows[cut]) for cut in cuts}
    return _moved(edit, moves)


def _may_move(edit: Edit, number: int, fixed_s: Sequence[float]) -> bool:
    pair = edit.segments[number - 1], edit.segments[number]
    plain = all(s.has_source and s.speed == 1 and not s.reverse for s in pair)
    if not plain or pair[0].src_end == pair[1].src_start:
        return False
    after = pair[1]
    resumes_s = bounds_s(edit.sources)[after.source] + after.src_start / edit.sample_rate
    if any(abs(resumes_s - instant_s) <= REACH_S for instant_s in fixed_s):
        return False
    rates = {edit.sources[segment.source].sample_rate for segment in pair}
    return rates == {edit.sample_rate} and pair[1].samples > 4 * _samples(edit, REACH_S)


def _samples(edit: Edit, seconds: float) -> int:
    return round(seconds * edit.sample_rate)


def _windows(edit: Edit, cuts: Sequence[int]) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """For each cut what is left, (2 c,) samples, and what may follow, (2 c + 2 r,) samples."""
    half, reach = _samples(edit, COMPARED_S / 2), _samples(edit, REACH_S)
    wanted: dict[int, list[tuple[int, int, np.ndarray]]] = {}
    windows = {}
    for cut in cuts:
        before, after = edit.segments[cut - 1], edit.segments[cut]
        windows[cut] = np.zeros(2 * half), np.zeros(2 * (half + reach))
        places = (
            (before.source, before.src_end - half),
            (after.source, after.src_start - half - reach),
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


def _moved(edit: Edit, moves: dict[int, int]) -> Edit:
    position, segments = 0, []
    for number, segment in enumerate(edit.segments):
        start = segment.src_start
        if moves.get(number) and start + moves[number] >= 0:
            start += moves[number]
        segments.append(_placed(edit, segment, start, position))
        position = segments[-1].out_end
    return edit.model_copy(update={"samples": position, "segments": with_ops(segments)})


def _placed(edit: Edit, segment: Segment, src_start: int | None, out_start: int) -> Segment:
    length = segment.samples
    if src_start != segment.src_start:
        rate = edit.sources[segment.source].sample_rate
        length = resampled_length(segment.src_end - src_start, rate, edit.sample_rate)
    update = {"src_start": src_start, "out_start": out_start, "out_end": out_start + length}
    return segment.model_copy(update=update)
