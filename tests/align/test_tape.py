import numpy as np
import pytest
import soundfile

from editorbot.align.piece import Piece, Treatment, tape_pitch
from editorbot.align.sides import open_pair
from editorbot.align.tape import measured

RATE = 22050
SECONDS = 6
SPEED = 1.1


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(2).normal(0, 0.1, 8 * RATE)


def measure(folder, raw, edit) -> Piece | None:
    """What the waveforms say of the whole edit as a tape of the raw from its beginning on."""
    for name, sound in (("raw", raw), ("edit", edit)):
        soundfile.write(folder / f"{name}.wav", sound.astype(np.float32), RATE, subtype="FLOAT")
    treatment = Treatment(speed=SPEED, pitch_semitones=tape_pitch(SPEED))
    with open_pair([folder / "raw.wav"], folder / "edit.wav") as sides:
        piece = Piece(0, SECONDS * RATE, 0.0, treatment=treatment)
        return measured(piece, *sides, border=RATE // 10, least=0.3)


def tape(noise: np.ndarray) -> np.ndarray:
    positions = SPEED * np.arange(SECONDS * RATE)
    return np.interp(positions, np.arange(len(noise)), noise)


def test_a_tape_is_one_throughout(tmp_path, noise):
    found = measure(tmp_path, noise, tape(noise))
    assert found.treatment.speed == pytest.approx(SPEED, abs=1e-4)


def test_both_ends_of_a_tape_do_not_make_one_of_what_lies_between(tmp_path, noise):
    edit = tape(noise)
    between = slice(2 * RATE, 4 * RATE)
    edit[between] = np.random.default_rng(3).normal(0, 0.1, 2 * RATE)
    assert measure(tmp_path, noise, edit) is None


@pytest.mark.parametrize(("noise_db", "is_found"), [(13, True), (40, False)])
def test_under_noise_many_spots_that_agree_are_enough(tmp_path, noise, noise_db, is_found):
    other = np.random.default_rng(4).normal(0, 0.1, SECONDS * RATE)
    found = measure(tmp_path, noise, tape(noise) + 10 ** (noise_db / 20) * other)
    assert (found is not None) == is_found
