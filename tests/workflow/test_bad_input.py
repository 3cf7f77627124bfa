"""What a user may get wrong ends in one sentence and harms nothing else."""

import shutil

import pytest

from .conftest import SONGS
from .workspace import Workspace


def test_a_bad_recording_is_named_and_the_other_songs_are_made(workspace):
    song, other = SONGS[1], SONGS[2]
    for damaged in (song, other):
        content = workspace.raw(damaged).read_bytes()
        workspace.raw(damaged).write_bytes(content[:60] if damaged == song else content + b"\0\0")
    before = mtime(workspace, other)
    made = (f"results/features/{name}_raw.zarr.zip" for name in SONGS)
    run = workspace.snakemake(*made, check=False)
    assert run.returncode != 0
    sentences = [line for line in run.stdout.splitlines() if line.startswith("editorbot: ")]
    assert any(f"data/input/{song}_raw.wav" in sentence for sentence in sentences)
    assert "Traceback" not in run.stdout
    assert sentences[-1].endswith("run the same command again when this is put right")
    # The other song was changed too, and everything of it was made again.
    assert mtime(workspace, other) > before


def mtime(workspace: Workspace, song: str) -> int:
    return (workspace.path / f"results/features/{song}_raw.zarr.zip").stat().st_mtime_ns


def test_an_unexpected_error_is_told_in_a_line_and_explained_in_the_log(workspace):
    workspace.editing("workflow/scripts/splits.py", "    splits =", "    1 / 0\n    splits =")
    run = workspace.snakemake("results/splits.json", check=False)
    assert run.returncode != 0
    assert "splits failed unexpectedly (ZeroDivisionError: division by zero)" in run.stdout
    assert "Traceback" not in run.stdout
    assert "Traceback" in (workspace.path / "results/logs/splits.log").read_text()


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"mel": {"n_mel": 3}}, "mel.n_mel is not a known key, did you mean mel.n_mels?"),
        ({"mels": {"n_mels": 3}}, "mels is not a known key, did you mean mel?"),
        ({"mel": {"n_mels": 0}}, "mel.n_mels is 0: "),
    ],
)
def test_a_wrong_key_is_named_before_anything_runs(workspace, section, sentence):
    workspace.set_params(**section)
    run = workspace.snakemake(check=False)
    assert run.returncode != 0
    assert sentence in run.stdout
    assert "Building DAG" not in run.stdout
    assert "Traceback" not in run.stdout


def test_a_key_given_on_the_command_line_is_checked_and_used(workspace):
    assert workspace.jobs("train_pointer", "--config", "pointer={epochs: 2}")["train_pointer"] == 1
    run = workspace.snakemake("--config", "pointer={epoch: 2}", "--dry-run", check=False)
    assert run.returncode != 0
    assert "pointer.epoch is not a known key, did you mean pointer.epochs?" in run.stdout


def test_prune_goes_by_the_params_of_the_workspace(workspace, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("data", "results"):
        shutil.move(workspace.path / name, elsewhere / name)
    # By these there is no song, and no reason to remove the results of those that are there.
    (elsewhere / "params.yaml").write_text("songs: {which: demo}")
    prune = ("python", "-m", "editorbot.workflow.prune", "--directory")
    run = workspace.run(*prune, str(elsewhere), check=False)
    assert "no song pair was found" in run.stdout
    (elsewhere / "params.yaml").unlink()
    assert workspace.run(*prune, str(elsewhere)).stdout == ""
    run = workspace.run(*prune, str(tmp_path / "nowhere"), check=False)
    assert f"{tmp_path / 'nowhere'} is no folder" in run.stdout


def test_half_a_pair_is_told_and_left_out(workspace):
    workspace.edit(SONGS[0]).rename(workspace.edit("nobody"))
    run = workspace.snakemake("--dry-run", "prepare")
    assert f"left out: data/input/{SONGS[0]}_raw.wav has no edit" in run.stdout
    assert "left out: data/desired_output/nobody_edit.wav has no raw recording" in run.stdout


def test_two_files_of_one_prefix_stop_before_anything_runs(workspace):
    workspace.raw("second").with_suffix(".flac").touch()
    run = workspace.snakemake(check=False)
    assert run.returncode != 0
    assert "second_raw.flac and data/input/second_raw.wav both claim the song" in run.stdout
    assert "Building DAG" not in run.stdout


def test_a_name_that_the_pipeline_cannot_take_is_named(workspace):
    workspace.raw(SONGS[1]).rename(workspace.raw("a{b}"))
    workspace.edit(SONGS[1]).rename(workspace.edit("a{b}"))
    run = workspace.snakemake("--dry-run", check=False)
    assert run.returncode != 0
    assert "the song 'a{b}' has a curly bracket in its name" in run.stdout


def test_a_name_of_odd_characters_works(workspace):
    odd = "a'b\"c$d %e#f[g]*!"
    workspace.raw(SONGS[1]).rename(workspace.raw(odd))
    workspace.edit(SONGS[1]).rename(workspace.edit(odd))
    made = f"results/decode/{odd}_raw.zarr.zip"
    workspace.snakemake(made)
    assert (workspace.path / made).exists()


def test_no_songs_at_all(workspace):
    for song in SONGS:
        workspace.remove_song(song)
    run = workspace.snakemake(check=False)
    assert run.returncode != 0
    assert "there is no pair of recordings yet" in run.stdout
    # The rules can still be looked at.
    assert "train_pointer" in workspace.snakemake("--list-rules").stdout


def test_another_workspace_is_worked_on_with_the_params_of_this_checkout(workspace, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (workspace.path / "data").rename(tmp_path / "data")
    elsewhere.mkdir()
    (tmp_path / "data").rename(elsewhere / "data")
    workspace.snakemake("--directory", str(elsewhere), "results/splits.json")
    assert (elsewhere / "results/splits.json").exists()
    (elsewhere / "params.yaml").write_text("splits: {seeds: 1}")
    run = workspace.snakemake("--directory", str(elsewhere), "--dry-run", check=False)
    assert "splits.seeds is not a known key" in run.stdout


def test_a_single_pair_is_learned_from_and_nothing_is_scored(workspace):
    for song in SONGS[1:]:
        workspace.remove_song(song)
    run = workspace.snakemake("--dry-run")
    assert "editorbot: only one song: it is trained on" in run.stdout
    jobs = workspace.jobs()
    assert jobs["train_pointer"] == 1 and jobs["report"] == 1
    assert jobs["evaluate_pointer"] == 0 and jobs["propose_song"] == 0
