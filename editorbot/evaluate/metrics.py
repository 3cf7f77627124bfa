"""How well a proposed edit agrees with a person's edit of the same raw recording.

What is compared is what the two edits play of the raw (see `playback` for runs, jumps, cuts and
loops); sound itself is not. All measures but the errors lie between 0 and 1 (the order between
-1 and 1), where 1 is full agreement, and are NaN where they are undefined, never a value that
could be averaged by mistake.

keep F1, precision, recall
    Over the 10 ms steps of the raw that are played at least once. Keep is a set over raw time: a
    loop's second play adds nothing, and order does not matter. Both sets empty: 1.
cut F1 at 0.1, 0.5 and 3 s
    The cut times on the raw axis are compared by `mir_eval.segment.detection` (each is matched at
    most once, within the window). Neither edit has a cut: 1; only one has: 0.
cut error
    Median distance of the cuts matched within 0.5 s, each at most once and the nearest first, in
    seconds; NaN where none is matched.
length error
    |proposed length - person's length| / person's length.
order
    Kendall's tau-b between the output times at which the steps kept by both are first played.
    NaN where fewer than two steps are kept by both.
loops F1
    A loop is found if it leaves and resumes within 0.5 s of a loop of the person's, each matched
    at most once. NaN where neither edit has a loop.
recall of dropped material by cause
    Share of the steps inside the spans of one cause (talk, dead air, ...) that the proposed edit
    never plays. NaN where the cause's spans hold no step.

References: C. Raffel et al., mir_eval: a transparent implementation of common MIR metrics, ISMIR
2014 (boundary detection); M. G. Kendall, A new measure of rank correlation, Biometrika 1938.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import mir_eval
import numpy as np
from scipy import stats

from editorbot.edl.model import Edit, Source
from editorbot.edl.raw_axis import bounds_s
from editorbot.errors import EditorbotError
from editorbot.evaluate import playback
from editorbot.evaluate.matching import matched_distances
from editorbot.files import read_json

CUT_WINDOWS_S = {"100ms": 0.1, "500ms": 0.5, "3s": 3.0}
MATCH_WINDOW_S = 0.5
"""Seconds within which a cut's error is measured and a loop's two ends must lie."""
SLACK_S = 2e-5
"""Seconds, under a sample: a distance of exactly a window counts, however it is rounded."""


@dataclass(frozen=True)
class EditScores:
    """The measures of one proposed edit; see the module's docstring."""

    keep_f1: float
    keep_precision: float
    keep_recall: float
    cut_f1_100ms: float
    cut_f1_500ms: float
    cut_f1_3s: float
    cut_error_s: float
    length_error: float
    order_tau: float
    loops_f1: float

    @classmethod
    def names(cls) -> list[str]:
        """The measures' names, in the order of a table's columns."""
        return [field.name for field in fields(cls)]


@dataclass(frozen=True)
class CauseSpan:
    """A span of the raw axis that the person dropped, in seconds, and why."""

    start_s: float
    end_s: float
    cause: str


def read_causes(path: Path | str, sources: Sequence[Source]) -> tuple[CauseSpan, ...]:
    """Read the spans of dropped material that a simulation writes beside its truth.

    In the file they count within the raw of the number `source`, the first if none is given.

    Raises:
        EditorbotError: The file is missing or is not a list of {start_s, end_s, cause}, or names a
            raw that is not there.
    """
    spans = read_json(path)
    starts = bounds_s(sources)[:-1].tolist()
    try:
        return tuple(
            CauseSpan(
                starts[span.get("source", 0)] + float(span["start_s"]),
                starts[span.get("source", 0)] + float(span["end_s"]),
                span["cause"],
            )
            for span in spans
        )
    except (AttributeError, TypeError, KeyError, ValueError, IndexError) as error:
        raise EditorbotError(
            f"{path} is not a list of causes: expected objects with start_s, end_s, cause and, of "
            f"{len(starts)} raws, the number of the source"
        ) from error


def validate(proposed: Edit, human: Edit) -> None:
    """Check that two edits can be compared.

    Raises:
        ValueError: They are not of the same raws; the message has expected and got.
    """
    expected, got = (
        [(source.samples, source.sample_rate) for source in edit.sources]
        for edit in (human, proposed)
    )
    if expected != got:
        raise ValueError(
            "a proposed edit is compared with a person's edit of the same raws: "
            f"expected raws of (samples, Hz) {expected}, got {got}"
        )


