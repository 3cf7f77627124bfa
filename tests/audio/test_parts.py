"""Several raws in one store: each its own frames, one after the other, all at one level."""

import numpy as np
import pytest
import torch
from conftest import sweep
from hypothesis import given
from hypothesis import strategies as st

from editorbot.audio.decode import decode
from editorbot.audio.mel import MelSpectrogram, mel_of_file, mel_store
from editorbot.audio.parts import of_length, part_lengths, part_spans
from editorbot.audio.store import open_array, read_array
from editorbot.edl.frames import FrameGrid
from editorbot.params import DecodeParams, MelParams

FLOAT16_STEP = 2**-11
RESAMPLED_TOLERANCE = 5e-3  # mixed down before or after the change of rate
TAKES = ((48000, 2, 1.0), (22050, 1, 0.1), (44100, 3, 0.01))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def takes(make_file):
    """Three recordings of other rates and channels, each 20 dB below the one before."""
    return [
        make_file(f"{n}.wav", gain * sweep(rate, channels, 3 + 0.77 * n, seed=n), rate)
        for n, (rate, channels, gain) in enumerate(TAKES)
    ]


def prepared(folder, sources, params):
    kept = DecodeParams()
    decode(sources, folder / "d.zarr.zip", sample_rate=kept.sample_rate, channels=kept.channels)
    mel_store(folder / "d.zarr.zip", folder / "m.zarr.zip", params=params)
    return open_array(folder / "d.zarr.zip", "audio"), read_array(folder / "m.zarr.zip", "mel")


def test_a_store_of_several_is_that_of_each_one_after_the_other(takes, tmp_path):
    params = MelParams()
    audio, mel = prepared(tmp_path, takes, params)
    # As many channels as the one that has the fewest.
    assert audio.shape[0] == 1
    start, first = 0, None
    for path, span in zip(
        takes, part_spans(audio.attrs["sources"], sample_rate=44100), strict=True
    ):
        alone, own = prepared(tmp_path / path.stem, path, params)
        mono = alone[...].mean(axis=0)
        np.testing.assert_allclose(audio[0, slice(*span)], mono, atol=1e-3)
        grid = FrameGrid(params.sample_rate, params.hop_length)
        (source,) = alone.attrs["sources"]
        assert own.shape[1] == grid.frames(source["samples"], sample_rate=source["sample_rate"])
        part, start = mel[:, start : start + own.shape[1]].astype(float), start + own.shape[1]
        loudest = part.max()
        first = first or loudest
        inside = part > 0
        below = own.astype(float)[inside] - (1 - loudest)
        np.testing.assert_allclose(part[inside], below, atol=RESAMPLED_TOLERANCE)
    assert first == 1
    assert loudest == pytest.approx(1 - 40 / 80, abs=0.05)
    assert start == mel.shape[1]
    assert span[1] == audio.shape[1]


@pytest.mark.parametrize("samples", [2228, 6686, 11144, 11145])
def test_frames_are_counted_from_the_source_and_not_by_way_of_the_copy(
    make_file, tmp_path, samples
):
    """At some lengths the way over 44.1 kHz rounds across the border of a frame."""
    params, rate = MelParams(), 48000
    path = make_file("x.wav", sweep(rate, 1, 2)[:, :samples], rate)
    frames = FrameGrid(params.sample_rate, params.hop_length).frames(samples, sample_rate=rate)
    assert prepared(tmp_path, path, params)[1].shape[1] == frames
    assert mel_of_file(path, decode=DecodeParams(), params=params).shape[1] == frames


@given(
    samples=st.lists(st.integers(1, 10**8), min_size=1, max_size=5),
    rates=st.lists(st.sampled_from([8000, 11025, 44100, 48000, 96000]), min_size=5, max_size=5),
)
def test_parts_lie_end_to_end_with_the_frames_that_pointers_count(samples, rates):
    sources = [{"samples": s, "sample_rate": r} for s, r in zip(samples, rates, strict=False)]
    mel, grid = MelSpectrogram(MelParams()), FrameGrid(22050, 256)
    lengths = part_lengths(sources, sample_rate=22050)
    assert [mel.frames(length) for length in lengths] == [
        grid.frames(s["samples"], sample_rate=s["sample_rate"]) for s in sources
    ]
    spans = part_spans(sources, sample_rate=22050)
    assert [stop - start for start, stop in spans] == lengths
    assert [start for start, _ in spans] == [0, *(stop for _, stop in spans[:-1])]


@pytest.mark.parametrize("length", [0, 3, 5, 6, 9])
def test_a_stream_is_cut_off_or_filled_up(length):
    blocks = [np.ones((2, 4)), np.ones((2, 2))]
    found = np.concatenate(list(of_length(blocks, length)), axis=1)
    expected = np.concatenate([np.ones((2, 6)), np.zeros((2, 9))], axis=1)[:, :length]
    np.testing.assert_array_equal(found, expected)
