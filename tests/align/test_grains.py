import numpy as np
import pytest
import soundfile

from editorbot.align.grains import without_grains
from editorbot.align.piece import Piece, Treatment
from editorbot.align.sides import open_pair

RATE = 22050
COPY = Piece(0, 3 * RATE, 0.0)
GRAIN = Piece(3 * RATE, 3 * RATE + 9000, 0.0)
STRETCHED = Piece(
    GRAIN.stop, 6 * RATE, -0.01 * GRAIN.stop, treatment=Treatment(speed=1.01), is_copy=False
)


@pytest.mark.parametrize(("noise", "is_grain"), [(0.0, False), (1.0, True)])
def test_a_short_copy_that_is_a_bad_one_is_a_grain(tmp_path, noise, is_grain):
    raw = np.random.default_rng(5).normal(0, 0.1, 6 * RATE)
    edit = raw.copy()
    edit[GRAIN.start :] += noise * np.random.default_rng(6).normal(0, 0.1, len(edit) - GRAIN.start)
    for name, sound in (("raw", raw), ("edit", edit)):
        soundfile.write(tmp_path / f"{name}.wav", sound.astype(np.float32), RATE, subtype="FLOAT")
    with open_pair([tmp_path / "raw.wav"], tmp_path / "edit.wav") as sides:
        found = without_grains([COPY, GRAIN, STRETCHED], *sides)
        elsewhere = without_grains([COPY, GRAIN, _moved(STRETCHED, RATE)], *sides)
    starts = [piece.start for piece in found]
    assert starts == ([0, GRAIN.start] if is_grain else [0, GRAIN.start, STRETCHED.start])
    assert len(elsewhere) == 3


def _moved(piece: Piece, samples: int) -> Piece:
    return Piece(
        piece.start,
        piece.stop,
        piece.lag + samples,
        treatment=piece.treatment,
        is_copy=piece.is_copy,
    )
