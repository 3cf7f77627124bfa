"""Where exactly one piece ends and the next begins, and how they are faded."""

from dataclasses import replace

import numpy as np

from editorbot.align.boundary import CURVES, SHORTEST_FADE, Boundary, Region, region_around
from editorbot.align.fade_model import FREE_GAIN_SAMPLES, FadeModel
from editorbot.align.one_sided import faded_end, silent_end
from editorbot.align.piece import Piece
from editorbot.align.playback import Playback
from editorbot.edl.model import Fade

CUT_REACH_S = 0.35
"""The path knows a boundary to half its correlation window, and fades blur it further."""
MOST_MOVES = 100
"""Times that a cut at the border of where it is looked for is looked for beyond: half a minute."""
LEAST_ALIKE_S = 0.04
"""Fades beside shorter stretches in which both pieces play the same are found from their middle."""
LONGEST_ACROSS_S = 3.0
"""Fades across from one piece to the next are hardly ever longer."""
FADE_TIERS = ((0.02, 2.0), (0.1, 2.0), (0.8, 1.5), (np.inf, 1.5))
"""Fades up to so many seconds are searched for in a region so many times as wide to either side,
in which they are resolved, and other fades are hardly ever."""
TOLD_TO_S = 0.002
"""How well a copy's share of the sound tells where it ends."""
BETTER = 0.8
"""Longer fades must leave less than this share of what shorter ones leave."""
CODER_FADE_S = 0.0045
"""Coders smear a hard cut beside silence over so much."""
LONG_FADE_S = 0.02
"""A compressor's balance between two pieces moves the middle of longer fades by milliseconds."""
FINER_BLOCKS = 2**14
"""Blocks of samples in which the best fade is looked at closely."""
EXACT = 1e-8
"""Of the sound's energy: a fade that leaves less has the right curve."""


