"""Where exactly one piece ends and the next begins, and how they are faded, by least squares.

Around a boundary the edit is modelled as `w_a * g_a * a + w_b * g_b * b`, with a and b the raw at
the two pieces' lags, g their gains and w the weights of a hard cut or a fade. Where a piece has no
source, what the other does not explain costs a share of its energy: more than a right copy leaves,
and less than a wrong one, which costs both energies.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from editorbot.align import gain_profile
from editorbot.align.piece import Piece
from editorbot.align.playback import Playback
from editorbot.align.whiten import slice_padded
from editorbot.edl.model import Fade

LEAST_LEFT, MOST_LEFT = 0.002, 0.5
"""Of the sound's energy, what copies are taken to leave at least and at most."""
INTERIOR = 2**15
"""Samples of a piece, beyond what is near its boundary, where what a copy leaves is measured."""
CUT_REACH_S = 0.35
"""The path knows a boundary to half its correlation window, and fades blur it further."""
SHORTEST_FADE = 48
"""Samples; anything shorter sounds and measures as a hard cut."""
FADE_GAIN = 0.6
"""A fade must leave less than this share of the hard cut's residual inside itself."""
AUDIBLE = 1e-7
"""... and the hard cut's residual there must exceed this share of the sound's energy (-70 dB)."""
LONGEST_ACROSS_S = 3.0
"""Fades across from one piece to the next are hardly ever longer."""
FREE_GAIN_SAMPLES = 2**11
"""46 ms: as fast as compressors follow."""
FREE_GAINS = (0.25, 4.0)
"""12 dB either way."""
FADED_GAINS = (0.02, 4.0)
"""... and of a copy that fades from or to nothing; where it is silent, there is none."""
STEEP_BELOW, LIKE_A_LINE = 0.65, 0.9
"""A fade's gain below which it changes evenly, and how well a line must fit there (correlation)."""
SILENCE_BLOCK, SILENT_BLOCKS = 64, 8
"""Samples in which levels are compared where a copy may border on silence, and blocks of it that
make it silence."""
SILENT = 0.01
EARLY, LATE = (0.05, 0.2), (0.3, 0.7)
"""Shares of its level at two instants of a copy's rise from silence, by which its begin is told."""
STEEP_BLOCKS = 6
"""From the one late instant to the other, within a fade so short that only they count."""
FAINTEST = 1e-5
SHORT_PROFILE_S = 0.03
LONG_FADE = 1000
LEAST_FADE_WINDOWS, MOST_FADE_WINDOWS = 4, 60
MOST_HIDDEN = 2**15
"""Samples of a fade's end that noise may cover."""
CELLS_AT_ONCE = 2**19
"""Blocks times boundaries of which the costs are computed together: 4 MB an array."""
CURVES = ("linear", "equal_power")
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))
MOVES_FIXED = ((0, 1), (0, -1))
"""Of a fade's start and end."""
MOST_BLOCKS, FINER_BLOCKS = 2**10, 2**14
"""Blocks of samples in which a region is first searched, and the winner looked at closely."""
SHORT_FADE_S = 0.1
"""Fades up to here are searched for in a narrow region, in which they are resolved."""
BETTER = 0.8
"""A long fade must leave less than this share of what a short one leaves."""


@dataclass(frozen=True)
class Boundary:
    """A boundary at edit sample `position`, and the fade across it or beside it."""

    position: int
    fade: Fade = field(default_factory=Fade)

    @property
    def samples(self) -> int:
        """Length of the fade."""
        return self.fade.samples

    def with_curve(self, curve: str) -> "Boundary":
        """The same with a fade of another curve."""
        return replace(self, fade=self.fade.model_copy(update={"curve": curve}))


@dataclass(frozen=True)
class _Region:
    """Edit samples [start, start + T) with both pieces' sound times their gains, (T,) float64.

    Where the gain is `free`, a compressor turns it up and down in either piece, and only what no
    common gain of a short window explains counts.
    """

    start: int
    edit: np.ndarray
    before: np.ndarray | None
    after: np.ndarray | None
    left_share: float
    is_free: bool

    @property
    def foreign_cost(self) -> float:
        """Share of its energy that foreign sound costs beside a copy.

        Noise of the copy's variance is as likely there as noise of the sound's own.
        """
        share = self.left_share
        return share * np.log(1 / share) / (1 - share)