def score_edit(proposed: Edit, human: Edit) -> EditScores:
    """All measures of `proposed` against `human`.

    Raises:
        ValueError: The two are not edits of the same raws.
    """
    validate(proposed, human)
    precision, recall, f1 = keep_scores(proposed, human)
    cuts = {
        f"cut_f1_{name}": cut_f1(proposed, human, window_s=window_s)
        for name, window_s in CUT_WINDOWS_S.items()
    }
    return EditScores(
        keep_f1=f1,
        keep_precision=precision,
        keep_recall=recall,
        **cuts,
        cut_error_s=cut_error_s(proposed, human),
        length_error=length_error(proposed, human),
        order_tau=order_tau(proposed, human),
        loops_f1=loops_f1(proposed, human),
    )


def keep_scores(proposed: Edit, human: Edit) -> tuple[float, float, float]:
    """Precision, recall and F1 of the kept steps."""
    validate(proposed, human)
    mine, theirs = playback.kept_steps(proposed), playback.kept_steps(human)
    both = int((mine & theirs).sum())
    return _rates(both, int(mine.sum()), int(theirs.sum()))


def _rates(hits: int, proposed: int, expected: int) -> tuple[float, float, float]:
    """Precision, recall and F1; two empty sets agree."""
    if proposed == 0 and expected == 0:
        return 1.0, 1.0, 1.0
    return (
        hits / proposed if proposed else 0.0,
        hits / expected if expected else 0.0,
        2 * hits / (proposed + expected),
    )


def cut_f1(proposed: Edit, human: Edit, *, window_s: float) -> float:
    """F1 of the cut times within `window_s` seconds."""
    validate(proposed, human)
    mine, theirs = playback.cut_times_s(proposed), playback.cut_times_s(human)
    if len(mine) == 0 or len(theirs) == 0:
        return float(len(mine) == len(theirs))
    duration_s = playback.raw_bounds_s(human)[-1]
    reference, estimated = (
        mir_eval.util.boundaries_to_intervals(np.concatenate([[0.0], times, [duration_s]]))
        for times in (theirs, mine)
    )
    # trim leaves out the first and the last boundary, the raw's own ends.
    _, _, f1 = mir_eval.segment.detection(
        reference, estimated, window=window_s + SLACK_S, trim=True
    )
    return float(f1)


def cut_error_s(proposed: Edit, human: Edit) -> float:
    """Median distance in seconds of the cuts matched within 0.5 s; NaN where none is."""
    validate(proposed, human)
    mine, theirs = playback.cut_times_s(proposed), playback.cut_times_s(human)
    distances = matched_distances(theirs, mine, within=MATCH_WINDOW_S + SLACK_S)
    return float(np.median(distances)) if len(distances) else math.nan


def length_error(proposed: Edit, human: Edit) -> float:
    """Relative error of the output's length, 0 or more."""
    mine, theirs = (edit.samples / edit.sample_rate for edit in (proposed, human))
    return abs(mine - theirs) / theirs


def order_tau(proposed: Edit, human: Edit) -> float:
    """Kendall's tau-b of the order in which the steps kept by both are first played."""
    validate(proposed, human)
    mine, theirs = playback.first_played_s(proposed), playback.first_played_s(human)
    common = ~(np.isnan(mine) | np.isnan(theirs))
    if common.sum() < 2:
        return math.nan
    return float(stats.kendalltau(mine[common], theirs[common]).statistic)


def loops_f1(proposed: Edit, human: Edit) -> float:
    """F1 of the loops; NaN where neither edit has one."""
    validate(proposed, human)
    mine, theirs = (
        np.array([(jump.leave_s, jump.resume_s) for jump in playback.loops(edit)]).reshape(-1, 2)
        for edit in (proposed, human)
    )
    if len(mine) == 0 and len(theirs) == 0:
        return math.nan
    pairs = mir_eval.util.match_events(
        theirs, mine, MATCH_WINDOW_S + SLACK_S, distance=_farther_end
    )
    return _rates(len(pairs), len(mine), len(theirs))[2]


def _farther_end(reference: np.ndarray, estimated: np.ndarray) -> np.ndarray:
    """(R, E) seconds by which two loops differ at the end where they differ more."""
    return np.abs(reference[:, None, :] - estimated[None, :, :]).max(axis=-1)


def dropped_recall(proposed: Edit, causes: Iterable[CauseSpan]) -> dict[str, float]:
    """Share of each cause's material that `proposed` never plays, by cause in alphabetical order.

    The spans are instants of the raw axis.
    """
    played = playback.kept_steps(proposed)
    steps: dict[str, np.ndarray] = {}
    for span in causes:
        mask = steps.setdefault(span.cause, np.zeros_like(played))
        mask[playback.steps_between(span.start_s, span.end_s)] = True
    return {
        cause: float((~played[mask]).mean()) if mask.any() else math.nan
        for cause, mask in sorted(steps.items())
    }
