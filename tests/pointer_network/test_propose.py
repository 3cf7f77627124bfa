"""Paths become tidy edits."""

import numpy as np
import pytest

from editorbot.edl.frames import FrameGrid, to_pointers
from editorbot.edl.model import Source
from editorbot.params import DecodeParams, MelParams
from editorbot.pointer_network import propose
from editorbot.pointer_network.decode import Decoding
from editorbot.pointer_network.model import PointerNetwork
from editorbot.pointer_network.propose import PointerEditor, propose_from_features, tidy

from .songs import N_MELS, mel_of, path_of, tiny_params

RATE = 48000


def tidied(*runs, jitter=2, shortest=5):
    return tidy(path_of(*runs), jitter=jitter, shortest=shortest)


def test_clean_runs_stay_as_they_are():
    runs = ((10, 40), (20, 40), (90, 100))
    np.testing.assert_array_equal(tidied(*runs), path_of(*runs))


def test_small_steps_off_the_line_are_undone():
    np.testing.assert_array_equal(tidied((0, 20), (21, 30), (29, 60)), np.arange(60))


def test_a_short_run_goes_on_along_the_one_before():
    np.testing.assert_array_equal(tidied((0, 20), (50, 53), (23, 60)), np.arange(60))
    np.testing.assert_array_equal(tidied((0, 20), (50, 53), (80, 99)), path_of((0, 23), (80, 99)))


def test_noise_at_the_start_is_dropped_unless_it_is_all_there_is():
    np.testing.assert_array_equal(tidied((70, 72), (10, 40)), np.arange(10, 40))
    np.testing.assert_array_equal(tidied((70, 72)), np.arange(70, 72))


def test_a_line_never_runs_beyond_what_the_path_reached():
    np.testing.assert_array_equal(tidied((40, 60), (0, 3)), np.arange(40, 60))


@pytest.mark.parametrize("samples", [300_001, 299_000])
def test_an_edit_plays_the_path(monkeypatch, samples):
    """The features may be a frame longer than the recording: nothing beyond it is played."""
    params = tiny_params(shortest_segment_s=0.2, jitter_s=0.05)
    mel_params = MelParams(n_mels=N_MELS)
    grid = FrameGrid(mel_params.sample_rate, mel_params.hop_length)
    frames = grid.frames(samples, sample_rate=RATE)
    stride = params.dimensions.stride
    steps = path_of((5, 60), (20, 60), (100, -(-(frames + 1) // stride)))
    monkeypatch.setattr(propose, "decode_steps", lambda *_, **__: steps)
    model = PointerNetwork(params, n_mels=N_MELS, stems=False)
    editor = PointerEditor(model, DecodeParams(), mel_params, None, Decoding(), {})
    source = Source(path="a.wav", sample_rate=RATE, channels=2, samples=samples, sha256="0" * 64)
    edit = propose_from_features(editor, mel_of(frames + 1, seed=0), None, source=source)
    assert [segment.op for segment in edit.segments] == ["COPY", "LOOP_START", "SKIP"]
    assert edit.segments[1].fade_in.samples == round(params.crossfade_s * RATE)
    pointers = to_pointers(edit, grid)
    expected = path_of((20, 240), (80, 240), (400, frames))
    assert len(pointers) in (len(expected), len(expected) - 1)
    cuts = [220, 380]
    away = [f for f in range(len(pointers)) if all(abs(f - cut) > 1 for cut in cuts)]
    assert np.abs(pointers[away] - expected[away]).max() <= 1
