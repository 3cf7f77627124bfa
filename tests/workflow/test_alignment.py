"""The rule that aligns, on a song of two raws."""

from collections import Counter

import matplotlib.image
import numpy as np
import pytest
import soundfile

from editorbot.edl.serialize import read_edit

from .workspace import RATE, Workspace, tune

SONG = "best takes"
RESULTS = [f"results/pointers/{SONG}_{name}" for name in ("edit.json", "alignment.png")]


def test_an_edit_of_two_raws_is_aligned_and_drawn(tmp_path):
    workspace = Workspace.create(tmp_path / "workspace", [])
    takes = [tune(seed) for seed in (1, 2)]
    places = [(0, 1, 4), (1, 3, 7), (0, 6, 9)]
    sounds = {workspace.raw(SONG, n): take for n, take in enumerate(takes, start=1)}
    sounds[workspace.edit(SONG)] = np.concatenate(
        [takes[take][start * RATE : end * RATE] for take, start, end in places]
    )
    for path, sound in sounds.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound, RATE, subtype="PCM_16")
    workspace.snakemake(*RESULTS)
    edit = read_edit(workspace.path / RESULTS[0])
    assert [source.path for source in edit.sources] == [
        f"data/input/{SONG}_raw.{number}.wav" for number in (1, 2)
    ]
    found = [(s.source, s.src_start / RATE, s.src_end / RATE) for s in edit.segments]
    assert np.array(found) == pytest.approx(np.array(places), abs=0.001)
    picture = matplotlib.image.imread(workspace.path / RESULTS[1])
    assert picture.shape[1] == 1800
    assert picture[..., :3].std() > 0.05
    assert workspace.jobs(*RESULTS) == Counter()
