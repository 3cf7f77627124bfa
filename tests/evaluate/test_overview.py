"""The end of a run names the scores and where everything is, of this run's songs alone."""

import pytest

from editorbot.corpus.splits import Splits, write_splits
from editorbot.errors import EditorbotError
from editorbot.evaluate.metrics import EditScores
from editorbot.evaluate.overview import print_overview
from editorbot.evaluate.summary import SongScore, write_songs
from editorbot.files import write_json, write_text
from editorbot.params import EvaluateParams

PARAMS = EvaluateParams(resamples=50)


def finished(results, splits):
    write_text(results / "report.html", "")
    write_splits(results / "splits.json", splits)
    means = {"within_1": 0.9981, "songs": 2}
    write_json(results / "metrics/alignment.json", {"all_songs": means})
    scores = EditScores(**dict.fromkeys(EditScores.names(), 0.25))
    songs = [SongScore("pointer_network", song, True, scores, {}) for song in splits.test]
    write_songs(results / "plots/pointer_network_songs.csv", songs)


def printed(capsys, results):
    print_overview(results, params=PARAMS)
    return capsys.readouterr().out


def test_scores_and_places(tmp_path, capsys):
    finished(tmp_path, Splits(train=("a [b]",), validation=(), test=("t",)))
    text = printed(capsys, tmp_path)
    assert "Alignment, all songs (2): within 1 0.9981" in text
    assert ".250" in text
    for place in (
        "proposals/t.wav",
        "proposals/t.json",
        "pointers/a [b]_alignment.png",
        "pointers/t_alignment.png",
        "metrics/pointer_network.json",
        "report.html",
    ):
        assert str(tmp_path / place) in text
    assert "a [b].wav" not in text


def test_without_a_held_out_song_nothing_is_said_to_be_scored(tmp_path, capsys):
    finished(tmp_path, Splits(train=("a",), validation=(), test=()))
    text = printed(capsys, tmp_path)
    assert "no proposed edit is scored" in text
    assert "pointer_network.html" not in text


def test_many_songs_are_named_in_one_line(tmp_path, capsys):
    songs = tuple(f"s{number:02}" for number in range(30))
    finished(tmp_path, Splits(train=songs, validation=(), test=("t",)))
    text = printed(capsys, tmp_path)
    assert "SONG_alignment.png, 31 songs" in text and "s01" not in text


def test_an_unfinished_run_is_told(tmp_path):
    with pytest.raises(EditorbotError, match="holds no finished run"):
        print_overview(tmp_path, params=PARAMS)
