"""Measures of an alignment against the true edit decision list.

Pointers are compared per edit frame, cuts in the lists of segments themselves, since frames
quantise them. A cut is a boundary at which the played position jumps, or sound begins or ends to
have a source.

    within_1, within_2   share of edit frames whose pointer is at most so many frames off; frames
                         within 2 frames of a true boundary are not counted; a frame without
                         source is right if both say so
    within_1_or_repeat   the same as within_1, but a pointer into an exact repeat of the true place
                         counts as right
    cut_f1               F1 of cuts, matched one to one within 50 ms
    cut_error_*_ms       distance of cuts matched one to one, nearest first, within 500 ms
    ops_f1               F1 of all op events but COPY and STOP: same op, beginning within 50 ms
    no_source_f1         F1 of the frames without source; 1 if neither list has any
    null_test_db         energy of edit minus rendered list, relative to the edit
"""

from dataclasses import dataclass
from pathlib import Path

import mir_eval
import numpy as np

from editorbot.audio.io import probe, read_blocks, read_mono, resample_blocks
from editorbot.audio.render import render
from editorbot.edl.frames import NO_SOURCE, FrameGrid, to_ops, to_pointers
from editorbot.edl.model import Edit, Op, goes_on
from editorbot.evaluate.matching import matched_distances
from editorbot.files import Paths, path_list

GRID = FrameGrid(sample_rate=22050, hop_length=256)
"""The design's frames, whatever features a pipeline is set to compute."""
CUT_TOLERANCE_S = 0.05
ERROR_REACH_S = 0.5
BORDER_FRAMES = 2
REPEAT_DB = -50.0
"""Two places of the raw that differ by less, relative to either, are one exact repeat."""
REPEAT_WINDOW = 1024
"""Samples of the raw on either side of what is heard at a frame."""
INTEGER_BITS = {"PCM_16": 16, "PCM_24": 24}
SILENT_DB = -200.0
"""Reported where the rebuilt edit is exactly the edit."""


@dataclass(frozen=True)
class AlignmentScores:
    """The measures of this module for one pair; None where it cannot be said."""

    within_1: float
    within_2: float
    within_1_or_repeat: float | None
    cut_f1: float
    cut_error_median_ms: float | None
    cut_error_p90_ms: float | None
    ops_f1: float
    no_source_f1: float
    null_test_db: float | None
    real_time_factor: float | None


def score_alignment(
    truth: Edit,
    found: Edit,
    *,
    raw: Paths | None = None,
    edited: Path | None = None,
    wall_s: float | None = None,
) -> AlignmentScores:
    """Score the list `found` against `truth`, of the same edit of the same raws.

    Args:
        truth: What the editor did.
        found: What alignment says.
        raw: The raw recordings, for pointers into their exact repeats.
        edited: The finished edit, for the null test; `found` must name its sources by path.
        wall_s: Seconds that the alignment took, for the real-time factor.

    Raises:
        ValueError: The lists are of edits of different length, or of other numbers of raws.
    """
    raws = [len(edit.sources) for edit in (truth, found)]
    if raws[0] != raws[1]:
        raise ValueError(f"expected lists of one edit, got {raws[0]} and {raws[1]} raws")
    lengths = [edit.samples / edit.sample_rate for edit in (truth, found)]
    if abs(lengths[0] - lengths[1]) > 0.1:
        raise ValueError(
            f"expected lists of one edit, got {lengths[0]:.2f} s and {lengths[1]:.2f} s"
        )
    true_pointers, pointers = _same_length(to_pointers(truth, GRID), to_pointers(found, GRID))
    counted = _inside_segments(truth, len(true_pointers))
    within_1 = _within(true_pointers, pointers, 1)
    or_repeat = within_1
    if raw is not None:
        or_repeat = _within_or_repeat(truth, found, within_1, path_list(raw))
    errors = cut_errors_s(truth, found)
    return AlignmentScores(
        within_1=_share(within_1[counted]),
        within_2=_share(_within(true_pointers, pointers, 2)[counted]),
        within_1_or_repeat=None if raw is None else _share(or_repeat[counted]),
        cut_f1=cut_f1(truth, found),
        cut_error_median_ms=_percentile_ms(errors, 50),
        cut_error_p90_ms=_percentile_ms(errors, 90),
        ops_f1=ops_f1(truth, found),
        no_source_f1=no_source_f1(true_pointers, pointers),
        null_test_db=None if edited is None else null_test_db(found, edited),
        real_time_factor=None if wall_s is None else lengths[0] / wall_s,
    )


