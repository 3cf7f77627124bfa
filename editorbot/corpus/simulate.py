"""Raw recordings and their edits, made from finished tracks: pairs whose edit list is known.

A band "plays" the track's passages in order: with breaks full of talk, tuning, noise and dead air,
count-ins, false starts, spoiled takes that are redone, and vamps that go on for too long. An editor
then keeps what is good. The raw is recorded first; the edit is rendered from the raw by the true
edit list, so the list is right by construction. docs/simulation.md tells what may be set.
"""

import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from editorbot.audio import io
from editorbot.audio.render import render
from editorbot.corpus.simulation.coding import lossy_round_trip
from editorbot.corpus.simulation.editor import Decided, dropped_stretches, edit_recording
from editorbot.corpus.simulation.finish import COMPRESSION_LEVELS, finish
from editorbot.corpus.simulation.material import Material, load_material
from editorbot.corpus.simulation.plan import plan_session
from editorbot.corpus.simulation.record import Recording, record_session
from editorbot.corpus.simulation.reels import (
    Reel,
    causes_on_reels,
    on_reels,
    reel_audio,
    split_session,
)
from editorbot.corpus.simulation.tone import apply_tone, random_tone
from editorbot.edl.model import Edit, Source
from editorbot.edl.serialize import write_edit
from editorbot.errors import EditorbotError
from editorbot.files import sha256, write_json
from editorbot.params import SimulateParams


def simulate(
    track: Path,
    directory: Path,
    *,
    song: str,
    seed: int,
    params: SimulateParams,
    renditions: Path | None = None,
) -> Recording:
    """Make a raw recording, its edit and the true edit list from a finished track.

    The same track, song, seed and params give the same bytes. Each file is written whole or not
    at all, the true edit list first and the raw last, so that a song whose raw is there is
    complete, and a recording without the list beside it is not ours to replace:

    - `input/{song}_raw.wav`, the session, or `{song}_raw.1.wav` and so on if it is several files;
    - `desired_output/{song}_edit.wav`, what the editor made of it;
    - `truth/{song}_edit.json`, the true edit list, its source paths relative to `truth`;
    - `truth/{song}_causes.json`, `[{start_s, end_s, cause}]`: why the raw's other parts were
      dropped (talk, noise, tuning, dead_air, count_in, false_start, spoiled_take, vamp), with the
      number of the `source` where there are several.

    Args:
        track: A finished track, any sound file of at least 15 s.
        directory: Where to write, such as data/.
        song: Name of the pair.
        seed: Another seed gives another session and edit.
        params: How sessions go and what the editor does.
        renditions: A list of other renditions of the track (`write_renditions`): each take is then
            played by another, unless repeats are copies; without it all takes have the track's own
            sound.

    Returns:
        The session, before it was divided into files.

    Raises:
        EditorbotError: The track is not sound, too short, silent or without a pulse, or a
            recording that was not simulated has the pair's name.
    """
    names = _names(Path(directory), song, raws=params.raws)
    others = _other_raws(names, song)
    _refuse_to_replace_recordings(names, others)
    rng = np.random.default_rng([seed, zlib.crc32(song.encode())])
    again = renditions if params.repeats == "played_again" else None
    material = load_material(Path(track), rng, params, renditions=again)
    recording = _record(material, rng, params)
    later = rng.spawn(1)[0]  # so that a session in one file is the same as before there were more
    reels = split_session(recording, later, params)
    with TemporaryDirectory(prefix="editorbot-simulate-") as workplace:
        raws = _raw_files(recording, reels, names.raws, Path(workplace), later, params)
        decided = edit_recording(recording, _session(recording), rng, params)
        dropped = dropped_stretches(recording, decided.edit)
        edit = on_reels(decided.edit, reels, tuple(raw.source for raw in raws))
        edited = _rendered(edit, raws)
    finished = finish(Decided(edit, decided.foreign), edited, material, rng, params)
    if len(raws) > 1:
        dropped = causes_on_reels(dropped, reels, recording.sample_rate)
    for path in others:  # of another simulation; a song has its raw in one file or in several
        path.unlink()
    write_edit(names.truth, finished.edit)
    write_json(names.causes, dropped)
    _write(names.edit, finished.audio, finished.sample_rate, params)
    for path, raw in reversed(list(zip(names.raws, raws, strict=True))):
        _write(path, raw.audio, raw.source.sample_rate, params)
    return recording


