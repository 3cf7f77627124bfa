"""Raw recordings and their edits, made from finished tracks: pairs whose edit list is known.

A band "plays" the track's passages in order: with breaks full of talk, tuning, noise and dead air,
count-ins, false starts, spoiled takes that are redone, and vamps that go on for too long. An editor
then keeps what is good. The raw is recorded first; the edit is rendered from the raw by the true
edit list, so the list is right by construction. docs/simulation.md tells what may be set.
"""

import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from editorbot.audio import io
from editorbot.audio.render import render
from editorbot.corpus.simulation.coding import lossy_round_trip
from editorbot.corpus.simulation.editor import dropped_stretches, edit_recording
from editorbot.corpus.simulation.material import load_material
from editorbot.corpus.simulation.plan import plan_session
from editorbot.corpus.simulation.record import Recording, record_session
from editorbot.corpus.simulation.tone import apply_tone, master, random_tone
from editorbot.edl.model import Edit, Source
from editorbot.edl.serialize import write_edit
from editorbot.errors import EditorbotError
from editorbot.files import sha256, write_json
from editorbot.params import SimulateParams

MASTERING_TONE_DB = 3.0
COMPRESSION_LEVELS = (0.2, 0.8)


def simulate(track: Path, directory: Path, *, song: str, seed: int, params: SimulateParams) -> None:
    """Make a raw recording, its edit and the true edit list from a finished track.

    The same track, song, seed and params give the same bytes. Each file is written whole or not
    at all, the true edit list first and the raw last, so that a song whose raw is there is
    complete, and a recording without the list beside it is not ours to replace:

    - `input/{song}_raw.wav`, the session;
    - `desired_output/{song}_edit.wav`, what the editor made of it;
    - `truth/{song}_edit.json`, the true edit list, its source path relative to `truth`;
    - `truth/{song}_causes.json`, `[{start_s, end_s, cause}]`: why the raw's other parts were
      dropped (talk, noise, tuning, dead_air, count_in, false_start, spoiled_take, vamp).

    Args:
        track: A finished track, any sound file of at least 15 s.
        directory: Where to write, such as data/.
        song: Name of the pair.
        seed: Another seed gives another session and edit.
        params: How sessions go and what the editor does.

    Raises:
        EditorbotError: The track is not sound, too short, silent or without a pulse, or a
            recording that was not simulated has the pair's name.
    """
    names = _names(Path(directory), song)
    _refuse_to_replace_recordings(names)
    rng = np.random.default_rng([seed, zlib.crc32(song.encode())])
    recording = _record(Path(track), rng, params)
    edit, edited = _edit(recording, names["raw"].name, rng, params)
    write_edit(names["truth"], edit)
    write_json(names["causes"], dropped_stretches(recording, edit))
    io.write(names["edit"], edited, **_form(recording, params))
    io.write(names["raw"], recording.audio, **_form(recording, params))


def _refuse_to_replace_recordings(names: dict[str, Path]) -> None:
    for path in (names["raw"], names["edit"]):
        if path.exists() and not names["truth"].exists():
            raise EditorbotError(
                f"{path} is there already and was not simulated: choose another folder, or give "
                "the track another name"
            )


def _edit(
    recording: Recording, name: str, rng: np.random.Generator, params: SimulateParams
) -> tuple[Edit, np.ndarray]:
    """The true edit list of the raw called `name`, and the finished edit (C, T)."""
    with TemporaryDirectory(prefix="editorbot-simulate-") as workplace:
        copy = Path(workplace) / name
        io.write(copy, recording.audio, **_form(recording, params))
        source = _source(copy, recording, path=f"../input/{name}")
        edit = edit_recording(recording, source, rng, params)
        local = source.model_copy(update={"path": str(copy)})
        blocks = render(edit.model_copy(update={"sources": (local,)}))
        edited = np.concatenate(list(blocks), axis=1)
    if params.level in ("mastered", "hard"):
        edited = _finished(edited, rng, params, sample_rate=recording.sample_rate)
    return edit, edited


def _form(recording: Recording, params: SimulateParams) -> dict[str, object]:
    return {
        "sample_rate": recording.sample_rate,
        "channels": len(recording.audio),
        "subtype": f"PCM_{params.bits}",
    }


def _record(track: Path, rng: np.random.Generator, params: SimulateParams) -> Recording:
    material = load_material(track, rng, params)
    tone = random_tone(rng, spread_db=params.raw_tone_db, sample_rate=material.sample_rate)
    material = material.with_audio(apply_tone(material.audio, tone))
    return record_session(material, plan_session(material, rng, params), rng, params)


def _names(directory: Path, song: str) -> dict[str, Path]:
    return {
        "raw": directory / "input" / f"{song}_raw.wav",
        "edit": directory / "desired_output" / f"{song}_edit.wav",
        "truth": directory / "truth" / f"{song}_edit.json",
        "causes": directory / "truth" / f"{song}_causes.json",
    }


def _source(file: Path, recording: Recording, *, path: str) -> Source:
    return Source(
        path=path,
        sample_rate=recording.sample_rate,
        channels=len(recording.audio),
        samples=recording.audio.shape[1],
        sha256=sha256(file),
    )


def _finished(
    audio: np.ndarray, rng: np.random.Generator, params: SimulateParams, *, sample_rate: int
) -> np.ndarray:
    """Master an edit and take it through a lossy codec."""
    audio = master(audio, rng, tone_db=MASTERING_TONE_DB, sample_rate=sample_rate)
    codec = params.codec if params.codec != "any" else str(rng.choice(["off", "ogg", "mp3"]))
    level = float(rng.uniform(*COMPRESSION_LEVELS))
    if codec == "off":
        return audio
    return lossy_round_trip(audio, sample_rate=sample_rate, codec=codec, compression_level=level)
