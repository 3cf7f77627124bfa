"""All songs' alignments measured into one JSON and one table."""

import csv
import json

import numpy as np
import pytest

from editorbot.audio.io import write
from editorbot.edl.model import Edit, Segment, Source, with_ops
from editorbot.edl.serialize import write_edit
from editorbot.errors import EditorbotError
from editorbot.evaluate.alignments import AlignedSong, evaluate_alignments
from editorbot.files import write_json

RATE = 22050
RUNS_S = ((1, 3), (5, 8))


def edit_of(raw, *runs_s):
    source = Source(path=str(raw), sample_rate=RATE, channels=1, samples=10 * RATE, sha256="0")
    segments, position = [], 0
    for start_s, end_s in runs_s:
        start, end = start_s * RATE, end_s * RATE
        out_end = position + end - start
        segments.append(
            Segment(out_start=position, out_end=out_end, source=0, src_start=start, src_end=end)
        )
        position = out_end
    return Edit(sample_rate=RATE, samples=position, sources=(source,), segments=with_ops(segments))


@pytest.fixture
def song(tmp_path):
    def make(name, found, truth=None):
        sound = np.random.default_rng(len(name)).uniform(-0.5, 0.5, (1, 10 * RATE))
        edited = np.concatenate([sound[:, a * RATE : b * RATE] for a, b in RUNS_S], axis=1)
        paths = {key: tmp_path / f"{name}_{key}" for key in ("raw.wav", "edit.wav")}
        for path, samples in zip(paths.values(), (sound, edited), strict=True):
            write(path, samples, sample_rate=RATE, channels=1, subtype="FLOAT")
        raw = paths["raw.wav"]
        write_edit(tmp_path / f"{name}.json", edit_of(raw, *found))
        info = {"explained_share": 1.0, "edit_s": 5.0, "wall_s": 0.5}
        write_json(tmp_path / f"{name}_info.json", info)
        if truth:
            write_edit(tmp_path / f"{name}_truth.json", edit_of(raw, *truth))
        return AlignedSong(
            name,
            edited=paths["edit.wav"],
            found=tmp_path / f"{name}.json",
            info=tmp_path / f"{name}_info.json",
            truth=tmp_path / f"{name}_truth.json" if truth else None,
        )

    return make


def test_means_are_of_what_all_songs_of_a_group_have(song, tmp_path):
    songs = [song("known", RUNS_S, truth=RUNS_S), song("unknown", ((1, 3), (6, 9)))]
    evaluate_alignments(songs, metrics=tmp_path / "m.json", table=tmp_path / "t.csv")
    means = json.loads((tmp_path / "m.json").read_text())
    assert means["with_truth"]["songs"] == 1 and means["all_songs"]["songs"] == 2
    assert means["with_truth"]["within_1"] == means["with_truth"]["cut_f1"] == 1
    assert means["with_truth"]["real_time_factor"] == pytest.approx(10)
    assert "within_1" not in means["all_songs"]
    known, unknown = csv.DictReader((tmp_path / "t.csv").open())
    assert float(known["null_test_db"]) < -100 < -10 < float(unknown["null_test_db"])
    assert unknown["within_1"] == "" and float(unknown["real_time_factor"]) == pytest.approx(10)


def test_a_truth_of_another_edit_names_the_song(song, tmp_path):
    wrong = song("wrong", RUNS_S, truth=((0, 9),))
    with pytest.raises(EditorbotError, match=r"song wrong: .*wrong_truth\.json: expected lists"):
        evaluate_alignments([wrong], metrics=tmp_path / "m.json", table=tmp_path / "t.csv")
    assert not (tmp_path / "m.json").exists()
