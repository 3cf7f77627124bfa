"""A list's sources are described as they are, and found again where they may lie."""

import numpy as np
import pytest

from editorbot.audio.io import write
from editorbot.audio.sources import source_of, with_sources_found
from editorbot.edl.model import Edit, Segment
from editorbot.errors import EditorbotError
from editorbot.files import sha256


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "takes" / "jam_raw.wav"
    path.parent.mkdir()
    write(path, np.full((2, 1000), 0.25, dtype=np.float32), sample_rate=8000, channels=2)
    return path


def edit_from(source):
    segment = Segment(out_start=0, out_end=10, source=0, src_start=0, src_end=10)
    return Edit(sample_rate=8000, samples=10, sources=(source,), segments=(segment,))


def test_a_recording_is_described(recording):
    source = source_of(recording)
    assert (source.sample_rate, source.channels, source.samples) == (8000, 2, 1000)
    assert source.sha256 == sha256(recording) and source.path == str(recording)


@pytest.mark.parametrize("named", ["takes/jam_raw.wav", "jam_raw.wav", "/nowhere/else/jam_raw.wav"])
def test_sources_are_found_as_named_and_beside_the_list(recording, named, monkeypatch):
    monkeypatch.chdir(recording.parents[1])
    edit = edit_from(source_of(recording).model_copy(update={"path": named}))
    found = with_sources_found(edit, beside=recording.parent)
    assert sha256(found.sources[0].path) == edit.sources[0].sha256


def test_a_source_that_is_nowhere_is_named(recording, tmp_path):
    edit = edit_from(source_of(recording).model_copy(update={"path": "lost.wav"}))
    with pytest.raises(EditorbotError, match=r"the source lost\.wav was not found"):
        with_sources_found(edit, beside=tmp_path)
