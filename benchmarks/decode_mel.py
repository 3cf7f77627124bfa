"""Times of decode and mel, in times real time, beside librosa in the same run.

Bound, in CPU time: decode and mel together at least 100 times real time for wav, flac, ogg, mp3
and m4a, stereo at 48 kHz, and at least 0.6 times as fast as librosa.load followed by
librosa.feature.melspectrogram. Those do less: they keep mono at 22,050 Hz, all of it in memory,
check nothing and store nothing.

    python benchmarks/decode_mel.py [--minutes 10] [--profile]
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import torch

from editorbot.audio import io
from editorbot.audio.decode import decode
from editorbot.audio.mel import mel_store
from editorbot.params import DecodeParams, MelParams

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "audio"))
from conftest import sweep, write_container

RATE = 48000
BOUND, BOUND_TO_LIBROSA = 100, 0.6  # times real time; ratio
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".m4a")


def seconds_of(action: Callable[[], object]) -> float:
    """CPU seconds, the least of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def by_librosa(source: Path, params: MelParams) -> None:
    audio, rate = librosa.load(source, sr=params.sample_rate, res_type="soxr_hq")
    power = librosa.feature.melspectrogram(
        y=audio, sr=rate, n_fft=params.n_fft, hop_length=params.hop_length, n_mels=params.n_mels
    )
    librosa.power_to_db(power, ref=np.max)


def make_source(folder: Path, suffix: str, minutes: int) -> Path:
    path = folder / f"x{suffix}"
    part = sweep(RATE, 2, 60)
    blocks = [part] * minutes
    if suffix == ".m4a":
        write_container(path, np.concatenate(blocks, axis=1), RATE)
    else:
        subtype = "PCM_24" if suffix == ".wav" else None
        io.write(path, blocks, sample_rate=RATE, channels=2, subtype=subtype)
    return path


def measure(folder: Path, suffix: str, minutes: int) -> tuple[float, float, float]:
    """CPU seconds of decode, mel, and librosa for both."""
    kept, params = DecodeParams(), MelParams()
    source = make_source(folder, suffix, minutes)
    decoded, mel = folder / "decoded.zarr.zip", folder / "mel.zarr.zip"
    rates = {"sample_rate": kept.sample_rate, "channels": kept.channels}
    decode_s = seconds_of(lambda: decode(source, decoded, **rates))
    mel_s = seconds_of(lambda: mel_store(decoded, mel, params=params))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa reads m4a by a deprecated way
        try:
            librosa_s = seconds_of(lambda: by_librosa(source, params))
        except Exception as error:
            print(f"librosa cannot read {suffix}: {type(error).__name__}")
            librosa_s = float("nan")
    return decode_s, mel_s, librosa_s


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=int, default=10)
    arguments.add_argument("--profile", action="store_true", help="where the time goes, for wav")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    seconds = options.minutes * 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure(folder, ".wav", 1)  # imports, librosa's compiler, caches
        print(f"{options.minutes} minutes, {RATE} Hz stereo, times real time in CPU time")
        print("format  decode     mel    both  librosa  both/librosa")
        slow = []
        for suffix in SUFFIXES:
            decode_s, mel_s, librosa_s = measure(folder, suffix, options.minutes)
            both_s = decode_s + mel_s
            speeds = [seconds / value for value in (decode_s, mel_s, both_s, librosa_s)]
            decode_x, mel_x, both_x, librosa_x = speeds
            print(
                f"{suffix:6} {decode_x:7.0f} {mel_x:7.0f} {both_x:7.0f} {librosa_x:8.0f} "
                f"{both_x / librosa_x:13.2f}"
            )
            if both_x < BOUND or both_x < BOUND_TO_LIBROSA * librosa_x:
                slow.append(suffix)
        if options.profile:
            profiler = cProfile.Profile()
            profiler.runcall(measure, folder, ".wav", options.minutes)
            pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    print(f"bound missed by {' '.join(slow)}" if slow else "bound met")
    sys.exit(bool(slow))


if __name__ == "__main__":
    main()
