"""Rendering against hand-computed cases and a slow, plain reading of the fade rules."""

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editorbot.audio import io
from editorbot.audio.render import render, render_to
from editorbot.audio.stretch import stretch
from editorbot.edl.model import Edit, Fade, Segment, Source
from editorbot.errors import EditorbotError
from editorbot.files import sha256

RATE = 8000
# float32 arithmetic on values up to a few times full scale
TOLERANCE = 2e-6


def make_source(path: Path, audio: np.ndarray, rate: int = RATE, subtype: str = "FLOAT") -> Source:
    io.write(path, audio, sample_rate=rate, channels=len(audio), subtype=subtype)
    return Source(
        path=str(path),
        sample_rate=rate,
        channels=len(audio),
        samples=audio.shape[1],
        sha256=sha256(path),
    )


def noise(seed: int, channels: int, samples: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, samples)).astype(np.float32)


def make_edit(sources: list[Source], segments: list[dict]) -> Edit:
    """Lay segments, given without output positions but with `samples`, end to end."""
    placed, position = [], 0
    for segment in segments:
        segment = dict(segment)
        samples = segment.pop("samples", None)
        if samples is None:
            samples = segment["src_end"] - segment["src_start"]
        given = {"source": 0, "src_start": None, "src_end": None, **segment}
        placed.append(Segment(out_start=position, out_end=position + samples, **given))
        position += samples
    return Edit(
        sample_rate=sources[0].sample_rate,
        samples=position,
        sources=tuple(sources),
        segments=tuple(placed),
    )


def play(edit: Edit, **options) -> np.ndarray:
    return np.concatenate(list(render(edit, **options)), axis=1)


def plain_render(edit: Edit, recordings: list[np.ndarray]) -> np.ndarray:
    """Sample by sample, from the docstring of editorbot.edl.model; speed 1 only."""
    output = np.zeros((len(recordings[0]), edit.samples))
    count = len(edit.segments)
    for number, segment in enumerate(edit.segments):
        if segment.source is None:
            continue
        before = number > 0 and edit.segments[number - 1].source is not None
        after = number < count - 1 and edit.segments[number + 1].source is not None
        recording = recordings[segment.source]
        for t in range(edit.samples):
            weight = plain_fade(segment.fade_in, t - segment.out_start, reaches=before)
            weight *= plain_fade(segment.fade_out, segment.out_end - 1 - t, reaches=after, out=True)
            offset = t - segment.out_start
            position = segment.src_start + offset
            if segment.reverse:
                position = segment.src_end - 1 - offset
            if weight > 0 and 0 <= position < recording.shape[1]:
                gain = segment.polarity * 10 ** (segment.gain_db / 20)
                output[:, t] += weight * gain * recording[:, position]
    return output


def plain_fade(fade: Fade, inside: int, *, reaches: bool, out: bool = False) -> float:
    """Weight of the sample that lies `inside` samples within the boundary (negative: beyond)."""
    n = fade.samples
    if reaches:
        # Of n samples around boundary b, n // 2 come before b, and so n - n // 2 after it.
        beyond = n - n // 2 if out else n // 2
    else:
        beyond = 0
        if inside < 0:
            return 0.0
    w = min(1.0, (inside + beyond + 0.5) / n) if n else float(inside >= 0)
    if w <= 0:
        return 0.0
    return w if fade.curve == "linear" else math.sin(math.pi / 2 * w)


def test_copies_are_bit_identical(tmp_path):
    audio = noise(0, 2, 500)
    source = make_source(tmp_path / "a.wav", audio)
    edit = make_edit(
        [source], [{"src_start": 300, "src_end": 450}, {"src_start": 7, "src_end": 99}]
    )
    assert np.array_equal(play(edit), np.concatenate([audio[:, 300:450], audio[:, 7:99]], axis=1))


def test_linear_crossfade_by_hand(tmp_path):
    audio = np.arange(20, dtype=np.float32)[None] / 64
    source = make_source(tmp_path / "a.wav", audio)
    fade = Fade(samples=4, curve="linear")
    edit = make_edit(
        [source],
        [
            {"src_start": 0, "src_end": 5, "fade_out": fade},
            {"src_start": 12, "src_end": 17, "fade_in": fade},
        ],
    )
    # The fade covers output 3 to 6: weights 1/8, 3/8, 5/8, 7/8; both sides play on beyond 5.
    expected = [0, 1, 2]
    for t, w in zip(range(3, 7), (0.125, 0.375, 0.625, 0.875), strict=True):
        expected.append((1 - w) * t + w * (12 + t - 5))
    expected += [14, 15, 16]
    assert np.allclose(play(edit)[0] * 64, expected, atol=1e-5)


