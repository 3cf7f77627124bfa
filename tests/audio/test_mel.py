"""The mel spectrogram equals librosa's, and streamed equals whole to the bit."""

import warnings

import librosa
import numpy as np
import pytest
import torch
from conftest import sweep
from hypothesis import given, settings
from hypothesis import strategies as st

from editorbot.audio import mel as mel_module
from editorbot.audio.decode import decode
from editorbot.audio.mel import MelSpectrogram, mel_of_file, mel_store
from editorbot.audio.store import open_array
from editorbot.params import DecodeParams, MelParams

LIBROSA_TOLERANCE = 2e-5  # of the range 0 to 1; float32 FFTs of two libraries
RESAMPLED_TOLERANCE = 5e-3  # once directly, once by way of the decoded copy's rate


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def by_librosa(audio: np.ndarray, params: MelParams) -> np.ndarray:
    with warnings.catch_warnings():  # short inputs are meant here
        warnings.simplefilter("ignore")
        power = librosa.feature.melspectrogram(
            y=audio,
            sr=params.sample_rate,
            n_fft=params.n_fft,
            hop_length=params.hop_length,
            n_mels=params.n_mels,
        )
    decibel = librosa.power_to_db(power, ref=np.max, top_db=params.top_db)
    return np.clip((decibel + params.top_db) / params.top_db, 0, 1)


@pytest.mark.parametrize(
    "samples", [2, 100, 255, 256, 257, 1023, 1024, 1025, 2048, 2049, 65535, 65536, 65537, 200_001]
)
def test_equals_librosa(samples):
    params = MelParams()
    audio = sweep(22050, 1, samples / 22050)[0] * np.linspace(0.01, 1, samples, dtype=np.float32)
    result = MelSpectrogram(params)(audio)
    assert result.dtype == np.float32
    assert (
        result.shape == (128, MelSpectrogram(params).frames(samples)) == (128, 1 + samples // 256)
    )
    assert result.min() >= 0 and result.max() == 1
    np.testing.assert_allclose(result, by_librosa(audio, params), atol=LIBROSA_TOLERANCE)


@pytest.mark.parametrize(
    "params",
    [
        MelParams(sample_rate=44100, n_fft=4096, hop_length=1024, n_mels=96),
        MelParams(sample_rate=16000, n_fft=1024, hop_length=160, n_mels=40, top_db=60),
        MelParams(n_fft=512, hop_length=512, n_mels=32),
        MelParams(n_fft=512, hop_length=1200, n_mels=32),
    ],
)
def test_equals_librosa_at_other_settings(params):
    audio = sweep(params.sample_rate, 1, 3)[0]
    result = MelSpectrogram(params)(audio)
    np.testing.assert_allclose(result, by_librosa(audio, params), atol=LIBROSA_TOLERANCE)


@settings(deadline=None, max_examples=30)
@given(
    samples=st.integers(1, 150_000),
    cuts=st.lists(st.integers(0, 150_000), max_size=6),
    hop=st.sampled_from([100, 256, 2048]),
)
def test_streamed_equals_whole_to_the_bit(samples, cuts, hop):
    spectrogram = MelSpectrogram(MelParams(hop_length=hop))
    audio = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    blocks = np.split(audio, sorted(min(cut, samples) for cut in cuts))
    streamed = np.concatenate(
        list(spectrogram.normalise_stream(spectrogram.levels(blocks))), axis=1
    )
    np.testing.assert_array_equal(streamed, spectrogram(audio))


def test_frames_at_once_do_not_matter(monkeypatch):
    audio = sweep(22050, 1, 8)[0]
    expected = MelSpectrogram(MelParams())(audio)
    for count in (1, 37, 4096):
        monkeypatch.setattr(mel_module, "FRAMES_AT_ONCE", count)
        np.testing.assert_allclose(MelSpectrogram(MelParams())(audio), expected, atol=1e-6)


def test_sound_between_frames_is_left_out(monkeypatch):
    monkeypatch.setattr(mel_module, "FRAMES_AT_ONCE", 4)
    params = MelParams(n_fft=512, hop_length=1200, n_mels=32)
    audio = sweep(22050, 1, 3)[0]
    spectrogram = MelSpectrogram(params)
    levels = spectrogram.levels(np.split(audio, range(500, len(audio), 500)))
    streamed = list(spectrogram.normalise_stream(levels))
    expected = by_librosa(audio, params)
    np.testing.assert_allclose(np.concatenate(streamed, 1), expected, atol=LIBROSA_TOLERANCE)


def test_tensors_and_arrays():
    audio, spectrogram = sweep(22050, 1, 0.5)[0], MelSpectrogram(MelParams())
    tensor = spectrogram(torch.from_numpy(audio))
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), spectrogram(audio))
    with pytest.raises(ValueError, match="mono"):
        spectrogram(sweep(22050, 2, 0.5))


def test_silence_is_zero_and_a_common_scale_can_be_given():
    spectrogram = MelSpectrogram(MelParams())
    assert not spectrogram(np.zeros(5000, np.float32)).any()
    audio = sweep(22050, 1, 1)[0]
    loudest = max(part.max() for part in spectrogram.levels([audio]))
    levels = spectrogram.levels([audio * np.float32(0.1)])
    (quiet,) = spectrogram.normalise_stream(levels, maximum_db=float(loudest))
    expected = np.clip(spectrogram(audio) - 20 / 80, 0, 1)
    inside = spectrogram(audio) > 0
    np.testing.assert_allclose(quiet[inside], expected[inside], atol=1e-5)


@pytest.mark.parametrize(("rate", "channels"), [(22050, 1), (44100, 2), (8000, 6)])
def test_stored_equals_computed(make_file, tmp_path, rate, channels):
    params, kept = MelParams(), DecodeParams()
    source = make_file("x.wav", sweep(rate, channels, 50), rate)
    decode(source, tmp_path / "d.zarr.zip", sample_rate=kept.sample_rate, channels=kept.channels)
    mel_store(tmp_path / "d.zarr.zip", tmp_path / "m.zarr.zip", params=params)
    array = open_array(tmp_path / "m.zarr.zip", "mel")
    assert array.dtype == np.float16 and array.chunks == (128, 4096)
    assert array.shape == (128, 1 + 50 * 22050 // 256)
    assert array.attrs.asdict() == {
        "sample_rate": 22050,
        "hop_length": 256,
        "n_fft": 2048,
        "sources": [{"sample_rate": rate, "channels": channels, "samples": rate * 50}],
    }
    direct = mel_of_file(source, decode=kept, params=params)
    np.testing.assert_array_equal(array[...], direct.astype(np.float16))
    mono = librosa.resample(
        sweep(rate, channels, 50).mean(axis=0), orig_sr=rate, target_sr=22050, res_type="soxr_hq"
    )
    expected = by_librosa(mono, params)
    # Above 9/10 of half the lowest rate the resamplers' filters differ.
    heard = librosa.mel_frequencies(n_mels=128 + 2, fmax=11025)[2:] < 0.45 * min(rate, 22050)
    np.testing.assert_allclose(direct[heard], expected[heard], atol=RESAMPLED_TOLERANCE)
