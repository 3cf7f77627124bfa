"""Writing whole or not at all, resampling, mixing, and constant memory."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr
from conftest import sweep
from hypothesis import given, settings
from hypothesis import strategies as st

from editorbot.audio import io
from editorbot.audio import write as write_module
from editorbot.audio.decode import decode
from editorbot.audio.store import open_array, read_array
from editorbot.errors import EditorbotError

RATE = 44100


def test_info_describes_the_file(make_file):
    path = make_file("x.flac", sweep(RATE, 2, 0.5), RATE)
    info = io.probe(str(path))
    assert (info.path, info.format, info.subtype) == (path, "FLAC", "PCM_24")
    assert info.samples == RATE // 2 and info.seconds == 0.5


def test_probe_sees_a_changed_file(make_file):
    assert io.probe(make_file("x.mp3", sweep(RATE, 1, 1), RATE)).samples == RATE
    assert io.probe(make_file("x.mp3", sweep(RATE, 1, 2), RATE)).samples == 2 * RATE


def test_ranges_are_checked(make_file):
    path = make_file("x.wav", sweep(RATE, 1, 0.1), RATE)
    for wrong in ({"start": -1}, {"start": 5, "stop": 4}):
        with pytest.raises(ValueError, match="start"):
            io.read(path, **wrong)
    assert io.read(path, start=10**9).shape == (1, 0)
    assert io.read(path, start=7, stop=7).shape == (1, 0)


def test_a_failed_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.wav"
    io.write(path, sweep(RATE, 1, 0.1), sample_rate=RATE, channels=1)
    before = path.read_bytes()

    def blocks():
        yield sweep(RATE, 1, 0.1)
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        io.write(path, blocks(), sample_rate=RATE, channels=1)
    with pytest.raises(ValueError, match="expected blocks"):
        io.write(path, sweep(RATE, 2, 0.1), sample_rate=RATE, channels=1)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype"),
    [
        ("x.xyz", 44100, 1, None),
        ("x.opus", 44100, 1, None),
        ("x.mp3", 96000, 1, None),
        ("x.mp3", 44100, 6, None),
        ("x.flac", 44100, 1, "FLOAT"),
        ("x.wav", 44100, 1, "NONSENSE"),
    ],
)
def test_what_a_format_cannot_hold(tmp_path, name, rate, channels, subtype):
    audio = sweep(rate, channels, 0.1)
    with pytest.raises(EditorbotError, match=name):
        io.write(tmp_path / name, audio, sample_rate=rate, channels=channels, subtype=subtype)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.ogg", "x.mp3"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9999])
def test_a_full_disk(tmp_path, name, share):
    # A limit on the size of files stands for the full disk, in a process of its own. A disk that
    # is full at the very end is noticed only in closing the file.
    code = f"""
