"""Lists drawn at random are recovered; what fails is shrunk to the shortest list that does.

Run by hand, with as many examples as there is time for, since other examples are drawn wherever
the code changes: `pytest tests/align/random_lists.py`.
"""

from itertools import pairwise

import numpy as np
import pytest
import soundfile
from drawn_lists import RAW_S, as_edit, runs
from edit_pairs import RATE, music
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editorbot.align.align import align
from editorbot.audio.render import render
from editorbot.audio.sources import source_of
from editorbot.evaluate.alignment import cut_f1, null_test_db, score_alignment
from editorbot.params import AlignParams


@pytest.fixture(scope="module")
def raw_wav(tmp_path_factory):
    path = tmp_path_factory.mktemp("properties") / "raw.wav"
    soundfile.write(path, music(RAW_S, seed=3)[0].astype(np.float32), RATE, subtype="FLOAT")
    return path


def jumps_far(drawn: list[dict]) -> bool:
    """Whether each run begins elsewhere than where the one before it ended."""
    return all(
        abs(a["start"] + a["tenths"] - b["start"]) > 2 and a["start"] != b["start"]
        for a, b in pairwise(drawn)
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=st.lists(runs, min_size=1, max_size=6).filter(jumps_far))
def test_any_list_is_recovered(tmp_path, raw_wav, drawn):
    truth = as_edit(drawn, source_of(raw_wav))
    path = tmp_path / "edit.wav"
    sound = np.concatenate(list(render(truth)), axis=1)
    soundfile.write(path, sound.T, RATE, subtype="FLOAT")
    found = align([raw_wav], path, params=AlignParams()).edit
    scores = score_alignment(truth, found)
    assert scores.within_1 >= 0.999
    assert cut_f1(truth, found) == 1
    assert [s.reverse for s in found.segments] == [s.reverse for s in truth.segments]
    assert [s.polarity for s in found.segments] == [s.polarity for s in truth.segments]
    assert null_test_db(found, path) < -60
