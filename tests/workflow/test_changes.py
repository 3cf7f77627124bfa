"""Exactly what changed is made again, no more and no less."""

import os
import shutil
import time
from collections import Counter

import pytest

from editorbot.audio.store import read_array

from .conftest import SONGS
from .workspace import RATE, TINY, Workspace

PER_SONG = {"decode": 2, "mel": 2, "stems": 1, "stems_mel": 1, "align": 1, "pointers": 1}
RAW_SIDE = {"decode": 1, "mel": 1, "stems": 1, "stems_mel": 1, "align": 1, "pointers": 1}
SCORES = {"evaluate_pointer": 1, "report": 1}
TRAINING = {"train_pointer": 1, "propose_song": 1, **SCORES}
TRAINED, VALIDATION, HELD_OUT = 0, 1, 2


@pytest.fixture(scope="session")
def parts(built) -> list[str]:
    """The songs of the splits: trained on, validation, held out."""
    import json

    splits = json.loads((built.path / "results/splits.json").read_text())
    return [splits[part][0] for part in ("train", "validation", "test")]


def test_nothing_changed_is_no_job_within_ten_seconds(workspace):
    begun = time.monotonic()
    run = workspace.snakemake()
    assert time.monotonic() - begun < 10
    assert "Nothing to be done" in run.stdout


def test_times_alone_are_no_change(workspace):
    for file in (workspace.path / "data").rglob("*.wav"):
        os.utime(file)
    for file in (workspace.path / "workflow").rglob("*.*"):
        os.utime(file)
    for file in (workspace.path / "editorbot").rglob("*.py"):
        os.utime(file)
    assert workspace.jobs() == Counter()


def test_an_added_song_is_prepared_and_learned_from(workspace):
    workspace.add_song("fourth", seed=4)
    expected = Counter({**PER_SONG, "splits": 1, "evaluate_alignment": 1})
    assert workspace.jobs("prepare", "evaluate_alignment") == expected
    # Which jobs follow depends on the part that the song came into.
    jobs = workspace.jobs()
    assert jobs - expected <= Counter(TRAINING)
    assert not expected - jobs


@pytest.mark.parametrize("part", [TRAINED, HELD_OUT], ids=["trained on", "held out"])
def test_a_raw_recording_made_anew(workspace, parts, part):
    """Even if the new one is older than all that was made from the old one."""
    song = parts[part]
    workspace.raw(song).write_bytes(take(workspace, song))
    os.utime(workspace.raw(song), (1e9, 1e9))
    after = TRAINING if part == TRAINED else {"propose_song": 1, **SCORES}
    assert workspace.jobs() == Counter({**RAW_SIDE, "evaluate_alignment": 1, **after})


@pytest.mark.parametrize("part", [TRAINED, HELD_OUT], ids=["trained on", "held out"])
def test_a_raw_recording_more(workspace, parts, part):
    """The one that was there is the first of two; then the two are one song's, in their order."""
    song = parts[part]
    after = TRAINING if part == TRAINED else {"propose_song": 1, **SCORES}
    expected = Counter({**RAW_SIDE, "evaluate_alignment": 1, **after})
    workspace.raw(song).rename(workspace.raw(song, 1))
    assert workspace.jobs() == expected
    workspace.raw(song, 2).write_bytes(take(workspace, parts[VALIDATION]))
    assert workspace.jobs() == expected


@pytest.fixture(scope="session")
def decoded_takes(built, tmp_path_factory) -> Workspace:
    """The first song in two takes, and what needs no alignment made of it. Not to be changed."""
    workspace = built.copy(tmp_path_factory.mktemp("takes") / "takes")
    song = SONGS[0]
    workspace.raw(song).rename(workspace.raw(song, 1))
    workspace.raw(song, 2).write_bytes(take(workspace, SONGS[1]))
    workspace.snakemake(*features(song))
    return workspace


def features(song: str) -> list[str]:
    return [f"results/{step}/{song}_raw.zarr.zip" for step in ("features", "stems_mel")]


def test_features_of_several_raws_are_one_after_the_other(decoded_takes):
    mel, stems = (read_array(decoded_takes.path / name, "mel") for name in features(SONGS[0]))
    frames = 1 + 10 * RATE // TINY["mel"]["hop_length"]
    assert mel.shape[-1] == stems.shape[-1] == 2 * frames
    assert decoded_takes.jobs(*features(SONGS[0])) == Counter()


