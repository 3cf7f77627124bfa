"""Paths become tidy edits."""

import numpy as np
import pytest

from editorbot.edl.frames import to_pointers
from editorbot.edl.model import Source
from editorbot.errors import EditorbotError
from editorbot.params import DecodeParams, MelParams
from editorbot.pointer_network.propose import PointerEditor, propose_from_features
from editorbot.pointer_network.v2 import propose as propose_v2
from editorbot.pointer_network.v2.decode import Decoding
from editorbot.pointer_network.v2.model import PointerNetwork
from editorbot.pointer_network.v2.propose import tidy

from ..songs import N_MELS, mel_of, path_of, tiny_params

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


def take(samples, *, rate=RATE):
    return Source(path="a.wav", sample_rate=rate, channels=2, samples=samples, sha256="0" * 64)


def proposal(monkeypatch, steps, sources):
    """What becomes of a path; and the grid, and the number of frames of the features."""
    params = tiny_params(shortest_segment_s=0.2, jitter_s=0.05)
    mel_params = MelParams(n_mels=N_MELS)
    model = PointerNetwork(params, n_mels=N_MELS, stems=False)
    editor = PointerEditor(model, params, DecodeParams(), mel_params, None, Decoding(), {})
    frames = [editor.grid.frames(s.samples, sample_rate=s.sample_rate) for s in sources]
    stride = params.dimensions.stride
    last = -(-sum(frames) // stride)
    monkeypatch.setattr(propose_v2, "decode_steps", lambda *_, **__: steps(last))
    mel = mel_of(sum(frames), seed=0)
    (edit,) = propose_from_features(editor, mel, None, sources=sources)
    return edit, editor.grid, frames


@pytest.mark.parametrize("samples", [300_001, 299_000])
def test_an_edit_plays_the_path(monkeypatch, samples):
    edit, grid, (frames,) = proposal(
        monkeypatch, lambda last: path_of((5, 60), (20, 60), (100, last)), [take(samples)]
    )
    assert [segment.op for segment in edit.segments] == ["COPY", "LOOP_START", "SKIP"]
    assert edit.segments[1].fade_in.samples == round(tiny_params().crossfade_s * RATE)
    pointers = to_pointers(edit, grid)
    expected = path_of((20, 240), (80, 240), (400, frames))
    assert len(pointers) in (len(expected), len(expected) - 1)
    cuts = [220, 380]
    away = [f for f in range(len(pointers)) if all(abs(f - cut) > 1 for cut in cuts)]
    assert np.abs(pointers[away] - expected[away]).max() <= 1


def test_a_path_over_several_recordings_names_each_and_leaves_no_gap(monkeypatch):
    sources = [take(100_001), take(90_123, rate=44100), take(120_000)]
    edit, grid, frames = proposal(monkeypatch, lambda last: path_of((5, last), (10, 40)), sources)
    assert edit.sources == tuple(sources) and edit.sample_rate == RATE
    assert [segment.source for segment in edit.segments] == [0, 1, 2, 0]
    hop = grid.hop_length / grid.sample_rate
    for segment, source in zip(edit.segments[:3], sources, strict=True):
        assert 0 <= source.samples - segment.src_end <= 2 * hop * source.sample_rate
    assert edit.segments[1].src_start == edit.segments[2].src_start == 0
    assert edit.segments[3].src_start == pytest.approx(40 * hop * RATE, abs=1)
    assert edit.segments[1].fade_in.samples > 0
    pointers = to_pointers(edit, grid)
    first = frames[0] - 21
    assert pointers[first + 5] - pointers[first - 5] == pytest.approx(11, abs=1)


def test_features_of_other_recordings_are_refused(monkeypatch):
    sources = [take(100_001), take(90_123)]
    *_, frames = proposal(monkeypatch, lambda last: path_of((5, last)), sources)
    params, mel_params = tiny_params(), MelParams(n_mels=N_MELS)
    model = PointerNetwork(params, n_mels=N_MELS, stems=False)
    editor = PointerEditor(model, params, DecodeParams(), mel_params, None, Decoding(), {})
    mel = mel_of(sum(frames) - 1, seed=0)
    with pytest.raises(EditorbotError, match=r"a\.wav, a\.wav: the mel has shape"):
        propose_from_features(editor, mel, None, sources=sources)
