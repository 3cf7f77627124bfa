"""Raw recording and finished edit in, edit decision list out."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from editorbot.align.assemble import assemble
from editorbot.align.confidence import confidence, explained_share, rivals
from editorbot.align.diagonals import exact_diagonals
from editorbot.align.features import compute_features
from editorbot.align.path import (
    FoundPath,
    best_path,
    correlations,
    evidence,
    typical_correlations,
    unlikeness,
)
from editorbot.align.pieces import locate
from editorbot.align.search import search
from editorbot.align.sides import ANALYSIS_RATE, Side, open_pair
from editorbot.audio.sources import source_of
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
        lags_tried: Number of hypotheses among which the path was found.
        params: The parameters used.
    """

    edit_path: str
    explained_share: float
    segments: int
    no_source_s: float
    raw_s: float
    edit_s: float
    wall_s: float
    lags_tried: int
    params: AlignParams


@dataclass(frozen=True)
class Alignment:
    """What the editor did, and how sure that is."""

    edit: Edit
    info: AlignmentInfo


def align(raw: Path, edit: Path, *, params: AlignParams) -> Alignment:
    """Recover how `edit` was made from `raw`.

    Both may have any format, rate and channels; they are compared as mono. Positions of the
    result count at the raw's rate.

    Raises:
        AudioError: A file is missing, damaged or silent.
        EditorbotError: A file is shorter than `SHORTEST_S`, or too small a share of the edit is
            found in the raw.
    """
    begun = time.monotonic()
    with open_pair(Path(raw), Path(edit)) as (raw_side, edit_side):
        _check_lengths(raw_side, edit_side)
        path = _find_path(raw_side, edit_side, params)
        if path.explained_share < params.min_explained_share:
            raise EditorbotError(
                f"{edit} was not made from {raw}: {path.explained_share:.0%} of its sound is found "
                f"there, expected at least {params.min_explained_share:.0%}; pair it with its own "
                "raw recording or lower align.min_explained_share"
            )
        pieces = locate(path, raw_side, edit_side)
        source = source_of(raw)
        result = assemble(pieces, raw_side, edit_side, source=source, max_fade_s=params.max_fade_s)
        without = sum(s.samples for s in result.segments if not s.has_source)
        info = AlignmentInfo(
            edit_path=str(edit),
            explained_share=round(path.explained_share, 4),
            segments=len(result.segments),
            no_source_s=without / result.sample_rate,
            raw_s=raw_side.info.samples / raw_side.info.sample_rate,
            edit_s=edit_side.info.samples / edit_side.info.sample_rate,
            wall_s=time.monotonic() - begun,
            lags_tried=len(path.diagonals),
            params=params,
        )
        return Alignment(edit=result, info=info)


def _check_lengths(*sides: Side) -> None:
    for side in sides:
        seconds = len(side.mono) / side.rate
        if seconds < SHORTEST_S:
            raise EditorbotError(
                f"{side.info.path} lasts {seconds:.2f} s, too short to be aligned: expected at "
                f"least {SHORTEST_S} s"
            )


def _find_path(raw: Side, edit: Side, params: AlignParams) -> FoundPath:
    raw_features, edit_features = compute_features(raw.wave), compute_features(edit.wave)
    candidates = search(
        raw_features, edit_features, keep=params.candidates, margin=params.candidate_margin
    )
    diagonals = exact_diagonals(
        raw.white,
        edit.white,
        candidates,
        least_correlation=params.least_correlation,
        samples_per_lag=raw.rate / ANALYSIS_RATE,
    )
    nowhere = -0.5 * float(np.log(1 - params.no_source_correlation**2))
    strengths = [correlations(raw.white, edit.white, diagonal) for diagonal in diagonals]
    evidences = [
        evidence(raw_features, edit_features, *pair, nowhere=nowhere)
        for pair in zip(diagonals, strengths, strict=True)
    ]
    options = {
        "frames": len(edit_features.quiet),
        "switch_cost": params.switch_cost,
        "nowhere": nowhere,
    }
    runs = best_path(diagonals, evidences, **options)
    # How alike copies are is known now, and what is not so alike inside a run is none.
    typical = typical_correlations(runs, diagonals, strengths, edit_features)
    sounding = ~edit_features.quiet
    for diagonal, values, c in zip(diagonals, evidences, strengths, strict=True):
        here = sounding[diagonal.first : diagonal.last]
        values += np.where(here, unlikeness(diagonal, c, typical), 0)
    runs = best_path(diagonals, evidences, **options)
    return FoundPath(
        runs=runs,
        diagonals=diagonals,
        rivals=[rivals(run, diagonals, evidences) for run in runs],
        confidences=[confidence(run, diagonals, evidences, nowhere=nowhere) for run in runs],
        explained_share=explained_share(runs, edit_features),
    )
