"""Bring the songs of the first editorbot's tree over into data/.

The old tree kept `training_data/{input,desired_output,reference,pointer_sequences}` and
`cache/{features,labels,stems,stems_mel}`. Recordings are brought over. What was computed from them
is not: the old pointers came from a search within 30 s and point nowhere near where a song was
reordered, and the pipeline makes features and stems again in minutes; they are only listed, so
that a cached song whose recordings are gone is not overlooked.
"""

import errno
import os
import shutil
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from editorbot.corpus.songs import EDIT_FOLDER, RAW_FOLDER, find_songs, in_order, raw_name
from editorbot.errors import EditorbotError
from editorbot.files import replacing, sha256
from editorbot.progress import track

SOUND = {".wav", ".flac", ".aiff", ".aif", ".ogg", ".opus", ".mp3", ".m4a"}
REFERENCE_FOLDER = "reference"


@dataclass
class ImportReport:
    """What an import did, as paths and names for the user."""

    copied: list[Path] = field(default_factory=list)
    already_there: list[Path] = field(default_factory=list)
    half_pairs: list[str] = field(default_factory=list)
    without_sound: list[str] = field(default_factory=list)
    """Names in the old cache of which no recording was found."""


@dataclass(frozen=True)
class _Transfer:
    source: Path
    target: Path


def import_songs(
    training_data: Path, data: Path, *, cache: Path | None = None, link: bool = False
) -> ImportReport:
    """Copy the pairs and reference tracks of `training_data` into the folder `data`.

    Nothing in `data` is ever overwritten, and nothing is copied before every target was checked.
    With `link`, files on the same disk are hard-linked in place of copied.

    Raises:
        EditorbotError: There is no recording below `training_data`, or no folder `cache`; a song
            of the same name and other content is already in `data`; two recordings claim the same
            song and side, or a song's raws are not numbered without a gap; or a file cannot be
            read or written.
    """
    cached = _cached_names(cache)
    transfers = _planned(Path(training_data), Path(data))
    if not transfers:
        raise EditorbotError(
            f"{training_data} holds no recordings: expected {training_data}/{RAW_FOLDER}/"
            f"SONG_raw.wav and {training_data}/{EDIT_FOLDER}/SONG_edit.wav"
        )
    _refuse_rivals(transfers)
    report = ImportReport()
    new = [transfer for transfer in transfers if not _is_there(transfer)]
    report.already_there = [t.target for t in transfers if t not in new]
    for transfer in track(new, "Bringing recordings over"):
        _transfer(transfer, link=link)
        report.copied.append(transfer.target)
    table = find_songs(data, which="own")
    report.half_pairs = list(table.half_pairs)
    found = {_song(transfer.target) for transfer in transfers} | set(table.names)
    report.without_sound = sorted(cached - found)
    return report


def _song(recording: Path) -> str:
    name = raw_name(recording)
    return name.song if name else unicodedata.normalize("NFC", recording.stem.removesuffix("_edit"))


def _planned(training_data: Path, data: Path) -> list[_Transfer]:
    raws = [path for path in _sound_files(training_data / RAW_FOLDER) if raw_name(path)]
    names = {_song(path) for path in raws}
    plan = [_Transfer(path, data / RAW_FOLDER / path.name) for path in raws]
    for path in _sound_files(training_data / EDIT_FOLDER):
        # The old tree also took an edit that bears the song's bare name.
        bare = unicodedata.normalize("NFC", path.stem) in names
        name = path.stem if bare else path.stem.removesuffix("_edit")
        if bare or path.stem.endswith("_edit"):
            plan.append(_Transfer(path, data / EDIT_FOLDER / f"{name}_edit{path.suffix}"))
    for path in _sound_files(training_data / REFERENCE_FOLDER):
        plan.append(_Transfer(path, data / REFERENCE_FOLDER / path.name))
    return plan


def _sound_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in SOUND and p.is_file())


def _refuse_rivals(transfers: list[_Transfer]) -> None:
    """Refuse recordings of one song and side that no later step could tell apart or order."""
    _refuse_unordered(transfers)
    claims: dict[tuple[Path, str], Path] = {}
    for transfer in transfers:
        folder = transfer.target.parent
        if folder.name != EDIT_FOLDER:
            continue
        name = unicodedata.normalize("NFC", transfer.target.stem)
        here = [p for p in _sound_files(folder) if unicodedata.normalize("NFC", p.stem) == name]
        rivals = [path for path in here if path != transfer.target]
        rivals += [claims[folder, name]] if (folder, name) in claims else []
        if rivals:
            raise EditorbotError(
                f"{rivals[0]} and {transfer.source} both claim the song "
                f"'{_song(transfer.target)}': keep one of the two"
            )
        claims[folder, name] = transfer.source


def _refuse_unordered(transfers: list[_Transfer]) -> None:
    """Refuse what would leave a song with raws that are not numbered without a gap."""
    coming = {t.target: t.source for t in transfers if t.target.parent.name == RAW_FOLDER}
    folders = {target.parent for target in coming}
    there = {path for folder in folders for path in _sound_files(folder)} - coming.keys()
    raws: dict[str, list[Path]] = defaultdict(list)
    for path in [*coming.values(), *filter(raw_name, there)]:
        raws[_song(path)].append(path)
    for song, paths in raws.items():
        in_order(song, paths)


def _is_there(transfer: _Transfer) -> bool:
    if not transfer.target.exists():
        return False
    if transfer.source.stat().st_size == transfer.target.stat().st_size and sha256(
        transfer.source
    ) == sha256(transfer.target):
        return True
    raise EditorbotError(
        f"{transfer.target} is already there with other content than {transfer.source}: "
        "rename or remove one of the two"
    )


def _transfer(transfer: _Transfer, *, link: bool) -> None:
    with replacing(transfer.target) as temporary:
        try:
            if not (link and _linked(transfer.source.resolve(), temporary)):
                shutil.copyfile(transfer.source, temporary)
        except OSError as error:
            # Copying blames the source whatever went wrong, a full disk too.
            raise EditorbotError(
                f"{transfer.source} could not be brought over to {transfer.target}: "
                f"{error.strerror or error}"
            ) from error


def _linked(source: Path, target: Path) -> bool:
    """Hard-link a file where its disk allows it."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            return False
        raise
    return True


def _cached_names(cache: Path | None) -> set[str]:
    if cache is None:
        return set()
    if not Path(cache).is_dir():
        raise EditorbotError(f"{cache} is not a folder: expected the old tree's cache")
    names = {unicodedata.normalize("NFC", path.stem) for path in Path(cache).glob("*/*.npz")}
    for ending in ("_raw", "_edit", "_stems"):
        names = {name.removesuffix(ending) for name in names}
    return names
