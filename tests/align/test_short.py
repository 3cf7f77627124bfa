import pytest

from editorbot.align.piece import Piece, Treatment
from editorbot.align.short import with_short

RATE = 1000
COPY = Piece(4000, 4500, 70.0)
STRETCH = Treatment(speed=1.1)


def test_a_short_copy_is_taken_where_there_is_no_source():
    found = with_short([Piece(0, 9000, None)], [COPY], RATE)
    assert found == [Piece(0, 4000, None), COPY, Piece(4500, 9000, None)]


def test_what_is_a_copy_does_not_give_way():
    pieces = [Piece(0, 9000, 12.0)]
    assert with_short(pieces, [COPY], RATE) == pieces


@pytest.mark.parametrize(("lag", "pieces"), [(70.0 - 0.1 * 4250, 1), (900.0, 3)])
def test_a_stretched_run_gives_way_to_copies_from_elsewhere(lag, pieces):
    stretched = Piece(0, 9000, lag, treatment=STRETCH, is_copy=False)
    assert len(with_short([stretched], [COPY], RATE)) == pieces


def test_of_a_copy_that_is_all_but_covered_nothing_is_left():
    pieces = [Piece(0, 4350, 12.0), Piece(4350, 9000, None)]
    assert with_short(pieces, [COPY], RATE) == pieces
