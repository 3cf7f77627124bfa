"""The views and the file of lists drawn at random agree with the lists."""

import numpy as np
import pytest
import soundfile
from edit_pairs import RATE, music
from hypothesis import given, settings
from hypothesis import strategies as st

from editorbot.audio.sources import source_of
from editorbot.edl.frames import FrameGrid, to_ops, to_pointers
from editorbot.edl.model import Edit, Fade, Segment, with_ops
from editorbot.edl.serialize import read_edit, write_edit

RAW_S = 40
GRID = FrameGrid(sample_rate=22050, hop_length=256)


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


@settings(max_examples=50, deadline=None, derandomize=True)
@given(drawn=st.lists(runs, min_size=1, max_size=6))
def test_views_and_file_of_any_list_agree(tmp_path_factory, raw_wav, drawn):
    edit = as_edit(drawn, source_of(raw_wav))
    path = tmp_path_factory.mktemp("list") / "edit.json"
    write_edit(path, edit)
    assert read_edit(path) == edit
    pointers, ops = to_pointers(edit, GRID), to_ops(edit, GRID)
    assert len(pointers) == len(ops) == GRID.frames(edit.samples, sample_rate=RATE)
    # Inside a run pointers go on by one; halfway between two frames rounding may choose either.
    for segment in edit.segments:
        first = int(np.ceil(segment.out_start / RATE / GRID.seconds)) + 1
        last = int(segment.out_end / RATE / GRID.seconds) - 1
        steps = np.arange(last - first) * (-1 if segment.reverse else 1)
        assert np.abs(pointers[first:last] - pointers[first] - steps).max(initial=0) <= 1
