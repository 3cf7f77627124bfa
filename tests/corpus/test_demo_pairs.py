"""Demo pairs are made once, made again when their recipe changes, and counted honestly."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from editorbot.corpus import demo_pairs
from editorbot.corpus.demo import demo_songs
from editorbot.corpus.demo_pairs import make_demo_pairs
from editorbot.corpus.songs import DEMO_PREFIX, find_songs
from editorbot.errors import EditorbotError
from editorbot.params import SimulateParams

SHORT = SimulateParams(max_track_s=20, passage_s=4)


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_pairs_are_found_as_songs_and_made_only_once(tmp_path):
    names = make_demo_pairs(tmp_path, 1, seed=3, params=SHORT)
    song = find_songs(tmp_path)[names[0]]
    assert song.name.startswith(DEMO_PREFIX)
    assert song.truth is not None and song.causes is not None
    made = times(tmp_path)
    make_demo_pairs(tmp_path, "1", seed=3, params=SHORT)
    assert times(tmp_path) == made
    song.edit.unlink()
    make_demo_pairs(tmp_path, 1, seed=3, params=SHORT)
    assert song.edit.exists()
    made = times(tmp_path)
    make_demo_pairs(tmp_path, 1, seed=4, params=SHORT)
    assert times(tmp_path)[song.raws[0]] != made[song.raws[0]]


def test_pairs_are_made_again_when_the_code_that_makes_them_changed(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(demo_pairs, "ProcessPoolExecutor", ThreadPoolExecutor)
    monkeypatch.setattr(demo_pairs, "_make", lambda _, song, *__: made.append(song) or song.name)
    monkeypatch.setattr(demo_pairs, "_pair", lambda *_, **__: ())
    for digest in ("before", "before", "after"):
        monkeypatch.setattr(demo_pairs, "code_digest", lambda _, digest=digest: digest)
        make_demo_pairs(tmp_path, 1, seed=0, params=SHORT)
    assert len(made) == 2


@pytest.mark.parametrize("wanted", [0, "some", 1000, "-1", "²"])
def test_a_number_of_songs_that_there_are_not_is_refused(tmp_path, wanted):
    with pytest.raises(EditorbotError, match=f"expected 1 to {len(demo_songs())} demo songs"):
        make_demo_pairs(tmp_path, wanted, seed=0, params=SHORT)
    assert not any(tmp_path.iterdir())
