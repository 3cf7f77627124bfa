"""Other keys, tones, levels and lengths of the songs that are learned from.

Few songs are heard hundreds of times: what their takes are played on must not be learned by heart,
nor that sessions last some minutes.
"""

import numpy as np

from editorbot.pointer_network.path.features import BANDS, Features
from editorbot.pointer_network.path.repeats import DIRECTIONS, LONG_SPANS, SPANS, Repeats

MOST_BANDS = 5
"""Bands by which a song is moved up or down, at most."""
TONE_KNOTS, TONE = 6, 0.08
"""Points of the curve that is added over the bands, and its standard deviation: 6 dB or so."""
GAP_SHARE, GAP_BANDS = 0.5, (2, 12)
"""How often, and how many, neighbouring bands are silenced (SpecAugment, Park et al. 2019)."""
REPEATS_SPREAD = 0.1
"""Standard deviation of the logarithm by which what tells repeats is scaled."""
SILENT = 0.02
"""What is that quiet stays so, whatever the tone."""


def augmented(
    features: Features, stems: np.ndarray | None, rng: np.random.Generator
) -> tuple[Features, np.ndarray | None]:
    """A song as it might have been played elsewhere; (F, S * BANDS) stems change with it."""
    change = _Change(rng)
    scale = np.exp(rng.normal(0, REPEATS_SPREAD, features.repeats.features.shape[1]))
    scaled = features.repeats.features * scale.astype(np.float16)
    repeats = _further(features.repeats._replace(features=scaled.astype(np.float16)), rng)
    changed = features._replace(mel=change(features.mel), repeats=repeats)
    if stems is None:
        return changed, None
    parts = [change(part) for part in np.split(stems, stems.shape[1] // BANDS, axis=1)]
    return changed, np.concatenate(parts, axis=1)


def _further(repeats: Repeats, rng: np.random.Generator) -> Repeats:
    """What is played again minutes later as if it came after twice, four or eight times as long."""
    steps = len(repeats.partners)
    parts = [x.reshape(steps, DIRECTIONS, SPANS, -1) for x in repeats]
    found = np.flatnonzero(parts[0][:, :, -LONG_SPANS:].any(axis=(0, 1, 3)))
    octaves = int(rng.integers(LONG_SPANS - found[-1])) if len(found) else 0
    if not octaves:
        return repeats
    moved = []
    for part, nothing in zip(parts, (0, -1, 0, 0), strict=True):
        part = part.copy()
        part[:, :, octaves - LONG_SPANS :] = part[:, :, -LONG_SPANS:-octaves]
        part[:, :, -LONG_SPANS : octaves - LONG_SPANS] = nothing
        moved.append(part)
    moved[0][..., -LONG_SPANS:, -1] *= 2**octaves
    return Repeats(*(x.reshape(steps, -1) for x in moved))


class _Change:
    """One change, drawn once, of any (F, BANDS) mel."""

    def __init__(self, rng: np.random.Generator):
        moved = int(rng.integers(-MOST_BANDS, MOST_BANDS + 1))
        self.origin = np.clip(np.arange(BANDS) - moved, 0, BANDS - 1)
        knots = rng.normal(0, TONE, TONE_KNOTS)
        places = np.linspace(0, TONE_KNOTS - 1, BANDS)
        self.tone = np.interp(places, np.arange(TONE_KNOTS), knots) + rng.normal(0, TONE)
        self.gap = slice(0, 0)
        if rng.random() < GAP_SHARE:
            width = int(rng.integers(*GAP_BANDS))
            start = int(rng.integers(0, BANDS - width))
            self.gap = slice(start, start + width)

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        moved = mel[:, self.origin].astype(np.float32)
        moved = np.where(moved > SILENT, np.clip(moved + self.tone, 0, 1), moved)
        moved[:, self.gap] = 0
        return moved.astype(np.float16)