def test_equal_power_crossfade_keeps_power_and_linear_keeps_amplitude(tmp_path):
    source = make_source(tmp_path / "a.wav", np.full((1, 400), 0.25))
    for curve, total in (("linear", lambda a, b: a + b), ("equal_power", lambda a, b: a**2 + b**2)):
        fade = Fade(samples=31, curve=curve)
        left = {"src_start": 100, "src_end": 200, "fade_out": fade}
        right = {"src_start": 100, "src_end": 200, "fade_in": fade}
        silent = {"gain_db": -400.0}
        a = play(make_edit([source], [left, right | silent]))[0] / 0.25
        b = play(make_edit([source], [left | silent, right]))[0] / 0.25
        assert np.allclose(total(a, b), 1.0, atol=1e-5)
        assert not np.allclose(a[:100], 1.0)


def test_fades_at_the_ends_and_beside_silence_lie_inside(tmp_path):
    source = make_source(tmp_path / "a.wav", np.full((1, 100), 0.5))
    fade = Fade(samples=4, curve="linear")
    part = {"src_start": 20, "src_end": 30, "fade_in": fade, "fade_out": fade}
    edit = make_edit([source], [part, {"source": None, "samples": 3}, part])
    ramp = np.array([0.125, 0.375, 0.625, 0.875])
    shape = np.concatenate([ramp, [1, 1], ramp[::-1]])
    assert np.allclose(play(edit)[0], 0.5 * np.concatenate([shape, [0, 0, 0], shape]))


def test_crossfade_at_the_edge_of_the_raw_plays_silence_beyond(tmp_path):
    source = make_source(tmp_path / "a.wav", np.full((1, 40), 0.5))
    fade = Fade(samples=6, curve="linear")
    edit = make_edit(
        [source],
        [
            {"src_start": 30, "src_end": 40, "fade_out": fade},
            {"src_start": 0, "src_end": 10, "fade_in": fade},
        ],
    )
    weights = (np.arange(6) + 0.5) / 6
    expected = np.concatenate([1 - weights[:3], weights[3:]])
    assert np.allclose(play(edit)[0, 7:13], 0.5 * expected)


@st.composite
def edits(draw) -> list[dict]:
    fades = st.builds(
        Fade,
        samples=st.integers(0, 40),
        curve=st.sampled_from(["linear", "equal_power"]),
    )
    segments = []
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.integers(0, 5)) == 0:
            segments.append({"source": None, "samples": draw(st.integers(1, 60))})
            continue
        start = draw(st.integers(0, 250))
        segments.append(
            {
                "source": draw(st.integers(0, 1)),
                "src_start": start,
                "src_end": start + draw(st.integers(1, 50)),
                "gain_db": draw(st.sampled_from([0.0, -6.0, 2.5])),
                "polarity": draw(st.sampled_from([1, -1])),
                "reverse": draw(st.booleans()),
                "fade_in": draw(fades),
                "fade_out": draw(fades),
            }
        )
    return segments


@pytest.fixture(scope="module")
def two_recordings(tmp_path_factory) -> tuple[list[np.ndarray], list[Source]]:
    folder = tmp_path_factory.mktemp("recordings")
    recordings = [noise(1, 2, 300), noise(2, 2, 310)]
    return recordings, [make_source(folder / f"{n}.wav", r) for n, r in enumerate(recordings)]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(segments=edits(), block_samples=st.sampled_from([1, 7, 64, 5000]))
def test_random_edits_equal_the_plain_reference(two_recordings, segments, block_samples):
    recordings, sources = two_recordings
    edit = make_edit(sources, segments)
    rendered = play(edit, block_samples=block_samples)
    assert np.allclose(rendered, plain_render(edit, recordings), atol=TOLERANCE)


def test_blocks_do_not_change_the_sound(tmp_path):
    source = make_source(tmp_path / "a.wav", noise(3, 2, 9000))
    fade = Fade(samples=301)
    tape = {"speed": 0.93, "pitch_semitones": 12 * math.log2(0.93), "samples": 3000}
    stretched = {"speed": 1.2, "samples": 2500, "reverse": True}
    edit = make_edit(
        [source],
        [
            {"src_start": 900, "src_end": 3690, "fade_out": fade, **tape},
            {"src_start": 4000, "src_end": 7000, "fade_in": fade, **stretched},
        ],
    )
    whole = play(edit, block_samples=edit.samples)
    assert np.array_equal(play(edit, block_samples=173), whole)


def dominant_hz(signal: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal)), 16 * len(signal)))
    return float(np.argmax(spectrum)) * rate / (16 * len(signal))


@pytest.mark.parametrize("speed", [0.8, 1.0002, 1.25])
def test_tape_speed_reads_between_samples_exactly(tmp_path, speed):
    time = np.arange(12000)
    source = make_source(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 / RATE * time)[None])
    segment = {"speed": speed, "pitch_semitones": 12 * math.log2(speed), "samples": 4000}
    end = 3001 + round(4000 * speed)
    edit = make_edit([source], [{"src_start": 3001, "src_end": end, **segment}])
    expected = 0.5 * np.sin(2 * np.pi * 440 / RATE * (3001 + speed * np.arange(4000)))
    assert np.abs(play(edit)[0] - expected).max() < 1e-4  # -74 dB of the tone


