"""Other keys and lengths of the songs that are learned from.

Few songs are heard hundreds of times: what their takes are played on must not be learned by heart,
nor that sessions last some minutes. What was tried beside it and did not help (other tones and
levels, silenced bands, noise, repeats that agree more or less) is in docs/log.md.
"""

import numpy as np

from editorbot.pointer_network.path.features import BANDS, Features
from editorbot.pointer_network.path.repeats import DIRECTIONS, LONG_SPANS, SPANS, Repeats

MOST_BANDS = 5
"""Bands by which a song is moved up or down, at most."""


def augmented(
    features: Features, stems: np.ndarray | None, rng: np.random.Generator
) -> tuple[Features, np.ndarray | None]:
    """A song as it might have been played elsewhere; (F, S * BANDS) stems change with it."""
    moved = int(rng.integers(-MOST_BANDS, MOST_BANDS + 1))
    repeats = _further(features.repeats, rng)
    changed = features._replace(mel=_in_another_key(features.mel, moved), repeats=repeats)
    if stems is None:
        return changed, None
    parts = np.split(stems, stems.shape[1] // BANDS, axis=1)
    return changed, np.concatenate([_in_another_key(part, moved) for part in parts], axis=1)


def _in_another_key(mel: np.ndarray, moved: int) -> np.ndarray:
    """(F, BANDS) moved up by some bands; the outermost one fills up."""
    return mel[:, np.clip(np.arange(BANDS) - moved, 0, BANDS - 1)]


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
