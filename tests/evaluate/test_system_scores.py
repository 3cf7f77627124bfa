"""Systems and baselines scored together, and the files that tell of it."""

import csv
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from small_edits import edit

from editorbot.audio.store import read_array, write_array
from editorbot.edl.spans import edit_of_spans
from editorbot.errors import EditorbotError
from editorbot.evaluate import summary
from editorbot.evaluate.frame_accuracy import FrameAccuracy
from editorbot.evaluate.intervals import Interval
from editorbot.evaluate.metrics import EditScores
from editorbot.evaluate.plots import draw_dropped, draw_scores
from editorbot.evaluate.pointer import HeldOutSong, ReportFiles, evaluate_pointer, score_systems
from editorbot.evaluate.summary import SongScore
from editorbot.files import write_json
from editorbot.params import EvaluateParams, MelParams

MEL = MelParams(sample_rate=1000, hop_length=20)
PARAMS = EvaluateParams(resamples=200)
RATE, DURATION_S = 1000, 30
HUMANS = {"one": edit((5, 15), (20, 30), duration_s=30), "two": edit((8, 28), duration_s=30)}


@pytest.fixture
def songs(tmp_path: Path) -> list[HeldOutSong]:
    """Two raws, loud where the person kept them; why they were cut is known of the first only."""
    causes = tmp_path / "one_causes.json"
    write_json(
        causes,
        [
            {"start_s": 0, "end_s": 5, "cause": "talk"},
            {"start_s": 15, "end_s": 20, "cause": "vamp"},
        ],
    )
    random = np.random.default_rng(0)
    found = []
    for name, human in HUMANS.items():
        sound = 0.001 * random.standard_normal((1, RATE * DURATION_S)).astype(np.float32)
        for segment in human.segments:
            sound[:, segment.src_start : segment.src_end] *= 500
        frames = np.abs(sound).reshape(-1, MEL.hop_length).max(axis=1)
        frames = np.append(frames, frames[-1])
        mel = np.tile(frames / frames.max(), (32, 1)).astype(np.float16)
        audio_path, mel_path = tmp_path / f"{name}.zarr.zip", tmp_path / f"{name}_mel.zarr.zip"
        write_array(audio_path, sound, name="audio", chunks=(1, 4096), attrs={"sample_rate": RATE})
        write_array(mel_path, mel, name="mel", chunks=(32, 256))
        known = causes if name == "one" else None
        found.append(HeldOutSong(name, human, audio_path, mel_path, known))
    return found


@pytest.fixture
def scores(songs):
    return score_systems(songs, {"pointer_network": HUMANS}, params=PARAMS, mel=MEL)


def one_score(system="a", song="s", *, learned=False, dropped=None, **measures):
    values = dict.fromkeys(EditScores.names(), 0.5) | measures
    return SongScore(system, song, learned, EditScores(**values), dropped or {})


def test_every_system_is_scored_on_every_song(scores):
    systems = {score.system for score in scores if score.song == "two"}
    assert systems == {
        "pointer_network",
        "keep_all",
        "keep_first",
        "loudest_beats",
        "loudness_threshold",
        "random",
    }
    assert {score.system for score in scores if score.song == "one"} == systems | {"junk_oracle"}


def test_scores_are_those_of_the_edits(scores):
    by = {(score.system, score.song): score for score in scores}
    assert by["pointer_network", "one"].measures.keep_f1 == 1
    assert by["keep_all", "one"].measures.keep_f1 == pytest.approx(2 * 20 / (30 + 20))
    assert by["keep_first", "two"].measures.keep_f1 == pytest.approx(12 / 20)
    # Loud where kept: the threshold keeps it and its margins of 0.2 s, one at either end.
    assert by["loudness_threshold", "two"].measures.keep_f1 == pytest.approx(
        2 * 20 / (20.4 + 20), abs=0.002
    )
    assert by["junk_oracle", "one"].measures.keep_f1 == pytest.approx(2 * 20 / (25 + 20))
    assert by["junk_oracle", "one"].dropped == {"talk": 1.0, "vamp": 0.0}
    assert by["keep_all", "two"].dropped == {}
    best = max(scores, key=lambda score: score.measures.keep_f1)
    assert best.learned
    assert by["random", "one"].measures.keep_f1 < 0.8


