"""How answers become runs, chosen by what it does to free decoded edits of the validation songs."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, product
from typing import NamedTuple

import mir_eval
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import kendalltau

from editorbot.pointer_network.path.answers import answers_of
from editorbot.pointer_network.path.decode import kept_runs
from editorbot.pointer_network.path.examples import PathExample
from editorbot.pointer_network.path.labels import Labels
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.order import in_order
from editorbot.pointer_network.path.terms import NEVER, Answers, Limits, PathDecoding, Run
from editorbot.pointer_network.surely import surely_best
from editorbot.progress import track

KEEP_WEIGHTS = (0.1, 0.2, 0.3, 0.5, 0.8)
CUT_COSTS = (0.0, 1.0, 2.0, 4.0, 6.0)
LEAVES = (NEVER, 0.7, 0.5, 0.3)
REORDERS = (NEVER, 0.9, 0.7, 0.5, 0.3)
REPLAYS = (NEVER, 0.7, 0.5, 0.3)
"""Candidates, the most cautious first, which wins ties."""
TEMPERATURES = (0.5, 10.0)
WINDOW_S = 0.5
"""Within which a cut is in its place."""


class Calibrated(NamedTuple):
    """A decoding, and what it reaches."""

    decoding: PathDecoding
    measures: dict[str, float]
    """Mean keep F1 and cut F1."""
    scores: tuple[float, ...]
    """Of each song: the sum of keep F1, cut F1, order tau and F1 of jumps back."""


def calibrate(
    model: PathNetwork, examples: Iterable[PathExample], *, step_s: float, usual: PathDecoding
) -> Calibrated:
    """The best decoding of `examples`.

    Where the songs are too few to say that it is better than the usual one, that one stays.
    """
    songs = [
        (answers_of(model, example.features, example.stems), example.labels)
        for example in track(list(examples), "Choosing how to decode, by song")
    ]
    grid = product(KEEP_WEIGHTS, CUT_COSTS)
    candidates = [usual, *(usual._replace(keep_weight=w, cut_cost=c) for w, c in grid)]
    scores = np.array([_scores(songs, decoding, step_s) for decoding in candidates])
    chosen = surely_best(scores.sum(axis=2))
    best = candidates[chosen]._replace(temperature=_temperature(songs))
    kept = [_Kept(x, kept_runs(x, best, Limits()), labels) for x, labels in songs]
    found = [_inner_f1(kept, best._replace(leave=leave), step_s) for leave in LEAVES]
    best = best._replace(leave=LEAVES[int(np.argmax(found))])
    ways = [
        best._replace(reorder=least, replay=replay) for least, replay in product(REORDERS, REPLAYS)
    ]
    found = [_order(kept, way) + _back_f1(kept, way, step_s) for way in ways]
    best = ways[int(np.argmax(found))]
    names = ("calibration_keep_f1", "calibration_cut_f1")
    means = scores[chosen].mean(axis=0)
    ordered = (_order([song], best) + _back_f1([song], best, step_s) for song in kept)
    return Calibrated(
        best,
        dict(zip(names, map(float, means), strict=True)),
        tuple(float(x) for x in scores[chosen].sum(axis=1) + np.fromiter(ordered, float)),
    )


class _Kept(NamedTuple):
    """A song, and what of it is kept."""

    answers: Answers
    runs: list[Run]
    labels: Labels


def _scores(
    songs: Sequence[tuple[Answers, Labels]], decoding: PathDecoding, step_s: float
) -> list[tuple[float, float]]:
    return [
        score_kept(kept_runs(answers, decoding, Limits()), labels, step_s=step_s)
        for answers, labels in songs
    ]


def _temperature(songs: Sequence[tuple[Answers, Labels]]) -> float:
    """The one under which the keep logits explain best what was kept (Guo et al. 2017)."""
    logits = np.concatenate([answers.keep for answers, _ in songs]).astype(np.float64)
    kept = np.concatenate([labels.kept for _, labels in songs])

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        return float(np.mean(np.logaddexp(0, scaled) - kept * scaled))

    return float(minimize_scalar(loss, bounds=TEMPERATURES, method="bounded").x)


def score_kept(runs: Sequence[Run], labels: Labels, *, step_s: float) -> tuple[float, float]:
    """Keep F1 by steps, and F1 of the ends of runs within half a second."""
    kept = np.zeros(len(labels.kept), bool)
    for run in runs:
        kept[int(run.start) : int(run.end)] = True
    true = labels.kept > 0.5
    keep_f1 = 2 * (kept & true).sum() / max(1, kept.sum() + true.sum())
    mine, theirs = np.ravel(runs), np.concatenate([labels.starts, labels.ends])
    pairs = _matches(np.sort(mine) * step_s, np.sort(theirs) * step_s)
    return float(keep_f1), _f1(pairs, len(mine), len(theirs))


def _inner_f1(songs: Sequence[_Kept], decoding: PathDecoding, step_s: float) -> float:
    """F1 of the places where the path leaves though the raw goes on being kept."""
    counts = np.zeros(3)
    for song in songs:
        borders = {run.end for run in song.runs}
        ends = (run.end for run in in_order(song.answers, decoding, song.runs))
        inner = np.array([end for end in ends if end not in borders])
        pairs = _matches(inner * step_s, song.labels.inner * step_s)
        counts += pairs, len(inner), len(song.labels.inner)
    return _f1(*counts)


def _back_f1(songs: Sequence[_Kept], decoding: PathDecoding, step_s: float) -> float:
    """F1 of the jumps back, which leave and resume at about the same places."""
    counts = np.zeros(3)
    for song in songs:
        mine, theirs = (
            step_s * np.array([(a[1], b[0]) for a, b in pairwise(runs) if b[0] < a[1]])
            for runs in (in_order(song.answers, decoding, song.runs), song.labels.runs)
        )
        pairs = _matches(mine, theirs, distance=_farther_end)
        counts += pairs, len(mine), len(theirs)
    return _f1(*counts)


def _order(songs: Sequence[_Kept], decoding: PathDecoding) -> float:
    """Mean of Kendall's tau over songs, of when the steps that both keep are first played."""
    taus = []
    for song in songs:
        steps = len(song.labels.kept)
        mine, theirs = (
            _first_played(runs, steps)
            for runs in (in_order(song.answers, decoding, song.runs), song.labels.runs)
        )
        both = ~(np.isnan(mine) | np.isnan(theirs))
        if both.sum() > 1:
            taus.append(kendalltau(mine[both], theirs[both]).statistic)
    return float(np.mean(taus)) if taus else 1.0


def _first_played(runs: Sequence[tuple[float, float]], steps: int) -> np.ndarray:
    """(R,) when each step is first played, NaN where it never is."""
    played, time = np.full(steps, np.nan), 0
    for start, end in runs:
        here = np.arange(round(start), min(round(end), steps))
        fresh = np.isnan(played[here])
        played[here[fresh]] = time + np.flatnonzero(fresh)
        time += len(here)
    return played


def _f1(pairs: float, mine: float, theirs: float) -> float:
    """One where there is nothing to find and nothing is found."""
    return 2 * pairs / (mine + theirs) if mine + theirs else 1.0


def _matches(mine: np.ndarray, theirs: np.ndarray, **options: Callable) -> int:
    if not len(mine) or not len(theirs):
        return 0
    return len(mir_eval.util.match_events(theirs, mine, WINDOW_S, **options))


def _farther_end(theirs: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """(A, B) by how much jumps (A, 2) and (B, 2) differ at the end where they differ more."""
    return np.abs(theirs[:, None] - mine[None]).max(axis=-1)