@pytest.mark.parametrize("change", ["content", "order", "one less", "one more", "times"])
def test_one_of_several_raws_changed(decoded_takes, tmp_path, change):
    workspace = decoded_takes.copy(tmp_path / "workspace")
    song = SONGS[0]
    first, second, third = (workspace.raw(song, number) for number in (1, 2, 3))
    if change == "content":
        second.write_bytes(take(workspace, SONGS[2]))
    elif change == "order":
        second.rename(third)
        first.rename(second)
        third.rename(first)
    elif change == "one less":
        second.unlink()
    elif change == "one more":
        third.write_bytes(take(workspace, SONGS[2]))
    else:
        os.utime(second)
    side = {} if change == "times" else {"decode": 1, "mel": 1, "stems": 1, "stems_mel": 1}
    assert workspace.jobs(*features(song)) == Counter(side)


def test_raws_that_do_not_go_together_stop_everything(workspace):
    shutil.copy(workspace.raw("second"), workspace.raw("second", 1))
    run = workspace.snakemake("--dry-run", check=False)
    assert run.returncode != 0
    assert "the song 'second' has data/input/second_raw.1.wav and" in run.stdout
    assert "Traceback" not in run.stdout


def take(workspace: Workspace, song: str) -> bytes:
    """The raw recording with one sample changed."""
    content = bytearray(workspace.raw(song).read_bytes())
    content[-2] ^= 1
    return bytes(content)


def test_a_removed_song(workspace, parts):
    workspace.remove_song(parts[VALIDATION])
    jobs = workspace.jobs()
    assert set(jobs) <= {"splits", "evaluate_alignment", *TRAINING}
    assert jobs["train_pointer"] == 1


def test_prune_removes_what_was_made_of_a_removed_song_and_nothing_else(workspace, parts):
    before = results(workspace)
    workspace.remove_song(parts[TRAINED])
    left_behind = workspace.path / "results/decode/.123.part.x_raw.zarr.zip"
    left_behind.touch()
    workspace.run("python", "-m", "editorbot.workflow.prune")
    gone = before - results(workspace)
    assert not left_behind.exists()
    assert {path for path in before if f"/{parts[TRAINED]}_" in path} == gone
    # Sound and mel of two sides, stems and their mel of the raw, and the five files of alignment.
    assert len(gone) == 2 * 2 + 2 + 5


def test_prune_refuses_where_there_is_no_song(workspace):
    before = results(workspace)
    for song in SONGS:
        workspace.remove_song(song)
    run = workspace.run("python", "-m", "editorbot.workflow.prune", check=False)
    assert run.returncode != 0
    assert "no song pair was found" in run.stdout
    assert results(workspace) == before


def results(workspace: Workspace) -> set[str]:
    folder = workspace.path / "results"
    made = ("decode", "features", "stems", "stems_mel", "pointers", "proposals")
    return {str(p.relative_to(folder)) for name in made for p in (folder / name).rglob("*")}


def test_a_learning_rate_retrains_and_prepares_nothing(workspace):
    workspace.set_params(pointer={"lr": 0.002})
    assert workspace.jobs() == Counter(TRAINING)


def test_a_mel_setting_keeps_recordings_stems_and_alignments(workspace):
    workspace.set_params(mel={"n_mels": 40})
    songs = len(SONGS)
    assert workspace.jobs() == Counter({"mel": 2 * songs, "stems_mel": songs, **TRAINING})


def test_stems_of_the_edits_are_made_when_they_are_asked_for(workspace):
    workspace.set_params(stems={"sides": "both"})
    songs = len(SONGS)
    # Nothing that exists is made again, only the report's parameters differ.
    assert workspace.jobs() == Counter({"stems": songs, "stems_mel": songs, "report": 1})


def test_stems_off_leave_the_pipeline_without_stems(workspace):
    workspace.set_params(stems={"model": "off"})
    assert workspace.jobs() == Counter(TRAINING)
    listed = workspace.snakemake("--list-rules").stdout.split()
    assert "mel" in listed
    assert "stems" not in listed
    assert "stems_mel" not in listed


def test_a_changed_module_reruns_the_steps_that_use_it(workspace):
    module = "editorbot/corpus/splits.py"
    workspace.editing(module, "MIN_TRAIN = 2, 1, 1", "MIN_TRAIN = 2, 1, 1 * 1")
    assert workspace.jobs() == Counter({"splits": 1, "report": 1})


def test_comments_and_docstrings_are_no_change(workspace):
    for module in ("editorbot/audio/decode.py", "editorbot/edl/frames.py"):
        path = workspace.path / module
        path.write_text(f'"""Another docstring."""\n# A comment.\n{without_docstring(path)}')
    script = workspace.path / "workflow/scripts/decode.py"
    script.write_text(f"# A comment.\n{script.read_text()}")
    assert workspace.jobs() == Counter()


def without_docstring(path) -> str:
    text = path.read_text()
    return text.split('"""', 2)[2] if text.startswith('"""') else text
