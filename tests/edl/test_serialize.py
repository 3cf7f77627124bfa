"""EDL files: what is written is read back, matches the published schema, and mistakes are named."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops
from editorbot.edl.serialize import json_schema, read_edit, write_edit
from editorbot.errors import EditorbotError

SCHEMA = Path(__file__).parents[2] / "docs" / "edl.schema.json"


@st.composite
def edits(draw):
    source = Source(path="a b/ü.wav", sample_rate=48000, channels=1, samples=10_000, sha256="ab")
    segments, position = [], 0
    for _ in range(draw(st.integers(1, 5))):
        samples = draw(st.integers(1, 5000))
        start = draw(st.integers(0, 5000))
        has_source = draw(st.booleans())
        segments.append(
            Segment(
                out_start=position,
                out_end=position + samples,
                source=0 if has_source else None,
                src_start=start if has_source else None,
                src_end=start + samples if has_source else None,
                gain_db=draw(st.floats(-60, 20)),
                reverse=draw(st.booleans()),
                polarity=draw(st.sampled_from([1, -1])),
                fade_in=Fade(samples=draw(st.integers(0, 99)), curve="linear"),
                confidence=draw(st.none() | st.floats(0, 1)),
            )
        )
        position += samples
    return Edit(sample_rate=48000, samples=position, sources=(source,), segments=with_ops(segments))


@given(edit=edits())
def test_round_trip_and_schema(tmp_path_factory, edit):
    path = tmp_path_factory.mktemp("edl") / "song_edit.json"
    write_edit(path, edit)
    assert read_edit(path) == edit
    jsonschema.validate(json.loads(path.read_text()), json.loads(SCHEMA.read_text()))


def test_published_schema_is_the_models():
    assert json.loads(SCHEMA.read_text()) == json_schema()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda edl: edl["segments"][1].update(out_start=5), "the list: segment 1 starts at 5"),
        (lambda edl: edl["segments"][0].update(gain_db=float("nan")), "gain_db"),
        (lambda edl: edl["segments"][0].update(speed=float("inf")), "speed"),
        (lambda edl: edl["segments"][0].update(src_end=99_999_999), "ends at source sample"),
        (lambda edl: edl["segments"][0].update(source=3), "names source 3 of 1"),
        (lambda edl: edl.update(samples=7), "expected 7 samples"),
        (lambda edl: edl.update(version=2), "version"),
        (lambda edl: edl["segments"][0].update(sped=1), "sped"),
        (lambda edl: edl["segments"][0].update(out_start=0.5), "out_start"),
    ],
)
def test_a_broken_list_is_refused_by_name(tmp_path, change, named):
    source = Source(path="a.wav", sample_rate=48000, channels=1, samples=100, sha256="ab")
    runs = [(0, 10, 0, 10), (10, 20, 50, 60)]
    segments = [
        Segment(out_start=a, out_end=b, source=0, src_start=c, src_end=d) for a, b, c, d in runs
    ]
    edit = Edit(sample_rate=48000, samples=20, sources=(source,), segments=with_ops(segments))
    broken = edit.model_dump(mode="json")
    change(broken)
    path = tmp_path / "song_edit.json"
    path.write_text(json.dumps(broken))
    with pytest.raises(EditorbotError, match=named) as raised:
        read_edit(path)
    assert str(path) in str(raised.value)


def test_what_is_not_json_is_named(tmp_path):
    path = tmp_path / "song_edit.json"
    path.write_text("{")
    with pytest.raises(EditorbotError, match=r"song_edit\.json is not valid JSON"):
        read_edit(path)
