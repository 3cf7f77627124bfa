"""What the picture shows, by its parts: bands, labels, strips, and where the raws lie."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from editorbot.align.picture import alignment_figure, draw_alignment
from editorbot.align.picture_layout import (
    CHARACTER,
    LANES,
    Mark,
    RawAxis,
    clock,
    cuts_of,
    gain_runs,
    in_lanes,
    marks_of,
    played_again,
    read_waveform,
    shortened,
    source_stays,
    treatment,
)
from editorbot.align.picture_summary import summary
from editorbot.audio.sources import source_of, with_sources_found
from editorbot.edl.model import Edit, Segment, with_ops
from editorbot.errors import AudioError

RATES = 8000, 16000
SECONDS = 30, 20
EDIT_S = 26


def noise(seconds: float, rate: int, *, seed: int) -> np.ndarray:
    return 0.3 * np.random.default_rng(seed).uniform(-1, 1, (round(seconds * rate), 2))


@pytest.fixture(scope="module")
def raws(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raws")
    # A dollar sign begins a formula where it is not prevented.
    paths = [folder / f"song $x_{{ raw.{number}.wav" for number in (1, 2)]
    for path, rate, seconds in zip(paths, RATES, SECONDS, strict=True):
        soundfile.write(path, noise(seconds, rate, seed=rate), rate)
    return paths


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """Sounding but for its last two seconds; what is in it does not matter."""
    path = tmp_path_factory.mktemp("edit") / "edit.wav"
    sound = noise(EDIT_S, RATES[0], seed=0)
    sound[24 * RATES[0] :] = 0
    soundfile.write(path, sound, RATES[0])
    return path


def run(out: float, end: float, source: int | None, src: float = 0, **how) -> Segment:
    """A segment by seconds of the edit and of its source."""
    place = {"source": None, "src_start": None, "src_end": None}
    if source is not None:
        rate, length = RATES[source], (end - out) * how.get("speed", 1)
        place = {
            "source": source,
            "src_start": round(src * rate),
            "src_end": round((src + length) * rate),
        }
    return Segment(out_start=round(out * RATES[0]), out_end=round(end * RATES[0]), **place, **how)


@pytest.fixture(scope="module")
def edit(raws):
    segments = [
        run(0, 5, 0, 10, confidence=1),
        run(5, 8, 0, 15, confidence=0.5, reverse=True),
        run(8, 11, 1, 2, confidence=1, speed=1.15, pitch_semitones=2.42),
        run(11, 14, 1, 5.45, confidence=1, gain_db=-4.5),
        run(14, 16, 1, 8.45, confidence=1, polarity=-1),
        run(16, 18, None),
        run(18, 24, 0, 12, confidence=1),
        run(24, 26, None),
    ]
    return with_segments(raws, segments)


def with_segments(raws, segments) -> Edit:
    return Edit(
        sample_rate=RATES[0],
        samples=segments[-1].out_end,
        sources=[source_of(raw) for raw in raws],
        segments=with_ops(segments),
    )


@pytest.fixture(scope="module")
def figure(edit, edited):
    return alignment_figure(edit, edited, title="A $song")


def parts(figure) -> Counter:
    return Counter(artist.get_gid() for artist in figure.findobj() if artist.get_gid())


def texts(figure, gid: str) -> list[str]:
    return [artist.get_text() for artist in figure.findobj() if artist.get_gid() == gid]


def test_every_segment_has_its_band_and_every_treatment_its_label(figure, edit):
    found = parts(figure)
    bands = {gid for gid in found if gid.startswith("band-")}
    assert bands == {f"band-{n}" for n, s in enumerate(edit.segments) if s.has_source}
    assert texts(figure, "mark") == [
        "◀ reversed",
        "×1.15 +2.4 st",
        "ø inverted",
        "not in the raw",
        "silence",
    ]
    assert found["hatched"] == 2
    assert found["backwards"] == 1
    assert texts(figure, "gain") == ["−4.5"]


def test_several_raws_are_named_and_told_apart(figure):
    assert texts(figure, "name-0") == ["1  song $x_{ raw.1"]
    assert texts(figure, "name-1") == ["2  song $x_{ raw.2"]
    assert texts(figure, "played source") == ["1", "2", "1"]
    assert parts(figure)["source"] == 2


def test_a_reversed_band_is_twisted(figure):
    def ends(number):
        (band,) = [a for a in figure.findobj() if a.get_gid() == f"band-{number}"]
        left, left_below, right_below, right = (
            band.get_path().vertices[k][0] for k in (0, 3, 4, 7)
        )
        return right - left, right_below - left_below

    assert np.prod(ends(0)) > 0
    assert np.prod(ends(1)) < 0


def test_cuts_are_told_from_changes_of_treatment(edit, figure):
    cuts = cuts_of(edit)
    assert [cut.at_s for cut in cuts] == [5, 8, 11, 14, 16, 18, 24]
    assert [cut.continues for cut in cuts] == [True, False, True, True, False, False, False]
    # From source to source nothing goes back.
    assert not any(cut.goes_back for cut in cuts)
    assert (parts(figure)["cut"], parts(figure)["change"]) == (4, 3)


def test_jumps_back_are_marked_but_not_those_of_a_few_milliseconds(raws, edited):
    segments = [run(0, 10, 0, 5), run(10, 20, 0, 14.98), run(20, 26, 0, 1)]
    edit = with_segments(raws, segments)
    assert [cut.goes_back for cut in cuts_of(edit)] == [False, True]
    figure = alignment_figure(edit, edited, title="")
    assert parts(figure)["jump back"] == 1
    assert "↩ 1 jump back" in summary(edit, RawAxis(edit.sources))


def test_what_has_no_content_has_no_axes(raws, edited, figure):
    plain = alignment_figure(with_segments(raws[:1], [run(0, 26, 0, 2)]), edited, title="")
    assert [axes.get_label() for axes in plain.axes] == ["raw", "bands", "edit"]
    assert not {"source", "played source", "mark"} & set(parts(plain))
    names = ["raw", "bands", "edit", "marks", "gain", "confidence"]
    assert [axes.get_label() for axes in figure.axes] == names


def test_the_raw_axis_puts_sources_one_after_the_other(edit):
    axis = RawAxis(edit.sources)
    assert axis.starts_s == pytest.approx([0, 30 + axis.gap_s])
    assert axis.seconds == pytest.approx(50 + axis.gap_s)
    assert axis.span(edit.segments[3]) == pytest.approx((35.45 + axis.gap_s, 38.45 + axis.gap_s))
    texts = [tick.text for tick in axis.ticks()]
    assert texts == ["0:00", "0:05", "0:10", "0:15", "0:20", "0:25", "0:30", *texts[7:]]
    # The clock of the second begins anew; at its very start the first's end leaves no room.
    assert texts[7:] == ["0:05", "0:10", "0:15", "0:20"]


def test_repeats_are_counted_by_place_in_their_own_source(raws):
    segments = [run(0, 8, 0, 5), run(8, 16, 0, 9), run(16, 24, 1, 5), run(24, 32, 0, 20)]
    edit = with_segments(raws, segments)
    assert played_again(edit, RawAxis(edit.sources)) == [(9, 13, 2)]
    assert source_stays(edit) == [(0, 16, 0), (16, 24, 1), (24, 32, 0)]


def test_the_summary_explains_the_signs(edit):
    words = summary(edit, RawAxis(edit.sources))
    for fact in (
        "0:50 of 2 raws → 0:26",
        "6 segments",
        "0:04 without source",
        "◀ 1 reversed",
        "× 1 change of speed",
        "♪ 1 change of pitch",
        "ø polarity inverted in 1",
        "1 uncertain",
    ):
        assert fact in words


def test_alike_neighbours_share_a_label_and_drift_has_none(raws, edited):
    wave = read_waveform(edited)
    drifting = run(8, 20, 0, 2, speed=1.0002, pitch_semitones=0.0035, polarity=-1)
    tape = {"speed": 0.9, "pitch_semitones": -1.82, "polarity": -1}
    segments = [run(0, 4, 0, 10, **tape), run(4, 8, 0, 3, **tape), drifting]
    edit = with_segments(raws, segments)
    # All are inverted: that is how the raw was recorded.
    assert [mark[:3] for mark in marks_of(edit, wave)] == [(0, 8, "×0.90 −1.8 st")]
    assert "ø polarity inverted throughout" in summary(edit, RawAxis(edit.sources))


def test_gain_is_shown_against_most_of_the_edit(raws):
    segments = [
        run(0, 4, 0, 1, gain_db=9.0),
        run(4, 12, 0, 9, gain_db=9.1),
        run(12, 14, 0, 1, gain_db=6),
    ]
    edit = with_segments(raws, segments)
    assert [(r.start_s, r.end_s, round(r.db, 1)) for r in gain_runs(edit)] == [
        (0, 12, -0.1),
        (12, 14, -3.1),
    ]
    assert gain_runs(with_segments(raws, segments[:2])) == []
    assert "+9.1 dB on the whole" in summary(edit, RawAxis(edit.sources))


def test_labels_do_not_lie_on_each_other_however_many():
    rng = np.random.default_rng(0)
    starts = np.sort(rng.uniform(0, 99, 200))
    marks = [Mark(start, start + rng.uniform(0.1, 1), "◀ reversed", "◀") for start in starts]
    placed = in_lanes(marks, seconds=100)
    assert {p.lane for p in placed} == set(range(LANES))
    assert {p.text for p in placed} == {"◀ reversed", "◀"}
    for lane in range(LANES):
        row = [(p.centre_s, len(p.text) * CHARACTER * 100) for p in placed if p.lane == lane]
        for (left, width), (right, other) in pairwise(row):
            assert right - left >= (width + other) / 2
        assert all(width / 2 <= centre <= 100 - width / 2 for centre, width in row)


def test_a_waveform_keeps_the_peaks_of_all_channels_and_blocks(tmp_path):
    sound = np.zeros((700_000, 2))
    sound[100, 1], sound[400_000, 0], sound[-1] = 0.5, -0.25, (0.75, -0.75)
    soundfile.write(tmp_path / "long.wav", sound, 8000)
    wave = read_waveform(tmp_path / "long.wav", columns=70)
    assert (wave.high[0], wave.low[40]) == pytest.approx((0.5, -0.25), abs=1e-4)
    # Opposite channels do not cancel.
    assert (wave.high[-1], wave.low[-1]) == pytest.approx((0.75, -0.75), abs=1e-4)
    assert np.count_nonzero(wave.high) + np.count_nonzero(wave.low) == 4
    assert wave.peak(1.25, 49) == 0


@pytest.mark.parametrize(
    ("name", "room", "text"), [("take 12", 7, "take 12"), ("take 12", 5, "…e 12"), ("long", 3, "")]
)
def test_names_are_shortened_from_the_front(name, room, text):
    assert shortened(name, room) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (61, "1:01"), (59.96, "1:00"), (90.5, "1:30.5"), (3725, "1:02:05")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_sources_are_read_from_their_paths(tmp_path, edit, edited, raws):
    by_name = [
        source.model_copy(update={"path": raws[k].name}) for k, source in enumerate(edit.sources)
    ]
    carried = edit.model_copy(update={"sources": tuple(by_name)})
    with pytest.raises(AudioError, match=r"raw\.1\.wav"):
        draw_alignment(carried, edited, tmp_path / "picture.png", title="")
    found = with_sources_found(carried, beside=raws[0].parent)
    draw_alignment(found, edited, tmp_path / "picture.png", title="")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.parametrize(("speed", "text"), [(1.15, "×1.15"), (1.003, "×1.003"), (1.0001, "")])
def test_a_speed_near_one_is_not_called_one(speed, text):
    segment = Segment(out_start=0, out_end=8, source=0, src_start=0, src_end=8, speed=speed)
    assert treatment(segment)[0] == text
