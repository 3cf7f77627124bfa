"""What cuts and fades at a boundary leave unexplained, and the fade that leaves least.

Around a boundary the edit is modelled as `w_a * g_a * a + w_b * g_b * b`, with a and b the raw at
the two pieces' lags, g their gains and w the weights of a hard cut or a fade. Where a piece has no
source, what the other does not explain costs a share of its energy: more than a right copy leaves,
and less than a wrong one, which costs both energies.
"""

from copy import copy

import numpy as np
from scipy.ndimage import uniform_filter1d

from editorbot.align.boundary import CURVES, SHORTEST_FADE, Boundary, Region

FADE_GAIN = 0.6
"""A fade must leave less than this share of the hard cut's residual inside itself."""
AUDIBLE = 1e-7
"""... and the hard cut's residual there must exceed this share of the sound's energy (-70 dB)."""
FREE_GAIN_SAMPLES = 2**11
"""46 ms: as fast as compressors follow."""
FREE_GAINS = (0.25, 4.0)
"""12 dB either way."""
FADED_GAINS = (0.02, 4.0)
"""... and of a copy that fades from or to nothing; where it is silent, there is none."""
MOST_BALANCE_DB, BALANCE_STEPS_DB = 3.0, (1.0, 0.5)
"""By how much a compressor may favour one of two pieces over all of a fade."""
WORTH_A_BALANCE = 0.995
"""Share of the cost that a balance must leave at most, lest it bend the fade for nothing."""
CELLS_AT_ONCE = 2**19
"""Blocks times boundaries of which the costs are computed together: 4 MB an array."""
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))
MOVES_FIXED = ((0, 1), (0, -1))
"""Of a fade's start and end."""
MOST_BLOCKS = 2**10
"""Blocks of samples in which a region is first searched."""


