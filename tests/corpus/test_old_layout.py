"""Songs of the old tree come over unharmed, and nothing of the user's is overwritten."""

import errno
import os
import shutil

import pytest

from editorbot.corpus.old_layout import import_songs
from editorbot.corpus.songs import find_songs
from editorbot.errors import EditorbotError


@pytest.fixture
def old(tmp_path):
    for name in (
        "training_data/input/jam one_raw.wav",
        "training_data/desired_output/jam one_edit.mp3",
        "training_data/input/bare_raw.flac",
        "training_data/desired_output/bare.flac",
        "training_data/input/half_raw.wav",
        "training_data/reference/finished.ogg",
        "training_data/pointer_sequences/bare_pointers.npy",
        "cache/features/bare_raw.npz",
        "cache/features/half_raw.npz",
        "cache/stems_mel/gone_stems.npz",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


@pytest.mark.parametrize("link", [False, True])
def test_pairs_and_references_come_over(old, link):
    data = old / "data"
    report = import_songs(old / "training_data", data, cache=old / "cache", link=link)
    table = find_songs(data)
    assert table.names == ["bare", "jam one"]
    assert table["bare"].edit.name == "bare_edit.flac"
    assert table["jam one"].raws[0].read_bytes() == b"training_data/input/jam one_raw.wav"
    assert (data / "reference" / "finished.ogg").exists()
    assert len(report.copied) == 6
    assert len(report.half_pairs) == 1 and "half_raw.wav" in report.half_pairs[0]
    assert report.without_sound == ["gone"]


def test_a_second_import_copies_nothing(old):
    import_songs(old / "training_data", old / "data")
    report = import_songs(old / "training_data", old / "data")
    assert report.copied == [] and len(report.already_there) == 6


def test_other_content_is_refused_before_anything_is_copied(old):
    taken = old / "data" / "desired_output" / "jam one_edit.mp3"
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"mine")
    with pytest.raises(EditorbotError, match="already there with other content"):
        import_songs(old / "training_data", old / "data")
    assert taken.read_bytes() == b"mine"
    assert not (old / "data" / "input").exists()


def test_an_empty_tree_is_named(tmp_path):
    with pytest.raises(EditorbotError, match="holds no recordings"):
        import_songs(tmp_path, tmp_path / "data")
    with pytest.raises(EditorbotError, match="cash is not a folder"):
        import_songs(tmp_path, tmp_path / "data", cache=tmp_path / "cash")


@pytest.mark.parametrize("rival", ["data/desired_output/bare_edit.wav", "bare_edit.flac"])
def test_two_recordings_of_one_side_are_refused_before_anything_is_copied(old, rival):
    folder = old if rival.startswith("data") else old / "training_data/desired_output"
    (folder / rival).parent.mkdir(parents=True, exist_ok=True)
    (folder / rival).write_bytes(b"another")
    with pytest.raises(EditorbotError, match="both claim the song 'bare'"):
        import_songs(old / "training_data", old / "data")
    assert not (old / "data" / "input").exists()


def test_several_raws_come_over(old):
    for number in "12":
        (old / f"training_data/input/takes_raw.{number}.wav").write_bytes(number.encode())
    (old / "training_data/desired_output/takes.wav").write_bytes(b"edit")
    import_songs(old / "training_data", old / "data")
    assert [path.read_bytes() for path in find_songs(old / "data")["takes"].raws] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("rival", "sentence"),
    [("bare_raw.1.wav", "'bare' has .* and "), ("bare_raw.wav", "both claim the song 'bare'")],
)
def test_raws_that_would_not_go_together_are_refused_before_anything_is_copied(
    old, rival, sentence
):
    (old / "data/input").mkdir(parents=True)
    (old / "data/input" / rival).write_bytes(b"another")
    with pytest.raises(EditorbotError, match=sentence):
        import_songs(old / "training_data", old / "data")
    assert [path.name for path in (old / "data").rglob("*.*")] == [rival]


def test_across_disks_a_link_becomes_a_copy(old, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link", str(source), None, str(target))

    monkeypatch.setattr(os, "link", refuse)
    assert len(import_songs(old / "training_data", old / "data", link=True).copied) == 6


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_copied(old, monkeypatch):
    def fill(source, target):
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(target))

    monkeypatch.setattr(shutil, "copyfile", fill)
    with pytest.raises(EditorbotError, match=r"bare_raw\.flac .* No space left on device"):
        import_songs(old / "training_data", old / "data")
    assert not [path for path in (old / "data").rglob("*") if path.is_file()]