def _same_length(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lists at different rates may differ by a frame at the end."""
    frames = min(len(a), len(b))
    return a[:frames], b[:frames]


def _inside_segments(truth: Edit, frames: int) -> np.ndarray:
    """(F,) bool, frames further than `BORDER_FRAMES` from every true cut."""
    cuts = cut_times_s(truth) / GRID.seconds
    if len(cuts) == 0:
        return np.ones(frames, dtype=bool)
    distance = np.abs(np.arange(frames)[:, None] - cuts[None, :]).min(axis=1)
    return distance > BORDER_FRAMES


def _within(truth: np.ndarray, found: np.ndarray, frames: int) -> np.ndarray:
    both = (truth != NO_SOURCE) & (found != NO_SOURCE)
    return np.where(both, np.abs(truth - found) <= frames, truth == found)


def _share(right: np.ndarray) -> float:
    return float(right.mean()) if len(right) else 1.0


def _percentile_ms(errors_s: np.ndarray, percentile: int) -> float | None:
    return float(np.percentile(errors_s, percentile) * 1000) if len(errors_s) else None


def _within_or_repeat(truth: Edit, found: Edit, right: np.ndarray, raws: list[Path]) -> np.ndarray:
    """`right`, (F,) bool, and the frames that both lists play from places which sound the same."""
    rate = probe(raws[0]).sample_rate
    sounds = [np.pad(read_mono(raw, sample_rate=rate), REPEAT_WINDOW) for raw in raws]
    starts = np.cumsum([0, *map(len, sounds)])
    sound = np.concatenate(sounds)
    places = [_played_samples(edit, len(right), rate, starts) for edit in (truth, found)]
    right = right.copy()
    for frame in np.flatnonzero(~right & (places[0] >= 0) & (places[1] >= 0)):
        there, here = (sound[place[frame] :][: 2 * REPEAT_WINDOW] for place in places)
        energy = max(np.dot(there, there), np.dot(here, here))
        right[frame] = np.sum((there - here) ** 2) <= energy * 10 ** (REPEAT_DB / 10)
    return right


def _played_samples(edit: Edit, frames: int, sample_rate: int, starts: np.ndarray) -> np.ndarray:
    """(F,) int64, the sample at `sample_rate` that is heard at each frame; -1 without source.

    The source of number n begins at sample `starts[n]`. Pointers, which are whole frames, cannot
    tell two places apart to the sample.
    """
    position = np.arange(frames) * GRID.seconds * edit.sample_rate
    played = np.full(frames, NO_SOURCE, dtype=np.int64)
    for segment in edit.segments:
        inside = (position >= segment.out_start) & (position < segment.out_end)
        if not segment.has_source:
            continue
        source_rate = edit.sources[segment.source].sample_rate
        rate = source_rate / edit.sample_rate * segment.speed
        progress = (position[inside] - segment.out_start) * rate
        if segment.reverse:
            progress = segment.src_end - 1 - segment.src_start - progress
        in_source = (segment.src_start + progress) * (sample_rate / source_rate)
        played[inside] = starts[segment.source] + np.round(in_source)
    return played


def cut_times_s(edit: Edit) -> np.ndarray:
    """(N,) instants of the output, in seconds, at which what is played jumps."""
    pairs = zip(edit.segments[:-1], edit.segments[1:], strict=True)
    cuts = [after.out_start for before, after in pairs if not goes_on(before, after)]
    return np.array(cuts, dtype=np.float64) / edit.sample_rate


def cut_f1(truth: Edit, found: Edit, *, tolerance_s: float = CUT_TOLERANCE_S) -> float:
    """F1 of cuts matched one to one within the tolerance; 1 if neither list has a cut."""
    true, guess = cut_times_s(truth), cut_times_s(found)
    return _f1(len(mir_eval.util.match_events(true, guess, tolerance_s)), len(true), len(guess))


def cut_errors_s(truth: Edit, found: Edit) -> np.ndarray:
    """(N,) distances, in seconds, of cuts from their nearest matches within `ERROR_REACH_S`."""
    true, guess = cut_times_s(truth), cut_times_s(found)
    return matched_distances(true, guess, within=ERROR_REACH_S)


def ops_f1(truth: Edit, found: Edit, *, tolerance_s: float = CUT_TOLERANCE_S) -> float:
    """F1 of op events, over all ops but COPY and STOP together; 1 if neither list has any."""
    ops, guess = to_ops(truth, GRID), to_ops(found, GRID)
    hits = wanted = given = 0
    for op in set(Op) - {Op.COPY, Op.STOP}:
        true_times, times = _beginnings_s(ops == op), _beginnings_s(guess == op)
        hits += len(mir_eval.util.match_events(true_times, times, tolerance_s))
        wanted, given = wanted + len(true_times), given + len(times)
    return _f1(hits, wanted, given)


def _beginnings_s(marked: np.ndarray) -> np.ndarray:
    begins = marked & ~np.concatenate([[False], marked[:-1]])
    return np.flatnonzero(begins) * GRID.seconds


def no_source_f1(truth: np.ndarray, found: np.ndarray) -> float:
    """F1 of frames without source in pointers (F,); 1 if neither has any."""
    none, guess = truth == NO_SOURCE, found == NO_SOURCE
    return _f1(int((none & guess).sum()), int(none.sum()), int(guess.sum()))


def _f1(hits: int, wanted: int, given: int) -> float:
    return 2 * hits / (wanted + given) if wanted + given else 1.0


def null_test_db(found: Edit, edited: Path, *, base: Path | None = None) -> float:
    """Energy of `edited` minus the rendered list, relative to `edited`, in dB.

    Compared at the list's rate, as mono unless both have the same channels, over the length that
    both have: resampled, they may differ by a sample. An edit of whole numbers is rebuilt in whole
    numbers too, so that their rounding is not taken for an error of the list.

    Raises:
        AudioError: `edited` or a source of the list cannot be read.
    """
    info = probe(edited)
    heard = read_blocks(edited)
    if info.sample_rate != found.sample_rate:
        heard = resample_blocks(
            heard,
            source_rate=info.sample_rate,
            target_rate=found.sample_rate,
            channels=info.channels,
        )
    rebuilt = render(found, base=base)
    if info.sample_rate == found.sample_rate and info.subtype in INTEGER_BITS:
        rebuilt = (_rounded(block, INTEGER_BITS[info.subtype]) for block in rebuilt)
    residual = energy = 0.0
    for ours, theirs in _paired(rebuilt, heard):
        if ours.shape[0] != theirs.shape[0]:
            ours, theirs = ours.mean(axis=0), theirs.mean(axis=0)
        theirs = theirs.astype(np.float64)
        residual += float(np.sum((theirs - ours) ** 2))
        energy += float(np.sum(theirs**2))
    if residual <= energy * 10 ** (SILENT_DB / 10):
        return SILENT_DB
    return float(10 * np.log10(residual / max(energy, 1e-30)))


def _rounded(block: np.ndarray, bits: int) -> np.ndarray:
    steps = 2.0 ** (bits - 1)
    return np.clip(np.rint(block.astype(np.float64) * steps), -steps, steps - 1) / steps


def _paired(first, second):
    """Yield blocks of equal length from two streams of (C, T) blocks, until one ends."""
    first, second = iter(first), iter(second)
    a, b = next(first, None), next(second, None)
    while a is not None and b is not None:
        samples = min(a.shape[1], b.shape[1])
        yield a[:, :samples], b[:, :samples]
        a, b = a[:, samples:], b[:, samples:]
        a = next(first, None) if a.shape[1] == 0 else a
        b = next(second, None) if b.shape[1] == 0 else b