def test_baselines_edit_several_raws_as_one(songs):
    one = songs[0]
    (raw,) = one.human.sources
    takes = tuple(raw.model_copy(update={"samples": seconds * RATE}) for seconds in (12, 18))
    human = edit_of_spans([(5, 15), (20, 30)], takes)
    mel = read_array(one.raw_mel, "mel")
    # The second take begins with a frame of its own.
    write_array(one.raw_mel, mel[:, [*range(601), *range(600, 1501)]], name="mel", chunks=(32, 256))
    song = replace(one, human=human)
    scores = score_systems([song], {"net": {"one": human}}, params=PARAMS, mel=MEL)
    found = {score.system: score for score in scores}
    assert found["net"].measures.keep_f1 == found["net"].measures.cut_f1_100ms == 1
    assert found["keep_all"].measures.keep_f1 == pytest.approx(2 * 20 / (30 + 20))
    assert found["loudness_threshold"].measures.keep_f1 > 0.95
    assert found["junk_oracle"].dropped == {"talk": 1.0, "vamp": 0.0}


def test_a_missing_proposal_and_one_of_another_raw_name_the_song(songs):
    with pytest.raises(EditorbotError, match="song two has no edit by pointer_network"):
        score_systems(songs, {"pointer_network": {"one": HUMANS["one"]}}, params=PARAMS, mel=MEL)
    other = {"pointer_network": HUMANS | {"two": edit((0, 5), duration_s=20)}}
    with pytest.raises(EditorbotError, match=r"song two, edit by pointer_network: .* got"):
        score_systems(songs, other, params=PARAMS, mel=MEL)
    with pytest.raises(EditorbotError, match="no song is held out"):
        score_systems([], {}, params=PARAMS, mel=MEL)


def test_the_whole_evaluation_writes_its_five_files_and_prints(songs, tmp_path, capsys):
    names = ("metrics.json", "songs.csv", "table.html", "scores.png", "dropped.png")
    outputs = ReportFiles(*(tmp_path / "out" / name for name in names))
    evaluate_pointer(
        songs,
        HUMANS,
        accuracy=FrameAccuracy(0.75, math.nan, 0.99),
        training_songs=7,
        outputs=outputs,
        params=PARAMS,
        mel=MEL,
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(names)
    numbers = json.loads(outputs.metrics.read_text())
    assert numbers["pointer_network"]["keep_f1"] == 1
    assert numbers["pointer_network"]["training_songs"] == 7
    assert numbers["pointer_network"]["delta_accuracy_of_constant"] == 0.99
    assert "delta_accuracy_at_cuts" not in numbers["pointer_network"]
    assert numbers["junk_oracle"]["songs"] == 1
    assert "<h2>" in outputs.table.read_text()
    printed = capsys.readouterr().out
    assert "pointer network" in printed
    assert "learned from 7 songs" in printed


def test_learned_systems_come_first_then_baselines_by_keep_f1():
    rows = summary.summarise(
        [
            one_score("worse", keep_f1=0.1),
            one_score("better", keep_f1=0.9),
            one_score("net", keep_f1=0.05, learned=True),
        ],
        params=PARAMS,
    )
    assert [row.system for row in rows] == ["net", "better", "worse"]


def test_summary_leaves_out_songs_where_a_measure_is_undefined():
    (row,) = summary.summarise(
        [
            one_score(song="s", loops_f1=math.nan, dropped={"talk": 1.0}),
            one_score(song="t", loops_f1=0.25, keep_f1=1.0),
        ],
        params=PARAMS,
    )
    assert row.measures["keep_f1"].mean == 0.75
    assert (row.measures["loops_f1"].mean, row.measures["loops_f1"].songs) == (0.25, 1)
    assert (row.measures["dropped_talk"].mean, row.measures["dropped_talk"].songs) == (1.0, 1)


def test_metrics_are_numbers_only(tmp_path):
    rows = summary.summarise([one_score(loops_f1=math.nan)], params=PARAMS)
    path = tmp_path / "metrics.json"
    summary.write_metrics(path, rows, extra={"a": {"delta_accuracy": 0.99}})
    numbers = json.loads(path.read_text())["a"]
    assert numbers["keep_f1"] == 0.5
    assert numbers["delta_accuracy"] == 0.99
    assert numbers["songs"] == 1
    assert "loops_f1" not in numbers


def test_songs_table_has_a_row_per_system_and_song(tmp_path, scores):
    path = tmp_path / "songs.csv"
    summary.write_songs(path, scores)
    rows = list(csv.DictReader(path.open()))
    assert len(rows) == len(scores)
    two = next(r for r in rows if (r["system"], r["song"]) == ("keep_all", "two"))
    assert float(two["keep_f1"]) == pytest.approx(2 * 20 / 50)
    assert two["dropped_talk"] == ""


def test_songs_table_goes_round(tmp_path, scores):
    path = tmp_path / "songs.csv"
    summary.write_songs(path, scores)
    back = summary.read_songs(path)
    assert [(b.system, b.song, b.learned) for b in back] == [
        (s.system, s.song, s.learned) for s in scores
    ]
    for mine, theirs in zip(back, scores, strict=True):
        assert mine.values.keys() == theirs.values.keys()
        np.testing.assert_allclose(
            list(mine.values.values()), list(theirs.values.values()), atol=1e-6
        )
    path.write_text("system,song\na,b\n")
    with pytest.raises(EditorbotError, match=r"songs\.csv is not a table of scores"):
        summary.read_songs(path)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Interval(0.9744, 0.951, 0.983, 5), ".974 [.95, .98]"),
        (Interval(1.0, 0.5, 1.0, 5), "1.000 [.50, 1.00]"),
        (Interval(-0.25, math.nan, math.nan, 1), "-.250"),
        (Interval(12.5, math.nan, math.nan, 1), "12.500"),
        (Interval(math.nan, math.nan, math.nan, 0), "–"),
    ],
)
def test_intervals_are_printed_short(found, text):
    assert summary.format_interval(found) == text


