"""Whatever is wrong with a file is said in one sentence that names it."""

import os

import numpy as np
import pytest
from conftest import sweep, write_container

from editorbot.audio import io
from editorbot.audio.decode import decode
from editorbot.errors import AudioError

RATE = 44100


def refusal(path, action=io.check) -> str:
    with pytest.raises(AudioError) as caught:
        action(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    assert ". " not in message.replace(str(path), "")  # one sentence
    return message


@pytest.mark.parametrize("action", [io.check, io.probe, io.read])
def test_no_file_at_all(tmp_path, action):
    assert "does not exist" in refusal(tmp_path / "missing.wav", action)
    assert "is a folder" in refusal(tmp_path, action)
    (tmp_path / "empty.wav").touch()
    assert "is empty" in refusal(tmp_path / "empty.wav", action)


JUNK = np.random.default_rng(0).bytes(100_000)
NOT_SOUND = {
    "text.mp3": b"hello world\n" * 3000,
    "noise.wav": JUNK,
    "noise.mp3": JUNK,
    "sync.mp3": b"\xff\xfb\x90\x44" + JUNK,
    "tag.mp3": b"ID3\x03\0\0\0\0\0\x20" + JUNK,
    "noise.raw": JUNK,
    "noise.gsm": JUNK,
    "riff.wav": b"RIFF\0\0\0\0WAVE" + JUNK,
    "page.ogg": b"OggS" + JUNK,
    "page.flac": b"fLaC" + JUNK,
    "noise.aac": b"\xff\xf1" + JUNK,
    "zeros.wav": bytes(10_000),
    "picture.m4a": b"\x89PNG\r\n\x1a\n" + JUNK,
}


@pytest.mark.parametrize("name", NOT_SOUND)
def test_not_sound(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(NOT_SOUND[name])
    assert "not a sound file" in refusal(path)


def test_a_playlist_opens_no_other_file(make_file, tmp_path):
    sound = make_file("x.m4a", sweep(RATE, 1, 0.5), RATE)
    playlist = tmp_path / "x.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\n{sound}\n#EXT-X-ENDLIST\n")
    assert "not a sound file" in refusal(playlist)


@pytest.mark.parametrize(
    ("suffix", "problem"),
    [
        (".wav", "zero length"),
        (".aiff", "zero length"),
        (".flac", "is empty"),
        (".ogg", "zero length"),
    ],
)
def test_zero_length(make_file, suffix, problem):
    assert problem in refusal(make_file(f"x{suffix}", np.zeros((2, 0), np.float32), RATE))


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize(
    "name", ["x.wav", "x.w64", "x.aiff", "x.flac", "x.ogg", "x.opus", "x.mp3", "x.m4a", "x.mkv"]
)
def test_cut_off(make_file, name, share):
    path = make_file(name, sweep(48000, 2, 6), 48000)
    io.check(path)
    os.truncate(path, int(path.stat().st_size * share))
    assert "cut off" in refusal(path)


def test_cut_off_with_the_index_in_front(tmp_path):
    path = tmp_path / "x.m4a"
    write_container(path, sweep(RATE, 2, 6), RATE, movflags="faststart")
    assert io.check(path).samples > 6 * RATE
    os.truncate(path, path.stat().st_size // 2)
    assert "cut off" in refusal(path)


def test_cut_off_inside_the_index(tmp_path):
    path = tmp_path / "x.m4a"
    write_container(path, sweep(8000, 1, 0.3), 8000)
    data = path.read_bytes()
    # Up to where the index tells of the samples' places.
    for size in range(data.index(b"moov"), data.index(b"stts")):
        path.write_bytes(data[:size])
        refusal(path)


def test_cut_off_where_an_ogg_page_ends(make_file):
    path = make_file("x.ogg", sweep(RATE, 2, 6), RATE)
    os.truncate(path, path.read_bytes().rindex(b"OggS"))
    assert "cut off" in refusal(path)


def test_cut_off_mp3_without_a_length_tag(tmp_path):
    path = tmp_path / "x.mp3"
    write_container(path, sweep(RATE, 2, 6), RATE, codec="libmp3lame", write_xing="0")
    assert b"Xing" not in path.read_bytes() and b"Info" not in path.read_bytes()
    assert io.check(path).samples == io.read(path).shape[1]
    # A tag behind the sound is no missing frame.
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    io.check(path)
    os.truncate(path, path.stat().st_size // 2)
    assert "cut off" in refusal(path)


def test_damaged_in_the_middle(make_file):
    path = make_file("x.flac", sweep(RATE, 2, 14), RATE)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = JUNK[:3000]
    path.write_bytes(data)
    message = refusal(path)
    assert "damaged" in message
    seconds = float(message.split("up to ")[1].split(" s")[0])
    assert 6 < seconds < 13  # to a block of 6 s


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.mp3", "x.m4a", "x.ogg"])
def test_all_silence(make_file, name):
    assert "silent" in refusal(make_file(name, np.zeros((2, RATE), np.float32), RATE))


def test_quiet_is_not_silent(make_file):
    audio = np.zeros((1, RATE), np.float32)
    audio[0, 5] = -(2**-15)  # a single smallest step of 16 bits
    assert io.check(make_file("x.wav", audio, RATE, subtype="PCM_16")).samples == RATE


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("second", [0.0, 7.5])
def test_not_finite(make_file, value, second):
    audio = sweep(RATE, 2, 8)
    audio[1, round(second * RATE)] = value
    path = make_file("x.wav", audio, RATE)
    assert f"{second:.3f} s" in refusal(path)


@pytest.mark.parametrize("broken", ["cut", "nan", "silent", "text"])
def test_decoding_checks_too_and_leaves_nothing_behind(make_file, tmp_path, broken):
    audio = sweep(RATE, 2, 2)
    if broken == "nan":
        audio[0, -1] = np.nan
    path = make_file("x.wav", audio * (broken != "silent"), RATE)
    if broken == "cut":
        os.truncate(path, 300_000)
    if broken == "text":
        path.write_text("hello")
    output = tmp_path / "out" / "x.zarr.zip"
    refusal(path, lambda source: decode(source, output, sample_rate=22050, channels=2))
    assert list(output.parent.glob("*")) == []