def place_boundary(
    playback: Playback, before: Piece, after: Piece, *, max_fade_s: float
) -> Boundary:
    """The boundary between two pieces that meet, given to within `CUT_REACH_S`.

    Where both play what sounds the same, as takes that are copies do, it may lie further away.
    """
    pair = before, after
    across = before.lag is not None and after.lag is not None
    one_sided = before.is_comparable != after.is_comparable
    if across:
        max_fade_s = min(max_fade_s, LONGEST_ACROSS_S)
    longest = round(max_fade_s * playback.rate)
    region = region_around(playback, pair, before.stop, round(CUT_REACH_S * playback.rate))
    cut = region.start + _hard_cut(region)
    if across and region.has_both and not region.is_free:
        region, cut = _followed(playback, pair, region, cut)
        faded = _faded_beside_what_is_alike(playback, pair, cut, longest=longest)
        if faded is not None:
            return faded
    # Of a mastered edit only the shape of a fade is certain, not how loud it is.
    fixed = playback.is_filtered and one_sided
    silent = None if across else silent_end(playback, pair)
    if fixed and silent is None:
        told = faded_end(playback, pair, longest=longest)
        if told is not None and told.samples:
            return told
        if told is not None:
            near = told.position - region.start, round(TOLD_TO_S * playback.rate)
            cut = region.start + _hard_cut(region, near=near)
    if silent is not None and playback.is_filtered:
        cut = silent
    found = _with_fade(playback, pair, cut, longest=longest, fixed=fixed)
    if silent is not None and playback.is_filtered and found.samples < CODER_FADE_S * playback.rate:
        inwards = -1 if before.is_comparable else 1
        return Boundary(found.position + inwards * (found.samples // 2))
    if silent is not None and not playback.is_filtered:
        # A short fade from silence leaves as little as a cut where it ends.
        rival = _with_fade(playback, pair, silent, longest=longest, fixed=False)
        reach = abs(found.position - rival.position) + 2 * max(found.samples, rival.samples)
        around = region_around(playback, pair, found.position, reach + SHORTEST_FADE)
        close = FadeModel(around, cut, fixed=False, most_blocks=FINER_BLOCKS)
        found = min(found, rival, key=close.cost)
    if not (across and one_sided):
        return found
    # Of a fade across only the comparable side was seen, as if it faded from or to nothing.
    towards = -1 if before.is_comparable else 1
    return replace(found, position=found.position + towards * (found.samples // 2))


def _followed(
    playback: Playback, pair: tuple[Piece, Piece], region: Region, cut: int
) -> tuple[Region, int]:
    """The region in which the cut lies, and the cut, where it lay at the border of the first."""
    reach = round(CUT_REACH_S * playback.rate)
    for _ in range(MOST_MOVES):
        near = min(cut - region.start, region.stop - cut)
        moved = region_around(playback, pair, cut, reach)
        if near > reach // 8 or (moved.start, moved.stop) == (region.start, region.stop):
            break
        region, cut = moved, moved.start + _hard_cut(moved)
    return region, cut


def _faded_beside_what_is_alike(
    playback: Playback, pair: tuple[Piece, Piece], cut: int, *, longest: int
) -> Boundary | None:
    """The fade at an end of the stretch around `cut` in which both pieces play the same.

    A cut may lie anywhere in such a stretch; but a fade shows, where one of the two is no longer
    the same. None if there is no fade, or the stretch is short.
    """
    ends = [_end_of_what_is_alike(playback, pair, cut, side) for side in (0, -1)]
    if ends[1] - ends[0] <= LEAST_ALIKE_S * playback.rate:
        return None
    found = [_with_fade(playback, pair, end, longest=longest, fixed=False) for end in ends]
    return max((b for b in found if b.samples), key=lambda b: b.samples, default=None)


def _end_of_what_is_alike(
    playback: Playback, pair: tuple[Piece, Piece], cut: int, side: int
) -> int:
    """The first (`side` 0) or last (-1) place around `cut` at which a cut leaves as little."""
    reach = round(CUT_REACH_S * playback.rate)
    for _ in range(MOST_MOVES):
        region = region_around(playback, pair, cut, reach)
        end = region.start + int(_alike(region, cut - region.start)[side])
        if end == cut or end not in (region.start, region.stop):
            return end
        cut = end
    return cut


def adjusted_boundary(playback: Playback, before: Piece, after: Piece) -> Boundary:
    """The boundary between two copies, placed before, now that their gains are known."""
    boundary = Boundary(before.stop, before.fade_out.samples, before.fade_out.curve)
    reach = round(1.2 * boundary.samples) + SHORTEST_FADE
    region = region_around(playback, (before, after), boundary.position, reach)
    if boundary.samples == 0:
        return Boundary(region.start + _hard_cut(region))
    return _exact(region, boundary, fixed=False, longest=2 * boundary.samples)


def edge_fade(playback: Playback, piece: Piece, *, max_fade_s: float, side: str) -> Fade:
    """The fade from or to nothing at the edit's very start (`side` "in") or end ("out")."""
    longest = min(round(max_fade_s * playback.rate), piece.samples)
    border = piece.start if side == "in" else piece.stop
    nothing = Piece(border, border, None)
    pair = (nothing, piece) if side == "in" else (piece, nothing)
    found = _with_fade(playback, pair, border, longest=longest, fixed=True)
    if found.samples <= SHORTEST_FADE and not playback.is_filtered:
        # Where the place is known, an exact copy tells even what nobody hears.
        region = region_around(playback, pair, border, 2 * SHORTEST_FADE)
        found = FadeModel(region, border, fixed=True).best_here(SHORTEST_FADE)
    return found.fade


def _with_fade(
    playback: Playback, pair: tuple[Piece, Piece], cut: int, *, longest: int, fixed: bool
) -> Boundary:
    """The hard cut, or the fade that explains clearly more; `fixed` forbids to move the cut."""

    def model(middle: int, reach: int) -> FadeModel:
        return FadeModel(region_around(playback, pair, middle, reach), cut, fixed=fixed)

    lengths = _lengths(longest)
    best, reached = Boundary(cut), 0
    for reach_s, spread in FADE_TIERS:
        reach = longest if reach_s == np.inf else round(reach_s * playback.rate)
        tier = lengths[(lengths > reached) & (lengths <= reach)]
        if len(tier) == 0:
            break
        wide, reached = model(cut, round(spread * min(reach, longest))), reach
        rival = wide.best_fade(tier)
        # What other cuts leave elsewhere in the region says nothing about this one, and fades of
        # finer tiers are not resolved here.
        zone = wide.zone(rival)
        resolved = rival.samples > tier[0] // 2
        if resolved and wide.excess(rival, zone) < BETTER * wide.excess(best, zone):
            best = rival
        if wide.leaves_nothing(best):
            break
    if best.samples == 0:
        return best
    close = model(best.position, round(1.2 * best.samples) + SHORTEST_FADE)
    best = close.confirmed(close.refined(best, longest=longest))
    if best.samples == 0:
        return best
    # Of a mastered edit no single sample is certain.
    if not playback.is_filtered:
        return _exact(close.region, best, fixed=fixed, longest=longest)
    if close.has_both and best.samples >= LONG_FADE_S * playback.rate:
        return close.refined_at_any_balance(best, longest=longest)
    return best


def _lengths(longest: int) -> np.ndarray:
    """Fade lengths to try first, by halves of an octave."""
    count = max(1, int(2 * np.log2(max(longest, SHORTEST_FADE) / SHORTEST_FADE)) + 1)
    return np.unique((SHORTEST_FADE * 2 ** (np.arange(count) / 2)).astype(int))


def _exact(region: Region, boundary: Boundary, *, fixed: bool, longest: int) -> Boundary:
    """The boundary to the sample, and the curve, which is only now told for sure."""
    finer = FadeModel(region, boundary.position, fixed=fixed, most_blocks=FINER_BLOCKS)
    options = {"longest": longest, "step": max(2, boundary.samples // 32)}
    best = finer.refined(boundary, **options)
    zone = finer.zone(best)
    if finer.cost(best, zone) > EXACT * finer.energy(zone):
        other = next(curve for curve in CURVES if curve != boundary.curve)
        best = min(best, finer.refined(boundary.with_curve(other), **options), key=finer.cost)
    if finer.block == 1:
        return best
    finest = FadeModel(region, boundary.position, fixed=fixed, most_blocks=len(region.edit))
    return finest.refined(best, longest=longest, step=finer.block)


def _hard_cut(region: Region, *, near: tuple[int, int] | None = None) -> int:
    """The number of samples of the region that belong before the cut.

    Where both sides explain the edit equally well, as in a repeat, the middle of that stretch.
    `near` says near which sample of the region to look, and how many samples around it.
    """
    if region.is_free:
        return _hard_cut_at_any_gain(region, near)
    stretch = _alike(region)
    return int(stretch[len(stretch) // 2])


def _alike(region: Region, at: int | None = None) -> np.ndarray:
    """(N,) numbers of samples in a row that may belong before the cut: each leaves as little.

    Those around the best one, or around `at`.
    """
    costs = []
    for sound in (region.before, region.after):
        left = region.foreign_cost * region.edit**2 if sound is None else (region.edit - sound) ** 2
        costs.append(np.concatenate([[0], np.cumsum(left)]))
    total = costs[0] + costs[1][-1] - costs[1]
    slack = 1e-9 * np.sum(region.edit**2) + 1e-12
    at = int(total.argmin()) if at is None else at
    alike = np.flatnonzero(total <= total[at] + slack)
    steps = np.flatnonzero(np.diff(alike) > 1)
    groups = np.split(alike, steps + 1)
    return next(group for group in groups if group[0] <= at <= group[-1])


def _hard_cut_at_any_gain(region: Region, near: tuple[int, int] | None) -> int:
    """The same where a compressor's gain is free: coarsely first, then block by block."""
    model = FadeModel(region, region.start, fixed=False)

    def best_of(places: np.ndarray) -> int:
        costs = model.costs([Boundary(region.start + int(p) * model.block) for p in places])
        return int(places[int(costs.argmin())])

    if near is not None:
        first, last = ((near[0] + sign * near[1]) // model.block for sign in (-1, 1))
        places = np.clip(np.arange(first, last + 1), 0, model.count)
        return best_of(places) * model.block
    stride = max(1, FREE_GAIN_SAMPLES // model.block // 4)
    rough = best_of(np.arange(0, model.count + 1, stride))
    finer = np.arange(max(0, rough - stride), min(model.count, rough + stride) + 1)
    return best_of(finer) * model.block
