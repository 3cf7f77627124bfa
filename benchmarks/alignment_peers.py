"""Other aligners on one pair, for `benchmarks/alignment.py`; runs in their own environment.

    build/peers/bin/python benchmarks/alignment_peers.py PEER RAW.wav EDIT.wav OUT.npy

Writes (N, 2) float64: an instant of the edit and the instant of the raw heard there, in seconds,
NaN where the peer says that nothing of the raw is heard. Prints CPU seconds and peak memory (GB) as
JSON. What is imported and compiled before the pair is seen does not count.

Two kinds: those that align whole recordings get both whole; those that find one offset get the edit
in windows, as somebody would who wanted an edit list from them. Windows are as long as served each
best on a simulated pair: 2, 4 and 6 s were tried.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import librosa
import numpy as np
import soundfile

RATE, HOP = 22050, 512
DTW_WINDOW_S, DTW_STEP_S = 2.0, 1.0
OFFSET_WINDOW_S, OFFSET_STEP_S = 6.0, 2.0


def load(path: str, rate: int = RATE) -> np.ndarray:
    return librosa.load(path, sr=rate, mono=True)[0]


def chroma(sound: np.ndarray) -> np.ndarray:
    """(12 + 19 + 1, F): pitch classes, MFCCs for what has no pitch, and a constant for silence."""
    pitch = librosa.feature.chroma_stft(y=sound, sr=RATE, hop_length=HOP, norm=2)
    timbre = librosa.feature.mfcc(y=sound, sr=RATE, hop_length=HOP)[1:]
    timbre = timbre / np.maximum(1e-6, np.linalg.norm(timbre, axis=0))
    return np.vstack([pitch, timbre, np.full((1, pitch.shape[1]), 0.1)])


def whole_dtw(raw: str, edit: str) -> np.ndarray:
    """`librosa.sequence.dtw(subseq=True)`: the edit as one subsequence of the raw."""
    path = subsequence(chroma(load(edit)), chroma(load(raw)))
    return path * HOP / RATE


def window_dtw(raw: str, edit: str) -> np.ndarray:
    """The same for each window of the edit, which allows reorders and loops."""
    ours, theirs = chroma(load(edit)), chroma(load(raw))
    frames, step = round(DTW_WINDOW_S * RATE / HOP), round(DTW_STEP_S * RATE / HOP)
    margin = (frames - step) // 2
    found = []
    for start in range(0, max(1, ours.shape[1] - frames + 1), step):
        path = subsequence(ours[:, start : start + frames], theirs)
        path[:, 0] += start
        first = 0 if start == 0 else start + margin
        last = start + margin + step
        if start + step + frames > ours.shape[1]:
            last = ours.shape[1]
        found.append(path[(path[:, 0] >= first) & (path[:, 0] < last)])
    return np.concatenate(found) * HOP / RATE


def subsequence(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(N, 2) frames of the part and of the whole, in order."""
    return librosa.sequence.dtw(part, whole, subseq=True, metric="cosine")[1][::-1].astype(float)


def synctoolbox(raw: str, edit: str) -> np.ndarray:
    """Memory-restricted multi-scale DTW over chroma and onsets, as its examples do it."""
    from synctoolbox.dtw.mrmsdtw import sync_via_mrmsdtw

    rate = 50
    features = [synctoolbox_features(load(path), rate) for path in (edit, raw)]
    warping = sync_via_mrmsdtw(
        f_chroma1=features[0][0],
        f_onset1=features[0][1],
        f_chroma2=features[1][0],
        f_onset2=features[1][1],
        input_feature_rate=rate,
        step_weights=np.array([1.5, 1.5, 2.0]),
        threshold_rec=10**6,
    )
    return warping.T / rate