import os, resource, numpy as np
from editorbot.audio import io
from editorbot.errors import EditorbotError
path = {str(tmp_path / name)!r}
noise = np.random.default_rng(0).uniform(-1, 1, (2, {RATE} * 2)).astype("f4")
io.write(path, noise, sample_rate={RATE}, channels=2)
limit = int(os.path.getsize(path) * {share})
os.unlink(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    io.write(path, noise, sample_rate={RATE}, channels=2)
except EditorbotError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert str(tmp_path / name) in run.stdout and "could not be written" in run.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_files():
    with pytest.raises(EditorbotError, match=r"/proc/x\.wav could not be written"):
        io.write("/proc/x.wav", sweep(RATE, 1, 0.1), sample_rate=RATE, channels=1)


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_wavs_are_plain_until_they_are_too_long(tmp_path, monkeypatch, channels, subtype):
    audio, path = sweep(RATE, channels, 0.5), tmp_path / "x.wav"
    options = {"sample_rate": RATE, "channels": channels, "subtype": subtype}
    io.write(path, audio, **options)
    plain = path.read_bytes()
    assert plain[:4] == b"RIFF" and len(plain) == 8 + int.from_bytes(plain[4:8], "little")
    assert soundfile.info(path).frames == audio.shape[1]
    expected = io.read(path)

    io.write(path, audio, **options)
    assert path.read_bytes() == plain  # no time stamps

    monkeypatch.setattr(write_module, "_LARGEST_RIFF", 10_000)
    io.write(path, np.array_split(audio, 7, axis=1), **options)
    assert path.read_bytes()[:4] == b"RF64"
    assert io.check(path).samples == audio.shape[1]
    np.testing.assert_array_equal(io.read(path), expected)


@settings(deadline=None, max_examples=40)
@given(
    source_rate=st.sampled_from([8000, 11025, 22050, 44100, 48000, 96000, 192000]),
    target_rate=st.sampled_from([16000, 22050, 44100, 48000]),
    channels=st.integers(1, 3),
    samples=st.integers(0, 30000),
    cuts=st.lists(st.integers(0, 30000), max_size=5),
)
def test_resampling_in_blocks(source_rate, target_rate, channels, samples, cuts):
    audio = np.random.default_rng(samples).standard_normal((channels, samples)).astype(np.float32)
    rates = {"source_rate": source_rate, "target_rate": target_rate}
    blocks = np.split(audio, sorted(min(cut, samples) for cut in cuts), axis=1)
    parts = list(io.resample_blocks(blocks, **rates, channels=channels))
    result = np.concatenate([np.zeros((channels, 0), np.float32), *parts], axis=1)
    assert result.dtype == np.float32
    assert result.shape[1] == io.resampled_length(samples, **rates)
    assert abs(result.shape[1] - samples * target_rate / source_rate) <= 0.5
    if samples:
        whole = soxr.resample(audio.T, source_rate, target_rate).T
        length = min(whole.shape[1], result.shape[1])
        np.testing.assert_allclose(result[:, :length], whole[:, :length], atol=2e-6)


def test_resampling_has_no_delay():
    t = np.arange(48000)
    tone = np.sin(2 * np.pi * 1000 * t / 48000).astype(np.float32)[None]
    rates = {"source_rate": 48000, "target_rate": 22050}
    result = np.concatenate(list(io.resample_blocks([tone], **rates, channels=1)), axis=1)
    expected = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    np.testing.assert_allclose(result[0, 500:-500], expected[500:-500], atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("source_channels", range(1, 9))
def test_mixing_down(source_channels, channels):
    weights = io.downmix_matrix(source_channels, channels)
    kept = min(source_channels, channels)
    assert weights.shape == (kept, source_channels)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    # Mono made of the mix is the mono of the source, whatever was kept.
    np.testing.assert_allclose(weights.mean(axis=0), 1 / source_channels, rtol=1e-6)


def test_stereo_pairs_stay_left_and_right():
    np.testing.assert_allclose(io.downmix_matrix(4, 2), [[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5]])
    np.testing.assert_allclose(
        io.downmix_matrix(3, 2), np.array([[2, 0, 1], [0, 2, 1]]) / 3, rtol=1e-6
    )


@pytest.mark.parametrize("name", ["x.wav", "x.m4a", "x.mp3"])
def test_mono_is_the_mean_of_the_channels(make_file, name):
    path = make_file(name, sweep(RATE, 2, 1), RATE)
    np.testing.assert_allclose(
        io.read_mono(path, sample_rate=RATE), io.read(path).mean(0), atol=1e-6
    )
    assert io.read_mono(path, sample_rate=22050).shape == (
        io.resampled_length(io.probe(path).samples, source_rate=RATE, target_rate=22050),
    )


@pytest.mark.parametrize(("source_channels", "kept"), [(1, 1), (2, 2), (6, 2)])
@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_decoded_copy(make_file, tmp_path, source_channels, kept, rate):
    audio = sweep(rate, source_channels, 21.3)
    source, output = make_file("a b ü.wav", audio, rate), tmp_path / "deep/er/ü.zarr.zip"
    decode(source, output, sample_rate=44100, channels=2)
    array = open_array(output, "audio")
    assert array.attrs.asdict() == {
        "sample_rate": 44100,
        "sources": [{"sample_rate": rate, "channels": source_channels, "samples": audio.shape[1]}],
    }
    assert array.chunks == (kept, 441_000)
    mixed = io.downmix_matrix(source_channels, 2) @ audio
    expected = soxr.resample(mixed.T, rate, 44100).T
    assert array.shape == (kept, expected.shape[1])
    np.testing.assert_allclose(read_array(output, "audio"), expected, atol=1e-5)
    again = tmp_path / "again.zarr.zip"
    decode(source, again, sample_rate=44100, channels=2)
    assert again.read_bytes() == output.read_bytes()


MEMORY = """
import os, resource, sys, numpy as np, torch
from pathlib import Path
from editorbot.audio import io
from editorbot.audio.decode import decode
from editorbot.audio.mel import mel_store
from editorbot.params import MelParams
torch.set_num_threads(1)
folder, rate = Path(sys.argv[1]), 8000

def peak_after(minutes):
    # Sparse: noise, then a hole of zeros of any length.
    path = folder / f"{minutes}.wav"
    noise = np.random.default_rng(0).standard_normal((2, rate)).astype("f4") * 0.1
    io.write(path, noise, sample_rate=rate, channels=2, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    size = 104 + minutes * 60 * rate * 4
    data[4:8], data[100:104] = (size - 8).to_bytes(4, "little"), (size - 104).to_bytes(4, "little")
    path.write_bytes(data)
    os.truncate(path, size)
    assert io.check(path).samples == minutes * 60 * rate
    decode(path, folder / "d.zarr.zip", sample_rate=6000, channels=2)
    params = MelParams(sample_rate=4000, n_fft=256, hop_length=64, n_mels=64)
    mel_store(folder / "d.zarr.zip", folder / "m.zarr.zip", params=params)
    io.write(folder / "w.wav", io.read_blocks(path), sample_rate=rate, channels=2)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

print(peak_after(2), peak_after(40))
"""


def test_memory_does_not_grow_with_the_length(tmp_path):
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    short, long = map(float, run.stdout.split())
    # 40 minutes are 154 MB as float32, 38 MB as levels in dB, 19 MB as mel.
    assert long - short < 10, f"{short} MB for 2 minutes, {long} MB for 40"
