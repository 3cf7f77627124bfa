import json

import matplotlib.image
import numpy as np
import pytest
from edit_pairs import RATE, music, random_edit, rendered, write_pair

from editorbot.align.align import align
from editorbot.align.picture import draw_alignment
from editorbot.align.write import write_alignment
from editorbot.edl.frames import FrameGrid, to_ops, to_pointers
from editorbot.edl.model import Segment, with_ops
from editorbot.edl.serialize import read_edit
from editorbot.errors import EditorbotError
from editorbot.params import AlignParams, MelParams

MEL = MelParams()
GRID = FrameGrid(sample_rate=MEL.sample_rate, hop_length=MEL.hop_length)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    raw = music(20, seed=30)
    folder = tmp_path_factory.mktemp("pair with spaces")
    edit = random_edit(raw, seed=2, segments=3, shortest_s=2)
    return write_pair(folder, raw, rendered(edit, raw))


@pytest.fixture(scope="module")
def alignment(pair):
    return align(*pair, params=AlignParams())


def test_the_five_files_agree(tmp_path, pair, alignment):
    write_alignment(alignment, tmp_path, song="song", mel=MEL)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"song_{part}"
        for part in ("alignment.png", "edit.json", "info.json", "ops.npy", "pointers.npy")
    ]
    edit = read_edit(tmp_path / "song_edit.json")
    assert edit == alignment.edit
    assert edit.sources[0].path == str(pair[0])
    pointers, ops = (np.load(tmp_path / f"song_{name}.npy") for name in ("pointers", "ops"))
    assert (pointers.dtype, ops.dtype) == (np.int64, np.int8)
    np.testing.assert_array_equal(pointers, to_pointers(edit, GRID))
    np.testing.assert_array_equal(ops, to_ops(edit, GRID))
    info = json.loads((tmp_path / "song_info.json").read_text())
    assert info["explained_share"] == 1.0
    assert info["segments"] == len(edit.segments)
    assert info["params"] == AlignParams().model_dump()
    assert set(info["versions"]) == {"editorbot", "numpy", "scipy", "soxr"}


def colours(path) -> set[tuple[int, int, int]]:
    pixels = (matplotlib.image.imread(path)[..., :3] * 255).astype(int)
    return set(map(tuple, pixels.reshape(-1, 3)[::7]))


def test_a_picture_shows_segments_unused_raw_and_foreign_sound(tmp_path, pair, alignment):
    first = alignment.edit.segments[0]
    end = alignment.edit.samples
    middle = end // 2
    segments = [
        first.model_copy(
            update={"out_end": middle, "src_end": first.src_start + middle, "reverse": True}
        ),
        Segment(out_start=middle, out_end=end, source=None, src_start=None, src_end=None),
    ]
    edit = alignment.edit.model_copy(update={"segments": with_ops(segments)})
    # As a model proposes it: without confidences.
    bare = [s.model_copy(update={"confidence": None}) for s in edit.segments]
    edit = edit.model_copy(update={"segments": tuple(bare)})
    draw_alignment(edit, pair[1], tmp_path / "picture.png", title="A proposal")
    seen = colours(tmp_path / "picture.png")
    assert (201, 201, 201) in seen, "unused raw is grey"
    assert (140, 140, 140) in seen, "foreign sound is dark grey"
    assert (43, 138, 75) not in seen, "no confidence, no green strip"
    draw_alignment(alignment.edit, pair[1], tmp_path / "sure.png", title="An alignment")
    assert (43, 138, 75) in colours(tmp_path / "sure.png")


def test_a_doubtful_segment_is_red(tmp_path, pair, alignment):
    doubtful = [s.model_copy(update={"confidence": 0.5}) for s in alignment.edit.segments]
    edit = alignment.edit.model_copy(update={"segments": tuple(doubtful)})
    draw_alignment(edit, pair[1], tmp_path / "picture.png", title="Doubt")
    assert (214, 39, 40) in colours(tmp_path / "picture.png")


def test_a_doubtful_cut_is_a_red_line(tmp_path, pair, alignment):
    sure = [s.model_copy(update={"confidence": 1.0}) for s in alignment.edit.segments]
    edit = alignment.edit.model_copy(update={"segments": tuple(sure)})
    for name, doubtful in (("sure", 1.0), ("doubtful", 0.4)):
        path = tmp_path / f"{name}.png"
        draw_alignment(edit, pair[1], path, title=name, cut_confidences=[1.0, doubtful])
    red = (214, 39, 40)
    assert red not in all_colours(tmp_path / "sure.png")
    assert red in all_colours(tmp_path / "doubtful.png")


def all_colours(path) -> set[tuple[int, int, int]]:
    pixels = (matplotlib.image.imread(path)[..., :3] * 255).round().astype(int)
    return set(map(tuple, pixels.reshape(-1, 3)))


def test_a_picture_that_cannot_be_written_is_named(tmp_path, pair, alignment):
    (tmp_path / "file").write_text("")
    with pytest.raises(EditorbotError, match=r"picture\.png"):
        draw_alignment(alignment.edit, pair[1], tmp_path / "file" / "picture.png", title="x")


def test_rate_of_the_pair_is_the_raws(alignment):
    assert alignment.edit.sample_rate == RATE