def synctoolbox_features(sound: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    from synctoolbox.feature.chroma import pitch_to_chroma, quantize_chroma
    from synctoolbox.feature.dlnco import pitch_onset_features_to_DLNCO
    from synctoolbox.feature.pitch import audio_to_pitch_features
    from synctoolbox.feature.pitch_onset import audio_to_pitch_onset_features

    pitch = audio_to_pitch_features(f_audio=sound, Fs=RATE, feature_rate=rate)
    quantised = quantize_chroma(f_chroma=pitch_to_chroma(f_pitch=pitch))
    onsets = audio_to_pitch_onset_features(f_audio=sound, Fs=RATE)
    dlnco = pitch_onset_features_to_DLNCO(
        f_peaks=onsets, feature_rate=rate, feature_sequence_length=quantised.shape[1]
    )
    return quantised, dlnco


def audio_offset_finder(raw: str, edit: str) -> np.ndarray:
    """MFCC correlation, one offset per window."""
    from audio_offset_finder.audio_offset_finder import find_offset_between_buffers

    rate = 8000
    whole = load(raw, rate)

    def offset(window: np.ndarray) -> float:
        # Its default of 2,000 frames is 32 s; `time_offset` is where the window begins in `whole`.
        return find_offset_between_buffers(whole, window, rate)["time_offset"]

    return by_windows(load(edit, rate), rate, offset)


def audalign(raw: str, edit: str) -> np.ndarray:
    """Its correlation recogniser, one offset per window."""
    import audalign as package

    recogniser = package.CorrelationRecognizer()
    recogniser.config.multiprocessing = False
    recogniser.config.num_processors = 1
    sound, rate = soundfile.read(edit, always_2d=True)
    with tempfile.TemporaryDirectory() as folder:
        window_file, raw_file = Path(folder) / "window.wav", Path(folder) / "whole.wav"
        # It asks ffmpeg for anything but 16-bit samples.
        soundfile.write(raw_file, *soundfile.read(raw), subtype="PCM_16")

        def offset(window: np.ndarray) -> float:
            soundfile.write(window_file, window, rate, subtype="PCM_16")
            found = package.recognize(str(window_file), str(raw_file), recognizer=recogniser)
            matches = (found or {}).get("match_info", {}).get(raw_file.name)
            return matches["offset_seconds"][0] if matches else np.nan

        return by_windows(sound.mean(axis=1), rate, offset)


def by_windows(sound: np.ndarray, rate: int, offset) -> np.ndarray:
    """Ask for each window where it begins in the raw; its middle is taken to lie there."""
    length, step = round(OFFSET_WINDOW_S * rate), round(OFFSET_STEP_S * rate)
    starts = range(0, max(1, len(sound) - length + 1), step)
    margin = (OFFSET_WINDOW_S - OFFSET_STEP_S) / 2
    found = []
    for start in starts:
        at = offset(sound[start : start + length])
        first = 0.0 if start == 0 else margin
        last = len(sound) / rate if start == starts[-1] else margin + OFFSET_STEP_S
        if start == starts[-1]:
            last -= start / rate
        times = np.arange(first, last, HOP / RATE)
        found.append(np.stack([start / rate + times, at + times], axis=1))
    return np.concatenate(found)


PEERS = {
    "librosa-dtw": whole_dtw,
    "librosa-dtw-windows": window_dtw,
    "synctoolbox": synctoolbox,
    "audalign": audalign,
    "audio-offset-finder": audio_offset_finder,
}


def warm_up(peer: str) -> None:
    """Import and compile what the peer needs, on two seconds of noise and on a window of it."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / name) for name in ("raw.wav", "edit.wav")]
        noise = 0.1 * np.random.default_rng(0).standard_normal(8 * RATE)
        soundfile.write(paths[0], noise, RATE)
        soundfile.write(paths[1], noise[2 * RATE : 5 * RATE], RATE)
        PEERS[peer](*paths)


def main() -> None:
    peer, raw, edit, output = sys.argv[1:]
    printed = sys.stdout
    sys.stdout = sys.stderr  # audalign tells on standard output what it does
    warm_up(peer)
    before = time.process_time()
    found = PEERS[peer](raw, edit)
    cpu_s = time.process_time() - before
    np.save(output, found)
    # Not getrusage's, which counts what the process that started this one held.
    status = Path("/proc/self/status").read_text()
    peak_gb = int(status.split("VmHWM:")[1].split()[0]) / 2**20
    print(json.dumps({"cpu_s": cpu_s, "peak_gb": peak_gb}), file=printed)


if __name__ == "__main__":
    main()