@dataclass(frozen=True)
class _Names:
    raws: tuple[Path, ...]
    edit: Path
    truth: Path
    causes: Path


@dataclass(frozen=True)
class _RawFile:
    """One file of the session: `played` is cut by the editor, `audio` (C, T) is what is kept."""

    played: Path
    audio: np.ndarray
    source: Source


def _names(directory: Path, song: str, *, raws: int) -> _Names:
    return _Names(
        raws=tuple(directory / "input" / name for name in raw_names(song, raws)),
        edit=directory / "desired_output" / f"{song}_edit.wav",
        truth=directory / "truth" / f"{song}_edit.json",
        causes=directory / "truth" / f"{song}_causes.json",
    )


def raw_names(song: str, raws: int) -> tuple[str, ...]:
    """Names of the files of a session: one raw, or several with numbers from 1."""
    numbers = [""] if raws == 1 else [f".{number}" for number in range(1, raws + 1)]
    return tuple(f"{song}_raw{number}.wav" for number in numbers)


def _other_raws(names: _Names, song: str) -> list[Path]:
    """Raws of the song that are there and are not among `names`."""
    whole = re.compile(re.escape(song) + r"_raw(\.\d+)?\.wav")
    folder = names.raws[0].parent
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in there if whole.fullmatch(path.name) and path not in names.raws]


def _refuse_to_replace_recordings(names: _Names, others: list[Path]) -> None:
    for path in (*names.raws, *others, names.edit):
        if path.exists() and not names.truth.exists():
            raise EditorbotError(
                f"{path} is there already and was not simulated: choose another folder, or give "
                "the track another name"
            )


def _record(material: Material, rng: np.random.Generator, params: SimulateParams) -> Recording:
    tone = random_tone(rng, spread_db=params.raw_tone_db, sample_rate=material.sample_rate)
    material = material.sounding(lambda audio: apply_tone(audio, tone))
    return record_session(material, plan_session(material, rng, params), rng, params)


def _session(recording: Recording) -> Source:
    """How the editor's own list names the whole session."""
    channels, samples = recording.audio.shape
    return Source(
        path="session",
        sample_rate=recording.sample_rate,
        channels=channels,
        samples=samples,
        sha256="",
    )


def _raw_files(
    recording: Recording,
    reels: tuple[Reel, ...],
    paths: tuple[Path, ...],
    workplace: Path,
    rng: np.random.Generator,
    params: SimulateParams,
) -> list[_RawFile]:
    """Write the session's files to `workplace`; perhaps only lossy copies of them are kept."""
    finished = params.level in ("mastered", "hard")
    lossy = finished and rng.random() < params.raw_codec_share
    codec, level = str(rng.choice(["ogg", "mp3"])), float(rng.uniform(*COMPRESSION_LEVELS))
    result = []
    for path, reel in zip(paths, reels, strict=True):
        audio, rate = reel_audio(recording, reel), reel.sample_rate
        played = kept = workplace / path.name
        _write(played, audio, rate, params)
        if lossy:
            audio = lossy_round_trip(audio, sample_rate=rate, codec=codec, compression_level=level)
            kept = workplace / "kept" / path.name
            _write(kept, audio, rate, params)
        channels, samples = audio.shape
        source = Source(
            path=f"../input/{path.name}",
            sample_rate=rate,
            channels=channels,
            samples=samples,
            sha256=sha256(kept),
        )
        result.append(_RawFile(played, audio, source))
    return result


def _rendered(edit: Edit, raws: list[_RawFile]) -> np.ndarray:
    sources = tuple(raw.source.model_copy(update={"path": str(raw.played)}) for raw in raws)
    return np.concatenate(list(render(edit.model_copy(update={"sources": sources}))), axis=1)


def _write(path: Path, audio: np.ndarray, sample_rate: int, params: SimulateParams) -> None:
    form = {"sample_rate": sample_rate, "channels": len(audio), "subtype": f"PCM_{params.bits}"}
    io.write(path, audio, **form)
