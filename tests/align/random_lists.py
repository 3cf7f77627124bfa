"""Lists drawn at random are recovered; what fails is shrunk to the shortest list that does.

Run by hand, with as many examples as there is time for, since other examples are drawn wherever
the code changes: `pytest tests/align/random_lists.py`.
"""

from itertools import pairwise

import numpy as np
import pytest
import soundfile
from edit_pairs import RATE, music
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editorbot.align.align import align
from editorbot.audio.render import render
from editorbot.audio.sources import source_of
from editorbot.edl.model import Edit, Fade, Segment, with_ops
from editorbot.evaluate.alignment import cut_f1, null_test_db, score_alignment
from editorbot.params import AlignParams

RAW_S = 40


@pytest.fixture(scope="module")
def raw_wav(tmp_path_factory):
    path = tmp_path_factory.mktemp("properties") / "raw.wav"
    soundfile.write(path, music(RAW_S, seed=3)[0].astype(np.float32), RATE, subtype="FLOAT")
    return path


runs = st.fixed_dictionaries(
    {
        "start": st.integers(0, (RAW_S - 5) * 10),  # tenths of a second
        "tenths": st.integers(15, 45),
        "gain_db": st.sampled_from([0.0, -3.0, 1.5]),
        "polarity": st.sampled_from([1, 1, 1, -1]),
        "reverse": st.sampled_from([False, False, False, True]),
        "fade": st.sampled_from([0, 0, 100, 441, 2205]),
        "curve": st.sampled_from(["linear", "equal_power"]),
    }
)


def as_edit(drawn: list[dict], source) -> Edit:
    """The list of the runs, end to end."""
    segments, position = [], 0
    for before, run, after in zip([None, *drawn], drawn, [*drawn[1:], None], strict=False):
        samples, start = run["tenths"] * RATE // 10, run["start"] * RATE // 10
        fades = [
            Fade(samples=0) if other is None else Fade(samples=other["fade"], curve=other["curve"])
            for other in (None if before is None else run, after)
        ]
        segments.append(
            Segment(
                out_start=position,
                out_end=position + samples,
                source=0,
                src_start=start,
                src_end=start + samples,
                gain_db=run["gain_db"],
                polarity=run["polarity"],
                reverse=run["reverse"],
                fade_in=fades[0],
                fade_out=fades[1],
            )
        )
        position += samples
    return Edit(sample_rate=RATE, samples=position, sources=(source,), segments=with_ops(segments))


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