def test_tables_show_every_system_and_mark_the_best(tmp_path):
    rows = summary.summarise(
        [
            one_score("pointer_network", learned=True, keep_f1=0.8, cut_error_s=0.3),
            one_score("keep_<all>", keep_f1=0.6, cut_error_s=0.1),
        ],
        params=PARAMS,
    )
    path = tmp_path / "table.html"
    summary.write_table(path, rows, title="A & B", notes=["Seven training songs."])
    page = path.read_text()
    assert re.search(r"class=best>\.800<small>", page)
    assert re.search(r"class=best>\.100<small>", page), "less error is better"
    assert "keep &lt;all&gt;" in page
    assert "A &amp; B" in page
    assert "Seven training songs." in page
    assert "http" not in page
    text = io.StringIO()
    summary.print_table(rows, title="A & B", console=Console(file=text, width=200))
    for expected in ("pointer network", ".800", ".600", "keep"):
        assert expected in text.getvalue()


def test_a_cause_too_short_to_be_measured_has_no_column(tmp_path):
    rows = summary.summarise([one_score(dropped={"talk": 1.0, "noise": math.nan})], params=PARAMS)
    summary.write_table(tmp_path / "table.html", rows, title="t")
    page = (tmp_path / "table.html").read_text()
    assert "talk" in page and "noise" not in page
    draw_dropped(tmp_path / "dropped.png", rows)


def test_a_narrow_terminal_gets_the_means_whole():
    rows = summary.summarise(
        [
            one_score("loudness_threshold", song, keep_f1=f1)
            for song, f1 in (("a", 0.2), ("b", 0.3))
        ],
        params=PARAMS,
    )
    narrow, wide = io.StringIO(), io.StringIO()
    summary.print_table(rows, title="t", console=Console(file=narrow, width=80))
    summary.print_table(rows, title="t", console=Console(file=wide, width=110))
    assert ".250 [.20, .30]" in wide.getvalue()
    assert ".250" in narrow.getvalue()
    assert "[.20" not in narrow.getvalue()
    assert "…" not in narrow.getvalue()


def test_pictures_have_ink_and_grow_with_the_systems(tmp_path, scores):
    rows = summary.summarise(scores, params=PARAMS)
    few, many, causes = (tmp_path / f"{name}.png" for name in ("few", "many", "causes"))
    draw_scores(many, scores, rows)
    draw_scores(few, scores, rows[:2])
    draw_dropped(causes, rows)
    with Image.open(few) as small, Image.open(many) as large:
        assert large.height > small.height
        colours = {tuple(c) for c in np.asarray(large)[..., :3].reshape(-1, 3)[::7].tolist()}
        assert (37, 99, 235) in {tuple(c) for c in np.asarray(large)[..., :3].reshape(-1, 3)}
        assert len(colours) > 10
    with Image.open(causes) as picture:
        assert np.asarray(picture.convert("L")).min() < 100


def test_without_causes_the_picture_says_so_and_the_table_leaves_them_out(tmp_path):
    rows = summary.summarise([one_score()], params=PARAMS)
    draw_dropped(tmp_path / "dropped.png", rows)
    with Image.open(tmp_path / "dropped.png") as picture:
        assert (np.asarray(picture.convert("L")) < 100).any()
    summary.write_table(tmp_path / "table.html", rows, title="t")
    assert "<h2>" not in (tmp_path / "table.html").read_text()
