"""Songs are found by prefix; half pairs are reported, doubled names refused."""

import unicodedata

import pytest

from editorbot.corpus.songs import find_songs
from editorbot.errors import EditorbotError


def put(data, *names):
    for name in names:
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")


def pair(data, song, raw=".wav", edit=".flac"):
    put(data, f"input/{song}_raw{raw}", f"desired_output/{song}_edit{edit}")


def test_pairs_of_any_format_and_any_name(tmp_path):
    for song in ("a", "mit Leerzeichen", "été.v2", "under_score"):
        pair(tmp_path, song)
    table = find_songs(tmp_path)
    assert table.names == sorted(["a", "mit Leerzeichen", "été.v2", "under_score"])
    assert table["a"].raws == (tmp_path / "input" / "a_raw.wav",)
    assert table.half_pairs == ()
    with pytest.raises(KeyError):
        table["b"]


def test_accents_composed_differently_are_one_song(tmp_path):
    put(
        tmp_path,
        f"input/{unicodedata.normalize('NFD', 'é')}_raw.wav",
        f"desired_output/{unicodedata.normalize('NFC', 'é')}_edit.wav",
    )
    assert find_songs(tmp_path).names == [unicodedata.normalize("NFC", "é")]


def test_half_pairs_are_reported_and_left_out(tmp_path):
    pair(tmp_path, "whole")
    put(tmp_path, "input/left_raw.wav", "desired_output/right_edit.wav")
    table = find_songs(tmp_path)
    assert table.names == ["whole"]
    left, right = table.half_pairs
    assert "left_raw.wav has no edit" in left
    assert "right_edit.wav has no raw" in right


def test_two_files_for_one_side_are_refused(tmp_path):
    pair(tmp_path, "a")
    put(tmp_path, "input/a_raw.mp3")
    with pytest.raises(EditorbotError, match=r"a_raw\.mp3 and .*a_raw\.wav both claim"):
        find_songs(tmp_path)


def test_several_raws_are_one_songs_in_the_order_of_their_numbers(tmp_path):
    numbered = [f"input/a_raw.{n}.{'wav' if n % 2 else 'm4a'}" for n in range(1, 12)]
    put(tmp_path, *numbered, "desired_output/a_edit.wav", "input/b_raw.1.wav", "input/b_raw.2.wav")
    pair(tmp_path, "a_raw.1")
    table = find_songs(tmp_path)
    assert table.names == ["a", "a_raw.1"]
    assert table["a"].raws == tuple(tmp_path / name for name in numbered)
    (half,) = table.half_pairs
    assert "b_raw.1.wav and " in half and "b_raw.2.wav have no edit" in half


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (["", ".1"], r"'a' has .*a_raw\.1\.wav and .*a_raw\.wav: expected one a_raw\.\* alone, or"),
        ([".1", ".3"], r"has .*a_raw\.1\.wav and .*a_raw\.3\.wav: .* without a gap"),
        ([".2"], r"has .*/a_raw\.2\.wav: expected"),
        ([".0", ".1"], r"has .*a_raw\.0\.wav and .*a_raw\.1\.wav: expected"),
        ([".1", ".01", ".2"], r"a_raw\.01\.wav and .*a_raw\.1\.wav both claim the song 'a'"),
    ],
)
def test_raws_that_are_not_numbered_without_a_gap_are_refused(tmp_path, numbers, sentence):
    put(tmp_path, *(f"input/a_raw{number}.wav" for number in numbers))
    with pytest.raises(EditorbotError, match=sentence):
        find_songs(tmp_path)


def test_files_beside_the_recordings_are_ignored(tmp_path):
    pair(tmp_path, "a")
    put(tmp_path, "input/.a_raw.ogg", "input/a_raw.dvc", "input/notes.txt", "input/a_raw.wav.asd")
    assert find_songs(tmp_path).names == ["a"]


def test_demo_songs_serve_until_there_is_one_of_the_users(tmp_path):
    pair(tmp_path / "demo", "demo-one")
    put(tmp_path / "demo", "truth/demo-one_edit.json")
    assert find_songs(tmp_path).names == ["demo-one"]
    assert find_songs(tmp_path)["demo-one"].truth.name == "demo-one_edit.json"
    pair(tmp_path, "mine")
    assert find_songs(tmp_path).names == ["mine"]
    assert find_songs(tmp_path, which="demo").names == ["demo-one"]


def test_the_demo_songs_names_are_reserved(tmp_path):
    pair(tmp_path, "demo-mine")
    with pytest.raises(EditorbotError, match="reserved for demo songs"):
        find_songs(tmp_path)