class FadeModel:
    """Costs of cuts and fades in a region, from sums over blocks of a few samples.

    `fixed` forbids to move the cut.
    """

    def __init__(
        self, region: Region, cut: int, *, fixed: bool, most_blocks: int = MOST_BLOCKS
    ) -> None:
        self.region, self.hard, self.fixed = region, Boundary(cut), fixed
        self.has_both = region.has_both
        # Beside nothing, a free gain would be the fade itself.
        self.is_free = region.is_free and not (fixed and not self.has_both)
        samples = len(region.edit)
        self.block = max(1, -(-samples // most_blocks))
        self.count = samples // self.block
        self._middles = region.start + np.arange(self.count) * self.block + (self.block - 1) / 2
        zero = np.zeros(samples)
        a = zero if region.before is None else region.before
        b = zero if region.after is None else region.after
        e = region.edit
        pairs = {"ee": (e, e), "ea": (e, a), "eb": (e, b), "aa": (a, a), "bb": (b, b), "ab": (a, b)}
        self._sums = {name: self._blocked(x * y) for name, (x, y) in pairs.items()}

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
        s = self._sums
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
        # Copies that were not mastered leave nothing; a share of theirs could be another fade's.
        if self.is_free or not self.region.is_free:
            return self.cost(boundary, inside)
        before, after = (weights[0] for weights in self._weights([boundary]))
        copied = np.where(before + after > 0, self._sums["ee"], 0)[inside].sum()
        return self.cost(boundary, inside) - self.region.left_share * float(copied)

    def _smooth(self, values: np.ndarray) -> np.ndarray:
        """Means over windows in which a compressor's gain hardly changes."""
        window = max(1, FREE_GAIN_SAMPLES // self.block)
        return uniform_filter1d(values, window, axis=-1, mode="nearest")

    def _weights(self, boundaries: list[Boundary]) -> tuple[np.ndarray, np.ndarray]:
        """(B, count) weights of the pieces before and after, at the blocks' middles."""
        samples = np.array([boundary.samples for boundary in boundaries])
        position = np.array([boundary.position for boundary in boundaries])
        linear = np.array([boundary.curve == "linear" for boundary in boundaries])
        if self.has_both:
            start = position - samples // 2
        else:
            start = position if self.region.before is None else position - samples
        since = self._middles - start[:, None]
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

    def best_here(self, longest: int) -> Boundary:
        """The same of all fades of 1 to `longest` samples right at the cut."""
        place, lengths = self.hard.position, range(1, longest + 1)
        tried = [Boundary(place, samples, curve) for samples in lengths for curve in CURVES]
        return self.confirmed(tried[int(self.costs(tried).argmin())])

    def _best_of_grid(self, lengths: np.ndarray, curve: str) -> Boundary:
        tried = [
            Boundary(place, int(samples), curve)
            for samples in lengths
            for place in self._places(int(samples))
        ]
        return tried[int(self.costs(tried).argmin())]

    def _places(self, samples: int) -> list[int]:
        if self.fixed:
            return [self.hard.position]
        offsets = np.linspace(-samples, samples, 9).astype(int)
        places = np.clip(self.hard.position + offsets, self.region.start, self.region.stop)
        return sorted(set(places.tolist()))

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

    def refined_at_any_balance(self, boundary: Boundary, *, longest: int) -> Boundary:
        """The best fade where a compressor turned one piece down more than the other.

        Of pieces whose gains are wrong against each other the middle of a fade seems to lie where
        they are equally loud.
        """
        best, cost, balance_db = boundary, self.cost(boundary), 0.0
        for step_db in (sign * size for size in BALANCE_STEPS_DB for sign in (-1, 1)):
            while abs(balance_db + step_db) <= MOST_BALANCE_DB:
                model = self._balanced(balance_db + step_db)
                options = {"longest": longest, "step": max(1, best.samples // 16)}
                fits = [model.refined(best.with_curve(curve), **options) for curve in CURVES]
                rival = min(fits, key=model.cost)
                if model.cost(rival) >= WORTH_A_BALANCE * cost:
                    break
                best, cost = rival, model.cost(rival)
                balance_db += step_db
        return best

    def _balanced(self, balance_db: float) -> "FadeModel":
        """The model with the piece after the boundary so much louder."""
        gain = 10 ** (balance_db / 20)
        s, other = self._sums, copy(self)
        other._sums = s | {"eb": gain * s["eb"], "ab": gain * s["ab"], "bb": gain**2 * s["bb"]}
        return other

    def _neighbours(self, boundary: Boundary, step: int, longest: int) -> list[Boundary]:
        """Boundaries of which the fade's ends are a step further on or back, one or both."""
        start = boundary.position - boundary.samples // 2
        found = []
        for at_start, at_end in MOVES_FIXED if self.fixed else MOVES:
            samples = boundary.samples + (at_end - at_start) * step
            position = start + at_start * step + samples // 2
            if self.fixed:
                position = boundary.position
            inside = self.region.start <= position <= self.region.stop
            if SHORTEST_FADE <= samples <= longest and inside:
                found.append(Boundary(position, samples, boundary.curve))
        return found

    def leaves_nothing(self, boundary: Boundary) -> bool:
        """Whether a boundary explains all that is audible, as those of exact copies do."""
        return self.cost(boundary) <= AUDIBLE * self.energy(slice(None))

    def _leaves_a_residual(self, longest: int) -> bool:
        zone = self.zone(Boundary(self.hard.position, longest))
        return self.cost(self.hard, zone) > AUDIBLE * self.energy(zone)

    def confirmed(self, boundary: Boundary) -> Boundary:
        """The boundary if its fade explains clearly more than the hard cut, else the hard cut."""
        zone = self.zone(boundary)
        hard = self.cost(self.hard, zone)
        audible = hard > AUDIBLE * self.energy(zone)
        fits = self.excess(boundary, zone) < FADE_GAIN * self.excess(self.hard, zone)
        return boundary if audible and fits else self.hard

    def zone(self, boundary: Boundary) -> slice:
        """The blocks within one fade length of the boundary."""
        first = (boundary.position - boundary.samples - self.region.start) // self.block
        last = (boundary.position + boundary.samples - self.region.start) // self.block + 1
        return slice(max(first, 0), max(last, 1))

    def energy(self, zone: slice) -> float:
        """Energy of all that sounds in a slice of blocks."""
        return float(sum(self._sums[name][zone].sum() for name in ("ee", "aa", "bb")))


def _rising(samples: np.ndarray, linear: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Weights of rising fades at positions counted from their first samples; arrays broadcast."""
    w = np.clip((position + 0.5) / np.maximum(samples, 1), 0, 1)
    curved = (w > 0) & (w < 1) & ~linear
    w[curved] = np.sin(0.5 * np.pi * w[curved])
    return np.where(samples == 0, position >= 0, w) if (samples == 0).any() else w