def place_boundary(
    raw: Playback, edit: np.ndarray, before: Piece, after: Piece, *, rate: int, max_fade_s: float
) -> Boundary:
    """The boundary between two pieces that meet, given to within `CUT_REACH_S`."""
    reach = round(CUT_REACH_S * rate)
    first = max(before.start, before.stop - reach)
    last = min(after.stop, before.stop + reach)
    region = _region(raw, edit, before, after, first, last)
    cut = first + _hard_cut(region)
    across = before.lag is not None and after.lag is not None
    if across:
        max_fade_s = min(max_fade_s, LONGEST_ACROSS_S)
    longest, short = round(max_fade_s * rate), round(SHORT_FADE_S * rate)
    # A compressor turns up what fades: where a copy ends is then told by its shape alone, and the
    # fade fitted from there.
    fixed = region.is_free and not (before.is_comparable and after.is_comparable)
    one_sided = before.is_comparable != after.is_comparable
    if fixed and one_sided and _silent_end(raw, edit, before, after, first, last) is None:
        found = _beside_other_sound(raw, edit, before, after, cut, rate=rate, longest=longest)
        if found is not None:
            return found
    if fixed and not across:
        silent = _silent_end(raw, edit, before, after, first, last)
        if silent is None:
            silent = _faded_out(raw, edit, before, after, cut)
        cut = int(np.clip(silent, before.start, after.stop))
    options = {"lengths": _lengths(longest), "short": short, "fixed": fixed}
    found = _with_fade(raw, edit, (before, after), cut, **options)
    if not across or (before.is_comparable and after.is_comparable):
        return found
    # Of a fade across only the comparable side was seen, as if it faded from or to nothing.
    towards = -1 if before.is_comparable else 1
    return replace(found, position=found.position + towards * (found.samples // 2))


def _beside_other_sound(
    raw: Playback, edit: np.ndarray, before: Piece, after: Piece, cut: int, *, rate: int, longest: int
) -> Boundary | None:
    copy, other = (before, after) if before.is_comparable else (after, before)
    towards = 1 if before.is_comparable else -1
    reach = round(CUT_REACH_S * rate)
    reaches = (reach + min(longest, round(1.5*rate)), 2 * reach)[::towards]
    first = max(before.start, cut - reaches[0])
    last = min(after.stop, cut + reaches[1])
    profile = gain_profile.measure(raw, edit, copy, first, last, rate=rate)
    if towards < 0:
        profile = gain_profile.Profile(profile.gains[::-1], profile.weights[::-1], profile.block)
    end, samples, curve = gain_profile.fitted_end(profile, longest=min(longest, copy.samples))
    position = first + end if towards > 0 else first + len(profile.gains) * profile.block - end

    if samples < SHORT_PROFILE_S * rate:
        return None
    if other.lag is not None:
        position -= towards * (samples // 2)
    return Boundary(int(position), Fade(samples=samples, curve=curve))


def adjusted_boundary(raw: Playback, edit: np.ndarray, before: Piece, after: Piece) -> Boundary:
    """The boundary between two copies, placed before, now that their gains are known."""
    boundary = Boundary(before.stop, before.fade_out)
    reach = round(1.2 * boundary.samples) + SHORTEST_FADE
    first = max(before.start, boundary.position - reach)
    last = min(after.stop, boundary.position + reach)
    region = _region(raw, edit, before, after, first, last)
    if boundary.samples == 0:
        return Boundary(first + _hard_cut(region))
    return _exact(region, boundary, fixed=False, longest=2 * boundary.samples)


def edge_fade(
    raw: Playback, edit: np.ndarray, piece: Piece, *, rate: int, max_fade_s: float, side: str
) -> Fade:
    """The fade from or to nothing at the edit's very start (`side` "in") or end ("out")."""
    longest = min(round(max_fade_s * rate), piece.stop - piece.start)
    border = piece.start if side == "in" else piece.stop
    nothing = Piece(border, border, None)
    pair = (nothing, piece) if side == "in" else (piece, nothing)
    lengths, short = _lengths(longest), round(SHORT_FADE_S * rate)
    return _with_fade(raw, edit, pair, border, lengths=lengths, short=short, fixed=True).fade


def _with_fade(
    raw: Playback,
    edit: np.ndarray,
    pair: tuple[Piece, Piece],
    cut: int,
    *,
    lengths: np.ndarray,
    short: int,
    fixed: bool = False,
) -> Boundary:
    """The hard cut, or the fade that explains clearly more; `fixed` forbids to move the cut."""

    def model(middle: int, reach: int) -> _Model:
        first = max(pair[0].start, middle - reach)
        last = min(pair[1].stop, middle + reach)
        return _Model(_region(raw, edit, *pair, first, last), cut, fixed=fixed)

    best = model(cut, 2 * short).best_fade(lengths[lengths <= short])
    long_lengths = lengths[lengths > short]
    if len(long_lengths):
        wide = model(cut, round(1.5 * long_lengths[-1]))
        rival = wide.best_fade(long_lengths)
        # What other cuts leave elsewhere in the region says nothing about this one.
        zone = wide.zone(rival)
        if rival.samples and wide.excess(rival, zone) < BETTER * wide.excess(best, zone):
            best = rival
    if best.samples == 0:
        return best
    close = model(best.position, round(1.2 * best.samples) + SHORTEST_FADE)
    best = close.confirmed(close.refined(best, longest=int(lengths[-1])))
    # Of a mastered edit no single sample is certain.
    if best.samples >= LONG_FADE and raw.is_filtered and close.has_both:
        return close.refined_of_any_balance(best, longest=int(lengths[-1]))
    if best.samples == 0 or raw.is_filtered:
        return best
    return _exact(close.region, best, fixed=fixed, longest=int(lengths[-1]))


def _exact(region: _Region, boundary: Boundary, *, fixed: bool, longest: int) -> Boundary:
    """The boundary to the sample, and the curve, which is only now told for sure."""
    finer = _Model(region, boundary.position, fixed=fixed, most_blocks=FINER_BLOCKS)
    step = max(2, boundary.samples // 32)
    rivals = (boundary.with_curve(curve) for curve in CURVES)
    fits = [finer.refined(rival, longest=longest, step=step) for rival in rivals]
    best = min(fits, key=finer.cost)
    if finer.block == 1:
        return best
    finest = _Model(region, boundary.position, fixed=fixed, most_blocks=len(region.edit))
    return finest.refined(best, longest=longest, step=finer.block)


def _region(
    raw: Playback, edit: np.ndarray, before: Piece, after: Piece, first: int, last: int
) -> _Region:
    def played(piece: Piece) -> np.ndarray | None:
        if not piece.is_comparable:
            return None
        return raw.played(piece, first, last) * piece.gain

    heard = raw.heard(edit, first, last).astype(np.float64)
    copies = [piece for piece in (before, after) if piece.is_comparable]
    shares = [_left_share(raw, edit, piece, first, last) for piece in copies]
    is_free = raw.is_filtered and len(copies) > 0
    left_share = max(shares, default=MOST_LEFT)
    return _Region(first, heard, played(before), played(after), left_share, is_free)


def _left_share(raw: Playback, edit: np.ndarray, copy: Piece, first: int, last: int) -> float:
    """Share of the sound's energy that a copy leaves beyond [first, last), near its boundary."""
    if copy.start < first:
        start, stop = max(copy.start, first - INTERIOR), first
    else:
        start, stop = last, min(copy.stop, last + INTERIOR)
    if stop - start < SHORTEST_FADE:
        start, stop = copy.start, copy.stop
    heard = raw.heard(edit, start, stop).astype(np.float64)
    left = np.sum((heard - copy.gain * raw.played(copy, start, stop)) ** 2)
    return float(np.clip(left / max(np.sum(heard**2), 1e-20), LEAST_LEFT, MOST_LEFT))


def _hard_cut(region: _Region) -> int:
    """The number of samples of the region that belong before the cut.

    Where both sides explain the edit equally well, as in a repeat, the middle of that stretch.
    """
    if region.is_free:
        return _hard_cut_of_any_gain(region)
    costs = []
    for sound in (region.before, region.after):
        left = region.foreign_cost * region.edit**2 if sound is None else (region.edit - sound) ** 2
        costs.append(np.concatenate([[0], np.cumsum(left)]))
    total = costs[0] + costs[1][-1] - costs[1]
    slack = 1e-9 * np.sum(region.edit**2) + 1e-12
    best = int(total.argmin())
    alike = np.flatnonzero(total <= total[best] + slack)
    steps = np.flatnonzero(np.diff(alike) > 1)
    groups = np.split(alike, steps + 1)
    stretch = next(group for group in groups if group[0] <= best <= group[-1])
    return int(stretch[len(stretch) // 2])


def _hard_cut_of_any_gain(region: _Region) -> int:
    model = _Model(region, region.start, fixed=False)
    places = np.arange(0, model.count + 1, max(1, FREE_GAIN_SAMPLES // model.block // 4))
    for finer in (1, 0):
        costs = model.costs([Boundary(region.start + int(p) * model.block) for p in places])
        best = int(places[int(costs.argmin())])
        step = int(places[1] - places[0]) if len(places) > 1 else 1
        if finer:
            places = np.arange(max(0, best - step), min(model.count, best + step) + 1)
    return best * model.block


def _silent_end(
    raw: Playback, edit: np.ndarray, before: Piece, after: Piece, first: int, last: int
) -> int | None:
    """Where in [first, last) silence and a copy meet; None if there is no silence beside it.

    A fade that rises from silence grows evenly at first, so that where it began is told by two of
    its levels.
    """
    copy, towards = (after, 1) if before.lag is None else (before, -1)
    count = (last - first) // SILENCE_BLOCK
    stop = first + count * SILENCE_BLOCK
    heard = raw.heard(edit, first, stop)
    played = raw.played(copy, first, stop) * copy.gain
    heard, played = (
        np.sqrt(np.mean(x.reshape(count, -1) ** 2, axis=1) + FAINTEST**2)[::towards]
        for x in (heard, played)
    )
    silent = _longest_run(heard < SILENT * played)
    if silent.stop - silent.start < SILENT_BLOCKS:
        return None
    level = heard[silent.start :] / played[silent.start :]
    first_above = [_first_above(level, share) for share in (*EARLY, *LATE)]
    if None in first_above:
        return None
    # What rings on after a hard cut is faint; what fades in slowly is told by its faint part.
    steep = first_above[3] - first_above[2] <= STEEP_BLOCKS
    (low, high), (begun, full) = (LATE, first_above[2:]) if steep else (EARLY, first_above[:2])
    begun = begun - (full - begun) * low / (high - low)
    offset = round((silent.start + begun) * SILENCE_BLOCK)
    return first + offset if towards > 0 else stop - offset


def _longest_run(flags: np.ndarray) -> slice:
    """Where the longest run of true flags lies."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    runs = [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    return max(runs, key=lambda run: run.stop - run.start, default=slice(0, 0))


def _first_above(level: np.ndarray, share: float) -> int | None:
    above = level > share
    return int(above.argmax()) if above.any() else None


def _faded_out(raw: Playback, edit: np.ndarray, before: Piece, after: Piece, cut: int) -> int:
    """Where a copy that fades from or to nothing is silent, beyond `cut`, where noise covers it.

    The gain near a fade's silent end changes evenly under either curve, so a line through it tells.
    """
    copy, step = (
        (before, -FREE_GAIN_SAMPLES) if before.is_comparable else (after, FREE_GAIN_SAMPLES)
    )
    middles, gains = [], []
    for number in range(MOST_FADE_WINDOWS):
        ends = sorted((cut + number * step, cut + (number + 1) * step))
        if ends[0] < copy.start or ends[1] > copy.stop:
            break
        played = raw.played(copy, *ends) * copy.gain
        heard = raw.heard(edit, *ends)
        gain = float(np.dot(heard, played) / max(np.dot(played, played), 1e-20))
        if gain > STEEP_BELOW:
            break
        middles.append(sum(ends) / 2)
        gains.append(gain)
    if len(gains) < LEAST_FADE_WINDOWS or np.corrcoef(middles, gains)[
        0, 1
    ] * step < LIKE_A_LINE * abs(step):
        return cut
    slope, offset = np.polyfit(middles, gains, 1)
    silent = round(-offset / slope)
    return silent if 0 <= (cut - silent) * np.sign(step) <= MOST_HIDDEN else cut


def _lengths(longest: int) -> np.ndarray:
    """Fade lengths to try first, by halves of an octave."""
    count = max(1, int(2 * np.log2(max(longest, SHORTEST_FADE) / SHORTEST_FADE)) + 1)
    return np.unique((SHORTEST_FADE * 2 ** (np.arange(count) / 2)).astype(int))


class _Model:
    """Costs of cuts and fades in a region, from sums over blocks of a few samples."""

    def __init__(
        self, region: _Region, cut: int, *, fixed: bool, most_blocks: int = MOST_BLOCKS
    ) -> None:
        self.region, self.hard, self.fixed = region, Boundary(cut), fixed
        self.has_both = region.before is not None and region.after is not None
        # Beside nothing, a free gain would be the fade itself.
        self.is_free = region.is_free and not (fixed and not self.has_both)
        samples = len(region.edit)
        self.block = max(1, -(-samples // most_blocks))
        self.count = samples // self.block
        zero = np.zeros(samples)
        a = zero if region.before is None else region.before
        b = zero if region.after is None else region.after
        e = region.edit
        pairs = {"ee": (e, e), "ea": (e, a), "eb": (e, b), "aa": (a, a), "bb": (b, b), "ab": (a, b)}
        self.sums = {name: self._blocked(x * y) for name, (x, y) in pairs.items()}

    def _blocked(self, values: np.ndarray) -> np.ndarray:
        return values[: self.count * self.block].reshape(self.count, self.block).sum(axis=1)

    def cost(self, boundary: Boundary, inside: slice = slice(None)) -> float:
        """Residual energy of the region, or of a slice of its blocks."""
        return float(self._left([boundary])[0, inside].sum())

    def costs(self, boundaries: list[Boundary]) -> np.ndarray:
        """(B,) residual energies of the region."""
        at_once = max(1, CELLS_AT_ONCE // self.count)
        parts = [boundaries[i : i + at_once] for i in range(0, len(boundaries), at_once)]
        return np.concatenate([self._left(part).sum(axis=1) for part in parts])

    def _left(self, boundaries: list[Boundary]) -> np.ndarray:
        """(B, count) energies that boundaries leave in each block."""
        before, after = self._weights(boundaries)
        s = self.sums
        heard_as_played = before * s["ea"] + after * s["eb"]
        played = before**2 * s["aa"] + after**2 * s["bb"] + 2 * before * after * s["ab"]
        if self.is_free:
            gain = self._smooth(heard_as_played) / np.maximum(self._smooth(played), 1e-20)
            gain = np.clip(gain, *(FREE_GAINS if self.has_both else FADED_GAINS))
            heard_as_played, played = gain * heard_as_played, gain**2 * played
        left = s["ee"] - 2 * heard_as_played + played
        if not self.has_both:
            left = np.where(before + after == 0, self.region.foreign_cost * s["ee"], left)
        return left

    def excess(self, boundary: Boundary, inside: slice) -> float:
        """The cost of a slice of blocks less what copies leave anyway where they play."""
        if self.is_free:
            return self.cost(boundary, inside)
        before, after = (weights[0] for weights in self._weights([boundary]))
        copied = np.where(before + after > 0, self.sums["ee"], 0)[inside].sum()
        return self.cost(boundary, inside) - self.region.left_share * float(copied)

    def _smooth(self, values: np.ndarray) -> np.ndarray:
        """Means over windows in which a compressor's gain hardly changes."""
        window = max(1, FREE_GAIN_SAMPLES // self.block)
        return uniform_filter1d(values, window, axis=-1, mode="nearest")

    def _weights(self, boundaries: list[Boundary]) -> tuple[np.ndarray, np.ndarray]:
        """(B, count) weights of the pieces before and after, at the blocks' middles."""
        samples = np.array([boundary.samples for boundary in boundaries])
        position = np.array([boundary.position for boundary in boundaries])
        linear = np.array([boundary.fade.curve == "linear" for boundary in boundaries])
        if self.has_both:
            start = position - samples // 2
        else:
            start = position if self.region.before is None else position - samples
        middles = self.region.start + np.arange(self.count) * self.block + (self.block - 1) / 2
        since = middles[None] - start[:, None]
        shape = samples[:, None], linear[:, None]
        zero = np.zeros_like(since)
        until = samples[:, None] - 1 - since
        before = zero if self.region.before is None else _rising(*shape, until)
        after = zero if self.region.after is None else _rising(*shape, since)
        return before, after

    def best_fade(self, lengths: np.ndarray) -> Boundary:
        """The best fade of about these lengths if it explains clearly more than the hard cut."""
        if len(lengths) == 0 or not self._leaves_a_residual(int(lengths[-1])):
            return self.hard
        # The curves are told apart by their best fits only: a wrong length favours the wrong one.
        fits = [
            self.refined(self._best_of_grid(lengths, curve), longest=int(lengths[-1]))
            for curve in CURVES
        ]
        return self.confirmed(min(fits, key=self.cost))

    def _best_of_grid(self, lengths: np.ndarray, curve: str) -> Boundary:
        tried = [
            Boundary(place, Fade(samples=int(samples), curve=curve))
            for samples in lengths
            for place in self._places(int(samples))
        ]
        return tried[int(self.costs(tried).argmin())]

    def _places(self, samples: int) -> list[int]:
        if self.fixed:
            return [self.hard.position]
        offsets = np.linspace(-samples, samples, 9).astype(int)
        low, high = self.region.start, self.region.start + len(self.region.edit)
        return sorted({int(np.clip(self.hard.position + o, low, high)) for o in offsets})

    def refined(self, boundary: Boundary, *, longest: int, step: int | None = None) -> Boundary:
        """Coordinate descent with steps that halve, down to half a block."""
        best, cost = boundary, self.cost(boundary)
        step = max(boundary.samples // 6, 1) if step is None else step
        while step >= max(1, self.block // 2):
            rivals = self._neighbours(best, step, longest)
            costs = self.costs(rivals) if rivals else np.array([np.inf])
            if costs.min() < cost:
                best, cost = rivals[int(costs.argmin())], float(costs.min())
            else:
                step //= 2
        return best

    def refined_of_any_balance(self, boundary: Boundary, *, longest: int) -> Boundary:
        best, cost, sums, balance_db = boundary, self.cost(boundary), self.sums, 0.0
        for step in (1.0, 0.5):
            for sign in (-1, 1):
                while abs(balance_db + sign * step) <= 3:
                    rival_db = balance_db + sign * step
                    r = 10 ** (rival_db / 20)
                    self.sums = sums | {
                        "eb": r * sums["eb"], "ab": r * sums["ab"], "bb": r**2 * sums["bb"]
                    }
                    fits = [self.refined(best.with_curve(c), longest=longest, step=max(1, best.samples // 16)) for c in CURVES]
                    rival = min(fits, key=self.cost)
                    if self.cost(rival) >= .995 * cost:
                        break
                    best, cost, balance_db = rival, self.cost(rival), rival_db
        self.sums = sums

        return best

    def _neighbours(self, boundary: Boundary, step: int, longest: int) -> list[Boundary]:
        """Boundaries of which the fade's ends are a step further on or back, one or both."""
        start = boundary.position - boundary.samples // 2
        low, high = self.region.start, self.region.start + len(self.region.edit)
        found = []
        for at_start, at_end in MOVES_FIXED if self.fixed else MOVES:
            samples = boundary.samples + (at_end - at_start) * step
            position = start + at_start * step + samples // 2
            if self.fixed:
                position = boundary.position
            if SHORTEST_FADE <= samples <= longest and low <= position <= high:
                fade = boundary.fade.model_copy(update={"samples": samples})
                found.append(Boundary(position, fade))
        return found

    def _leaves_a_residual(self, longest: int) -> bool:
        zone = self.zone(Boundary(self.hard.position, Fade(samples=longest)))
        return self.cost(self.hard, zone) > AUDIBLE * self._energy(zone)

    def confirmed(self, boundary: Boundary) -> Boundary:
        """The boundary if its fade explains clearly more than the hard cut, else the hard cut."""
        zone = self.zone(boundary)
        hard = self.cost(self.hard, zone)
        audible = hard > AUDIBLE * self._energy(zone)
        fits = self.excess(boundary, zone) < FADE_GAIN * self.excess(self.hard, zone)
        return boundary if audible and fits else self.hard

    def zone(self, boundary: Boundary) -> slice:
        """The blocks within one fade length of the boundary."""
        first = (boundary.position - boundary.samples - self.region.start) // self.block
        last = (boundary.position + boundary.samples - self.region.start) // self.block + 1
        return slice(max(first, 0), max(last, 1))

    def _energy(self, zone: slice) -> float:
        return float(sum(self.sums[name][zone].sum() for name in ("ee", "aa", "bb")))


def _rising(samples: np.ndarray, linear: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Weights of rising fades at positions counted from their first samples; arrays broadcast."""
    w = np.clip((position + 0.5) / np.maximum(samples, 1), 0, 1)
    curved = (w > 0) & (w < 1) & ~linear
    w[curved] = np.sin(0.5 * np.pi * w[curved])
    return np.where(samples == 0, position >= 0, w) if (samples == 0).any() else w
