"""The views and the file of lists drawn at random agree with the lists."""

import numpy as np
from drawn_lists import RAW_S, as_edit, runs
from edit_pairs import RATE
from hypothesis import given, settings
from hypothesis import strategies as st

from editorbot.edl.frames import FrameGrid, to_ops, to_pointers
from editorbot.edl.model import Source
from editorbot.edl.serialize import read_edit, write_edit

GRID = FrameGrid(sample_rate=22050, hop_length=256)
RAW = Source(path="raw.wav", sample_rate=RATE, channels=1, samples=RAW_S * RATE, sha256="0" * 64)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(drawn=st.lists(runs, min_size=1, max_size=6))
def test_views_and_file_of_any_list_agree(tmp_path_factory, drawn):
    edit = as_edit(drawn, RAW)
    path = tmp_path_factory.mktemp("list") / "edit.json"
    write_edit(path, edit)
    assert read_edit(path) == edit
    pointers, ops = to_pointers(edit, GRID), to_ops(edit, GRID)
    assert len(pointers) == len(ops) == GRID.frames(edit.samples, sample_rate=RATE)
    # Inside a run pointers go on by one, forwards or backwards.
    for segment in edit.segments:
        first = int(np.ceil(segment.out_start / RATE / GRID.seconds)) + 1
        last = int(segment.out_end / RATE / GRID.seconds) - 1
        assert set(np.diff(pointers[first:last])) <= {-1 if segment.reverse else 1}
