"""What the path model hears of a raw: the mel of its steps, what is played again, and the beats."""

from typing import NamedTuple

import numpy as np

from editorbot.audio.beats import count_beats
from editorbot.edl.frames import FrameGrid
from editorbot.pointer_network.path.repeats import Repeats, find_repeats
from editorbot.pointer_network.path.step_vectors import step_vectors

BANDS = 64
"""Of the spectrum, made of as many pairs of mel bands or so."""
VERSION = 3
"""Of what is heard, raised by each change of it: what was learned from other features is void."""


class Features(NamedTuple):
    """Of a raw of F mel frames, R steps."""

    mel: np.ndarray
    """(F, BANDS) float16 in [0, 1]."""
    repeats: Repeats
    """Its features (R, FEATURES) as float16."""
    beats: np.ndarray
    """(R,) float32 beats before each step's beginning, with fractions."""

    @property
    def steps(self) -> int:
        """R."""
        return len(self.repeats.partners)


def features_of(mel: np.ndarray, *, stride: int, grid: FrameGrid) -> Features:
    """From an (M, F) mel in [0, 1] on that grid."""
    steps_per_s = 1 / (stride * grid.seconds)
    # Beats first: an hour's peak of memory is then that of the repeats alone.
    beats = count_beats(mel, every=stride, sample_rate=grid.sample_rate, hop_length=grid.hop_length)
    repeats = find_repeats(step_vectors(mel, stride=stride), steps_per_s=steps_per_s)
    halved = repeats._replace(features=repeats.features.astype(np.float16))
    return Features(in_bands(mel), halved, beats)


def in_bands(mel: np.ndarray) -> np.ndarray:
    """(M, F) -> (F, BANDS) float16 means over neighbouring bands."""
    bands = np.array_split(mel, min(BANDS, len(mel)))
    reduced = [band.mean(axis=0, dtype=np.float32) for band in bands]
    reduced += [np.zeros(mel.shape[1], np.float32)] * (BANDS - len(bands))
    return np.stack(reduced, axis=1).astype(np.float16)
