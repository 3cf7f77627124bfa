"""Raw recording and finished edit in, edit decision list out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from editorbot.align.assemble import assemble
from editorbot.align.clock import relative_clock
from editorbot.align.diagonals import MeasuredLag, diagonals_of, measure_lags
from editorbot.align.features import HOP, Features, compute_features
from editorbot.align.grounds import Grounds
from editorbot.align.path import (
    FoundPath,
    alike_runs,
    best_path,
    correlations,
    evidence,
    short_runs,
    typical_correlations,
    unlikeness,
)
from editorbot.align.pieces import locate
from editorbot.align.rating import Rated, rated
from editorbot.align.replay import Sound
from editorbot.align.rivals import explained_share, rivals
from editorbot.align.search import search
from editorbot.align.sides import ANALYSIS_RATE, Side, open_pair
from editorbot.edl.model import Edit
from editorbot.errors import EditorbotError
from editorbot.params import AlignParams

SHORTEST_S = 0.6
"""A recording must hold one window of the search."""


@dataclass(frozen=True)
class AlignmentInfo:
    """How an alignment went.

    Attributes:
        edit_path: The finished edit; the raw's path is in the EDL.
        explained_share: Share of the edit's sounding frames that are found in the raw, 0 to 1.
        segments: Number of segments, those without source included.
        no_source_s: Seconds of the edit without source.
        raw_s, edit_s: Lengths in seconds.
        wall_s: Seconds the alignment took.
        clock_ppm: By how much slower the edit's recorder ran than the raw's, parts per million.
        cut_confidences: Of each boundary between segments the probability that it is right.
        params: The parameters used.
    """

    edit_path: str
    explained_share: float
    segments: int
    no_source_s: float
    raw_s: float
    edit_s: float
    wall_s: float
    clock_ppm: float
    cut_confidences: tuple[float, ...]
    params: AlignParams


@dataclass(frozen=True)
class Alignment:
    """What the editor did, and how sure that is, and on what grounds."""

    edit: Edit
    info: AlignmentInfo
    grounds: Grounds


def align(raw: Path | Sequence[Path], edit: Path, *, params: AlignParams) -> Alignment:
    """Recover how `edit` was made from `raw`, one recording or several.

    All may have any format, rate and channels; they are compared as mono. Output positions of the
    result count at the first raw's rate, source positions at each raw's own.

    Raises:
        AudioError: A file is missing, damaged or silent.
        EditorbotError: A file is shorter than `SHORTEST_S`, or too small a share of the edit is
            found in the raw.
    """
    begun = time.monotonic()
    raws = [Path(raw)] if isinstance(raw, str | Path) else [Path(path) for path in raw]
    edit = Path(edit)
    with open_pair(raws, edit) as sides:
        found = _find_lags(*sides, params)
        clock = relative_clock(found.measured)
        if clock == 1:
            result, share = _recover(*sides, found, params, clock=clock)
    if clock != 1:
        with open_pair(raws, edit, clock=clock) as sides:
            result, share = _recover(*sides, _find_lags(*sides, params), params, clock=clock)
    raw_side, edit_side = sides
    found_list = result.edit
    without = sum(s.samples for s in found_list.segments if not s.has_source)
    info = AlignmentInfo(
        edit_path=str(edit),
        explained_share=round(share, 4),
        segments=len(found_list.segments),
        no_source_s=without / found_list.sample_rate,
        raw_s=raw_side.seconds,
        edit_s=edit_side.seconds,
        wall_s=time.monotonic() - begun,
        clock_ppm=round((clock - 1) * 1e6, 2),
        cut_confidences=result.cut_confidences,
        params=params,
    )
    return Alignment(edit=found_list, info=info, grounds=result.grounds)


@dataclass(frozen=True)
class _Lags:
    """What both sides sound like, and the lags measured between them."""

    raw: Features
    edit: Features
    measured: list[MeasuredLag]


def _find_lags(raw: Side, edit: Side, params: AlignParams) -> _Lags:
    _check_lengths(raw, edit)
    features = compute_features(raw.wave), compute_features(edit.wave)
    candidates = search(*features, keep=params.candidates, margin=params.candidate_margin)
    measured = measure_lags(
        raw.white, edit.white, candidates, least_correlation=params.least_correlation
    )
    return _Lags(*features, measured)


def _recover(
    raw: Side, edit: Side, lags: _Lags, params: AlignParams, *, clock: float
) -> tuple[Rated, float]:
    """The list with confidences, and the share of the edit that it explains."""
    path = _find_path(raw, edit, lags, params)
    pieces = locate(path, raw, edit)
    share = explained_share(pieces, lags.edit, samples_per_frame=HOP * raw.rate / ANALYSIS_RATE)
    if share < params.min_explained_share:
        names = " and ".join(str(recording.info.path) for recording in raw.recordings)
        raise EditorbotError(
            f"{edit.recordings[0].info.path} was not made from {names}: {share:.0%} of its sound "
            f"is found there, expected at least {params.min_explained_share:.0%}; pair it with its "
            "own raw recording or lower align.min_explained_share"
        )
    options = {"diagonals": path.diagonals, "max_fade_s": params.max_fade_s, "clock": clock}
    found = assemble(pieces, raw, edit, **options)
    return rated(found, raw, edit, Sound(lags.raw, lags.edit), clock=clock), share


def _check_lengths(*sides: Side) -> None:
    for side in sides:
        seconds = side.seconds
        if seconds < SHORTEST_S:
            raise EditorbotError(
                f"{side.recordings[0].info.path} lasts {seconds:.2f} s, too short to be aligned: "
                f"expected at least {SHORTEST_S} s"
            )


def _find_path(raw: Side, edit: Side, lags: _Lags, params: AlignParams) -> FoundPath:
    diagonals = diagonals_of(lags.measured, lags.edit.quiet)
    nowhere = -0.5 * float(np.log(1 - params.no_source_correlation**2))
    strengths = [correlations(raw.white, edit.white, diagonal) for diagonal in diagonals]
    evidences = [
        evidence(lags.raw, lags.edit, *pair, nowhere=nowhere)
        for pair in zip(diagonals, strengths, strict=True)
    ]
    options = {
        "frames": len(lags.edit.quiet),
        "switch_cost": params.switch_cost,
        "nowhere": nowhere,
    }
    runs = best_path(diagonals, evidences, **options)
    # How alike copies are is known now, and what is not so alike inside a run is none.
    typical = typical_correlations(runs, diagonals, strengths, lags.edit)
    sounding = ~lags.edit.quiet
    for diagonal, values, c in zip(diagonals, evidences, strengths, strict=True):
        here = sounding[diagonal.first : diagonal.last]
        values += np.where(here, unlikeness(diagonal, c, typical), 0)
    runs = best_path(diagonals, evidences, **options)
    short = short_runs(runs, diagonals, evidences, nowhere=nowhere)
    short = alike_runs(short, diagonals, strengths, typical)
    return FoundPath(
        runs=runs,
        short=short,
        diagonals=diagonals,
        rivals={run: rivals(run, diagonals, evidences) for run in (*runs, *short)},
    )
