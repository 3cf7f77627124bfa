from dataclasses import replace

import pytest

from editorbot.align.continuity import with_continuity
from editorbot.align.piece import Piece, Treatment

RATE = 48000
SPEED = 0.9
BEFORE = Piece(0, 10000, 500.0)
MET = Piece(10000, 30000, 500.0 + (1 - SPEED) * 10000, treatment=Treatment(speed=SPEED))
AFTER = Piece(30000, 50000, MET.lag + (SPEED - 1) * 30000)


def stretched(*, off: float, faster: float = 0.0) -> Piece:
    """What was found of MET, `off` samples beside it in its middle and by so much too fast."""
    treatment = replace(MET.treatment, speed=SPEED + faster)
    return replace(MET, lag=MET.lag + off - faster * 20000, treatment=treatment, is_copy=False)


def test_a_stretched_run_meets_both_its_neighbours():
    found = with_continuity([BEFORE, stretched(off=120, faster=0.01), AFTER], RATE)[1]
    assert found.lag == pytest.approx(MET.lag)
    assert found.treatment.speed == pytest.approx(SPEED)


@pytest.mark.parametrize("number", [0, 1])
def test_it_meets_one_where_the_other_is_elsewhere(number):
    pieces = [BEFORE, stretched(off=120), AFTER]
    far = 2 * number
    pieces[far] = replace(pieces[far], lag=90000.0)
    found = with_continuity(pieces, RATE)
    assert found[1].lag == pytest.approx(MET.lag)
    assert found[far].lag == 90000.0


@pytest.mark.parametrize("piece", [stretched(off=2000), replace(MET, lag=MET.lag + 120)])
def test_a_jump_and_a_copy_stay(piece):
    pieces = [BEFORE, piece, AFTER]
    assert with_continuity(pieces, RATE) == pieces


def test_what_has_no_source_is_met_by_nothing():
    pieces = [Piece(0, 10000, None), stretched(off=120), Piece(30000, 50000, None)]
    assert with_continuity(pieces, RATE) == pieces


def test_between_two_that_it_cannot_both_meet_it_meets_the_nearer():
    transposed = Treatment(pitch_semitones=-2.0)
    piece = Piece(10000, 30000, 600.0, treatment=transposed, is_copy=False)
    pieces = [BEFORE, piece, Piece(30000, 50000, 1000.0)]
    assert with_continuity(pieces, RATE)[1].lag == BEFORE.lag
