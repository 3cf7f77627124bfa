from pathlib import Path

import av
import numpy as np
import pytest

from editorbot.audio import io

LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "7.0", 8: "7.1"}


def sweep(rate: int, channels: int, seconds: float, *, seed: int = 0) -> np.ndarray:
    """(C, T): another gliding tone in each channel, and bursts of noise, below full scale."""
    samples = round(rate * seconds)
    t = np.arange(samples) / rate
    pitch = 200 * (1 + np.arange(channels))[:, None]
    tone = 0.3 * np.sin(2 * np.pi * pitch * t + 3 * np.sin(t))
    noise = np.random.default_rng(seed).standard_normal((channels, samples))
    return (tone + 0.05 * noise * (np.sin(7 * t) > 0)).astype(np.float32)


def write_container(
    path: Path,
    audio: np.ndarray,
    rate: int,
    *,
    codec: str = "aac",
    container: str | None = None,
    layout: str | None = None,
    **options: str,
) -> None:
    """Write (C, T) with FFmpeg's encoders, as soundfile cannot."""
    layout = layout or LAYOUTS[len(audio)]
    packed = np.ascontiguousarray(audio.T).reshape(1, -1)
    with av.open(str(path), "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.codec_context.format.name,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        position = 0
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            part.pts = position
            position += part.samples
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))


@pytest.fixture
def make_file(tmp_path):
    """Write a sound file whose suffix chooses the format, m4a and mkv included."""

    def make(name: str, audio: np.ndarray, rate: int, **options: str) -> Path:
        path = tmp_path / name
        if path.suffix in (".m4a", ".mkv", ".mp4", ".mov", ".webm", ".aac"):
            write_container(path, audio, rate, **options)
        else:
            io.write(path, audio, sample_rate=rate, channels=len(audio), **options)
        return path

    return make
