"""The list of songs tells new, ready and stale apart."""

import os

from typer.testing import CliRunner

from editorbot.cli import app
from editorbot.corpus.listing import state_of
from editorbot.corpus.songs import find_songs


def put(path, *, age_s=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")
    now = path.stat().st_mtime
    os.utime(path, (now - age_s, now - age_s))
    return path


def test_states(tmp_path):
    raw = put(tmp_path / "data/input/a_raw.wav", age_s=100)
    put(tmp_path / "data/desired_output/a_edit.wav", age_s=100)
    song = find_songs(tmp_path / "data")["a"]
    results = tmp_path / "results"
    assert state_of(song, results) == "new"
    put(results / "pointers/a_edit.json", age_s=50)
    assert state_of(song, results) == "ready"
    put(raw)
    assert state_of(song, results) == "stale"


def test_the_command_names_songs_and_half_pairs(tmp_path):
    put(tmp_path / "data/input/a_raw.wav")
    put(tmp_path / "data/desired_output/a_edit.wav")
    put(tmp_path / "data/input/half_raw.wav")
    result = CliRunner().invoke(
        app,
        ["songs", "--data", f"{tmp_path}/data", "--results", f"{tmp_path}/results"],
        env={"COLUMNS": "400"},
    )
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert any(line.startswith("a ") and line.rstrip().endswith("new") for line in lines)
    assert "half_raw.wav has no edit" in result.stdout


def test_without_songs_the_command_says_what_to_do(tmp_path):
    result = CliRunner().invoke(app, ["songs", "--data", f"{tmp_path}/data"])
    assert "editorbot demo" in " ".join(result.stdout.split())
