import errno

import numpy as np
import pytest
import soundfile
from edit_pairs import RATE, music, write_pair

from editorbot.align import sides
from editorbot.align.sides import ANALYSIS_RATE, open_pair
from editorbot.edl.frames import resampled_length
from editorbot.errors import AudioError, EditorbotError


def test_both_sides_come_at_the_raws_rate_and_go_when_done(tmp_path):
    raw = music(4, seed=1, channels=2)
    paths = write_pair(tmp_path, raw, raw[:, RATE : 3 * RATE])
    soundfile.write(paths[1], music(3, seed=1, rate=16000).T, 16000)
    with open_pair(paths[:1], paths[1]) as (raw_side, edit_side):
        np.testing.assert_allclose(raw_side.mono, raw.mean(axis=0), atol=1e-6)
        assert edit_side.rate == RATE
        assert len(edit_side.mono) == resampled_length(3 * 16000, 16000, RATE)
        for side in (raw_side, edit_side):
            expected = resampled_length(len(side.mono), RATE, ANALYSIS_RATE)
            assert len(side.wave) == len(side.white) == expected
        scratch = raw_side.mono.filename
    assert not scratch.parent.exists()


def test_a_full_scratch_folder_is_explained(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sides, "_store", full)
    paths = write_pair(tmp_path, music(2, seed=1), music(2, seed=1))
    with (
        pytest.raises(EditorbotError, match=r"no room .*edit\.wav.*TMPDIR"),
        open_pair(paths[:1], paths[1]),
    ):
        pass


def test_a_missing_file_is_named(tmp_path):
    paths = write_pair(tmp_path, music(2, seed=1), music(2, seed=1))
    with (
        pytest.raises(AudioError, match=r"gone\.wav"),
        open_pair([tmp_path / "gone.wav"], paths[1]),
    ):
        pass