@pytest.mark.parametrize(("speed", "semitones"), [(0.8, 0.0), (1.25, 0.0), (1.0, 3.0), (1.1, -2.0)])
def test_speed_and_pitch_are_set_apart(tmp_path, speed, semitones):
    # A tone that steps up in the middle of the source shows both pitch and time.
    time = np.arange(16000) / RATE
    tone = 0.4 * np.where(time < 1, np.sin(2 * np.pi * 400 * time), np.sin(2 * np.pi * 900 * time))
    source = make_source(tmp_path / "a.wav", tone[None])
    samples = round(16000 / speed)
    part = {"src_start": 0, "src_end": 16000, "samples": samples}
    edit = make_edit([source], [{**part, "speed": speed, "pitch_semitones": semitones}])
    sound, middle = play(edit)[0], round(8000 / speed)
    factor = 2 ** (semitones / 12)
    assert dominant_hz(sound[1500 : middle - 1500], RATE) == pytest.approx(400 * factor, abs=3)
    assert dominant_hz(sound[middle + 1500 : -1500], RATE) == pytest.approx(900 * factor, abs=3)
    assert np.sqrt(np.mean(sound[1500:-1500] ** 2)) == pytest.approx(0.283, rel=0.1)


def test_stretching_by_one_changes_nothing():
    audio = noise(5, 2, 20000)
    inner = slice(2048, -2048)
    assert np.abs(stretch(audio, speed=1.0) - audio)[:, inner].max() < 1e-5


def test_sources_at_other_rates_and_channels(tmp_path):
    stereo = make_source(tmp_path / "a.wav", noise(6, 2, 4000))
    time = np.arange(44100) / 44100
    mono = make_source(tmp_path / "b.wav", 0.5 * np.sin(2 * np.pi * 500 * time)[None], rate=44100)
    edit = make_edit(
        [stereo, mono],
        [
            {"src_start": 0, "src_end": 1000},
            {"source": 1, "src_start": 4410, "src_end": 4410 + 22050, "samples": 4000},
        ],
    )
    sound = play(edit)[:, 1000:]
    expected = 0.5 * np.sin(2 * np.pi * 500 * (0.1 + np.arange(4000) / RATE))
    assert np.abs(sound - expected).max() < 1e-4


def test_render_to_keeps_samples_and_resolves_base(tmp_path):
    audio = np.round(noise(7, 2, 3000) * 32768) / 32768
    source = make_source(tmp_path / "raw.wav", audio, subtype="PCM_16")
    edit = make_edit([source], [{"src_start": 100, "src_end": 2900}])
    near = edit.model_copy(update={"sources": (source.model_copy(update={"path": "raw.wav"}),)})
    render_to(near, tmp_path / "out.wav", base=tmp_path)
    assert io.probe(tmp_path / "out.wav").subtype == "PCM_24"
    assert np.array_equal(io.read(tmp_path / "out.wav"), audio[:, 100:2900])


@pytest.mark.parametrize(
    ("subtypes", "expected"),
    [
        (["PCM_U8", "PCM_16"], "PCM_24"),
        (["PCM_24", "PCM_32"], "PCM_32"),
        (["PCM_24", "FLOAT"], "FLOAT"),
        (["PCM_16", "DOUBLE"], "DOUBLE"),
        (["FLOAT", "PCM_32"], "DOUBLE"),
    ],
)
def test_every_sample_format_is_copied_bit_for_bit(tmp_path, subtypes, expected):
    sources, copied = [], []
    for number, subtype in enumerate(subtypes):
        audio = np.random.default_rng(number).uniform(-1, 1, (2, 500))
        path = tmp_path / f"{number}.wav"
        sources.append(make_source(path, audio, subtype=subtype))
        copied.append(io.read(path, dtype="float64")[:, 100:400])
    runs = [{"source": n, "src_start": 100, "src_end": 400} for n in range(len(sources))]
    output = tmp_path / "out.wav"
    render_to(make_edit(sources, runs), output)
    assert io.probe(output).subtype == expected
    rendered = io.read(output, dtype="float64")
    np.testing.assert_array_equal(rendered, np.concatenate(copied, axis=1))


def test_another_recording_is_refused(tmp_path):
    source = make_source(tmp_path / "a.wav", noise(8, 1, 100))
    edit = make_edit([source], [{"src_start": 0, "src_end": 50}])
    make_source(tmp_path / "a.wav", noise(8, 1, 99))
    with pytest.raises(EditorbotError, match=r"a\.wav is not the recording.*expected 100.*got 99"):
        play(edit)
    (tmp_path / "a.wav").unlink()
    with pytest.raises(EditorbotError, match=r"a\.wav"):
        render_to(edit, tmp_path / "out.wav")
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_length(tmp_path):
    audio = noise(9, 1, 2**22)
    source = make_source(tmp_path / "long.wav", audio)
    edit = make_edit([source], [{"src_start": 0, "src_end": 2**22, "fade_in": Fade(samples=99)}])
    tracemalloc.start()
    samples = sum(block.shape[1] for block in render(edit))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples == 2**22
    assert peak < 4 * 2**22 / 4  # a quarter of the sound itself
