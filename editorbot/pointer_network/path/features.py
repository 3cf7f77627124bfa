"""What the path model hears of a raw: the mel of its steps, and what is played again."""

from typing import NamedTuple

import numpy as np

from editorbot.pointer_network.path.repeats import BANDS, Repeats, find_repeats, step_vectors


class Features(NamedTuple):
    """Of a raw of F mel frames, R steps."""

    mel: np.ndarray
    """(F, BANDS) float16 in [0, 1]."""
    repeats: Repeats
    """Its features (R, FEATURES) as float16."""

    @property
    def steps(self) -> int:
        """R."""
        return len(self.repeats.partners)


def features_of(mel: np.ndarray, *, stride: int, frame_s: float) -> Features:
    """From an (M, F) mel in [0, 1] of frames that are `frame_s` seconds apart."""
    steps_per_s = 1 / (stride * frame_s)
    repeats = find_repeats(step_vectors(mel, stride=stride), steps_per_s=steps_per_s)
    halved = repeats._replace(features=repeats.features.astype(np.float16))
    return Features(in_bands(mel), halved)


def in_bands(mel: np.ndarray) -> np.ndarray:
    """(M, F) -> (F, BANDS) float16 means over neighbouring bands."""
    bands = np.array_split(mel, min(BANDS, len(mel)))
    reduced = [band.mean(axis=0, dtype=np.float32) for band in bands]
    reduced += [np.zeros(mel.shape[1], np.float32)] * (BANDS - len(bands))
    return np.stack(reduced, axis=1).astype(np.float16)
