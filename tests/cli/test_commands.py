"""The commands do what they say, and a mistake ends in one sentence and status 1."""

import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
from typer.testing import CliRunner

from editorbot.audio.io import read, write
from editorbot.cli import Level, app
from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops
from editorbot.edl.serialize import write_edit
from editorbot.errors import EditorbotError
from editorbot.files import path_list, sha256
from editorbot.params import SimulateParams

RATE = 22050
WIDE = {"COLUMNS": "300"}


def editorbot(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "editorbot.cli", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def raw(tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / "jäm 1_raw.wav"
    write(path, rng.uniform(-0.5, 0.5, (1, 4 * RATE)), sample_rate=RATE, channels=1)
    return path


def edit_of(raw, *runs_s, sample_rate=RATE):
    source = Source(
        path=raw.name, sample_rate=sample_rate, channels=1, samples=4 * RATE, sha256=sha256(raw)
    )
    segments, position = [], 0
    for start_s, end_s in runs_s:
        samples = round((end_s - start_s) * RATE)
        start = round(start_s * RATE)
        segments.append(
            Segment(
                out_start=position,
                out_end=position + samples,
                source=0,
                src_start=start,
                src_end=start + samples,
                fade_in=Fade(),
            )
        )
        position += samples
    return Edit(
        sample_rate=sample_rate, samples=position, sources=(source,), segments=with_ops(segments)
    )


def test_every_command_shows_an_example():
    names = [command.name or command.callback.__name__ for command in app.registered_commands]
    for name in (*names, "songs", "songs import"):
        result = CliRunner().invoke(app, [*name.split(), "--help"], env=WIDE)
        assert result.exit_code == 0
        assert f"Example: editorbot {name}" in result.stdout, name


def test_levels_are_those_of_the_params():
    levels = get_args(SimulateParams.model_fields["level"].annotation)
    assert [level.value for level in Level] == list(levels)


def test_render_finds_the_sources_beside_the_list(raw, tmp_path):
    edit = edit_of(raw, (1.0, 2.0), (3.0, 4.0))
    write_edit(tmp_path / "list.json", edit)
    run = editorbot("render", tmp_path / "list.json", "-o", tmp_path / "out.wav")
    assert run.returncode == 0, run.stderr
    sound = read(raw)
    expected = np.concatenate([sound[:, RATE : 2 * RATE], sound[:, 3 * RATE :]], axis=1)
    np.testing.assert_array_equal(read(tmp_path / "out.wav"), expected)


def test_render_plays_several_raws(raw, tmp_path):
    other = tmp_path / "jam_raw.2.wav"
    write(other, read(raw)[:, ::-1], sample_rate=RATE, channels=1)
    one, two = edit_of(raw, (1.0, 2.0)), edit_of(other, (0.5, 1.5))
    (second,) = two.segments
    moved = {"source": 1, "out_start": RATE, "out_end": 2 * RATE}
    segments = with_ops([*one.segments, second.model_copy(update=moved)])
    update = {"samples": 2 * RATE, "sources": (*one.sources, *two.sources), "segments": segments}
    write_edit(tmp_path / "list.json", one.model_copy(update=update))
    run = editorbot("render", tmp_path / "list.json", "-o", tmp_path / "out.wav")
    assert run.returncode == 0, run.stderr
    sounds = [read(raw)[:, RATE : 2 * RATE], read(other)[:, RATE // 2 : RATE // 2 + RATE]]
    np.testing.assert_array_equal(read(tmp_path / "out.wav"), np.concatenate(sounds, axis=1))


@pytest.mark.parametrize("command", ["align", "infer"])
@pytest.mark.parametrize("takes", [["jam_raw.wav"], ["jam_raw.1.wav", "jam_raw.2.flac"]])
def test_commands_take_one_raw_or_several(command, takes, tmp_path, monkeypatch):
    raws, seen = [tmp_path / take for take in takes], []

    def note(given, *others, **options):
        seen.extend([path_list(given), *others, options])
        raise EditorbotError("noted")

    monkeypatch.setattr("editorbot.align.align.align", note)
    monkeypatch.setattr("editorbot.pointer_network.infer.infer", note)
    others = [tmp_path / "jam_edit.wav", "-o", tmp_path] if command == "align" else []
    result = CliRunner().invoke(app, [command, *map(str, [*raws, *others])])
    assert isinstance(result.exception, EditorbotError)
    assert seen[0] == raws
    if command == "align":
        assert seen[1] == tmp_path / "jam_edit.wav"
    else:
        assert seen[1]["output"] == tmp_path / "jam_proposal.wav"


@pytest.mark.parametrize("kind", ["missing", "not sound", "not a list"])
def test_bad_input_is_one_sentence(kind, raw, tmp_path):
    bad = tmp_path / "bad_file.wav"
    if kind != "missing":
        bad.write_text("no sound, and no list")
    words = ("align", raw, bad) if kind != "not a list" else ("render", bad)
    run = editorbot(*words, "-o", tmp_path / "out.wav")
    assert run.returncode == 1
    assert run.stderr.startswith("editorbot: ") and "bad_file.wav" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out.wav").exists()


def test_evaluate_scores_a_folder_against_the_truth(raw, tmp_path):
    human = edit_of(raw, (0.0, 2.0))
    for folder, edit in (("truth", human), ("found", edit_of(raw, (0.0, 1.0)))):
        (tmp_path / folder).mkdir()
        write_edit(tmp_path / folder / "a_edit.json", edit)
    write_edit(tmp_path / "found" / "b.json", human)
    run = editorbot("evaluate", tmp_path / "found", tmp_path / "truth")
    assert run.returncode == 0, run.stderr
    song, *cells = run.stdout.splitlines()[-1].split()
    assert song == "a"
    # Half of what the person kept, and nothing else: precision 1, recall 1/2.
    assert [float(cell) for cell in cells[:3]] == pytest.approx([2 / 3, 1, 0.5], abs=1e-3)
    assert "loops" not in run.stdout  # neither has one
    assert f"in {tmp_path}/found alone: b" in run.stdout


def test_evaluate_of_several_songs_ends_with_their_means(raw, tmp_path):
    for folder, ends_s in (("truth", (2.0, 2.0)), ("found", (2.0, 1.0))):
        (tmp_path / folder).mkdir()
        for song, end_s in zip("ab", ends_s, strict=True):
            write_edit(tmp_path / folder / f"{song}.json", edit_of(raw, (0.0, end_s)))
    run = editorbot("evaluate", tmp_path / "found", tmp_path / "truth")
    assert run.returncode == 0, run.stderr
    *_, means = run.stdout.splitlines()
    assert means.split()[:4] == ["mean", "of", "2", f"{(1 + 2 / 3) / 2:.3f}"]


def test_evaluate_without_counterparts_says_so(raw, tmp_path):
    for folder, name in (("truth", "a"), ("found", "b")):
        (tmp_path / folder).mkdir()
        write_edit(tmp_path / folder / f"{name}.json", edit_of(raw, (0.0, 1.0)))
    run = editorbot("evaluate", tmp_path / "found", tmp_path / "truth")
    assert run.returncode == 1 and "no edit list in" in run.stderr
    run = editorbot("evaluate", tmp_path / "found", tmp_path / "truth" / "a.json")
    assert run.returncode == 1 and "two folders" in run.stderr


def test_results_before_any_run_says_what_to_do(tmp_path):
    run = editorbot("results", tmp_path)
    assert run.returncode == 1 and "snakemake --cores all" in run.stderr
