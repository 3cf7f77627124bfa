"""The list of songs tells new, ready and stale apart, by content and as the pipeline does."""

import os
from contextlib import chdir

import pytest
from typer.testing import CliRunner

from editorbot.cli import app
from editorbot.corpus.songs import find_songs
from editorbot.files import sha256
from editorbot.workflow.listing import states_of
from editorbot.workflow.sources import join_digests
from editorbot.workflow.state import Records


def put(path, content=b"sound", *, age_s=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    now = path.stat().st_mtime
    os.utime(path, (now - age_s, now - age_s))
    return path


def songs(*words):
    result = CliRunner().invoke(app, ["songs", *map(str, words)], env={"COLUMNS": "400"})
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


@pytest.mark.parametrize("folder", [".", "elsewhere"])
def test_states_go_by_content_and_not_by_time(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / folder
    raw = put(root / "data/input/a_raw.wav", b"raw")
    edit = put(root / "data/desired_output/a_edit.wav", b"edit")

    def state():
        return states_of(find_songs(f"{folder}/data"), f"{folder}/results")["a"]

    assert state() == "new"
    assert not (root / ".snakemake").exists()
    put(root / "results/pointers/a_edit.json", age_s=100)
    assert state() == "stale"  # nothing tells what it was made of
    digests = [repr(join_digests([sha256(raw), sha256(edit)])), "'the code'"]
    with chdir(root):
        Records().write("results/pointers/a_edit.json", {"params": digests})
    assert state() == "ready"
    put(raw, b"raw")
    assert state() == "ready"
    put(raw, b"another take", age_s=1000)
    assert state() == "stale"


def test_a_song_of_several_raws_goes_by_all_of_them(tmp_path):
    raws = [put(tmp_path / f"data/input/a_raw.{n}.wav", f"take {n}".encode()) for n in (1, 2)]
    edit = put(tmp_path / "data/desired_output/a_edit.wav")
    put(tmp_path / "results/pointers/a_edit.json")
    with chdir(tmp_path):
        digests = join_digests(map(sha256, [*raws, edit]))
        Records().write("results/pointers/a_edit.json", {"params": [repr(digests)]})

    def state():
        return states_of(find_songs(tmp_path / "data"), tmp_path / "results")["a"]

    assert state() == "ready"
    lines = songs("--data", tmp_path / "data", "--results", tmp_path / "results")
    assert all(any(str(raw) in line for line in lines) for raw in raws)
    third = put(tmp_path / "data/input/a_raw.3.wav", b"take 3")
    assert state() == "stale"
    third.unlink()
    assert state() == "ready"
    put(raws[0], b"take 2")
    put(raws[1], b"take 1")
    assert state() == "stale"


def test_the_list_agrees_with_the_pipeline(workspace):
    def states():
        lines = songs("--data", workspace.path / "data", "--results", workspace.path / "results")
        return {line.split("  ")[0]: line.split()[-1] for line in lines[1:4]}

    assert states() == {"Jäger & co": "ready", "second": "ready", "third": "ready"}
    os.utime(workspace.raw("second"))
    assert states()["second"] == "ready"
    before = workspace.edit("third").stat()
    workspace.add_song("third", seed=77)
    for path in (workspace.raw("third"), workspace.edit("third")):
        os.utime(path, ns=(before.st_mtime_ns - 10**12, before.st_mtime_ns - 10**12))
    assert states() == {"Jäger & co": "ready", "second": "ready", "third": "stale"}
    assert workspace.jobs("prepare")["align"] == 1


def test_the_command_names_songs_and_half_pairs(tmp_path):
    put(tmp_path / "data/input/a_raw.wav")
    put(tmp_path / "data/desired_output/a_edit.wav")
    put(tmp_path / "data/input/half [live]_raw.wav")
    put(tmp_path / "data/input/b [live]_raw.wav")
    put(tmp_path / "data/desired_output/b [live]_edit.wav")
    lines = songs("--data", tmp_path / "data", "--results", tmp_path / "results")
    assert any(line.startswith("a ") and line.rstrip().endswith("new") for line in lines)
    assert any(line.startswith("b [live] ") for line in lines)
    assert any("half [live]_raw.wav has no edit" in line for line in lines)


def test_params_say_which_songs_are_listed(tmp_path):
    for name in ("input/a_raw.wav", "desired_output/a_edit.wav"):
        put(tmp_path / "data" / name)
        put(tmp_path / "data/demo" / name.replace("a_", "demo-b_"))
    params = tmp_path / "params.yaml"
    params.write_text("songs: {which: demo}")
    lines = songs("--data", tmp_path / "data", "--params", params)
    assert [line.split()[0] for line in lines[1:-1]] == ["demo-b"]


def test_without_songs_the_command_says_what_to_do(tmp_path):
    assert "editorbot demo" in " ".join(songs("--data", tmp_path / "data"))
